"""The formats in which a portal hands over what it collected, and what it already has: one declaration for each.

Six files, each as CSV (with a header row) or JSON Lines (one object a line, the same names): `registrations`, `challenges`,
`grants`, `consents`, `answers`, and for the one-time adoption of a portal in use, `accounts`. `described()` renders the
declarations as the documentation of the formats, so the two cannot differ.

A form is a stranger's typing: names and messages are taken as they are, however odd. Only what makes a row impossible to file
rejects it: a missing required value, a date that is none, a kind that does not exist, a second row of the same reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from console.intake.fields import Field, Need, RowReader, choice, day, moment, several, text, truth, word
from console.intake.findings import Findings
from console.intake.form_rows import Account, Answer, Challenge, Consent, GrantRequest, Registration
from console.intake.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from console.intake.archive import Source


@dataclass(frozen=True, slots=True)
class Form:
    """One format: its fields in the order of `row` after its line.

    `unique` are the fields that tell rows apart; `same` those that rows of one `login` must agree on. `rule` gives, for a
    row that was read, the columns that contradict each other, with the reason.
    """

    name: str
    says: str
    fields: tuple[Field, ...]
    row: Callable[..., Any]
    unique: tuple[str, ...] = ("ref",)
    same: tuple[str, ...] = ()
    rule: Callable[[Any], Iterator[tuple[str, str]]] | None = None


def _must(name: str, parse: Callable[[str], Any], says: str) -> Field:
    return Field(name, parse, Need.MUST, says=says)


def _may(name: str, parse: Callable[[str], Any], says: str, blank: Any = None) -> Field:
    return Field(name, parse, Need.MAY, blank, says=says)


_NAME = text(200)
_LOGIN = word(255)
_NUMBER = word(64)
_REF = _must("ref", word(128), "the portal's own name for this row; a row whose ref is known already changes nothing")
_ARRIVED = _must("arrived_at", moment, "when the portal got it")
_GIVEN = _must("given_name", _NAME, "as the person typed it")
_FAMILY = _must("family_name", _NAME, "as the person typed it")
_STUDENT = _must("student_number", _NUMBER, "the student's permanent number")

ACCOUNT_TYPES = (
    "district_administrator",
    "school_administrator",
    "certificated",
    "classified",
    "associate",
    "asp",
    "parent",
    "student",
    "other",
)
TIED_TYPES = frozenset({"parent", "student", "asp"})
"""Account types that can be tied to a student."""


def _ends_after_start(row: GrantRequest) -> Iterator[tuple[str, str]]:
    if row.starts and row.ends and row.ends < row.starts:
        yield "ends", "lies before starts"


def _consistent_account(row: Account) -> Iterator[tuple[str, str]]:
    if row.agreement_from and row.agreement_until and row.agreement_until < row.agreement_from:
        yield "agreement_until", "lies before agreement_from"
    if row.student_number is None:
        for column in ("relation", "level", "since"):
            if getattr(row, column) is not None:
                yield column, "is given, but student_number is blank"
    elif row.type not in TIED_TYPES:
        yield "student_number", "is given, but an account of this type has no students"
    elif row.type == "parent" and row.level is None:
        yield "level", "is blank, but a parent's tie is limited or approved"


_ACCOUNT_FIELDS = (
    _must("login", _LOGIN, "the name with which the person signs in"),
    _must("type", choice(ACCOUNT_TYPES), "what kind of account it is"),
    _must("given_name", _NAME, "as the portal shows it"),
    _must("family_name", _NAME, "as the portal shows it"),
    _may("ref", word(128), "the portal's own name for the account"),
    _may("email", text(254), "where notices go"),
    _may("phone", text(40), "as the person typed it"),
    _may("person", word(255), "the roster's sourcedId of the same person"),
    _may("schools", several(word(255), "codes of schools"), "where the account works", ()),
    _may("organisation", _NAME, "whom an after-school professional or associate works for"),
    _may("agreement_required", truth, "whether the organisation needs an agreement with the district"),
    _may("agreement_from", day, "first day of that agreement"),
    _may("agreement_until", day, "last day of that agreement"),
    _may("created_at", moment, "when the portal opened the account"),
    _may("active", truth, "blank means true", blank=True),
)

FORMS: Mapping[str, Form] = {
    form.name: form
    for form in (
        Form(
            "registrations",
            "Applications of parents, students and after-school professionals, as they typed them.",
            (
                _REF,
                _must("kind", choice(("parent", "student", "asp")), "who applies"),
                _ARRIVED,
                _must("login", _LOGIN, "the login name that the applicant chose or has"),
                _GIVEN,
                _FAMILY,
                _must("student_number", text(64), "the number as the applicant typed it"),
                _may("email", text(254), "as typed; nothing is sent before it was looked at"),
                _may("phone", text(40), "as typed"),
                _may("student_given_name", _NAME, "the student's name as the applicant typed it"),
                _may("student_family_name", _NAME, "the student's name as the applicant typed it"),
                _may("relation", text(40), "mother, father, guardian, grandparent …"),
                _may("verification_code", text(64), "the code that the school gave to the family"),
                _may("organisation", _NAME, "of an after-school professional"),
                _may("school", text(255), "the school's code"),
            ),
            Registration,
        ),
        Form(
            "challenges",
            "Challenges of a tie between an account and a student, in the challenger's words.",
            (
                _REF,
                _ARRIVED,
                _must("challenger", _LOGIN, "login of who challenges"),
                _must("challenged", _LOGIN, "login of whose tie is challenged"),
                _STUDENT,
                _must("statement", text(20_000), "what the challenger wrote"),
            ),
            Challenge,
        ),
        Form(
            "grants",
            "Requests of after-school professionals, one for each student.",
            (
                _REF,
                _ARRIVED,
                _must("login", _LOGIN, "the professional's login"),
                _STUDENT,
                _must("purpose", text(2000), "what the access is for"),
                _may("starts", day, "first day asked for"),
                _may("ends", day, "last day asked for"),
            ),
            GrantRequest,
            rule=_ends_after_start,
        ),
        Form(
            "consents",
            "Parents' consents to grants.",
            (
                _REF,
                _must("at", moment, "when it was given or withdrawn"),
                _must("grant_ref", word(128), "ref of the request in grants"),
                _must("login", _LOGIN, "the parent's login"),
                _must("action", choice(("give", "withdraw")), "what the parent did"),
            ),
            Consent,
        ),
        Form(
            "answers",
            "Answers to what an operator asked, and withdrawn applications.",
            (
                _REF,
                _must("at", moment, "when it was written"),
                _must("desk", choice(("registrations", "challenges")), "where the case lies"),
                _must("case_ref", word(128), "ref of the registration or challenge"),
                _must("text", text(20_000), "what was written"),
                _may("withdraws", truth, "true: the application is taken back; blank means false", blank=False),
            ),
            Answer,
        ),
        Form(
            "accounts",
            "Accounts and ties that a portal in use already has, adopted once. One row for each tie, the account's own columns "
            "repeated; an account without ties has one row.",
            (
                *_ACCOUNT_FIELDS,
                _may("student_number", _NUMBER, "the student of this row's tie"),
                _may("relation", text(40), "mother, father, guardian, grandparent …"),
                _may("level", choice(("limited", "approved")), "what a parent's tie allows; required for parents"),
                _may("since", moment, "when the tie got this level"),
            ),
            Account,
            unique=("login", "student_number"),
            same=tuple(field.name for field in _ACCOUNT_FIELDS),
            rule=_consistent_account,
        ),
    )
}


class FormRows:
    """The good rows of one file, read by iterating, as often as one likes; `findings` holds what was found so far.

    Iterating raises Refused or Unavailable when the file cannot be read to its end.
    """

    def __init__(self, source: Source, form: Form) -> None:
        self.form = form
        self._at_header = Findings()
        self._in_rows = Findings()
        member = source.only(f"{form.name}.csv", f"{form.name}.jsonl")
        self._table = Table(
            member,
            [field.name for field in form.fields],
            {field.name for field in form.fields if field.need is Need.MUST},
            self._at_header,
            surplus="refuse",
            objects=True,
        )

    @property
    def findings(self) -> Findings:
        """All findings so far; those of the rows start anew when the rows are read again."""
        return Findings().include([self._at_header, self._in_rows])

    def expected(self, read: int) -> int:
        """How many rows the file will have had, judged by how much of it the first `read` are."""
        return self._table.expected(read)

    def __iter__(self) -> Iterator[Any]:
        form = self.form
        file = self._table.file
        self._in_rows = self._table.findings = findings = Findings()
        reader = RowReader(form.fields, file, findings)
        seen: dict[tuple[Any, ...], int] = {}
        accounts: dict[str, tuple[Any, ...]] = {}
        for line, texts in self._table:
            values = reader.read(line, texts)
            if values is None:
                continue
            row = form.row(line, *values)
            wrong = list(form.rule(row)) if form.rule else []
            key = tuple(_folded(getattr(row, name)) for name in form.unique)
            if key in seen:
                wrong.append((form.unique[-1], f"line {seen[key]} has the same {' and '.join(form.unique)}"))
            elif form.same and not wrong:
                wrong = _differing(row, form, accounts)
            for column, reason in wrong:
                findings.error(file, line, column, reason)
            if not wrong:
                seen[key] = line
                yield row


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _differing(row: Any, form: Form, accounts: dict[str, tuple[Any, ...]]) -> list[tuple[str, str]]:
    """Where the row says something else of its account than the account's first row did."""
    own = tuple(getattr(row, name) for name in form.same)
    first = accounts.setdefault(row.login.casefold(), (row.line, *own))
    return [
        (name, f"line {first[0]} says something else of the same login")
        for name, here, there in zip(form.same, own, first[1:], strict=True)
        if name != "login" and here != there
    ]


def read_form(source: Source, name: str) -> FormRows:
    """The rows of the form of that name in `source`: a file, or a folder or zip that holds it.

    Raises Refused when the file is not there, is no table, or lacks a required column.
    """
    return FormRows(source, FORMS[name])


def described() -> str:
    """The formats as Markdown, a section for each."""
    parts = []
    for form in FORMS.values():
        rows = [
            f"| `{each.name}` | {each.need.value} | {each.form.replace('|', chr(92) + '|')} | {each.says} |"
            for each in form.fields
        ]
        told_apart = " and ".join(f"`{name}`" for name in form.unique)
        parts += [
            f"## {form.name}",
            "",
            f"{form.says} Rows are told apart by {told_apart}.",
            "",
            "| column | needed | form | meaning |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    return "\n".join(parts)
