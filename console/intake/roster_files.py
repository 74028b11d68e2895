"""Declares which files and columns of OneRoster are read, how, and what is tolerated in each, for 1.1 and 1.2.

Source of the rules: 1EdTech OneRoster CSV binding 1.1 and 1.2. Required is what identifies (ids, names, roles); what the
standard requires beyond that is expected, since published samples leave it out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from console.intake.fields import Field, FieldError, Need, choice, day, described, guid, moment, several, text, truth
from console.intake.roster_rows import (
    ACCOUNT_TYPES,
    AcademicSession,
    Course,
    Demographics,
    Enrollment,
    Org,
    RoleRow,
    Section,
    Status,
    User,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Mode(StrEnum):
    """What a file of the roster is: the whole of its kind, changes only, or not there."""

    BULK = "bulk"
    DELTA = "delta"
    ABSENT = "absent"


GRADES = ("IT", "PR", "PK", "TK", "KG", *(f"{number:02}" for number in range(1, 14)), "PS", "UG", "Other")

DEFAULT_METADATA: Mapping[str, str] = {
    "restricted_students": "metadata.restrictedStudents",
    "restriction_reference": "metadata.restrictionReference",
    "relation": "metadata.relation",
    "verification_code": "metadata.verificationCode",
    "directory_opt_out": "metadata.directoryOptOut",
}
"""Columns of users.csv that OneRoster does not have: our name and the district's."""

_ORG_TYPES = ("department", "school", "district", "local", "state", "national")
_SESSION_TYPES = ("gradingPeriod", "semester", "schoolYear", "term")

UNUSED_FILES = frozenset(
    {
        "categories.csv",
        "classresources.csv",
        "courseresources.csv",
        "lineitemlearningobjectiveids.csv",
        "lineitems.csv",
        "lineitemscorescales.csv",
        "resources.csv",
        "resultlearningobjectiveids.csv",
        "results.csv",
        "resultscorescales.csv",
        "scorescales.csv",
        "userprofiles.csv",
        "userresources.csv",
    }
)
"""Parts of OneRoster that this console has no use for; userProfiles holds credentials."""

_guids = several(guid, "identifiers")
_words = several(text(200), "texts")
_typed = several(text(500), "texts")


@lru_cache
@described("IT PR PK TK KG 01 … 13 PS UG Other, separated by commas")
def _grades(value: str) -> tuple[str, ...]:
    parts = dict.fromkeys(part.strip().casefold() for part in value.split(","))
    try:
        return tuple(_GRADES[part.lstrip("0")] for part in parts if part)
    except KeyError:
        raise FieldError("is no grade that OneRoster knows") from None


_GRADES = {grade.casefold().lstrip("0"): grade for grade in GRADES} | {"k": "KG"}


@described("{type:id}, separated by commas")
def _user_ids(value: str) -> tuple[tuple[str, str], ...]:
    found = []
    for part in _typed(value):
        kind, colon, identifier = part.removeprefix("{").removesuffix("}").partition(":")
        if not colon or not identifier:
            raise FieldError("is not of the form {type:id}")
        found.append((kind.strip(), identifier.strip()))
    return tuple(found)


@described("a role of OneRoster")
def _role(value: str) -> str:
    known = _ROLES.get(value.casefold())
    if known is not None:
        return known
    if value.casefold().startswith("ext:") and len(value) <= 80:
        return value
    raise FieldError("is no role that OneRoster knows")


_ROLES = {role.casefold(): role for role in ACCOUNT_TYPES}

_status = choice(Status, {"inactive": "tobedeleted"})


@dataclass(frozen=True, slots=True)
class Kind:
    """One file of the roster: its fields in the order of its row, other names in use, and columns passed over in silence."""

    name: str
    fields: tuple[Field, ...]
    build: Callable[..., Any]
    aliases: Mapping[str, str] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    ordered: tuple[str, str] | None = None

    @property
    def file(self) -> str:
        return f"{self.name}.csv"


_ID = Field("sourcedId", guid, Need.MUST, "")
_STATUS = Field("status", _status, Need.MAY, "active")
_MODIFIED = Field("dateLastModified", moment, lenient=True)
_START = (_ID, _STATUS, _MODIFIED)
_TITLE = Field("title", text(500), Need.MUST, "")
_GRADES_FIELD = Field("grades", _grades, blank=(), lenient=True)
_SUBJECTS = Field("subjects", _words, blank=(), lenient=True)
_BEGIN = Field("beginDate", day)
_END = Field("endDate", day)

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "academicSessions",
            (
                *_START,
                _TITLE,
                Field("type", choice(_SESSION_TYPES), Need.MUST, ""),
                Field("startDate", day, Need.MUST),
                Field("endDate", day, Need.MUST),
                Field("parentSourcedId", guid),
                Field("schoolYear", text(20), Need.SHOULD, lenient=True),
            ),
            AcademicSession,
            ordered=("start_date", "end_date"),
        ),
        Kind(
            "orgs",
            (
                *_START,
                Field("name", text(500), Need.MUST, ""),
                Field("type", choice(_ORG_TYPES), Need.MUST, ""),
                Field("identifier", text(255), lenient=True),
                Field("parentSourcedId", guid),
            ),
            Org,
        ),
        Kind(
            "courses",
            (
                *_START,
                _TITLE,
                Field("courseCode", text(255), lenient=True),
                Field("orgSourcedId", guid, Need.SHOULD),
                Field("schoolYearSourcedId", guid),
                _GRADES_FIELD,
                _SUBJECTS,
            ),
            Course,
            {"grade": "grades", "schoolYearId": "schoolYearSourcedId"},
            ("subjectCodes",),
        ),
        Kind(
            "classes",
            (
                *_START,
                _TITLE,
                Field("classCode", text(255), lenient=True),
                Field("classType", choice(("homeroom", "scheduled")), Need.SHOULD, lenient=True),
                Field("courseSourcedId", guid, Need.SHOULD),
                Field("schoolSourcedId", guid, Need.MUST, ""),
                Field("termSourcedIds", _guids, Need.SHOULD, ()),
                _GRADES_FIELD,
                _SUBJECTS,
                Field("periods", _words, blank=(), lenient=True),
            ),
            Section,
            {"grade": "grades", "termSourcedId": "termSourcedIds"},
            ("location", "subjectCodes"),
        ),
        Kind(
            "users",
            (
                *_START,
                Field("enabledUser", truth, Need.SHOULD, True),
                Field("username", text(255), Need.SHOULD),
                Field("givenName", text(255), Need.COLUMN, ""),
                Field("familyName", text(255), Need.COLUMN, ""),
                Field("middleName", text(255)),
                Field("preferredGivenName", text(255)),
                Field("preferredMiddleName", text(255)),
                Field("preferredFamilyName", text(255)),
                Field("identifier", text(255)),
                Field("email", text(254), lenient=True),
                Field("sms", text(40), lenient=True),
                Field("phone", text(40), lenient=True),
                Field("userIds", _user_ids, blank=(), lenient=True),
                Field("agentSourcedIds", _guids, blank=()),
                _GRADES_FIELD,
                Field("primaryOrgSourcedId", guid, lenient=True),
                # the district's own columns take their names from `columns` of read_roster
                Field("restricted_students", _guids, blank=()),
                Field("restriction_reference", text(500)),
                Field("relation", text(40), lenient=True),
                Field("verification_code", text(64), lenient=True),
                Field("directory_opt_out", truth),
            ),
            User,
            {"agents": "agentSourcedIds", "grade": "grades"},
            ("userMasterIdentifier", "pronouns"),
        ),
        Kind(
            "roles",
            (
                *_START,
                Field("userSourcedId", guid, Need.MUST, ""),
                Field("role", _role, Need.MUST, ""),
                Field("roleType", choice(("primary", "secondary")), Need.SHOULD, "primary"),
                Field("orgSourcedId", guid, Need.MUST, ""),
                _BEGIN,
                _END,
            ),
            RoleRow,
            silent=("userProfileSourcedId",),
            ordered=("begin_date", "end_date"),
        ),
        Kind(
            "enrollments",
            (
                *_START,
                Field("classSourcedId", guid, Need.MUST, ""),
                Field("schoolSourcedId", guid, Need.SHOULD),
                Field("userSourcedId", guid, Need.MUST, ""),
                Field("role", _role, Need.MUST, ""),
                Field("primary", truth, lenient=True),
                _BEGIN,
                _END,
            ),
            Enrollment,
            ordered=("begin_date", "end_date"),
        ),
        Kind(
            "demographics",
            (*_START, Field("birthDate", day, Need.SHOULD)),
            Demographics,
            {"userSourcedId": "sourcedId"},
            (
                "sex",
                "americanIndianOrAlaskaNative",
                "asian",
                "blackOrAfricanAmerican",
                "nativeHawaiianOrOtherPacificIslander",
                "white",
                "demographicRaceTwoOrMoreRaces",
                "hispanicOrLatinoEthnicity",
                "countryOfBirthCode",
                "stateOfBirthAbbreviation",
                "cityOfBirth",
                "publicSchoolResidenceStatus",
            ),
        ),
    )
}
"""The files that are read, in the order in which one refers to the other."""

_USER_ROLE = (
    Field("orgSourcedIds", _guids, Need.MUST, ()),
    Field("role", _role, Need.MUST, ""),
)
"""Where users.csv of 1.1 says what 1.2 says in roles.csv."""


def fields_of(kind: Kind, mode: Mode, version: str, columns: Mapping[str, str]) -> tuple[Field, ...]:
    """The kind's fields as this roster has them: a delta needs its status, 1.1 has roles in users.csv."""
    fields = kind.fields
    if mode is Mode.DELTA:
        fields = tuple(replace(each, need=Need.MUST) if each is _STATUS else each for each in fields)
    if kind.name == "users":
        fields = tuple(replace(each, name=columns.get(each.name, each.name)) for each in fields)
        if version == "1.1":
            fields += _USER_ROLE
    return fields
