"""Real servers and real terminals for the tests: started in a second, on loopback only, gone when the tests are.

Nothing here stands in for a server: a test that needs PostgreSQL, a mail server or a terminal talks to one. Each
module starts its own process or thread, chooses a free port or a socket of its own, and ends what it started, by
process id, and nothing else.
"""

from __future__ import annotations
