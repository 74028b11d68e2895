"""The people and groups of the synthetic directory: who is in which group, directly, through another, or through a circle.

    console-admins   ann                                        district administrator, all schools
    help-desk        helpers-lincoln ← bob                      help desk, of LHS and RMS
    principals       cara                                       school administrator, of LHS
    auditors         circle-a ↔ circle-b ← dan                  auditor, all schools
    (no role)        eve, staff ← fay; students gil, hal

Everybody is invented. Numbers are the district's IDs, codes the schools' (LHS, RMS) or the district office's (D01).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SUFFIX = "dc=district,dc=example"
BASE = f"ou=people,{SUFFIX}"
SEARCHER, SEARCHER_PASSWORD = f"cn=console,{SUFFIX}", "reads-and-nothing-else"
PASSWORD = "correct horse battery staple"
ROLES = {
    f"cn=console-admins,ou=groups,{SUFFIX}": "district_administrator",
    f"cn=help-desk,ou=groups,{SUFFIX}": "help_desk LHS RMS",
    f"cn=principals,ou=groups,{SUFFIX}": "school_administrator LHS",
    f"cn=auditors,ou=groups,{SUFFIX}": "auditor",
}
PEOPLE = (
    ("ann", "Ann", "Abara", "E1001", ("D01",)),
    ("bob", "Bob", "Brandt", "E1002", ("LHS", "RMS")),
    ("cara", "Cara", "Chen", "E1003", ("LHS",)),
    ("dan", "Dan", "Dufresne", "E1004", ("D01",)),
    ("eve", "Eve", "Ekwueme", "E1005", ("LHS",)),
    ("fay", "Fay", "Farouk", "E1006", ("RMS",)),
    ("gil", "Gil", "Garza", "S2001", ("LHS",)),
    ("hal", "Hal", "Haddad", "S2002", ("RMS",)),
)
GROUPS = (
    ("console-admins", ("uid=ann",)),
    ("helpers-lincoln", ("uid=bob",)),
    ("help-desk", ("cn=helpers-lincoln",)),
    ("principals", ("uid=cara",)),
    ("circle-a", ("cn=circle-b",)),
    ("circle-b", ("cn=circle-a", "uid=dan")),
    ("auditors", ("cn=circle-a",)),
    ("staff", ("uid=fay",)),
)


def person(
    uid: str,
    given: str,
    family: str,
    *,
    password: str = PASSWORD,
    number: str = "",
    codes: Iterable[str] = (),
    email: str = "",
) -> tuple[str, dict[str, Any]]:
    """A person's DN and attributes."""
    attributes: dict[str, Any] = {
        "objectClass": ["inetOrgPerson", "districtPerson"],
        "uid": uid,
        "cn": f"{given} {family}",
        "givenName": given,
        "sn": family,
        "mail": email or f"{uid}@district.example",
        "userPassword": password,
    }
    attributes |= {"employeeID": number} if number else {}
    attributes |= {"department": list(codes)} if codes else {}
    return f"uid={uid},{BASE}", attributes


def entries() -> Iterator[tuple[str, dict[str, Any]]]:
    """Everything that a fresh directory holds, parents first; groups after all their names exist, so that memberOf follows."""
    yield SUFFIX, {"objectClass": ["dcObject", "organization"], "o": "Synthetic district"}
    yield BASE, {"objectClass": "organizationalUnit"}
    yield f"ou=groups,{SUFFIX}", {"objectClass": "organizationalUnit"}
    yield (
        SEARCHER,
        {
            "objectClass": ["organizationalRole", "simpleSecurityObject"],
            "userPassword": SEARCHER_PASSWORD,
            "description": "The console's own account, which only reads",
        },
    )
    for uid, given, family, number, codes in PEOPLE:
        yield person(uid, given, family, number=number, codes=codes)
    for name, members in GROUPS:
        where = {"uid": BASE, "cn": f"ou=groups,{SUFFIX}"}
        yield (
            f"cn={name},ou=groups,{SUFFIX}",
            {"objectClass": "groupOfNames", "member": [f"{each},{where[each.partition('=')[0]]}" for each in members]},
        )
