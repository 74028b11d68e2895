"""The parsers that are given anything, each as a function of bytes, with examples to begin from.

A target raises nothing for what it understands, and `ConsoleError` of a kind that is the file's fault for what it refuses. Everything
else – another exception, "the console made a mistake" – is ours.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from console.errors import Refused, Unavailable, Unverified, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

TO_BLAME = (Refused, Usage, Unverified)
"""What says that the input is at fault."""
FILES = 9
"""At most so many files of one folder are made of one input."""
MARK = b"=== "
"""Begins the line that names the next file of a folder."""


class Target:
    """A parser: `examples` to begin from, `words` worth putting in, and `take`, which parses."""

    words: tuple[bytes, ...] = ()

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def examples(self) -> list[bytes]:
        raise NotImplementedError

    def take(self, data: bytes) -> None:
        raise NotImplementedError

    def __call__(self, data: bytes) -> None:
        """Parse; what is refused in a sentence of one line is refused rightly."""
        try:
            self.take(data)
        except TO_BLAME as error:
            if not str(error).isprintable():
                raise AssertionError("a sentence that does something to a terminal") from error


class Folder(Target):
    """Files of a folder in one text, each behind a line that names it."""

    words = (
        b",",
        b'"',
        b"\r\n",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\0",
        b";",
        b"\t",
        b"=== users.csv\n",
        b"tobedeleted",
        b'""',
        b"\xe2\x80\xa8",
    )

    def files(self, data: bytes) -> Path:
        """Write the files and return their folder."""
        place = self.folder / "given"
        place.mkdir(exist_ok=True)
        for old in place.iterdir():
            old.unlink()
        for part in (b"\n" + data).split(b"\n" + MARK)[1 : FILES + 1]:
            name, _, content = part.partition(b"\n")
            with suppress(OSError, ValueError):
                (place / os.fsdecode(name[:80].replace(b"/", b"_"))).write_bytes(content)
        return place


class Roster(Folder):
    """A OneRoster folder, read to its last row, twice."""

    readers = ("academic_sessions", "orgs", "courses", "sections", "role_rows", "users", "enrollments", "demographics")

    def examples(self) -> list[bytes]:
        from tests.rosters import SAMPLES

        return [
            b"".join(MARK + file.name.encode() + b"\n" + file.read_bytes() for file in sorted(place.iterdir()))
            for place in sorted(SAMPLES.iterdir())
            if place.is_dir()
        ]

    def take(self, data: bytes) -> None:
        self.read(self.files(data))

    def read(self, place: Path) -> None:
        from console.intake.archive import open_source
        from console.intake.oneroster import read_roster

        with open_source(place) as source:
            roster = read_roster(source)
            first = [[len(list(getattr(roster, name)())) for name in self.readers], _said(roster.findings)]
            again = [[len(list(getattr(roster, name)())) for name in self.readers], _said(roster.findings)]
            assert first == again, "read twice, it says another thing"


class RosterZip(Roster):
    """A OneRoster zip."""

    words = (b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"\0\0\0\0", b"\xff\xff\xff\xff", b"../", b"users.csv")

    def examples(self) -> list[bytes]:
        from tests.rosters import ORGS, USERS, manifest, zipped

        small = {"manifest.csv": manifest(orgs="bulk", users="bulk"), "orgs.csv": ORGS, "users.csv": USERS}
        return [zipped(small), zipped(small, 0), zipped({"orgs.csv": ORGS * 400, "users.csv": USERS})]

    def take(self, data: bytes) -> None:
        file = self.folder / "roster.zip"
        file.write_bytes(data)
        self.read(file)


class Forms(Folder):
    """What the portal collected: registrations, challenges and the others, as CSV or JSON Lines."""

    words = (
        *Folder.words,
        b"null",
        b"{}",
        b'{"a":[',
        b"1e999",
        b"2026-02-30",
        b"=== registrations.jsonl\n",
        b"\\ud800",
    )

    def examples(self) -> list[bytes]:
        from console.intake.forms import FORMS

        made = []
        for form in FORMS.values():
            names = [field.name for field in form.fields]
            values = [EXAMPLES.get(name, "1") for name in names]
            line = ",".join(f'"{value}"' for value in values)
            objects = "{" + ",".join(f'"{name}":"{value}"' for name, value in zip(names, values, strict=True)) + "}"
            made.append(f"=== {form.name}.csv\n{','.join(names)}\n{line}\n{line}\n".encode())
            made.append(f"=== {form.name}.jsonl\n{objects}\n{objects}\n".encode())
        return made

    def take(self, data: bytes) -> None:
        from console.intake.archive import open_source
        from console.intake.forms import FORMS, read_form

        place = self.files(data)
        for name in FORMS:
            if not any((place / f"{name}.{kind}").exists() for kind in ("csv", "jsonl")):
                continue
            with open_source(place) as source, suppress(*TO_BLAME):
                rows = read_form(source, name)
                first = [len(list(rows)), _said(rows.findings)]
                assert first == [len(list(rows)), _said(rows.findings)], "read twice, it says another thing"


EXAMPLES = {
    "ref": "R1", "kind": "parent", "arrived_at": "2026-11-01T10:00:00Z", "given_name": "Pat", "family_name": "Vale",
    "email": "pat@mail.example", "student_number": "20260001", "login": "pat", "start": "2026-11-01", "end": "2027-01-01",
    "birth_date": "2010-04-05", "classes": "records", "status": "active", "answer": "yes", "school": "LMS",
}  # fmt: skip
"""What stands in a form's column in the examples."""


class Notes(Target):
    """Signed notes, checkpoints, proofs, keys, and the file of published checkpoints."""

    words = (
        b"\xe2\x80\x94 ",
        b"\n\n",
        b"==\n",
        b"c2sp.org/tlog-proof@v1\n",
        b"index ",
        b"extra ",
        b"PRIVATE+KEY+",
        b"\xed\xa0\x80",
        b"9" * 20,
    )

    def examples(self) -> list[bytes]:
        from tests.test_notes_and_proofs_are_strict import KEY, NOTES, PROOFS

        return [
            *(signed.encode() for signed in NOTES),
            *(made.text().encode() for made in PROOFS),
            KEY.vkey.encode(),
            KEY.encode().encode(),
            "".join(f"{signed}\n" for signed in NOTES[1:]).encode(),
        ]

    def take(self, data: bytes) -> None:
        from console.ledger.note import SigningKey, VerifyKey, open_checkpoint
        from console.ledger.proof import Proof, verify_record
        from console.ledger.published import read_published
        from tests.test_notes_and_proofs_are_strict import KEY, NOTES, PROOFS, RECORDS

        known = {signed.encode() for signed in NOTES}
        own = KEY.verify_key
        file = self.folder / "checkpoints"
        file.write_bytes(data)
        list(read_published(file, len(data), [own]))
        text = data.decode("utf-8", "surrogateescape")
        proven = {made.text().encode() for made in PROOFS}
        for read, accepted in (
            (lambda: open_checkpoint(data, own), data in known),
            (lambda: VerifyKey.parse(text).vkey == KEY.vkey, data == KEY.vkey.encode()),
            (lambda: SigningKey.decode(text), data == KEY.encode().encode()),
            (lambda: [verify_record(Proof.parse(data), record, own) for record in RECORDS[:1]], data in proven),
        ):
            with suppress(*TO_BLAME):
                assert not read() or accepted, "accepted what nobody wrote"


class Filters(Target):
    """What is typed as a filter, at a desk that the first byte names, asked of a real database."""

    words = (
        b"state:",
        b"-",
        b'"',
        b":",
        b",",
        b">=",
        b"older:5d",
        b"match:",
        b"flag:yes",
        b"%",
        b"_",
        b"\\",
        b"'",
        b"school:",
        b"no:",
        b"\xe2\x80\xae",
    )

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        from console.desks import DESKS, desk
        from tests.portals import open_portal

        self._portal = open_portal(f"sqlite:///{folder / 'portal.db'}", folder)
        self._portal.registration(self._portal.student(school=self._portal.school()))
        self._operator = self._portal.operator()
        self._desks = [desk(name) for name in DESKS]

    def examples(self) -> list[bytes]:
        return [
            bytes([number]) + f"{term.name}:{value} -{term.name}:1 garcia".encode()
            for number, each in enumerate(self._desks)
            for term in each.terms
            for value in (*term.words[:1], "1", "yes", ">=3", "5d", "2026-11-21")
        ]

    def take(self, data: bytes) -> None:
        each = self._desks[data[0] % len(self._desks)] if data else self._desks[0]
        text = data[1:].decode("utf-8", "surrogateescape")
        self._portal.office.queue(self._operator, each, text).count()


class Config(Target):
    """district.toml, and an engine for the database that it names."""

    words = (
        b"[portal]\n",
        b"=",
        b"[[",
        b'"""',
        b"1e9",
        b"inf",
        b"2026-11-26",
        b"true",
        b"{",
        b"sqlite:///",
        b"postgresql://",
        b"\\u0000",
        b"\n[directory]\n",
    )

    def examples(self) -> list[bytes]:
        from console.settings import Settings, declared

        made = [
            Settings.example({"database.url": "sqlite:///portal.db", "portal.origin": "test.example/ledger"}).encode(),
            b'[database]\nurl = "postgresql://app@a.example:5432,b.example/portal?target_session_attrs=any"\n',
            b'[database]\nurl = "postgresql://app@[::1]:5432/portal"\n',
        ]
        for table, keys in declared().items():
            made.append(f"[{table}]\n{''.join(f'{name} = 1{chr(10)}' for name in keys)}".encode())
            made += [f'[{table}]\n{name} = "1"\n'.encode() for name in keys]
        return made

    def take(self, data: bytes) -> None:
        from console.settings import Settings
        from console.wiring import open_engine

        file = self.folder / "district.toml"
        file.write_bytes(data)
        with suppress(Unavailable):  # a password's file that is not there
            open_engine(Settings.load(file, {})).dispose()


class Bundles(Target):
    """Report bundles: nothing is raised for them, and none but those that were made is said to hold."""

    words = (*RosterZip.words, b"manifest.json", b"checkpoint.txt", b"\xe2\x80\x94 ")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        from console.reports.exporting import Wanted, export
        from models.words import Log
        from tests.portals import open_portal

        portal = open_portal(f"sqlite:///{folder / 'portal.db'}", folder)
        portal.decide("registrations", "approve", portal.registration(portal.student(school=portal.school())))
        self._made: list[bytes] = []
        for form in ("csv", "jsonl"):
            out = folder / f"{form}.zip"
            export(portal.office, portal.operator(), Wanted(format=form, out=out), form)
            self._made.append(out.read_bytes())
        self._key = portal.office.signer.key(Log.LEDGER).vkey

    def examples(self) -> list[bytes]:
        return self._made

    def take(self, data: bytes) -> None:
        from console.ledger.bundle import verify_bundle

        file = self.folder / "given.zip"
        file.write_bytes(data)
        assert not verify_bundle(file, self._key).holds or data in self._made, "accepted what nobody wrote"


def _said(findings: Iterable[Any]) -> list[str]:
    return [str(each) for each in findings]


TARGETS: dict[str, Callable[[Path], Target]] = {
    "rosters": Roster,
    "roster-zips": RosterZip,
    "forms": Forms,
    "notes-and-proofs": Notes,
    "filters": Filters,
    "config": Config,
    "bundles": Bundles,
}
