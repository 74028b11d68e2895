"""Somebody of the directory is found by what they type, known by what never changes, and placed by their groups."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.authority import Role
from console.directory.entries import Entry
from console.directory.groups import DEEPEST, normal
from console.directory.standing import inactive
from console.settings.signing_tables import OPENLDAP
from console.signin.placing import Place, placed
from console.wiring import open_directory
from tests.asked_directory import NOW, opened, refused, settings_of
from tests.services.directory_people import BASE, PASSWORD, ROLES, SEARCHER, SUFFIX
from tests.services.slapd import dn_of, group_dn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.services.slapd import Slapd


# Names


@pytest.mark.parametrize(
    "name", ["ann", "ANN", " Ann ", "ann@district.example", "ANN@District.Example", "DISTRICT\\ann"]
)
def test_a_name_is_understood_however_it_is_typed(slapd: Slapd, name: str) -> None:
    person = opened(slapd.table(mail_domains=["district.example", "school.example"])).authenticate(name, PASSWORD)
    assert (person.login, person.dn, person.id) == ("ann", dn_of("ann"), slapd.uuid("ann"))
    assert (person.given_name, person.family_name) == ("Ann", "Abara")
    assert (person.email, person.number, person.codes) == ("ann@district.example", "E1001", ("D01",))
    assert person.active


def test_of_other_domains_nobody_comes(slapd: Slapd) -> None:
    own = opened(slapd.table(mail_domains=["district.example"]))
    assert refused(own, "ann@elsewhere.example", PASSWORD) == "other domain"
    assert opened(slapd.table()).authenticate("ann@elsewhere.example", PASSWORD).login == "ann"


def test_a_login_may_be_what_stands_before_an_at(slapd: Slapd) -> None:
    """As userPrincipalName: here with the address as the login attribute."""
    directory = opened(slapd.table(login_attribute="mail", mail_domains=["district.example"]))
    for name in ("ann", "ANN@district.example"):
        assert directory.authenticate(name, PASSWORD).login == "ann"
    assert (
        refused(opened(slapd.table(login_attribute="mail", mail_domains=["x.example"])), "ann", PASSWORD) == "no entry"
    )


def test_letters_of_every_script_are_letters(slapd: Slapd) -> None:
    slapd.add_person("zoë", "Zoë", "Åberg (née O'Neil) *", password="pass wörd ☃ ok", email="zoe@district.example")
    try:
        directory = opened(slapd.table())
        for name in ("zoë", "ZOË", "zoe\u0308"):
            person = directory.authenticate(name, "pass wörd ☃ ok")
            assert (person.login, person.family_name) == ("zoë", "Åberg (née O'Neil) *")
        assert refused(directory, "zoe", "pass wörd ☃ ok") == "no entry"
    finally:
        slapd.delete("zoë")


def test_a_password_is_sent_as_it_was_typed(slapd: Slapd) -> None:
    """Not prepared (RFC 4013) into another, nor refused for letters that a directory accepts."""
    for number, password in enumerate(
        ("emoji 😀 word", "no\u00a0break", "\ufb01ne", "\u05d0 and a", "bell \x07", "\u0221")
    ):
        slapd.add_person(f"types{number}", password=password)
        try:
            assert opened(slapd.table()).authenticate(f"types{number}", password).login == f"types{number}"
            assert refused(opened(slapd.table()), f"types{number}", f"{password} ") == "49"
        finally:
            slapd.delete(f"types{number}")


# Identity and standing


def test_a_person_is_their_entry_uuid_wherever_they_go(slapd: Slapd) -> None:
    slapd.add_person("moves", number="E77", codes=("LHS", "RMS"))
    directory = opened(slapd.table())
    first = directory.authenticate("moves", PASSWORD)
    assert set(first.codes) == {"LHS", "RMS"}
    slapd.admin().modify_dn(dn_of("moves"), "uid=married")
    try:
        assert refused(directory, "moves", PASSWORD) == "no entry"
        now = directory.is_active(first.id)
        assert now is not None
        assert (now.id, now.login, now.dn) == (first.id, "married", dn_of("married"))
    finally:
        slapd.delete("married")
    assert directory.is_active(first.id) is None
    slapd.add_person("moves", number="E77")
    try:
        assert directory.authenticate("moves", PASSWORD).id != first.id
    finally:
        slapd.delete("moves")


def test_who_is_locked_is_let_in_no_more_and_again_when_freed(slapd: Slapd) -> None:
    identity = slapd.add_person("locks")
    directory = opened(slapd.table())
    try:
        assert directory.authenticate("locks", PASSWORD).id == identity
        slapd.disable("locks")
        assert directory.is_active(identity) is None
        assert refused(directory, "locks", PASSWORD) == "not in use"
        assert [person.active for person in directory.people() if person.id == identity] == [False]
        slapd.enable("locks")
        assert directory.is_active(identity) is not None
        slapd.change(dn_of("locks"), objectClass=["inetOrgPerson", "districtPerson", "shadowAccount"])
        slapd.change(dn_of("locks"), shadowExpire=["20000"])
        assert directory.is_active(identity) is None
        slapd.change(dn_of("locks"), shadowExpire=["-1"])
        assert directory.is_active(identity) is not None
    finally:
        slapd.delete("locks")


@pytest.mark.parametrize("identity", ["", "x", "*", "00000000-0000-0000-0000-000000000000", "1)(uid=ann", "ann"])
def test_an_identity_that_is_none_is_nobody(slapd: Slapd, identity: str) -> None:
    assert opened(slapd.table()).is_active(identity) is None


@pytest.mark.parametrize(
    ("attribute", "value", "why"),
    [
        ("pwdaccountlockedtime", "000001010000Z", "locked"),
        ("pwdaccountlockedtime", f"{NOW:%Y%m%d%H%M%SZ}", "locked"),
        ("pwdaccountlockedtime", f"{NOW + timedelta(hours=1):%Y%m%d%H%M%SZ}", None),
        ("pwdendtime", f"{NOW:%Y%m%d%H%M%SZ}", "expired"),
        ("pwdendtime", f"{NOW + timedelta(hours=1):%Y%m%d%H%M%S.123Z}", None),
        ("pwdendtime", "soon", "expired"),
        ("shadowexpire", "0", "expired"),
        ("shadowexpire", "-1", None),
        ("shadowexpire", "999999999999", None),
        ("shadowexpire", "never", None),
    ],
)  # fmt: skip
def test_what_openldap_knows_of_an_account_is_read(attribute: str, value: str, why: str | None) -> None:
    assert inactive(Entry("uid=x", {attribute: (value.encode(),)}), OPENLDAP, NOW) == why


def test_everybody_comes_once_in_pages(slapd: Slapd) -> None:
    found = [
        person
        for person in opened(slapd.table()).people()
        if person.login in {"ann", "bob", "cara", "dan", "eve", "fay", "gil", "hal"}
    ]
    assert len(found) == len({person.id for person in found}) == 8
    assert {person.number for person in found if person.login in ("gil", "hal")} == {"S2001", "S2002"}


# Groups


def place_of(slapd: Slapd, name: str, **more: object) -> Place | None:
    table = slapd.table(**more)
    directory = opened(table)
    return placed(settings_of(table), directory.groups(directory.authenticate(name, PASSWORD)))


def test_groups_count_directly_through_others_and_in_circles(slapd: Slapd) -> None:
    found = {name: place_of(slapd, name) for name in ("ann", "bob", "cara", "dan", "eve", "fay", "gil")}
    assert {name: place and (place.role, place.schools) for name, place in found.items()} == {
        "ann": (Role.DISTRICT_ADMINISTRATOR, None),
        "bob": (Role.HELP_DESK, ("LHS", "RMS")),
        "cara": (Role.SCHOOL_ADMINISTRATOR, ("LHS",)),
        "dan": (Role.AUDITOR, None),
        "eve": None,
        "fay": None,
        "gil": None,
    }


def test_of_several_groups_the_first_in_the_file_counts_alone(slapd: Slapd) -> None:
    """Never the sum: a help desk of one school in a second group gets neither its role nor its schools."""
    lesser, greater = group_dn("principals"), group_dn("console-admins")
    slapd.join("console-admins", dn_of("cara"))
    try:
        place = place_of(slapd, "cara", roles={lesser: "school_administrator LHS", greater: "district_administrator"})
        assert place == Place(Role.SCHOOL_ADMINISTRATOR, ("LHS",), lesser)
        place = place_of(slapd, "cara", roles={greater: "district_administrator", lesser: "school_administrator LHS"})
        assert place == Place(Role.DISTRICT_ADMINISTRATOR, None, greater)
    finally:
        slapd.leave("console-admins", dn_of("cara"))


def test_a_group_is_compared_however_its_dn_is_written(slapd: Slapd) -> None:
    for written in (
        "CN=Principals, OU=Groups,DC=district , dc=Example",
        "cn=\\70rincipals,ou=groups,dc=district,dc=example",
    ):
        place = place_of(slapd, "cara", roles={written: "help_desk LHS"})
        assert place is not None
        assert place.role is Role.HELP_DESK


def test_a_group_of_another_place_with_the_same_name_is_another(slapd: Slapd) -> None:
    """VULNERABILITY: groups compared by their name. ATTACK: `cn=console-admins` where anybody may make groups.

    VERIFIES: only the group of the settings' DN gives a role.
    """
    slapd.add(f"ou=clubs,{SUFFIX}", {"objectClass": "organizationalUnit"})
    slapd.add(f"cn=console-admins,ou=clubs,{SUFFIX}", {"objectClass": "groupOfNames", "member": dn_of("eve")})
    try:
        assert place_of(slapd, "eve") is None
    finally:
        slapd.admin().delete(f"cn=console-admins,ou=clubs,{SUFFIX}")
        slapd.admin().delete(f"ou=clubs,{SUFFIX}")


@pytest.fixture
def chain(slapd: Slapd) -> Iterator[list[str]]:
    """Twelve groups, each in the next; eve is in the first, and in the middle there is a circle back to the first."""
    names = [f"chain-{number:02}" for number in range(12)]
    within = dn_of("eve")
    for name in names:
        slapd.add(group_dn(name), {"objectClass": "groupOfNames", "member": within})
        within = group_dn(name)
    slapd.join(names[0], group_dn(names[4]))
    yield names
    for name in names:
        slapd.admin().delete(group_dn(name))


def test_a_walk_goes_eight_steps_and_ends(slapd: Slapd, chain: list[str]) -> None:
    directory = opened(slapd.table())
    began = time.monotonic()
    found = directory.groups(directory.authenticate("eve", PASSWORD))
    assert time.monotonic() - began < 2
    assert found == {normal(group_dn(name)) for name in chain[:DEEPEST]}
    assert place_of(slapd, "eve", roles={group_dn(chain[7]): "auditor"}) is not None
    assert place_of(slapd, "eve", roles={group_dn(chain[8]): "auditor"}) is None


def test_a_directory_without_member_of_is_walked_by_its_members(slapd: Slapd) -> None:
    """Without its overlay: what is a member of what is asked of the groups themselves, uniqueMember too."""
    from tests.services.slapd import Slapd as Server

    with Server(authority=slapd.authority, overlays=False) as plain:
        plain.add(
            group_dn("unique"),
            {"objectClass": "groupOfUniqueNames", "uniqueMember": [dn_of("fay"), group_dn("circle-b")]},
        )
        table = plain.table()
        directory = opened(table)

        def role(name: str, **roles: str) -> Role | None:
            given = {group_dn(group): word for group, word in roles.items()} or dict(ROLES)
            found = placed(
                settings_of(plain.table(roles=given)), directory.groups(directory.authenticate(name, PASSWORD))
            )
            return found and found.role

        assert [role(name) for name in ("ann", "bob", "dan", "eve")] == [
            Role.DISTRICT_ADMINISTRATOR,
            Role.HELP_DESK,
            Role.AUDITOR,
            None,
        ]
        assert role("fay", unique="auditor") is role("dan", unique="auditor") is Role.AUDITOR


# DNs


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CN=Help Desk,OU=Groups,DC=x", "cn=help  desk , ou=groups, dc=X"),
        (r"cn=a\,b,dc=x", r"cn=a\2cb,dc=x"),
        (r"cn=a\ ,dc=x", "cn=a,dc=x"),
        (r"cn=\23one,dc=x", r"cn=\#ONE,dc=x"),
        ("cn=a+sn=b,dc=x", "SN=B + CN=A,dc=x"),
        ("cn=Zo\u00eb,dc=x", "cn=Zoe\u0308,dc=x"),
        (r"cn=Zo\c3\ab,dc=x", "cn=zoë,dc=x"),
    ],
)
def test_one_dn_has_one_normal_form(one: str, other: str) -> None:
    assert normal(one) == normal(other)
    assert normal(normal(one)) == normal(one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cn=a,dc=x", "cn=a,dc=y"),
        ("cn=a+sn=b,dc=x", r"cn=a\+sn=b,dc=x"),
        (r"cn=a\,dc=x", "cn=a,dc=x"),
        ("cn=a,dc=x", "ou=a,dc=x"),
        ("cn=ab,dc=x", "cn=a b,dc=x"),
    ],
)
def test_two_dns_are_not_one(one: str, other: str) -> None:
    assert normal(one) != normal(other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "help",
        "cn=",
        "=x",
        "cn=a,,dc=x",
        "cn=a,",
        ",cn=a",
        "c n=a",
        'cn="a"',
        "cn=#04024869",
        "cn=a\\",
        r"cn=\zz",
        r"cn=\ff",
        "cn=a;dc=x",
        "cn=\\20",
    ],
)
def test_what_is_no_dn_has_no_normal_form(text: str) -> None:  # fmt: skip
    with pytest.raises(ValueError):
        normal(text)


values = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=12)


@pytest.mark.filterwarnings("ignore:t.*Map is deprecated:DeprecationWarning")
@given(st.lists(st.tuples(st.sampled_from(["cn", "OU", "dc"]), values), min_size=1, max_size=4))
def test_whatever_a_value_holds_its_dn_is_read_as_it_was_written(parts: list[tuple[str, str]]) -> None:
    from ldap3.utils.dn import escape_rdn

    written = ",".join(f"{name}={escape_rdn(value)}" for name, value in parts)
    try:
        form = normal(written)
    except ValueError:
        assert not all(value.strip() for _, value in parts)
        return
    assert normal(form) == form
    assert len(re.sub(r"\\.", "", form).split(",")) == len(parts)
    in_bytes = [(name, "".join(f"\\{byte:02x}" for byte in value.encode())) for name, value in parts]
    assert normal(",".join(f"{name.upper()} = {value}" for name, value in in_bytes)) == form


# The seam


def test_without_hosts_there_is_no_directory(slapd: Slapd) -> None:
    assert open_directory(settings_of({})) is None
    found = open_directory(settings_of(slapd.table()))
    assert found is not None
    assert found.ping() == slapd.ldaps.removeprefix("ldaps://")
    assert SEARCHER.endswith(SUFFIX)
    assert BASE.endswith(SUFFIX)
