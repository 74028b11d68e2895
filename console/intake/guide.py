"""Writes docs/INTAKE.md: what the imports take, from the declarations that read the files, so that the two cannot differ.

`python -m console.intake.guide > docs/INTAKE.md`
"""

from __future__ import annotations

import sys

from console.intake.forms import described
from console.intake.roster_files import DEFAULT_METADATA, KINDS

_HEAD = """\
# What comes in

Data reaches the portal's database on two roads: a roster from the student information system, and what the portal collected.
Both are imports of a named operator with the right `intake`; founding a portal hires an unattended one called `intake` for cron:

    district --operator intake import roster /srv/export/roster.zip
    district import registrations registrations.csv --dry-run

Every import is one transaction with one record in the ledger: the file's SHA-256 and counts, nothing about a person. What is wrong
with a row is said with file, line, column and reason, never with the value. By default one wrong row keeps the whole file out;
`--skip-bad-rows` imports the rest. `--dry-run` walks the same road and takes it back: its counts are what the import then does. The
same file again changes nothing. Files are read before anybody has to wait for the import; Ctrl-C gives it up until it is saved, and
then nothing of it stays. What was begun in a session that ended meanwhile is not saved.

Exit codes: 0 all came in; 1 nothing did (wrong rows, too many withdrawals, no right to it), or a dry run says that nothing would;
3 something was held back, refused or skipped; 5 a file is not there or the database is not.

# Rosters

OneRoster CSV 1.1 and 1.2, a folder or a zip, each file bulk or delta as `manifest.csv` says. Unknown columns are one warning each,
passwords are never read. The district's own columns of `users.csv`:

"""

_ROSTERS = """
What each file becomes:

- `orgs` become schools (their `identifier` is the code, switches stay as decided), `academicSessions`, `courses` and `classes` are
  kept as they are. Race, ethnicity, sex and place of birth are not read.
- `users` become students, contacts (guardians: evidence, never accounts) and staff, by role; somebody with several roles becomes
  each. A student's number is `identifier`, else `sourcedId`. The home school is the primary org, else the first that is a school.
- A student is enrolled at a school from the first class begun there until the last one ended; where classes say nothing, because the
  user's orgs list it. Dates of classes close access, so they win over orgs. Staff have posts where orgs or roles say, else where
  they teach; staff whose `enabledUser` is false have none. For students `enabledUser` means nothing here.
- A guardian and a student are tied when either row names the other. What is restricted, the guardian's own row says, and the row
  that restricts wins over one that does not. A tie ends when both rows are in the files and neither names the other.

Bulk and delta:

- Who is absent from a bulk file, or `tobedeleted`, is *withdrawn*: kept, with enrollments and posts ended. Who comes back is active
  again. A delta withdraws only whom it names. In a delta of 1.2, roles that are not named still hold.
- Where rows of a bulk file were skipped as wrong, nobody is withdrawn for being absent from it: they may stand in a skipped row.
- Above `policy.withdrawal_stop_percent` of any kind nothing is imported unless `--allow-withdrawals` is given.

Identifiers:

- *reused*: the same `sourcedId`, but name and date of birth both differ (where a date is unknown, and for staff: given and family
  name both do). The row is held back, since the former person's ties would show the new one; it is reported every time until the
  identifier is put right or `--allow-reused` takes it over. A number that belonged to somebody else is reported, not held back.
- *changed*: a new `sourcedId` with name and date of birth of a student who left; a student's new number. Reported; ties stay where
  they are.

What an import never does: it opens no account or tie that an operator closed, and touches no mask, block, verification or switch. A
sealed student's new name is encrypted again and stays unseen. The directory opt-out is taken over when the roster *begins* to say
`true`; a roster that goes on saying so does not undo an operator's decision, and one that stops saying so lifts nothing.

Afterwards waiting registrations are led to whoever has their number now – not away from the student whose family name was typed, to
one with another name – and matched anew. A tie that only an application made follows it; one that was approved stays.

History: `roster_import` has a row for each import, `roster_change` one for each row that was added, changed or withdrawn, with the
former row encrypted.

# What the portal collected

Six files, CSV with a header or JSON Lines with the same names. Their rows go into the intake tables, where the portal itself may
insert at any moment, and are taken over from there: `district work` does it for the portal's own rows. Columns of the tables are
those of the files, except: `intake_grant.begins` is `starts`; `intake_consent.gives` is true for `give`; `intake_account` has days
where the file has moments, codes of schools in one text with commas, and no `ref`. Days called `ends` or `until` are the last day
that counts, in files and intake tables alike; in the portal's own tables they are the day after.

A row that cannot become a case is refused in words, in the table's column `refused` and in the import's report; repeating the file
tries it again. What each becomes:

- registrations: an account if the login is new (a parent's active; a student's active where the school says `approve_for_grades`; a
  professional's waiting), a tie with the rights of arrival, and a case. An existing tie keeps its rights; a removed one stays
  removed until somebody approves. A number that no student has makes a case all the same. Refused: a login of another kind of
  account or of a deleted one. An organisation nobody knew needs an agreement until `accounts` says otherwise.
- challenges: refused unless the challenged login is tied to the student and the challenger is the student or a parent with an
  approved tie. They hold the tie from the moment they are inserted; due dates are counted in school days from their arrival.
- grants: refused unless the login is an after-school professional's and the student is known.
- consents: not taken; the latest one of a parent for a grant counts from the moment it is inserted.
- answers: go into the case's thread, encrypted. A registration that was asked counts as submitted again, unless its time is over; a
  challenge that waited is open again; `withdraws` takes a waiting registration back and ends a tie that only it had made.
- accounts: adopted once, after the first roster. Accounts get their dates and `adopted` as origin, ties come in as limited or
  approved; one that is not active comes in suspended. A login that registered itself is refused, a known one changes nothing.
  `person` links a login to the student or staff member of the roster. `schools` counts for staff whom the roster places nowhere.

"""


def page() -> str:
    """The whole page."""
    columns = [f"- `{theirs}`: {_MEANING[ours]}" for ours, theirs in DEFAULT_METADATA.items()]
    files = ", ".join(f"`{kind.file}`" for kind in KINDS.values())
    return "".join([_HEAD, "\n".join(columns), f"\n\nFiles that are read: {files}.\n", _ROSTERS, described()])


_MEANING = {
    "restricted_students": "on a guardian, `sourcedId`s of students whom an order keeps from them",
    "restriction_reference": "the order's reference",
    "relation": "mother, father, guardian, grandparent …; a `relative` without one is called that",
    "verification_code": "on a student, the code that the school gave to the family; kept as a digest",
    "directory_opt_out": "on a student, true when the family opted out of directory information",
}

if __name__ == "__main__":
    sys.stdout.write(page())
