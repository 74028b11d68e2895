"""Writes the roster of a district of any size, fast and in flat memory, for measuring imports: OneRoster CSV 1.1, all files bulk.

Households of two guardians and two children, tied by the child's row, the guardian's or both; one class for each thirty students,
with its teacher; a date of birth for each student. The names are those of the synthetic district, joined so that a district has some
thirteen thousand family names. Promises: the same size is the same bytes, and no name belongs to anybody.
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import TYPE_CHECKING

from fixtures.names import CULTURES
from fixtures.roster_files import HEADERS
from tests.rosters import manifest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import TextIO

STAFF_SHARE = 50
"""One user in so many works at a school."""
CLASS = 30
FILES = ("academicSessions", "orgs", "courses", "classes", "users", "enrollments", "demographics")
_FIRST_BIRTH = date(2008, 9, 1)
_GRADES = ("KG", *(f"{number:02}" for number in range(1, 13)))


def write(folder: Path, users: int) -> Path:
    """The folder `roster-<users>` below `folder`, written unless it is there already."""
    place = folder / f"roster-{users}"
    if (place / "manifest.csv").exists():
        return place
    place.mkdir(parents=True, exist_ok=True)
    _District(place, users).write()
    (place / "manifest.csv").write_text(manifest("1.1", **dict.fromkeys(FILES, "bulk")), encoding="utf-8")
    return place


class _District:
    def __init__(self, place: Path, users: int) -> None:
        self.place = place
        self.dice = random.Random(users)
        self.staff = users // STAFF_SHARE
        self.households = (users - self.staff) // 4
        self.schools = max(2, users // 3000)
        families = sorted({name for culture in CULTURES for name in culture.families})
        self.families = families + [f"{one}-{other}" for one in families for other in families[::3] if one != other]
        self.given = sorted({name for culture in CULTURES for name in (*culture.women, *culture.men)})

    def write(self) -> None:
        """All files; users, enrollments and demographics side by side."""
        sections = -(-2 * self.households // CLASS)
        self._write("academicSessions", ["year,,,School year,schoolYear,2026-07-01,2027-06-30,,2027"])
        orgs = ["D,,,District,district,D,"]
        orgs += [f"S{n},,,School {n},school,S{n:04},D" for n in range(self.schools)]
        self._write("orgs", orgs)
        self._write("courses", ["home,,,year,Homeroom,HR,,D,,"])
        classes = (f"C{n},,,Homeroom {n},,home,HR{n},homeroom,,S{n % self.schools},year,,," for n in range(sections))
        self._write("classes", classes)
        with self._open("users") as users, self._open("enrollments") as members, self._open("demographics") as births:
            for n in range(self.staff):
                users.write(self._staff(n))
                if n < sections:
                    members.write(f"C{n}.t{n},,,C{n},S{n % self.schools},t{n},teacher,true,2026-08-12,\r\n")
            for household in range(self.households):
                self._household(household, users, members, births)

    def _open(self, name: str) -> TextIO:
        file = (self.place / f"{name}.csv").open("w", encoding="utf-8", newline="", buffering=1 << 20)
        file.write(HEADERS[name] + "\r\n")
        return file

    def _write(self, name: str, lines: Iterable[str]) -> None:
        with self._open(name) as file:
            file.writelines(f"{line}\r\n" for line in lines)

    def _staff(self, n: int) -> str:
        given, family = self.dice.choice(self.given), self.dice.choice(self.families)
        return (
            f"t{n},,,true,S{n % self.schools},teacher,teacher{n},{{LDAP:{n}}},{given},{family},,{900000 + n},"
            f"teacher{n}@school.example,,,,,,,,,\r\n"
        )

    def _household(self, n: int, users: TextIO, members: TextIO, births: TextIO) -> None:
        choice, home = self.dice.choice, 2 * n // CLASS % self.schools
        family = choice(self.families)
        children, guardians = (2 * n, 2 * n + 1), (2 * n, 2 * n + 1)
        for place, guardian in enumerate(guardians):
            tied = "" if n % 3 == 0 else ",".join(f"s{child}" for child in children)
            relation = ("mother", "father")[place]
            users.write(
                f"g{guardian},,,true,S{home},guardian,parent{guardian},,{choice(self.given)},{family},,,"
                f"family{n}.{place}@mail.example,,(555) {200 + n % 700}-{n % 10_000:04},"
                f'"{tied}",,{relation},,,,\r\n'
            )
        for child in children:
            grade = self.dice.randrange(len(_GRADES))
            tied = "" if n % 3 == 1 else ",".join(f"g{guardian}" for guardian in guardians)
            users.write(
                f"s{child},,,true,S{home},student,student{child},{{state:{child:010}}},{choice(self.given)},{family},,"
                f'{20_000_000 + child},student{child}@school.example,,,"{tied}",{_GRADES[grade]},,,,CODE-{child:07},\r\n'
            )
            born = _FIRST_BIRTH + timedelta(days=child % 365 + 365 * (12 - grade))
            births.write(f"s{child},,,{born},,false,false,false,false,false,false,false,,CA,,\r\n")
            section = child // CLASS
            members.write(f"C{section}.s{child},,,C{section},S{home},s{child},student,false,2026-08-12,\r\n")


def applications(folder: Path, users: int, count: int) -> Path:
    """`registrations.csv` below `folder`: so many parents' applications for students of the roster of that size."""
    place = folder / f"registrations-{users}-{count}.csv"
    if place.exists():
        return place
    dice = random.Random(count)
    district = _District(folder, users)
    students = 2 * district.households
    with place.open("w", encoding="utf-8", newline="", buffering=1 << 20) as file:
        file.write(",".join(APPLICATION) + "\r\n")
        for n in range(count):
            child = n * 7919 % students
            given, family = dice.choice(district.given), dice.choice(district.families)
            file.write(
                f"r{n},parent,2026-11-20T08:00:00Z,applicant{n},{given},{family},{20_000_000 + child},"
                f"applicant{n}@mail.example,(555) {200 + n % 700}-{n % 10_000:04},{given},{family},mother\r\n"
            )
    return place


APPLICATION = (
    *("ref", "kind", "arrived_at", "login", "given_name", "family_name", "student_number", "email", "phone"),
    *("student_given_name", "student_family_name", "relation"),
)
