"""The tables of `district.toml` that say how operators sign in: the portal's own rules, and the district's directory.

Neither can be overridden from the environment: whoever could name another directory there could sign in as anybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from console.settings import kinds
from console.settings.tables import ADDRESS, NAME, PATH, PLACE, TEXT, secret_of, setting

OPENLDAP = "openldap"
ACTIVE_DIRECTORY = "active_directory"


def _host_fault(value: str) -> str | None:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return "it cannot be read as an address"
    if parts.scheme not in ("ldap", "ldaps") or not parts.hostname or port == 0:
        return "it is other text"
    if parts.username is not None or parts.path not in ("", "/") or parts.query or parts.fragment:
        return "it holds more than a scheme, a host and a port"
    return None


HOST = kinds.text("ldaps://HOST[:PORT], or ldap://HOST[:PORT] for StartTLS", _host_fault)


@dataclass(frozen=True)
class SignInSettings:
    """How long a sign-in lasts, and when a code is asked for again."""

    idle_minutes: int = setting(10, kinds.whole(1, 60), "Minutes without a key after which the screen locks.")
    line_minutes: int = setting(
        10, kinds.whole(1, 60), "Minutes without a command after which the line mode asks to sign in again."
    )
    absolute_hours: int = setting(8, kinds.whole(1, 24), "Hours after which a sign-in ends, used or not.")
    step_up_cases: int = setting(
        500, kinds.whole(1, 1_000_000), "Cases above which a bulk decision asks for a code of the second factor."
    )
    export_rows: int = setting(
        500, kinds.whole(0, 10_000_000), "Records a day above which an operator's export waits for a second person."
    )
    invitation_hours: int = setting(
        72, kinds.whole(1, 720), "Hours in which a new operator sets a password and a second factor."
    )
    blocklist: Path | None = setting(
        None, PATH, "A file of passwords that nobody may choose, one a line, besides those that the console knows."
    )
    session_folder: Path | None = setting(
        None, PATH, "Where the line mode keeps its session, mode 0600; empty for the user's own run-time folder."
    )
    program_keys: Path = setting(
        Path("keys/programs"), PLACE, "The folder with the keys of unattended operators, NAME.key, mode 0400."
    )


@dataclass(frozen=True)
class DirectorySettings:
    """The district's directory (LDAP). Without hosts every operator is local."""

    hosts: tuple[str, ...] = setting(
        (),
        kinds.texts(HOST, "a list of ldaps://HOST or ldap://HOST addresses"),
        "The servers in the order to ask them; they need user, password_file and base. Nothing is sent before TLS is verified: "
        "ldap:// means StartTLS.",
    )
    kind: str = setting(OPENLDAP, kinds.choice(OPENLDAP, ACTIVE_DIRECTORY), "What kind of directory it is.")
    ca_file: Path | None = setting(
        None, PATH, "The certificates that may vouch for the servers; empty for the system's."
    )
    user: str = setting("", TEXT, "The DN that searches; it needs no right but to read.")
    password_file: Path | None = setting(None, PATH, "A file with its password, readable by its owner only.")
    base: str = setting("", TEXT, "Where people are searched below, as ou=people,dc=district,dc=example.")
    login_attribute: str = setting(
        "", TEXT, "The attribute with the login name; empty for uid, or userPrincipalName in Active Directory."
    )
    mail_domains: tuple[str, ...] = setting(
        (), kinds.texts(NAME, "a list of domains"), "Domains after the @ that the district uses; any when empty."
    )
    number_attribute: str = setting("employeeID", NAME, "The attribute with the district's ID of a person.")
    code_attribute: str = setting("department", NAME, "The attribute with the school code.")
    district_codes: tuple[str, ...] = setting(
        (), kinds.texts(NAME, "a list of codes"), "Codes of no school, for people of the district's office."
    )
    roles: tuple[tuple[str, str], ...] = setting(
        (),
        kinds.pairs(),
        "Groups that may sign in: the group's DN, and its role, then its schools' codes where not all: "
        '"help_desk LHS RMS". Who is in several has what the first of them in the file gives, and nothing else.',
    )
    activate_students: bool = setting(
        False, kinds.switch(), "Whether students who match the roster are activated by themselves."
    )
    activate_staff: bool = setting(
        False, kinds.switch(), "Whether staff who match the roster are activated by themselves."
    )
    sync_names: bool = setting(False, kinds.switch(), "Whether names follow the directory at each sync and sign-in.")
    sync_email: bool = setting(False, kinds.switch(), "Whether staff e-mail addresses follow it; students' never do.")
    block_student_registration: bool = setting(
        False, kinds.switch(), "Whether students cannot register by hand; the directory brings them."
    )
    unreachable: str = setting("", TEXT, "What is said besides when the directory does not answer, as whom to call.")
    alerts: tuple[str, ...] = setting(
        (),
        kinds.texts(ADDRESS, "a list of e-mail addresses"),
        "Addresses that are told of conflicts and break-glass use.",
    )

    def password(self) -> str | None:
        """The searcher's password, read now; None where no file is named. Errors as `read_secret`."""
        return secret_of(self.password_file, "directory password")
