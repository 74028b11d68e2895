"""A code of the second factor counts once, within a minute, for its operator alone – also when it is given twice at once."""

from __future__ import annotations

import base64
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from console.ids import CROCKFORD, SeededRandom
from console.signin import factor
from console.signin.factor import Kind, code_at, step_of, steps_of
from models import tables as t
from models.engine import writing
from tests.consoles import at_once
from tests.portals import NOON

if TYPE_CHECKING:
    from tests.portals import Portal

SEED = b"12345678901234567890"
"""The seed of RFC 6238, appendix B (SHA-1)."""
VECTORS = (
    (59, "94287082"),
    (1111111109, "07081804"),
    (1111111111, "14050471"),
    (1234567890, "89005924"),
    (2000000000, "69279037"),
    (20000000000, "65353130"),
)
CONSOLES = 4
ROUNDS = 6
HALF_MINUTE = timedelta(seconds=30)


@pytest.mark.parametrize(("seconds", "eight"), VECTORS, ids=[str(seconds) for seconds, _ in VECTORS])
def test_codes_are_those_of_the_rfc(seconds: int, eight: str) -> None:
    """The RFC prints eight digits; six are the last six of them, for both are remainders of one number."""
    assert code_at(SEED, step_of(datetime.fromtimestamp(seconds, UTC))) == eight[-6:]


@given(st.binary(min_size=1, max_size=64), st.integers(0, 2**40))
def test_codes_are_those_of_another_implementation(seed: bytes, step: int) -> None:
    from cryptography.hazmat.primitives.hashes import SHA1
    from cryptography.hazmat.primitives.twofactor.hotp import HOTP

    assert code_at(seed, step) == HOTP(seed, 6, SHA1(), enforce_key_length=False).generate(step).decode()


@given(st.binary(min_size=20, max_size=20), st.integers(10**9, 4 * 10**9), st.integers(-400, 400))
def test_a_code_counts_for_its_half_minute_and_one_beside(seed: bytes, seconds: int, away: int) -> None:
    """What ±1 step accepts: the code shown at most 59 seconds away; never one of two half minutes away."""
    now, shown = (datetime.fromtimestamp(each, UTC) for each in (seconds, seconds + away))
    counts = step_of(shown) in steps_of(seed, code_at(seed, step_of(shown)), now)
    assert counts == (abs(step_of(shown) - step_of(now)) <= 1)
    assert counts or abs(away) > 30
    assert not counts or abs(away) < 60


def enrolled(portal: Portal, name: str = "lee", seed: bytes = SEED) -> tuple[int, tuple[str, ...]]:
    """An operator with this seed, whose codes are all unused, and their recovery codes."""
    operator = portal.hire(name, "auditor").id
    with writing(portal.office.engine) as connection:
        codes = factor.enrol(
            connection, portal.office.vault, operator, seed, -1, portal.clock.now(), portal.office.random
        )
    return operator, codes


def use(portal: Portal, operator: int, code: str) -> factor.Used | None:
    with writing(portal.office.engine) as connection:
        return factor.use(connection, portal.office.vault, operator, code, portal.clock.now())


def code_of(portal: Portal, steps: int = 0, seed: bytes = SEED) -> str:
    return code_at(seed, step_of(portal.clock.now()) + steps)


def test_a_code_counts_once(portal: Portal) -> None:
    operator, _ = enrolled(portal)
    assert use(portal, operator, code_of(portal)) == factor.Used(Kind.CODE, 10)
    assert use(portal, operator, code_of(portal)) is None
    portal.clock.advance(HALF_MINUTE)
    assert use(portal, operator, code_of(portal, -1)) is None, "the same code half a minute later"
    assert use(portal, operator, code_of(portal)) is not None


def test_after_a_later_code_an_earlier_one_counts_no_more(portal: Portal) -> None:
    operator, _ = enrolled(portal)
    assert use(portal, operator, code_of(portal, +1)) is not None
    assert use(portal, operator, code_of(portal, -1)) is None
    assert use(portal, operator, code_of(portal)) is None


def test_a_code_is_typed_as_it_is_shown(portal: Portal) -> None:
    operator, codes = enrolled(portal)
    code = code_of(portal)
    assert use(portal, operator, f" {code[:3]} {code[3:]} ") is not None
    assert use(portal, operator, codes[0].lower().replace("-", " ").replace("0", "o").replace("1", "l")) is not None


NO_CODES = {
    "empty": "",
    "blank": " ",
    "short": "12345",
    "long": "1234567",
    "other figures": "٠٠٠٠٠٠",
    "letters": "00000x",
    "negative": "-1",
    "NUL": "\x00",
    "a book": "0" * 5000,
    "a picture": "🙂",
}


@pytest.mark.parametrize("typed", NO_CODES.values(), ids=list(NO_CODES))
def test_what_is_no_code_counts_for_nothing(portal: Portal, typed: str) -> None:
    operator, _ = enrolled(portal)
    assert use(portal, operator, typed) is None
    assert use(portal, 999, code_of(portal)) is None


def test_a_recovery_code_counts_once_and_for_its_operator(portal: Portal) -> None:
    operator, codes = enrolled(portal)
    other, theirs = enrolled(portal, "max")
    assert len(set(codes)) == 10
    assert all(len(code) == 14 and set(code) <= {*CROCKFORD, "-"} for code in codes)
    assert use(portal, other, codes[3]) is None
    assert use(portal, operator, codes[3]) == factor.Used(Kind.RECOVERY, 9)
    assert use(portal, operator, codes[3]) is None
    assert use(portal, other, theirs[0]) == factor.Used(Kind.RECOVERY, 9)


def test_enrolling_anew_ends_what_was_before(portal: Portal) -> None:
    operator, codes = enrolled(portal)
    with writing(portal.office.engine) as connection:
        step = step_of(portal.clock.now())
        factor.enrol(connection, portal.office.vault, operator, b"x" * 20, step, portal.clock.now(), SeededRandom(9))
    assert use(portal, operator, codes[0]) is None
    assert use(portal, operator, code_of(portal)) is None
    assert use(portal, operator, code_of(portal, 0, b"x" * 20)) is None, "its first code was used to confirm it"
    assert use(portal, operator, code_of(portal, 1, b"x" * 20)) is not None


def test_who_rolls_back_gives_the_code_back(portal: Portal) -> None:
    operator, _ = enrolled(portal)

    def refused() -> None:
        with writing(portal.office.engine) as connection:
            assert factor.use(connection, portal.office.vault, operator, code_of(portal), portal.clock.now())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        refused()
    assert use(portal, operator, code_of(portal)) is not None


def test_the_same_code_at_once_from_several_consoles_lets_one_in(portal: Portal, database_url: str) -> None:
    """VULNERABILITY: a code is compared first and marked as used afterwards.

    ATTACK: whoever read a code over a shoulder gives it at the same moment as its owner, from another console.
    VERIFIES: on either engine, of several consoles exactly one gets in, round after round; so too with a recovery code.
    """
    operator, codes = enrolled(portal)
    vault, clock = portal.office.vault, portal.clock
    for round_ in range(ROUNDS):
        clock.advance(HALF_MINUTE)
        for code in (code_of(portal), codes[round_]):
            got = at_once(
                database_url, CONSOLES, lambda c, code=code: factor.use(c, vault, operator, code, clock.now())
            )
            assert sum(each is not None for each in got) == 1, f"round {round_}"


def test_nothing_in_the_database_gives_a_code(portal: Portal) -> None:
    """VULNERABILITY: whoever reads the database, or a backup of it, has every second factor.

    ATTACK: look for the seed and the recovery codes, raw and in their usual forms, in every value of every table.
    VERIFIES: they are nowhere; the seed opens in its own row alone, with the portal's key.
    """
    operator, codes = enrolled(portal)
    other, _ = enrolled(portal, "max", b"other seed, 20 bytes")
    forms = [SEED, base64.b32encode(SEED), SEED.hex().encode(), *(code.encode() for code in codes)]
    forms += [code.replace("-", "").encode() for code in codes]
    for table in t.metadata.sorted_tables:
        for row in portal.all(sa.select(table)):
            for value in row:
                said = bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
                assert not any(form in said for form in forms), table.name
    portal_seeds = portal.all(sa.select(t.operator_factor.c.operator_id, t.operator_factor.c.seed))
    sealed = {row.operator_id: bytes(row.seed) for row in portal_seeds}
    assert portal.office.vault.open("operator_factor", "seed", operator, sealed[operator]) == SEED
    with writing(portal.office.engine) as connection:
        moved = t.operator_factor.update().where(t.operator_factor.c.operator_id == other)
        connection.execute(moved.values(seed=sealed[operator]))
    with pytest.raises(Exception, match="changed or lies in the wrong row"):
        use(portal, other, code_of(portal))


def test_a_recovery_code_moved_to_another_operator_opens_nothing(portal: Portal) -> None:
    """VULNERABILITY: a MAC says that a code is right, but not whose.

    ATTACK: whoever can write to the database gives an administrator the row of a recovery code that is their own.
    VERIFIES: the code does not count for the administrator.
    """
    mine, codes = enrolled(portal)
    theirs, _ = enrolled(portal, "max")
    with writing(portal.office.engine) as connection:
        c = t.recovery_code.c
        connection.execute(t.recovery_code.update().where(c.operator_id == mine).values(operator_id=theirs))
    assert use(portal, theirs, codes[0]) is None


@pytest.mark.parametrize(("steps", "said"), [(-5, "minutes ago"), (+12, "minutes ahead"), (-40, ""), (0, "")])
def test_a_clock_that_is_wrong_shows_in_the_log_and_opens_nothing(
    portal: Portal, caplog: pytest.LogCaptureFixture, steps: int, said: str
) -> None:
    operator, _ = enrolled(portal)
    with caplog.at_level(logging.WARNING, "district.signin"):
        assert (use(portal, operator, code_of(portal, steps)) is None) == (steps != 0)
    assert (said in caplog.text) if said else not caplog.text
    assert code_of(portal, steps) not in caplog.text


def test_the_noon_of_the_tests_is_in_the_middle_of_no_half_minute() -> None:
    """The tests count in whole half minutes from it."""
    assert NOON.timestamp() % 30 == 0
