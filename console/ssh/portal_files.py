"""The portal's own files that the service account needs as its own: keys that nobody else can read, and a database in a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from console.ssh.steps import Given, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from console.settings import Settings
    from console.ssh.layout import Layout


def portal_files(layout: Layout) -> list[Step]:
    """What is there of the portal's files, each to be the account's. Nothing before there are settings.

    Raises Usage for settings that cannot be read.
    """
    from console.settings import Settings

    file = layout.at(layout.config)
    if not file.exists():
        return []
    settings = Settings.load(file)
    found = {_of_server(layout, path): (mode, why) for path, mode, why in _files(settings)}
    there = {path: layout.at(path) for path in found}
    return [Given(layout, path, *found[path]) for path, at in there.items() if at.exists() and not at.is_symlink()]


def _of_server(layout: Layout, path: Path) -> Path:
    """A path as the server will have it: what the settings name beside themselves was read below the image's root."""
    return Path("/", path.relative_to(layout.root)) if path.is_relative_to(layout.root) else path


def _files(settings: Settings) -> Iterator[tuple[Path, int | None, str]]:
    keys = settings.keys
    for folder in (keys.ledger.parent, keys.data.parent, keys.state):
        yield folder, 0o700, "Keys are for the account alone."
    for key in (keys.ledger, keys.data):
        yield key, 0o400, "Whoever reads it can sign records or open sealed names."
    if keys.state.is_dir():
        for each in sorted(keys.state.iterdir()):
            yield each, 0o600, "What the signer signed last."
    if keys.checkpoints is not None:
        yield keys.checkpoints, None, "Signed checkpoints are appended here."
    for secret in (settings.database.password_file, settings.mail.password_file, settings.directory.password_file):
        if secret is not None:
            yield secret, 0o400, "A password, read by the console."
    if settings.database.url.startswith("sqlite:///"):
        database = Path(settings.database.url.removeprefix("sqlite:///"))
        yield database, 0o600, "The portal's data."
        yield database.parent, None, "SQLite keeps its journal beside the database."
