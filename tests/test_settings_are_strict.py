"""What stands in district.toml is what the console does: nothing misspelt is ignored and no secret stands in the open."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from dataclasses import fields
from datetime import date
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from console.clock import MonthDay
from console.errors import Refused, Unavailable, Usage
from console.settings import FILE_NAME, FROM_FILE_ALONE, TABLES, Settings, declared, find
from console.settings.guide import page
from console.settings.tables import DEMO_MAKER

if TYPE_CHECKING:
    from console.settings import Declared

HERE = Path(__file__).parent.parent
FOLDER = Path("/district")
KEYS = [one for keys in declared().values() for one in keys.values()]
ORDINARY = [one for one in KEYS if one.table != "demo"]
OTHER_VALUES: dict[str, tuple[str, str, Any]] = {
    # attribute: (TOML, environment, what either becomes)
    "name": ('"Harbor Unified"', "Harbor Unified", "Harbor Unified"),
    "origin": ('"harbor.example/ledger"', "harbor.example/ledger", "harbor.example/ledger"),
    "timezone": ('"Asia/Kathmandu"', "Asia/Kathmandu", "Asia/Kathmandu"),
    "closed_days": (
        "[2026-11-26, '2026-11-27']",
        "2026-11-27, 2026-11-26",
        frozenset({date(2026, 11, 26), date(2026, 11, 27)}),
    ),
    "school_year_end": ('"07-15"', "07-15", MonthDay(7, 15)),
    "url": (
        '"postgresql://console@db.example/portal"',
        "postgresql://console@db.example/portal",
        "postgresql://console@db.example/portal",
    ),
    "starttls": ("false", "no", False),
    "single_letter_keys": ("false", "0", False),
    "mouse": ("true", "yes", True),
    "keymap": (
        '{approve = "ctrl+a,f5", ask = "q"}',
        "approve=ctrl+a,f5 ask=q",
        (("approve", "ctrl+a,f5"), ("ask", "q")),
    ),
    "alerts": (
        '["desk@district.example", "it@district.example"]',
        "desk@district.example,it@district.example",
        ("desk@district.example", "it@district.example"),
    ),
    "sender": ('"desk@district.example"', "desk@district.example", "desk@district.example"),
    "base": ('"ou=people,dc=else,dc=example"', "ou=people,dc=else,dc=example", "ou=people,dc=else,dc=example"),
    "user": ('"cn=else,dc=example"', "cn=else,dc=example", "cn=else,dc=example"),
    "hosts": ('["ldaps://dc1.district.example"]', "ldaps://dc1.district.example", ("ldaps://dc1.district.example",)),
    "kind": ('"active_directory"', "active_directory", "active_directory"),
    "mail_domains": ('["district.example"]', "district.example", ("district.example",)),
    "district_codes": ('["DO"]', "DO", ("DO",)),
    "roles": (
        '{ "cn=helpers,dc=example" = "help_desk" }',
        "cn=helpers=help_desk",
        (("cn=helpers,dc=example", "help_desk"),),
    ),
    "level": ('"debug"', "debug", "debug"),
}
NEEDS = {"hosts": 'user = "cn=console,dc=else"\npassword_file = "secret"\nbase = "ou=people,dc=else"\n'}
"""What a key cannot stand without."""
WRONG = {"text": '"sEntinel\\u0007"', "number": "123.25", "list": '[["sEntinel"]]', "moment": "2026-11-21T10:00:00Z"}


def build(text: str, **environment: str) -> Settings:
    return Settings.build(tomllib.loads(text), FOLDER, environment=environment)


def value(settings: Settings, one: Declared) -> Any:
    return getattr(getattr(settings, one.table), one.attribute)


def other(one: Declared) -> tuple[str, str, Any]:
    """A value that is not the default: in TOML, in the environment, and as read."""
    if one.attribute in OTHER_VALUES:
        return OTHER_VALUES[one.attribute]
    if isinstance(one.default, bool):
        return str(not one.default).lower(), str(not one.default).lower(), not one.default
    if isinstance(one.default, int):
        return str(one.default + 1), str(one.default + 1), one.default + 1
    if isinstance(one.default, Path) or one.default is None:
        return '"else/where"', "else/where", FOLDER / "else/where"
    return '"else"', "else", "else"


def ids(one: Declared) -> str:
    return f"{one.table}.{one.key}"


# What is not known


@given(st.sampled_from(KEYS), st.data())
def test_every_misspelt_key_is_an_error_that_names_the_key_meant(one: Declared, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(one.key) - 1))
    before, letter, after = one.key[:at], one.key[at], one.key[at + 1 :]
    wrong = data.draw(st.sampled_from([before + after, f"{before}x{letter}{after}", before + letter * 2 + after]))
    own = declared()[one.table]
    assume(wrong and not any(wrong in keys for keys in declared().values()) and "passw" not in wrong)
    with pytest.raises(Usage) as refusal:
        build(f'[{one.table}]\n{wrong} = "x"\n')
    assert f"{one.table}.{wrong} is unknown" in str(refusal.value)
    assert FILE_NAME in str(refusal.value)
    found = re.search(r"nearest known key is (\w+)\.(\w+)\.", str(refusal.value))
    assert found
    assert found[1] == one.table
    assert found[2] in own
    likeness = {key: SequenceMatcher(None, key, wrong).ratio() for key in own}
    assert likeness[found[2]] >= max(likeness.values()) - 0.1


@given(st.text(min_size=1, max_size=30))
def test_any_unknown_key_or_table_is_refused_in_one_printable_line(name: str) -> None:
    assume(name not in TABLES and not any(name in keys for keys in declared().values()))
    for content in ({"portal": {name: "x"}}, {name: {"x": "y"}}, {name: "x"}):
        with pytest.raises(Usage) as refusal:
            Settings.build(content, FOLDER)
        assert str(refusal.value).isprintable()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[portl]\nname = "x"', r"the table \[portl\] is unknown; the nearest known one is \[portal\]"),
        ('[mail]\nurl = "x"', r"mail\.url is unknown; the nearest known key is database\.url"),
        ('timezone = "UTC"', r"timezone stands outside every table; the nearest known one is portal\.timezone"),
        ('portal = "x"', r"\[portal\] must be a table, it is text"),
        ("[[portal]]", r"\[portal\] must be a table, it is a list"),
        ('[portal]\ntimezone = "America/Los_Angles"', r"nearest is America/Los_Angeles"),
        ('[portal]\ntimezone = "../../etc/passwd"', r"portal\.timezone must be an IANA time zone"),
        ('[portal]\ntimezone = ""', r"portal\.timezone must be an IANA time zone"),
        ('[portal]\nschool_year_end = "02-29"', r"no day of every year"),
        ('[portal]\nschool_year_end = "6-30"', r"no day of every year"),
        ("[portal]\nclosed_days = [2026-11-26T00:00:00]", r"must be a list of dates.*; it is a date with a time"),
        ('[portal]\norigin = "two words"', r"holds a space or a plus sign"),
        ('[portal]\norigin = "a+b"', r"holds a space or a plus sign"),
        ('[portal]\nname = " "', r"it is empty"),
        ("[policy]\nneeds_info_days = true", r"a whole number from 1 to 3650; it is true or false"),
        ("[policy]\nneeds_info_days = 0", r"out of that range"),
        ("[policy]\nwithdrawal_stop_percent = 101", r"out of that range"),
        ("[mail]\nport = 65536", r"out of that range"),
        ('[mail]\nport = "25"', r"mail\.port must be a whole number from 1 to 65535; it is text"),
        ('[mail]\nalerts = "desk@district.example"', r"must be a list of e-mail addresses; it is text"),
        ('[mail]\nalerts = ["desk"]', r"must be a list of e-mail addresses"),
        ('[mail]\nfrom = "a@b\\nBcc: c@d"', r"control character"),
        ("[console]\nmouse = 1", r"must be true or false; it is a whole number"),
        ("[console]\nkeymap = { approve = 1 }", r"must be a table of texts"),
        ('[log]\nlevel = "loud"', r"one of debug, info, warning, error"),
        ('[keys]\nledger = ""', r"keys\.ledger must be a path"),
        ('[database]\nurl = "mysql://db.example/portal"', r"database\.url must be sqlite:///FILE or postgresql://"),
        ('[database]\nurl = "sqlite://"', r"database\.url must be"),
        ('[database]\nurl = "sqlite:///:memory:"', r"it names no file"),
        ('[database]\nurl = "postgresql://db.example/"', r"database\.url must be"),
        ('[database]\nurl = "postgresql://[db/portal"', r"cannot be read as an address"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(Usage, match=sentence) as refusal:
        build(text)
    assert str(refusal.value).isprintable()
    assert "misfit" not in str(refusal.value).lower()


@pytest.mark.parametrize("one", KEYS, ids=ids)
def test_a_value_of_another_kind_is_refused_by_name_and_never_repeated(one: Declared) -> None:
    for written in WRONG.values():
        with pytest.raises(Usage, match=re.escape(f"{one.table}.{one.key} must be")) as refusal:
            build(f"[{one.table}]\n{one.key} = {written}\n")
        assert "sEntinel" not in str(refusal.value)
        assert "123.25" not in str(refusal.value)


# The environment


@pytest.mark.parametrize("one", [one for one in ORDINARY if one.table not in FROM_FILE_ALONE], ids=ids)
def test_the_environment_overrides_the_file_and_the_file_the_default(one: Declared) -> None:
    toml, heard, expected = other(one)
    assert value(build(""), one) != expected
    assert value(build(f"[{one.table}]\n{one.key} = {toml}\n"), one) == expected
    assert value(build("", **{one.variable: heard}), one) == expected
    default = one.kind.write(one.default)
    assert value(build(f"[{one.table}]\n{one.key} = {default}\n", **{one.variable: heard}), one) == expected


@pytest.mark.parametrize("one", [one for one in ORDINARY if one.table in FROM_FILE_ALONE], ids=ids)
def test_how_operators_sign_in_stands_in_the_file_alone(one: Declared) -> None:
    """VULNERABILITY: who can set a variable names a directory of their own. ATTACK: `DISTRICT_DIRECTORY_HOSTS` and its like.

    VERIFIES: the variable is refused by name, whatever it holds, and the file alone is heard.
    """
    toml, heard, expected = other(one)
    assert value(build(f"[{one.table}]\n{one.key} = {toml}\n{NEEDS.get(one.key, '')}"), one) == expected
    with pytest.raises(Usage, match=f"{one.variable} is refused"):
        build("", **{one.variable: heard})


WHOLE = """[directory]
hosts = ["ldaps://dc1.district.example"]
user = "cn=console,dc=district,dc=example"
password_file = "searcher.password"
base = "dc=district,dc=example"
"""


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (WHOLE.replace("user =", "unreachable ="), r"directory\.hosts needs directory\.user, the DN"),
        (WHOLE.replace("base =", "unreachable ="), r"directory\.hosts needs directory\.base, where"),
        (WHOLE.replace("password_file =", "ca_file ="), r"directory\.hosts needs directory\.password_file, a file"),
        (WHOLE.replace('"dc=district', '"district'), r"directory\.base must be a DN"),
        (WHOLE.replace('"cn=console,', '"console,'), r"directory\.user must be a DN"),
        (WHOLE + 'code_attribute = "department)(uid=*"', r"directory\.code_attribute must be an attribute's name"),
        (WHOLE + 'roles = { "cn=help,dc=x" = "helpdesk LHS" }', r"role of line 1 .* nearest known one is help_desk"),
        (WHOLE + 'roles = { "cn=help,dc=x" = "intake" }', r"role of line 1 .* is none that a person can have"),
        (WHOLE + 'roles = { "cn=help,dc=x" = " " }', r"role of line 1 .* is none"),
        (WHOLE + 'roles = { "help" = "auditor" }', r"the group of line 1 in directory\.roles must be a DN"),
        (WHOLE + 'roles = { "cn=a,dc=x" = "auditor", "CN=A, DC=X" = "help_desk" }', r"line 2 .* is named twice"),
        (WHOLE + 'roles = { "" = "auditor" }', r"line 1 .* has no name"),
        (WHOLE.replace("ldaps:", "http:"), r"directory\.hosts must be a list of ldaps://HOST or ldap://HOST"),
        (WHOLE.replace("ldaps://", "ldaps://me:secret@"), r"directory\.hosts must be"),
    ],
)
def test_half_a_directory_or_a_role_misspelt_is_no_directory(text: str, sentence: str) -> None:
    build(WHOLE)
    with pytest.raises(Usage, match=sentence) as refusal:
        build(text)
    assert str(refusal.value).isprintable()


@given(st.sampled_from(KEYS), st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ_", min_size=1, max_size=3))
def test_an_unknown_variable_is_an_error_that_names_a_known_one(one: Declared, tail: str) -> None:
    wrong = one.variable + tail
    assume(wrong not in {known.variable for known in KEYS} and "PASSW" not in wrong)
    with pytest.raises(Usage, match=rf"{wrong} is unknown; the nearest known one is DISTRICT_"):
        build("", **{wrong: "x"})


def test_variables_that_are_not_the_consoles_are_left_alone() -> None:
    settings = build("", DISTRICT_CONFIG="x", DISTRICT_OPERATOR="y", DISTRICTS="z", PATH="/bin", district_x="w")
    assert settings == build("")


@pytest.mark.parametrize(
    ("variable", "heard", "sentence"),
    [
        ("DISTRICT_MAIL_PORT", "many", r"DISTRICT_MAIL_PORT must be a whole number from 1 to 65535; it is other text"),
        ("DISTRICT_MAIL_PORT", "-1", r"other text"),
        ("DISTRICT_MAIL_PORT", "²", r"other text"),
        ("DISTRICT_MAIL_PORT", "9" * 5000, r"out of that range"),
        ("DISTRICT_CONSOLE_MOUSE", "perhaps", r"must be true or false"),
        ("DISTRICT_CONSOLE_KEYMAP", "approve", r"name=keys"),
        ("DISTRICT_PORTAL_CLOSED_DAYS", "2026-13-01", r"a list of dates"),
        ("DISTRICT_DATABASE_PASSWORD", "hunter2", r"secrets come only from files"),
        ("DISTRICT_DATABASE_URL", "postgresql://me:hunter2@db.example/portal", r"secrets come only from files"),
        ("DISTRICT_DEMO_MADE_BY", DEMO_MAKER, r"only `district demo` makes"),
    ],
)
def test_a_wrong_variable_is_named(variable: str, heard: str, sentence: str) -> None:
    with pytest.raises(Usage, match=sentence) as refusal:
        build("", **{variable: heard})
    assert variable in str(refusal.value)
    assert "hunter2" not in str(refusal.value)


# Secrets


@pytest.mark.parametrize(
    "text",
    [
        '[database]\npassword = "hunter2"',
        '[mail]\npassword = "hunter2"',
        '[mail]\nPassword = "hunter2"',
        '[mail]\nsmtp_token = "hunter2"',
        '[keys]\nledger_secret = "hunter2"',
        'password = "hunter2"',
        '[database]\nurl = "postgresql://me:hunter2@db.example/portal"',
        '[database]\nurl = "postgresql://me:@db.example/portal"',
        '[database]\nurl = "postgresql+psycopg://db.example/portal?user=me&password=hunter2"',
        '[database]\nurl = "postgresql://db.example/portal?sslpassword=hunter2"',
    ],
)
def test_a_secret_in_the_open_is_refused_with_what_to_do(text: str) -> None:
    with pytest.raises(Usage, match=r"secrets come only from files.*(database|mail)\.password_file") as refusal:
        build(text)
    assert "hunter2" not in str(refusal.value)


def test_a_password_is_read_from_its_file_when_it_is_needed(tmp_path: Path) -> None:
    secret = tmp_path / "mail.secret"
    secret.write_text("hunter2\n")
    secret.chmod(0o600)
    file = tmp_path / FILE_NAME
    file.write_text('[mail]\npassword_file = "mail.secret"\n[database]\npassword_file = "none"\n')
    settings = Settings.load(file)
    assert settings.mail.password() == "hunter2"
    with pytest.raises(Unavailable, match=r"database password .* is missing"):
        settings.database.password()
    assert Settings.build({}, tmp_path).mail.password() is None
    secret.chmod(0o640)
    with pytest.raises(Refused, match=r"open to others") as refusal:
        settings.mail.password()
    assert "hunter2" not in str(refusal.value)
    assert "hunter2" not in repr(settings)


# The file


def test_relative_paths_start_at_the_files_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "district").mkdir()
    (tmp_path / "district" / FILE_NAME).write_text('[log]\nfile = "/var/log/district.log"\n')
    monkeypatch.chdir(tmp_path)
    settings = Settings.load(Path("district") / FILE_NAME, {"DISTRICT_KEYS_DATA": "mine/data.key"})
    assert settings.folder == tmp_path / "district"
    assert settings.file == tmp_path / "district" / FILE_NAME
    assert settings.keys.ledger == tmp_path / "district/keys/ledger.key"
    assert settings.keys.data == tmp_path / "district/mine/data.key"
    assert settings.database.url == f"sqlite:///{tmp_path}/district/portal.db"
    assert settings.database.file == tmp_path / "district/portal.db"
    assert settings.log.file == Path("/var/log/district.log")
    assert build('[database]\nurl = "sqlite:////srv/portal.db"').database.file == Path("/srv/portal.db")
    assert build('[database]\nurl = "postgresql:///portal?host=/run/postgresql"').database.file is None


def test_the_first_file_found_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    own = home / ".config" / "district" / FILE_NAME
    here = tmp_path / "here" / FILE_NAME
    for file in (own, here):
        file.parent.mkdir(parents=True)
    monkeypatch.chdir(here.parent)
    environment = {"HOME": str(home)}
    with pytest.raises(Unavailable, match=r"district init.*district demo"):
        find(None, environment)
    own.write_text("[portal]\nname = 'own'")
    assert find(None, environment) == own
    here.write_text("[portal]\nname = 'here'")
    assert find(None, environment) == here
    environment["DISTRICT_CONFIG"] = str(tmp_path / "named.toml")
    assert find(None, environment) == tmp_path / "named.toml"
    assert find(own, environment) == own
    assert Settings.read(own, environment).portal.name == "own"
    with pytest.raises(Unavailable, match=r"named\.toml cannot be read: No such file"):
        Settings.read(None, environment)


def test_a_file_that_cannot_be_read_is_one_plain_sentence(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text('[portal]\nname = "hunter2\n')
    with pytest.raises(Usage, match=r"is not TOML \(at line 2, column \d+\)") as refusal:
        Settings.load(broken)
    assert "hunter2" not in str(refusal.value)
    broken.write_text("[portal]\nname = 'a'\nname = 'b'\n")
    with pytest.raises(Usage, match="is not TOML"):
        Settings.load(broken)
    broken.write_bytes(b"[portal]\nname = '\xff'\n")
    with pytest.raises(Usage, match="not UTF-8"):
        Settings.load(broken)
    with pytest.raises(Unavailable, match="Is a directory"):
        Settings.load(tmp_path)


def test_only_a_demonstration_has_its_own_calendar() -> None:
    with pytest.raises(Usage, match=r"written by `district demo` alone"):
        build("[demo]\ntoday = 2026-11-21")
    with pytest.raises(Usage, match=r"written by `district demo` alone"):
        build("", DISTRICT_DEMO_TODAY="2026-11-21")
    made = build(f'[demo]\nmade_by = "{DEMO_MAKER}"\ntoday = 2026-11-21\nseed = 7')
    assert (made.demo.today, made.demo.seed) == (date(2026, 11, 21), 7)
    moved = build(f'[demo]\nmade_by = "{DEMO_MAKER}"\ntoday = 2026-11-21', DISTRICT_DEMO_TODAY="2026-12-01")
    assert moved.demo.today == date(2026, 12, 1)


def test_every_time_zone_of_this_machine_is_accepted() -> None:
    for name in sorted(available_timezones()):
        assert build("", DISTRICT_PORTAL_TIMEZONE=name).portal.zone.key == name


# The example and the page


def test_the_example_is_the_defaults() -> None:
    example = Settings.example()
    assert build(example) == build("")
    named = set(re.findall(r"^#(\w+) = ", example, re.MULTILINE))
    assert named == {one.key for one in ORDINARY}
    uncommented = re.sub(r"^#(?=\w+ = )", "", example, flags=re.MULTILINE)
    assert uncommented != example
    assert build(uncommented) == build("")


values = st.fixed_dictionaries(
    {},
    optional={
        "portal.name": st.text(st.characters(codec="utf-8"), min_size=1).filter(
            lambda text: text.isprintable() and text.strip()
        ),
        "portal.closed_days": st.frozensets(st.dates()),
        "portal.school_year_end": st.dates(date(2001, 1, 1), date(2001, 12, 31)).map(
            lambda day: MonthDay(day.month, day.day)
        ),
        "mail.from": st.sampled_from(["portal@district.example", "büro@schule.example"]),
        "mail.alerts": st.lists(st.sampled_from(["a@b.example", 'q"uote@b.example']), max_size=3).map(tuple),
        "mail.starttls": st.booleans(),
        "policy.claim_minutes": st.integers(1, 1440),
        "console.keymap": st.dictionaries(
            st.text(st.characters(codec="utf-8"), min_size=1).filter(str.isprintable),
            st.sampled_from(["ctrl+a", "f5,f6", '"']),
            max_size=3,
        ).map(lambda found: tuple(found.items())),
        "keys.ledger": st.sampled_from([Path("/srv/keys/ledger.key"), Path("/srv/a b/\\ü.key")]),
        "database.url": st.sampled_from(["sqlite:////srv/portal.db", "postgresql://console@db.example/portal"]),
    },
)


@given(values)
def test_what_the_example_is_given_it_says(given_values: dict[str, Any]) -> None:
    settings = build(Settings.example(given_values))
    for one in ORDINARY:
        expected = given_values.get(f"{one.table}.{one.key}", value(build(""), one))
        assert value(settings, one) == expected


def test_the_example_of_a_demonstration_loads() -> None:
    example = Settings.example({"demo.made_by": DEMO_MAKER, "demo.today": date(2026, 11, 21), "demo.seed": 7})
    assert build(example).demo.today == date(2026, 11, 21)
    with pytest.raises(KeyError, match=r"portal\.nam"):
        Settings.example({"portal.nam": "x"})


def test_the_page_is_up_to_date() -> None:
    written = (HERE / "docs" / "CONFIGURATION.md").read_text(encoding="utf-8")
    assert written == page(), "run: python -m console.settings.guide > docs/CONFIGURATION.md"


def test_every_key_says_what_it_means() -> None:
    for table, kind in TABLES.items():
        assert kind.__doc__, table
        assert fields(kind)
    for one in KEYS:
        assert one.doc.endswith("."), ids(one)
        assert one.kind.words, ids(one)
    assert len({one.variable for one in KEYS}) == len(KEYS)


def test_settings_are_read_without_database_terminal_or_ciphers(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(Settings.example())
    heavy = "{'sqlalchemy', 'textual', 'cryptography', 'difflib', 'msgspec'}"
    code = f"import sys; from console.settings import Settings; Settings.read(); sys.exit(repr({heavy} & set(sys.modules) or 0))"
    environment = {name: text for name, text in os.environ.items() if not name.startswith("DISTRICT_")}
    environment["PYTHONPATH"] = str(HERE)
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.stderr.strip() in ("", "0"), ran.stderr


def test_settings_cannot_be_changed_afterwards() -> None:
    settings = build("")
    with pytest.raises(AttributeError):
        settings.policy.purge_days = 1  # type: ignore[misc]  # the mistake in question
    with pytest.raises(AttributeError):
        settings.folder = FOLDER  # type: ignore[misc]  # the mistake in question
    assert settings.policy.needs_info_days == 60
