"""The pictures of the README, drawn from the running console."""
