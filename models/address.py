"""A database's address as people write it, read into what SQLAlchemy takes: also one of several servers.

`postgresql://USER@HOST:PORT,HOST:PORT/DATABASE` is libpq's own form, which SQLAlchemy does not read. With several servers the one
that can be written to is looked for, unless the address says otherwise: the others are its standbys.
"""

from __future__ import annotations

import re

from sqlalchemy import URL, make_url

WRITABLE = {"target_session_attrs": "read-write"}
"""libpq's words for: go on to the next server unless this one can be written to."""
PORT = "5432"
_SERVER = re.compile(r"([^:\[\]]+)(?::(\d{1,5}))?")


def read_address(text: str) -> URL:
    """The address. Raises ValueError or SQLAlchemy's ArgumentError for what is none."""
    scheme, mark, rest = text.partition("://")
    place, slash, path = rest.partition("/")
    user, at, hosts = place.rpartition("@")
    if "," not in hosts:
        url = make_url(text)
        return url.update_query_dict(WRITABLE | _said(url)) if isinstance(url.query.get("host"), tuple) else url
    found = [_SERVER.fullmatch(each) for each in hosts.split(",")]
    servers = [f"{each[1]}:{each[2] or PORT}" for each in found if each is not None]
    if len(servers) != len(found):
        raise ValueError("a server is not HOST or HOST:PORT")
    url = make_url(f"{scheme}{mark}{user}{at}{slash}{path}")
    return url.update_query_dict(WRITABLE | _said(url) | {"host": servers})


def servers(url: URL) -> frozenset[str]:
    """The servers of an address as HOST:PORT; the empty host is this machine's socket."""
    many = url.query.get("host", ())
    named = (many,) if isinstance(many, str) else many
    if not named:
        return frozenset([f"{url.host or ''}:{url.port or PORT}"])
    return frozenset(each if each.rpartition(":")[2].isdigit() else f"{each}:{PORT}" for each in named)


def _said(url: URL) -> dict[str, str]:
    """What the address itself says of which server it wants."""
    return {name: value for name, value in url.query.items() if name in WRITABLE and isinstance(value, str)}
