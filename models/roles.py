"""Three PostgreSQL roles for one portal, and what each may: the owner, whom the console never is, the console, and a signer.

The **owner** owns schema, tables, views and functions and makes their next version. The **app** is the console, its worker and its
imports: it reads and writes what they do and no more, and can add to the logs but not change them. The **signer** reads the logs and
what verifying them needs, so that somebody elsewhere can verify and sign without reading one person's data.

The privileges are the two tables below. Nothing is granted by default, so a new table is closed until it is named here; a test holds
the tables against the server's own catalogue. docs/POSTGRESQL.md says how to set them up and what owner and superuser still can.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.engine import SEARCH_PATH
from models.views import VIEWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection

_WORDS = {"S": "SELECT", "I": "INSERT", "U": "UPDATE", "D": "DELETE"}

# S select, I insert, U update, D delete. The first letters are the app's, after the bar the signer's.
_GRANTS = """
record record_detail log_node                                          SI  | S
log_head                                                               SU  | S
portal alembic_version                                                 S   | S
data_key                                                               S   |

school academic_session course section section_member                  SIU |
student contact contact_tie staff enrollment post                      SIU |
sealed_name                                                            SIUD|
roster_import                                                          SIU |
roster_change                                                          SI  |
directory_user                                                         SIU |

account membership organisation                                        SIU |
account_school                                                         SID |
registration challenge access_grant                                    SIU |
thread_entry deadline                                                  SIU |
batch                                                                  SI  | S
notice                                                                 SIU |
request                                                                SIU |
request_case request_school                                            SI  |

intake_registration intake_challenge intake_grant                      SIU |
intake_answer intake_account                                           SIU |
intake_consent                                                         SI  |

operator session                                                       SIU |
operator_school operator_password operator_factor operator_key         SIUD|
recovery_code invitation signin_delay step_up                          SIUD|
"""


def _read(column: int) -> dict[str, frozenset[str]]:
    found = {}
    for line in filter(None, map(str.strip, _GRANTS.splitlines())):
        left, _, signer = line.partition("|")
        *names, app = left.split()
        for name in names:
            found[name] = frozenset(_WORDS[letter] for letter in (app, signer.strip())[column])
    return found


APP: Mapping[str, frozenset[str]] = _read(0) | dict.fromkeys(VIEWS, frozenset({"SELECT"}))
"""What the app may do with each table and view."""
SIGNER: Mapping[str, frozenset[str]] = {name: rights for name, rights in _read(1).items() if rights}
"""What the signer may do."""

FUNCTION = "of_these_schools()"
"""The one function that the app may call: what its row-level security asks (models/row_scope.py)."""

LONGEST = 63
"""Bytes of a PostgreSQL name."""
_NAME = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Roles:
    """The names of a portal's app and signer. Raises ValueError for a name that would need quoting."""

    app: str
    signer: str

    def __post_init__(self) -> None:
        for name in (self.app, self.signer):
            if not _NAME.fullmatch(name) or len(name) > LONGEST or name.startswith("pg_"):
                raise ValueError(f"{name!r} is no name for a role: a to z, digits and underscores, at most {LONGEST}")
        if self.app == self.signer:
            raise ValueError("the app and the signer are two roles")

    @property
    def granted(self) -> dict[str, Mapping[str, frozenset[str]]]:
        """What each may do, by its name."""
        return {self.app: APP, self.signer: SIGNER}


def exists(connection: Connection, name: str) -> bool:
    """Whether the server has a role of this name."""
    return connection.exec_driver_sql("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).scalar() is not None


def may_create(connection: Connection) -> bool:
    """Whether the connection's own role may create others."""
    return bool(
        connection.exec_driver_sql(
            "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
        ).scalar_one()
    )


def create(connection: Connection, name: str, password: str | None) -> None:
    """A role that may sign in and nothing else. The server gets the password as a SCRAM verifier, never as itself."""
    kept = ""
    if password is not None:
        driver = connection.connection.driver_connection
        assert driver is not None  # noqa: S101 - psycopg's, on which the transaction runs
        verifier = driver.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
        kept = f" PASSWORD '{verifier}'"
    connection.exec_driver_sql(
        f"CREATE ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT{kept}"
    )
    database = connection.exec_driver_sql("SELECT quote_ident(current_database())").scalar_one()
    connection.exec_driver_sql(f"ALTER ROLE {name} IN DATABASE {database} SET search_path = {SEARCH_PATH}")


def settle(connection: Connection, roles: Roles) -> None:
    """Give app and signer exactly what the tables above say, and everybody else nothing. The connection is the owner's.

    Rights that somebody gave another role by name, as the portal's own login has on the contract's views, stay.
    """
    run = connection.exec_driver_sql
    schema = run("SELECT quote_ident(current_schema())").scalar_one()
    named = ", ".join(roles.granted)
    everybody = f"PUBLIC, {named}"
    admit(connection, roles)
    run(f"REVOKE ALL ON SCHEMA {schema} FROM {everybody}")
    for kind in ("TABLES", "SEQUENCES", "FUNCTIONS"):
        run(f"REVOKE ALL ON ALL {kind} IN SCHEMA {schema} FROM {everybody}")
    # What the owner makes later is nobody else's until it is named here; PUBLIC may execute every new function otherwise.
    run("ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM PUBLIC")
    for kind in ("TABLES", "SEQUENCES", "FUNCTIONS"):
        run(f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} REVOKE ALL ON {kind} FROM {everybody}")
    run(f"GRANT USAGE ON SCHEMA {schema} TO {named}")
    for role, granted in roles.granted.items():
        for rights, tables in _together(granted).items():
            run(f"GRANT {', '.join(sorted(rights))} ON {', '.join(tables)} TO {role}")
    run(f"GRANT EXECUTE ON FUNCTION {FUNCTION} TO {roles.app}")
    numbering = ", ".join(_sequences(connection, [name for name, rights in APP.items() if "INSERT" in rights]))
    run(f"GRANT USAGE ON {'SEQUENCE ' + numbering} TO {roles.app}")


def admit(connection: Connection, roles: Roles) -> None:
    """Let app and signer into the database, and nobody else. A copy of a database has its tables' rights, but not these."""
    run = connection.exec_driver_sql
    database = run("SELECT quote_ident(current_database())").scalar_one()
    named = ", ".join(roles.granted)
    run(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC, {named}")
    run(f"GRANT CONNECT ON DATABASE {database} TO {named}")
    run(f"GRANT TEMPORARY ON DATABASE {database} TO {roles.app}")


def _together(granted: Mapping[str, frozenset[str]]) -> dict[frozenset[str], list[str]]:
    found: dict[frozenset[str], list[str]] = {}
    for table, rights in granted.items():
        found.setdefault(rights, []).append(table)
    return found


def _sequences(connection: Connection, tables: list[str]) -> list[str]:
    """The sequences that number the rows of these tables."""
    return list(
        connection.exec_driver_sql(
            "SELECT quote_ident(s.relname) FROM pg_class s JOIN pg_depend d ON d.objid = s.oid AND d.deptype IN ('a', 'i')"
            " JOIN pg_class c ON c.oid = d.refobjid"
            " WHERE s.relkind = 'S' AND s.relnamespace = current_schema()::regnamespace AND c.relname = ANY (%s)"
            " ORDER BY 1",
            (tables,),
        ).scalars()
    )


def held(connection: Connection, role: str) -> dict[str, frozenset[str]]:
    """What a role was given on each table and view, by the catalogue that every role may read."""
    found: dict[str, set[str]] = {}
    for name, right in connection.exec_driver_sql(
        "SELECT c.relname, a.privilege_type FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a"
        " WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND c.relnamespace = current_schema()::regnamespace"
        " AND a.grantee = (SELECT oid FROM pg_roles WHERE rolname = %s) AND a.grantee <> c.relowner",
        (role,),
    ):
        found.setdefault(name, set()).add(right)
    return {name: frozenset(rights) for name, rights in found.items()}


def differences(connection: Connection, role: str, granted: Mapping[str, frozenset[str]]) -> list[str]:
    """The tables on which a role may more or less than it should."""
    really = held(connection, role)
    return sorted(
        name for name in {*really, *granted} if really.get(name, frozenset()) != granted.get(name, frozenset())
    )


def reads_logs_alone(connection: Connection) -> bool:
    """Whether the connection's own role is a signer's: it reads the records and nobody who works here."""
    if connection.dialect.name != "postgresql":
        return False
    reads = "has_table_privilege('record', 'SELECT') AND NOT has_table_privilege('operator', 'SELECT')"
    return bool(connection.exec_driver_sql(f"SELECT {reads}").scalar_one())


def excess(connection: Connection) -> Iterator[str]:
    """Why the connection's own role is more than an app should be: sentences without a subject; nothing when it is not."""
    row = connection.exec_driver_sql(
        "SELECT r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb, r.rolreplication,"
        " EXISTS (SELECT FROM pg_class c WHERE c.relname = 'record' AND c.relnamespace = current_schema()::regnamespace"
        " AND pg_has_role(current_user, c.relowner, 'MEMBER')),"
        " has_schema_privilege(current_schema(), 'CREATE')"
        " FROM pg_roles r WHERE r.rolname = current_user"
    ).one()
    if row[0]:
        yield "is a superuser"
        return
    said = (
        "passes over row-level security",
        "may create roles",
        "may create databases",
        "may replicate",
        "owns the tables, or may become who does",
        "may create tables",
    )
    yield from (text for holds, text in zip(row[1:], said, strict=True) if holds)
