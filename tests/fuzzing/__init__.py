"""Parsers under random and under coverage-guided input, each in a process of its own whose time and memory are watched."""
