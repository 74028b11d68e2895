"""Active Directory is understood as it is: its refusals, its groups in groups, its names, its accounts that are out of use.

Against Samba as a domain controller where one can run; where not, the tests say so and what was recorded of one is tested alone.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from console.authority import Role
from console.directory.entries import Entry, Reading
from console.directory.groups import normal
from console.directory.refusals import REASONS, reason, sub_code
from console.directory.standing import inactive
from console.settings.signing_tables import ACTIVE_DIRECTORY
from console.signin.placing import placed
from tests.asked_directory import NOW, opened, refused, settings_of
from tests.services import samba as ad
from tests.services.false_directory import Wiretap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from console.directory.ldap import Ldap

PASSWORD = ad.PASSWORD


@pytest.fixture(scope="session")
def domain() -> Iterator[ad.Samba]:
    lacking = ad.lacking()
    if lacking:
        said = f"No domain controller can run here ({lacking}); what was recorded of one is tested alone."
        warnings.warn(said, stacklevel=1)
        pytest.xfail(said)
    with ad.Samba() as server:
        ann = server.add_person("ann", employeeID="E1001", department="LHS", mail="ann@district.example")
        server.add_group("inner", ann)
        server.add_group("outer", f"CN=inner,{ad.USERS}")
        server.add_group("other", server.add_person("bob", account="robert"))
        server.join("inner", f"CN=outer,{ad.USERS}")
        yield server


def roles(*names: str) -> dict[str, dict[str, str]]:
    return {
        "roles": {
            f"CN={name},{ad.USERS}": role for name, role in zip(names, ("auditor", "help_desk LHS"), strict=False)
        }
    }


# What was recorded of Samba 4.17, which writes what Windows writes; a NUL after it is Windows's own.

RECORDED = "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data {}, v1db1\x00"


@pytest.mark.parametrize(("code", "meaning"), REASONS.items())
def test_a_recorded_refusal_is_told_by_its_sub_code(code: str, meaning: str) -> None:
    assert sub_code(RECORDED.format(code)) == code
    assert reason(49, RECORDED.format(code)) == code
    assert reason(49, RECORDED.format(code.upper())) == code
    assert meaning


@pytest.mark.parametrize("text", ["", "data 52e", "AcceptSecurityContext error, data ;rm", "invalid DN, data 773"])
def test_a_text_without_a_sub_code_is_told_by_its_number(text: str) -> None:
    assert reason(49, text) == "49"
    assert reason(53, RECORDED.format("533")) == "53"


def account(**values: str) -> str | None:
    entry = Entry("CN=x", {name.replace("_", "-").lower(): (value.encode(),) for name, value in values.items()})
    return inactive(entry, ACTIVE_DIRECTORY, NOW)


def filetime(moment: datetime) -> str:
    return str((moment - datetime(1601, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 10)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"userAccountControl": "512"}, None),
        ({"userAccountControl": "66048", "accountExpires": "0"}, None),
        ({"userAccountControl": "512", "accountExpires": "9223372036854775807"}, None),
        ({"userAccountControl": "512", "accountExpires": filetime(NOW + timedelta(seconds=1))}, None),
        ({"userAccountControl": "512", "accountExpires": filetime(NOW)}, "expired"),
        ({"userAccountControl": "514"}, "disabled"),
        ({"userAccountControl": "512", "msDS_User_Account_Control_Computed": "16", "lockoutTime": "1"}, "locked"),
        ({"userAccountControl": "512", "msDS_User_Account_Control_Computed": "0", "lockoutTime": "1"}, None),
        ({"userAccountControl": "512", "msDS_User_Account_Control_Computed": "8388608"}, None),
        ({"userAccountControl": "512", "lockoutTime": "133000000000000000"}, "locked"),
        ({"userAccountControl": "512", "lockoutTime": "0"}, None),
        ({}, "unreadable"),
        ({"userAccountControl": "five"}, "unreadable"),
        ({"userAccountControl": "9" * 40}, "unreadable"),
    ],
)
def test_an_account_out_of_use_is_seen(values: dict[str, str], why: str | None) -> None:
    assert account(**values) == why


def test_a_guid_is_written_as_people_write_it() -> None:
    reading = Reading(settings_of({"kind": "active_directory"}).directory)
    stored = bytes.fromhex("30cfd61edaeecb43b919bc7044e198a7")
    entry = Entry("CN=x", {"objectguid": (stored,), "userprincipalname": (b"Ann@corp.example",)})
    person = reading.person(entry, NOW)
    assert person is not None
    assert (person.id, person.login) == ("1ed6cf30-eeda-43cb-b919-bc7044e198a7", "Ann")
    assert (reading.identified(person.id) or "").count("\\") == 16
    for strange in ("", "x", person.id.upper(), "1ed6cf30-eeda-43cb-b919-bc7044e198a7)(uid=*"):
        assert reading.identified(strange) is None
    for values in ({"objectguid": (b"short",)}, {"objectguid": ()}, {"objectguid": (stored, stored)}):
        assert reading.person(Entry("CN=x", entry.values | values), NOW) is None
    assert reading.person(replace(entry, dn=""), NOW) is None


# What a domain controller does


@pytest.mark.parametrize("name", ["ann", "ANN", "ann@corp.example", "Ann@CORP.example", "CORP\\ann", "corp\\ANN"])
def test_a_name_is_understood_however_it_is_typed(domain: ad.Samba, name: str) -> None:
    for address in (domain.ldaps, domain.starttls):
        person = opened(domain.table(address, mail_domains=["corp.example"])).authenticate(name, PASSWORD)
        assert (person.login, person.number, person.codes) == ("ann", "E1001", ("LHS",))
        assert (person.given_name, person.family_name, person.email) == ("Ann", "Sample", "ann@district.example")
        assert person.active


def test_before_a_backslash_and_before_an_at_are_two_names(domain: ad.Samba) -> None:
    directory = opened(domain.table())
    assert directory.authenticate("bob", PASSWORD).login == "bob"
    assert directory.authenticate("CORP\\robert", PASSWORD).login == "bob"
    assert refused(directory, "robert", PASSWORD) == "no entry"
    assert refused(directory, "CORP\\bob", PASSWORD) == "no entry"
    assert refused(directory, "ann@other.example", PASSWORD) == "no entry"
    assert refused(opened(domain.table(mail_domains=["x.example"])), "ann@corp.example", PASSWORD) == "other domain"


def test_every_refusal_has_its_code_and_none_lets_in(domain: ad.Samba) -> None:
    """Real sub-codes; the person at the prompt hears one sentence."""
    off, must = domain.add_person("off"), domain.add_person("must")
    ended, night = domain.add_person("ended"), domain.add_person("night")
    domain.change(off, userAccountControl=ad.NORMAL | ad.DISABLED)
    domain.change(must, pwdLastSet=0)
    domain.change(ended, accountExpires=filetime(datetime(2020, 1, 1, tzinfo=UTC)))
    domain.admin().modify(night, {"logonHours": [("MODIFY_REPLACE", [bytes(21)])]})
    directory = opened(domain.table())
    assert refused(directory, "ann", "Wrong-Password-9") == "52e"
    said = {name: refused(directory, name, PASSWORD) for name in ("off", "must", "ended", "night")}
    assert said == {"off": "533", "must": "773", "ended": "701", "night": "530"}
    active = {person.login: person.active for person in directory.people()}
    assert active == active | {"ann": True, "off": False, "must": True, "ended": False, "night": True}


def test_an_account_that_locks_itself_is_out_of_use(domain: ad.Samba) -> None:
    domain.add_person("locks")
    directory = opened(domain.table())
    identity = directory.authenticate("locks", PASSWORD).id
    domain.change(ad.SUFFIX, lockoutThreshold=2)
    try:
        assert {refused(directory, "locks", "Wrong-Password-9") for _ in range(3)} == {"52e", "775"}
        assert refused(directory, "locks", PASSWORD) == "775"
        assert directory.is_active(identity) is None
    finally:
        domain.change(ad.SUFFIX, lockoutThreshold=0)


def test_a_disabled_or_deleted_account_is_not_there_any_more(domain: ad.Samba) -> None:
    dn = domain.add_person("leaver")
    directory = opened(domain.table())
    person = directory.authenticate("leaver", PASSWORD)
    assert directory.is_active(person.id) == person
    domain.change(dn, userAccountControl=ad.NORMAL | ad.DISABLED)
    assert directory.is_active(person.id) is None
    domain.change(dn, userAccountControl=ad.NORMAL, userPrincipalName="married@corp.example")
    found = directory.is_active(person.id)
    assert found is not None
    assert (found.id, found.login) == (person.id, "married")
    domain.admin().delete(dn)
    assert directory.is_active(person.id) is None
    assert refused(directory, "married", PASSWORD) == "no entry"


def test_groups_count_through_others_and_in_circles(domain: ad.Samba) -> None:
    settings = settings_of(domain.table(**roles("outer", "other")))
    directory = opened(domain.table(**roles("outer", "other")))

    def place(name: str) -> tuple[Role, tuple[str, ...] | None] | None:
        found = placed(settings, directory.groups(directory.authenticate(name, PASSWORD)))
        return found and (found.role, found.schools)

    domain.add_person("nobody")
    assert directory.groups(directory.authenticate("ann", PASSWORD)) == {normal(f"CN=outer,{ad.USERS}")}
    assert place("ann") == (Role.AUDITOR, None)
    assert place("bob") == (Role.HELP_DESK, ("LHS",))
    assert place("nobody") is None


def test_two_accounts_of_one_name_are_nobody(domain: ad.Samba) -> None:
    """VULNERABILITY: `pat@corp.example` and `pat@school.example` are two people with one name before the @.

    ATTACK: the password of either, under the bare name. VERIFIES: neither; with the domain each is who they are.
    """
    domain.add_person("pat")
    domain.change(domain.add_person("pat2", password="Of-The-Other-9"), userPrincipalName="pat@school.example")
    directory = opened(domain.table())
    for password in (PASSWORD, "Of-The-Other-9"):
        assert refused(directory, "pat", password) == "several entries"
    first, second = (
        directory.authenticate("pat@corp.example", PASSWORD),
        directory.authenticate("pat@school.example", "Of-The-Other-9"),
    )
    assert first.id != second.id
    one = opened(domain.table(mail_domains=["corp.example"]))
    assert one.authenticate("pat", PASSWORD) == first


def test_no_password_is_on_the_wire(domain: ad.Samba) -> None:
    """VULNERABILITY: a domain controller offers LDAP in clear. ATTACK: a tap. VERIFIES: not one byte of a password."""
    with Wiretap(domain.port) as starts, Wiretap(domain.tls_port) as at_once:
        for address in (f"ldap://127.0.0.1:{starts.port}", f"ldaps://127.0.0.1:{at_once.port}"):
            directory: Ldap = opened(domain.table(address))
            assert directory.authenticate("ann", PASSWORD).login == "ann"
            assert refused(directory, "ann", "Wrong-Password-9") == "52e"
        for tap in (starts, at_once):
            assert len(tap.clear) > 1000
            assert not [
                each for each in (PASSWORD, ad.SEARCHER_PASSWORD, "Wrong-Password") if each.encode() in tap.clear
            ]
