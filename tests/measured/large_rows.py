"""The rows of a large district as SQL, the same on both engines: everything about row n is computed from n.

Students 1 to N; 3 N accounts (theirs, then parents, staff, after-school professionals, administrators); N registrations in the order
in which they came, of which a fifth waits, most of that from the last weeks. A draw is a remainder of a square by a prime: the same
on both engines, without a random source in either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.measured.large_names import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHOOLS = 350
STAMP = "2026-11-20 20:00:00"
"""The moment at which the district stands still, in UTC."""
DAY = 86_400
NEW_SECONDS, OLD_SECONDS = 40 * DAY, 1000 * DAY
_PRIME = 2_147_483_647


def draw(n: str, salt: int, below: int) -> str:
    """A whole number from 0 to `below` - 1 that depends on n and salt."""
    mixed = f"((({n}) * 1103515245 + {salt * 12345677 + 97}) % {_PRIME})"
    return f"(({mixed} * {mixed} % {_PRIME}) % {below})"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many there are of whom in a district of `students`."""

    students: int

    @property
    def schools(self) -> int:
        return max(8, min(SCHOOLS, self.students // 100))

    @property
    def staff(self) -> int:
        return max(20, self.students // 20)

    @property
    def professionals(self) -> int:
        return max(20, self.students // 50)

    @property
    def administrators(self) -> int:
        return 20

    @property
    def parents(self) -> int:
        return 2 * self.students - self.staff - self.professionals - self.administrators

    @property
    def first_parent(self) -> int:
        """The account before the first parent's; the others follow the same way."""
        return self.students

    @property
    def first_staff(self) -> int:
        return self.first_parent + self.parents

    @property
    def first_professional(self) -> int:
        return self.first_staff + self.staff

    @property
    def first_own(self) -> int:
        """The membership before the first student's own: behind those of parents with one, two and three children."""
        return self.parents + self.parents // 3 + self.parents // 30


class Rows:
    """The INSERT statements for one engine, in order; `name_family` and `name_given` are there already (`tests.measured.large`)."""

    def __init__(self, sizes: Sizes, engine: str) -> None:
        self.sizes = sizes
        self.lite = engine == "sqlite"

    def numbers(self, count: int) -> str:
        """A FROM item `s` with the numbers `n` from 1 to `count`."""
        if self.lite:
            return (
                f"(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {count}) SELECT n FROM c) s"
            )
        return f"generate_series(1::bigint, {count}::bigint) s(n)"

    def day(self, back: str | int) -> str:
        """The date that many days ago."""
        if self.lite:
            return f"date('{STAMP[:10]}', (-({back})) || ' days')"
        return f"(date '{STAMP[:10]}' - ({back})::int)"

    def moment(self, back: str) -> str:
        """The moment that many seconds ago, as the engine keeps it."""
        if self.lite:
            return f"(strftime('%Y-%m-%d %H:%M:%S', '{STAMP}', (-({back})) || ' seconds') || '.000000')"
        return f"(timestamptz '{STAMP}+00' - ({back}) * interval '1 second')"

    def named(self, family: str, given: str) -> str:
        """JOIN with a person's name: `f` the family name that goes with the number `family`, `g` a given name for `given`."""
        return (
            f" JOIN name_family f ON f.n = {draw(family, 1, FAMILIES)}"
            f" JOIN name_given g ON g.n = f.first + {draw(given, 2, 9973)} % f.many "
        )

    def statements(self) -> Iterator[str]:
        """Everything, in an order in which nothing refers to what comes later than its own table."""
        yield self._schools()
        yield from self._students()
        yield from self._staff()
        yield from self._accounts()
        yield from self._contacts()
        yield self._registrations()
        yield from self._memberships()
        yield self._challenges()
        yield from self._grants()
        yield self._directory()

    def _schools(self) -> str:
        return f"""
INSERT INTO school (id, source_id, name, code, type, initial_rights, hold_policy, in_person_check, asp, asp_advanced, close_at_18)
SELECT s.n, 'school-' || s.n,
       coalesce(f.name, '') || CASE s.n % 3 WHEN 0 THEN ' High' WHEN 1 THEN ' Elementary' ELSE ' Middle' END || ' ' || s.n,
       'c' || (1000 + s.n), 'school', CASE WHEN s.n % 10 = 0 THEN 'approve_for_any' ELSE 'approve_for_grades' END,
       CASE s.n % 5 WHEN 0 THEN 'full' WHEN 1 THEN 'limited' ELSE 'none' END, s.n % 20 = 0, s.n % 3 <> 0, s.n % 6 = 0, s.n % 4 = 0
FROM {self.numbers(self.sizes.schools)} LEFT JOIN name_family f ON f.n = {draw("s.n", 3, FAMILIES // 2)} * 2 + 1
"""

    def _students(self) -> Iterator[str]:
        schools = self.sizes.schools
        one, other = draw("s.n", 5, schools), draw("s.n", 6, schools)
        masked = draw("s.n", 7, 10_000)
        sealed, initial = f"{masked} < 2", f"{masked} BETWEEN 2 AND 21"
        born = f"(365 * (6 + s.n % 13) + {draw('s.n', 8, 365)})"

        def open_(text: str) -> str:
            return f"CASE WHEN {sealed} THEN '' ELSE {text} END"

        yield f"""
INSERT INTO student (id, source_id, number, given_name, family_name, name_key, family_key, family_initial, birth_date, adult_on, grade,
    email, email_key, school_id, status, mask, mask_review, pseudonym, parents_blocked, block_review, verify_parents, verify_review,
    directory_opt_out, opt_out_review)
SELECT s.n, 'student-' || s.n, CAST(10000000 + s.n * 61 AS TEXT),
    {open_("g.name")}, {open_("f.name")}, {open_("g.key || f.key")}, {open_("f.key")}, {open_("f.initial")},
    {self.day(born)}, {self.day(f"{born} - 6574")},
    CASE s.n % 13 WHEN 0 THEN 'KG' ELSE CAST(s.n % 13 AS TEXT) END,
    {open_("g.key || s.n || '@pupils.example'")}, {open_("g.key || s.n || '@pupils.example'")},
    1 + CASE WHEN {one} < {other} THEN {one} ELSE {other} END,
    CASE WHEN {draw("s.n", 9, 1000)} < 4 THEN 'withdrawn' ELSE 'active' END,
    CASE WHEN {sealed} THEN 'pseudonym' WHEN {initial} THEN 'initial' ELSE 'none' END,
    CASE WHEN {masked} < 22 THEN {self.day(f"{draw('s.n', 10, 300)} - 290")} END,
    CASE WHEN {sealed} THEN 'Heron-' || s.n END, {draw("s.n", 11, 1000)} < 1,
    CASE WHEN {draw("s.n", 11, 1000)} < 1 THEN {self.day(f"{draw('s.n', 12, 300)} - 290")} END, {draw("s.n", 13, 1000)} < 5,
    CASE WHEN {draw("s.n", 13, 1000)} < 5 THEN {self.day(f"{draw('s.n', 14, 300)} - 290")} END,
    CASE WHEN {draw("s.n", 15, 100)} < 3 THEN 'all' ELSE '' END, NULL
FROM {self.numbers(self.sizes.students)}{self.named("s.n / 2", "s.n")}
"""
        yield f"""
INSERT INTO enrollment (id, student_id, school_id, begins, active)
SELECT id, id, school_id, {self.day(92)}, status = 'active' FROM student
"""
        yield f"""
INSERT INTO enrollment (id, student_id, school_id, begins, active)
SELECT {self.sizes.students} + id, id, 1 + school_id % {schools}, {self.day(60)}, (1 = 1) FROM student WHERE id % 50 = 0
"""

    def _staff(self) -> Iterator[str]:
        staff, schools = self.sizes.staff, self.sizes.schools
        yield f"""
INSERT INTO staff (id, source_id, number, given_name, family_name, email, type)
SELECT s.n, 'staff-' || s.n, CAST(500000 + s.n AS TEXT), g.name, f.name, g.key || s.n || '@staff.example', 'teacher'
FROM {self.numbers(staff)}{self.named("s.n + 5000011", "s.n + 71")}
"""
        yield f"""
INSERT INTO post (id, staff_id, school_id, begins, active)
SELECT s.n, s.n, 1 + s.n % {schools}, {self.day(400)}, (1 = 1) FROM {self.numbers(staff)}
"""

    def _accounts(self) -> Iterator[str]:
        z = self.sizes
        columns = """INSERT INTO account (id, type, login, login_key, given_name, family_name, name_key, family_key, email, email_key,
    phone, phone_key, status, origin, student_id, staff_id, organisation_id, since)"""

        def person(domain: str) -> str:
            mail = f"g.key || f.key || s.n || '@{domain}'"
            return f"g.name, f.name, g.key || f.key, f.key, {mail}, {mail}"

        phone = f"CAST(2000000 + {draw('s.n', 30, 8_000_000)} AS TEXT)"
        yield f"""{columns}
SELECT s.id, 'student', 'st' || s.number, 'st' || s.number,
    s.given_name, s.family_name, s.name_key, s.family_key, s.email, s.email_key,
    NULL, '', CASE WHEN s.id % 50 = 7 THEN 'pending' ELSE 'active' END, 'sis', s.id, NULL, NULL, {self.day(100)}
FROM student s
"""
        child = self.child("s.n")
        family = f"CASE WHEN {draw('s.n', 31, 100)} < 78 THEN ({child}) / 2 ELSE s.n + 7000003 END"
        yield f"""{columns}
SELECT {z.first_parent} + s.n, 'parent', g.key || '.' || f.key || s.n, g.key || '.' || f.key || s.n, {person("mail.example")},
    '(213) ' || {phone}, {phone}, CASE WHEN s.n % 97 = 5 THEN 'pending' WHEN s.n % 997 = 6 THEN 'suspended' ELSE 'active' END,
    CASE WHEN s.n % 3 = 0 THEN 'adopted' ELSE 'self' END, NULL, NULL, NULL, {self.day("100 + s.n % 900")}
FROM {self.numbers(z.parents)}{self.named(family, "s.n + 13")}
"""
        yield f"""{columns}
SELECT {z.first_staff} + s.id, CASE WHEN s.id % 10 = 9 THEN 'classified' ELSE 'certificated' END, 'staff' || s.id, 'staff' || s.id,
    s.given_name, s.family_name, lower(s.given_name || s.family_name), lower(s.family_name), s.email, s.email,
    NULL, '', 'active', 'sis', NULL, s.id, NULL, {self.day(400)}
FROM staff s
"""
        yield f"""
INSERT INTO organisation (id, name, name_key, agreement_required, agreement_from)
SELECT n, 'Tutors ' || n, 'tutors' || n, n % 2 = 0, {self.day(200)} FROM {self.numbers(50)}
"""
        yield f"""{columns}
SELECT {z.first_professional} + s.n, 'asp', 'asp' || s.n, 'asp' || s.n, {person("tutors.example")}, NULL, '', 'active', 'self',
    NULL, NULL, 1 + s.n % 50, {self.day(200)}
FROM {self.numbers(z.professionals)}{self.named("s.n + 9000011", "s.n + 17")}
"""
        last = z.first_professional + z.professionals
        yield f"""{columns}
SELECT {last} + s.n, CASE WHEN s.n % 4 = 0 THEN 'district_administrator' ELSE 'school_administrator' END,
    'admin' || s.n, 'admin' || s.n, {person("district.example")}, NULL, '', 'active', 'sis', NULL, NULL, NULL, {self.day(700)}
FROM {self.numbers(z.administrators)}{self.named("s.n + 11000027", "s.n + 19")}
"""

    def child(self, parent: str) -> str:
        """The first child of the parent of that number; up to two of the students behind are further ones."""
        return f"1 + ({parent} - 1) * {self.sizes.students} / {self.sizes.parents}"

    def _contacts(self) -> Iterator[str]:
        first = self.sizes.first_parent
        yield f"""
INSERT INTO contact (id, source_id, given_name, family_name, name_key, family_key, skeleton,
    email, email_key, phone, phone_key, sms_key)
SELECT s.n, 'contact-' || s.n, a.given_name, a.family_name, a.name_key, a.family_key, a.name_key,
    a.email, a.email_key, a.phone, a.phone_key, a.phone_key
FROM {self.numbers(self.sizes.parents)} JOIN account a ON a.id = {first} + s.n
"""
        yield f"""
INSERT INTO contact_tie (id, contact_id, student_id, relation, restricted)
SELECT s.n, s.n, {self.child("s.n")}, CASE s.n % 3 WHEN 0 THEN 'mother' WHEN 1 THEN 'father' ELSE 'guardian' END, s.n % 2000 = 3
FROM {self.numbers(self.sizes.parents)}
"""

    def state(self, r: str) -> str:
        """The state of registration r: the last fifth waits."""
        new, old = draw(r, 20, 100), draw(r, 20, 1000)
        words = (
            (12, "submitted"),
            (720, "approved"),
            (800, "limited"),
            (860, "rejected"),
            (910, "withdrawn"),
            (970, "expired"),
        )
        earlier = " ".join(f"WHEN {old} < {below} THEN '{word}'" for below, word in words)
        newest = self.sizes.students - self.sizes.students // 5
        later = f"CASE WHEN {new} < 95 THEN 'submitted' WHEN {new} < 98 THEN 'needs_info' ELSE 'deferred' END"
        return f"CASE WHEN {r} > {newest} THEN {later} {earlier} ELSE 'approved' END"

    def _registrations(self) -> str:
        z = self.sizes
        newest = z.students - z.students // 5
        back = (
            f"CASE WHEN s.n > {newest} THEN 60 + ({z.students} - s.n) * {NEW_SECONDS} / {z.students - newest}"
            f" ELSE {NEW_SECONDS} + 60 + ({newest} - s.n) * {OLD_SECONDS} / {newest} END"
        )
        parent = f"1 + (s.n - 1) * {z.parents} / {z.students}"
        kind = "s.n % 100"
        coded = f"CASE WHEN {draw('s.n', 25, 10)} < 1 THEN 1 ELSE 0 END"
        facts = f"1 + 2 * {draw('s.n', 21, 8)} + 16 * {draw('s.n', 24, 4)} + 64 * {coded}"
        account = (
            f"CASE WHEN {kind} < 85 THEN {z.first_parent} + {parent} WHEN {kind} < 97 THEN s.n"
            f" ELSE {z.first_professional} + 1 + s.n % {z.professionals} END"
        )
        student = f"CASE WHEN {kind} < 85 THEN {self.child(f'({parent})')} ELSE s.n END"
        membership = f"CASE WHEN {kind} < 85 THEN {parent} WHEN {kind} < 97 THEN {z.first_own} + s.n END"
        bits = " + ".join(f"((x.facts >> {bit}) & 1)" for bit in range(8))
        decided = "x.state IN ('approved', 'limited', 'rejected')"
        return f"""
INSERT INTO registration (id, ref, kind, state, arrived_at, account_id, student_id, membership_id, school_id, given_name, family_name,
    name_key, family_key, skeleton, email, email_key, phone, phone_key, relation, student_number, student_given_name,
    student_family_name, student_family_key, organisation_name, facts, match, own_flags, flags, asked_at, deferred_until, decided_at,
    decided_by)
SELECT x.n, 'R-' || x.n, x.kind, x.state, {self.moment("x.back")}, x.account_id, x.student_id, x.membership_id, t.school_id,
    a.given_name, a.family_name, a.name_key, a.family_key, a.name_key, a.email, a.email_key, a.phone, a.phone_key,
    CASE x.kind WHEN 'parent' THEN 'guardian' ELSE '' END, t.number, t.given_name, t.family_name, t.family_key,
    CASE WHEN x.kind = 'asp' THEN 'Tutors' END, x.facts, {bits}, 0, x.flags,
    CASE WHEN x.state = 'needs_info' THEN {self.moment("x.back / 2")} END,
    CASE WHEN x.state = 'deferred' THEN {self.day("x.n % 40 - 25")} END,
    CASE WHEN {decided} THEN {self.moment("x.back / 2")} END, CASE WHEN {decided} THEN 1 END
FROM (SELECT s.n, CASE WHEN {kind} < 85 THEN 'parent' WHEN {kind} < 97 THEN 'student' ELSE 'asp' END AS kind,
             {self.state("s.n")} AS state, {back} AS back, {account} AS account_id, {student} AS student_id,
             {membership} AS membership_id, {facts} AS facts,
             CASE WHEN {draw("s.n", 22, 100)} < 4 THEN 1 << CAST({draw("s.n", 23, 8)} AS INTEGER) ELSE 0 END AS flags
      FROM {self.numbers(z.students)}) x
JOIN account a ON a.id = x.account_id JOIN student t ON t.id = x.student_id
"""

    def _memberships(self) -> Iterator[str]:
        z = self.sizes
        columns = "INSERT INTO membership (id, account_id, student_id, relation, status, arrival_status, origin, since, blocked)"
        # Which registration a parent's first tie came with, if any: the one whose parent this is.
        r = f"((s.n - 1) * {z.students} + {z.parents} - 1) / {z.parents} + 1"
        came = f"{r} <= {z.students} AND ({r} - 1) * {z.parents} / {z.students} = s.n - 1 AND ({r}) % 100 < 85"
        then = f"CASE {self.state(f'({r})')} WHEN 'approved' THEN 'approved' WHEN 'rejected' THEN 'removed' ELSE 'limited' END"
        otherwise = "CASE WHEN s.n % 11 = 3 THEN 'limited' ELSE 'approved' END"
        for step, offset in ((1, 0), (3, z.parents), (30, z.parents + z.parents // 3)):
            more = {1: 0, 3: 1, 30: 2}[step]
            status = f"CASE WHEN {came} THEN {then} ELSE {otherwise} END" if step == 1 else otherwise
            yield f"""{columns}
SELECT {offset} + s.n / {step}, {z.first_parent} + s.n, {self._next(more)}, 'guardian', {status}, 'limited',
    CASE WHEN s.n % 3 = 0 THEN 'adopted' ELSE 'self' END, {self.day("30 + s.n % 600")}, s.n % 1500 = 8
FROM {self.numbers(z.parents)} WHERE s.n % {step} = 0
"""
        own = (
            f"CASE {self.state('s.n')} WHEN 'approved' THEN 'approved' WHEN 'limited' THEN 'limited'"
            " WHEN 'rejected' THEN 'removed' ELSE 'pending' END"
        )
        yield f"""{columns}
SELECT {z.first_own} + s.n, s.n, s.n, '', {own}, 'pending', 'self', {self.day("30 + s.n % 600")}, (1 = 0)
FROM {self.numbers(z.students)} WHERE s.n % 100 BETWEEN 85 AND 96
"""

    def _next(self, more: int) -> str:
        """The student `more` behind the first child, around the end."""
        return f"1 + ({self.child('s.n')} - 1 + {more}) % {self.sizes.students}"

    def _challenges(self) -> str:
        z = self.sizes
        every = 997
        decided = "x.state IN ('decided', 'closed')"
        return f"""
INSERT INTO challenge (id, ref, state, arrived_at, membership_id, account_id, student_id, school_id, challenger_id, statement,
    answer_due, decision_due, waiting_until, answered_at, outcome, basis, decided_at, decided_by)
SELECT x.n, 'C-' || x.n, x.state, {self.moment("x.back")}, m.id, m.account_id, m.student_id, t.school_id, m.student_id,
    'I do not know this person.', {self.day("x.back / 86400 - 1")}, {self.day("x.back / 86400 - 7")},
    CASE WHEN x.state = 'waiting' THEN {self.day(-3)} END, NULL, CASE WHEN {decided} THEN 'ignore' END, NULL,
    CASE WHEN {decided} THEN {self.moment("x.back / 2")} END, CASE WHEN {decided} THEN 1 END
FROM (SELECT s.n, CASE WHEN s.n % 20 < 4 THEN 'open' WHEN s.n % 20 = 4 THEN 'waiting' WHEN s.n % 20 = 5 THEN 'appealed'
                       WHEN s.n % 20 < 16 THEN 'decided' ELSE 'closed' END AS state,
             CASE WHEN s.n % 20 < 6 THEN 3600 + {draw("s.n", 40, 8 * DAY)} ELSE {DAY} + {draw("s.n", 41, 500 * DAY)} END AS back
      FROM {self.numbers(max(20, z.students // 500))}) x
JOIN membership m ON m.id = 1 + (x.n * {every}) % {z.parents} JOIN student t ON t.id = m.student_id
"""

    def _grants(self) -> Iterator[str]:
        z = self.sizes
        yield f"""
INSERT INTO access_grant (id, ref, state, arrived_at, account_id, student_id, school_id, purpose, begins, ends, decided_at, decided_by)
SELECT s.n, 'G-' || s.n, CASE s.n % 10 WHEN 0 THEN 'requested' WHEN 1 THEN 'rejected' WHEN 2 THEN 'revoked' ELSE 'approved' END,
    {self.moment(draw("s.n", 50, 90 * DAY))}, {z.first_professional} + 1 + s.n % {z.professionals}, t.id, t.school_id, 'Tutoring',
    {self.day(60)}, {self.day("-20 - s.n % 200")}, {self.moment("3600")}, 1
FROM {self.numbers(max(40, z.students // 100))} JOIN student t ON t.id = 1 + (s.n * 89) % {z.students}
"""
        yield f"""
INSERT INTO intake_consent (id, ref, at, grant_ref, login, gives)
SELECT g.id, 'K-' || g.id, {self.moment("86400")}, g.ref, a.login, (1 = 1)
FROM access_grant g
JOIN membership m ON m.id = ((g.student_id - 1) * {z.parents} + {z.students} - 1) / {z.students} + 1
JOIN account a ON a.id = m.account_id
"""

    def _directory(self) -> str:
        z = self.sizes
        return f"""
INSERT INTO directory_user (id, directory_id, login, login_key, given_name, family_name, name_key, family_key, email, number,
    school_id, staff_id, first_seen, last_seen)
SELECT s.n, 'entry-' || s.n, 'staff' || s.n, 'staff' || s.n, f.given_name, f.family_name, lower(f.given_name || f.family_name),
    lower(f.family_name), f.email, f.number, 1 + s.n % {z.schools}, f.id, {self.moment("86400 * 30")}, {self.moment("3600")}
FROM {self.numbers(z.staff)} JOIN staff f ON f.id = s.n
"""
