"""Local passwords: kept as hashes that cost, compared in the same time for anybody, and not chosen from what is guessed first."""

from __future__ import annotations

import resource
import time
import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.errors import Unavailable, Usage
from console.ids import SeededRandom
from console.settings import Settings
from console.signin import passwords
from console.signin.guessed import mostly, telling

if TYPE_CHECKING:
    from pathlib import Path

GOOD = "teal lamp otter"
RANDOM = SeededRandom("passwords")
KNOWN = passwords.encode(GOOD, RANDOM)
GUESSED = {
    "the word itself": "password",
    "with figures for letters": "p4ssw0rd",
    "with a year": "Welcome2026",
    "with what rules of composition want": "Password123!",
    "shouted": "PASSWORD",
    "wide letters": "ｐａｓｓｗｏｒｄ",
    "a season": "!Summer2026!",
    "figures in a row": "12345678",
    "a keyboard row": "qwertyuiop",
    "a keyboard row back": "poiuytrewq",
    "a keyboard's columns": "1qaz2wsx",
    "one letter": "aaaaaaaaaaaa",
    "a word twice": "sesamesesame",
    "the district": "Harbor-2026",
    "the operator": "pat.vale.1",
    "the operator with figures for letters": "P4t.V4le!!",
    "the school": "lincolnhigh1",
}
UNTYPABLE = {"NUL": "teal\0lamp otter", "escape": "teal\x1blamp otter", "half a character": "teal lamp \ud800 otter"}


@pytest.fixture
def portal_settings(tmp_path: Path) -> Settings:
    return Settings.build({"portal": {"name": "Harbor Unified", "origin": "test.example/ledger"}}, tmp_path)


def judge(password: str, portal_settings: Settings, *, alone: bool = False) -> None:
    passwords.judge(password, portal_settings, ["Pat Vale", "Lincoln High"], alone=alone)


def test_a_hash_is_argon2id_at_the_stated_cost() -> None:
    """RFC 9106 in PHC form: 64 MiB, three passes, four lanes; another implementation reads it."""
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    assert KNOWN.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    Argon2id.verify_phc_encoded(GOOD.encode(), KNOWN)
    assert passwords.encode(GOOD, RANDOM) != KNOWN, "each has a salt of its own"


def test_a_password_matches_itself_alone() -> None:
    assert passwords.matches(KNOWN, GOOD)
    for other in (GOOD + " ", GOOD.upper(), GOOD[:-1], "", "x" * 100_000, GOOD + "\0", "\ud800"):
        assert not passwords.matches(KNOWN, other)


def test_every_keyboard_types_the_same_password() -> None:
    """NFKC: the accent as a letter of its own or as a mark; NIST SP 800-63B-4, 3.1.1.2."""
    composed, taken_apart = (unicodedata.normalize(form, "früh über Brücken") for form in ("NFC", "NFD"))
    assert composed != taken_apart
    assert passwords.matches(passwords.encode(composed, RANDOM), taken_apart)


def test_a_planted_hash_takes_neither_memory_nor_time() -> None:
    """VULNERABILITY: the stored hash says how much memory and time its check takes.

    ATTACK: whoever can write one row plants a hash of 16 GiB or ten thousand passes, and signs in.
    VERIFIES: it opens nothing, in about the time and memory of any other refusal.
    """
    salt_and_hash = KNOWN.split("$", 4)[4]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for costs in (
        "m=16777216,t=3,p=4",
        "m=65536,t=99,p=4",
        "m=262145,t=3,p=4",
        "m=65536,t=3,p=99",
        "m=4194304,t=1,p=1",
    ):
        began = time.perf_counter()
        assert not passwords.matches(f"$argon2id$v=19${costs}${salt_and_hash}", GOOD)
        assert time.perf_counter() - began < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 128 * 1024, "KiB"


PLANTED = {
    "nothing": "",
    "the password": GOOD,
    "a dollar": "$",
    "a beginning": "$argon2id$",
    "a line's end": KNOWN + "\n",
    "a blank before": " " + KNOWN,
    "argon2i": KNOWN.replace("argon2id", "argon2i"),
    "an old version": KNOWN.replace("v=19", "v=16"),
    "a leading nought": KNOWN.replace("m=65536", "m=065536"),
    "another parameter": KNOWN.replace("p=4", "p=4,keyid=x"),
    "too little memory": KNOWN.replace("m=65536", "m=8"),
    "no hash": KNOWN.rsplit("$", 1)[0] + "$",
    "padding": KNOWN[:-1] + "=",
}


@pytest.mark.parametrize("planted", PLANTED.values(), ids=list(PLANTED))
def test_a_stored_hash_of_another_form_opens_nothing(planted: str) -> None:
    assert not passwords.matches(planted, GOOD)


@settings(max_examples=300)
@given(st.text(alphabet="$argon2id=mtpv,0123456789+/AZaz", max_size=140))
def test_no_text_is_taken_for_a_hash_that_costs_more(text: str) -> None:
    found = passwords._read(text)
    assert found is None or found[0].memory <= 256 * 1024


def test_a_name_that_nobody_has_takes_as_long() -> None:
    """VULNERABILITY: a refusal without a hash is quick, and tells which names there are.

    ATTACK: time refusals under a name that somebody has and one that nobody has.
    VERIFIES: the quickest of several differ by less than half, where a missing dummy check is a thousand times quicker.
    """

    def quickest(encoded: str | None) -> float:
        times = []
        for _ in range(4):
            began = time.perf_counter()
            assert not passwords.matches(encoded, "not this one")
            times.append(time.perf_counter() - began)
        return min(times)

    known = quickest(KNOWN)
    for other in (None, "not a hash"):
        assert known / 2 < quickest(other) < known * 2


def test_nobody_is_known_by_no_password() -> None:
    """The dummy hash that unknown names are compared with has no password that is right."""
    for password in ("", "x", GOOD, "nobody", "nobody's salt, 1"):
        assert not passwords.matches(None, password)


@pytest.mark.parametrize("password", GUESSED.values(), ids=list(GUESSED))
def test_what_is_guessed_first_cannot_be_chosen(portal_settings: Settings, password: str) -> None:
    with pytest.raises(Usage, match="first that are tried") as refused:
        judge(password, portal_settings)
    assert password == "password" or password not in str(refused.value)


@pytest.mark.parametrize("password", UNTYPABLE.values(), ids=list(UNTYPABLE))
def test_what_no_keyboard_types_cannot_be_chosen(portal_settings: Settings, password: str) -> None:
    with pytest.raises(Usage, match="no keyboard gives"):
        judge(password, portal_settings)


@pytest.mark.parametrize(
    "password",
    [
        "teal-lamp-otter",
        "wq7x9vb2",
        "früh über Brücken",
        "lincoln keeps teal otters",
        "        x7Q!mw",
        "🦦🪔🌉🎷🧵🪁🧊🍵",
    ],
    ids=["words", "eight", "accents", "a school among others", "blanks before", "pictures"],
)
def test_nothing_else_is_asked_of_a_password(portal_settings: Settings, password: str) -> None:
    """No rule of composition: letters alone, blanks and any script are as good (NIST SP 800-63B-4, 3.1.1.2)."""
    judge(password, portal_settings)


@pytest.mark.parametrize(
    ("length", "alone", "taken"),
    [(7, False, False), (8, False, True), (14, True, False), (15, True, True), (128, True, True), (129, False, False)],
)
def test_length_is_what_is_asked_for(portal_settings: Settings, length: int, alone: bool, taken: bool) -> None:
    """8 characters beside a second factor, 15 for the break-glass password, 128 at most; counted as people count them."""
    password = "".join(SeededRandom(length).bytes(length).hex()[::2])[:length].replace("a", "ä")
    if taken:
        judge(password, portal_settings, alone=alone)
        judge(unicodedata.normalize("NFD", password), portal_settings, alone=alone)
        return
    with pytest.raises(Usage, match=r"has (8|15) to 128 characters"):
        judge(password, portal_settings, alone=alone)


def test_the_districts_own_list_counts(tmp_path: Path) -> None:
    file = tmp_path / "blocked.txt"
    file.write_text("Wildcat-Pride-9\nfrüh über Brücken\r\n\nlast one, no end", encoding="utf-8")
    told = Settings.build(
        {"portal": {"origin": "test.example/ledger"}, "signin": {"blocklist": "blocked.txt"}}, tmp_path
    )
    for password in ("wildcat-pride-9", unicodedata.normalize("NFD", "FRÜH ÜBER BRÜCKEN"), "last one, no end"):
        with pytest.raises(Usage, match="the district's list"):
            judge(password, told)
    judge("wildcat-pride-9 and more", told)
    file.unlink()
    with pytest.raises(Unavailable, match=r"signin\.blocklist"):
        judge("wildcat-pride-9 and more", told)


@given(st.text(max_size=60))
def test_any_text_is_judged(text: str) -> None:
    folded = passwords.normal(text).casefold()
    telling(folded)
    assert mostly(folded, []) is None


@given(st.binary(min_size=9, max_size=12))
def test_what_a_generator_makes_can_be_chosen(raw: bytes) -> None:
    """Random letters of a password generator are almost never refused: none of these is."""
    password = "".join("ghjkmnpqrtvwxyz23456789BCDF"[byte % 27] for byte in SeededRandom(raw.hex()).bytes(14))
    assert telling(password.casefold()) is None
