"""Signing in: who somebody is, proved with two factors, and for how long that holds (`sessions`)."""
