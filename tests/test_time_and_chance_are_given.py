"""Time, school days and randomness come from seams, and count as the portal's rules say."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from console.clock import (
    Clock,
    FixedDayClock,
    MonthDay,
    SettableClock,
    SystemClock,
    add_school_days,
    is_school_day,
    school_days_between,
)
from console.ids import CROCKFORD, WORDS, SeededRandom, SystemRandom, batch_id, pseudonym_code, read_batch_id

ZONES = [
    ZoneInfo(name) for name in ("America/Los_Angeles", "Asia/Kathmandu", "Pacific/Kiritimati", "America/Havana", "UTC")
]
zones = st.sampled_from(ZONES)
dates = st.dates(date(2000, 1, 1), date(2090, 1, 1))
moments = st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))  # noqa: DTZ001 - made aware
closed_days = st.frozensets(st.dates(date(2026, 8, 1), date(2026, 12, 31)), max_size=40)
school_dates = st.dates(date(2026, 7, 1), date(2027, 1, 31))


def counted_one_by_one(start: date, end: date, closed: frozenset[date]) -> int:
    """The oracle: look at every day."""
    count = 0
    day = start
    while day < end:
        day += timedelta(days=1)
        if day.isoweekday() not in (6, 7) and day not in closed:
            count += 1
    return count


# School days


@given(school_dates, school_dates, closed_days)
def test_school_days_are_those_one_would_count(start: date, end: date, closed: frozenset[date]) -> None:
    start, end = min(start, end), max(start, end)
    assert school_days_between(start, end, closed) == counted_one_by_one(start, end, closed)
    assert school_days_between(end, start, closed) == -counted_one_by_one(start, end, closed)


@given(school_dates, st.integers(1, 90), closed_days)
def test_a_deadline_is_the_first_day_by_which_enough_school_days_passed(
    start: date, days: int, closed: frozenset[date]
) -> None:
    due = add_school_days(start, days, closed)
    assert counted_one_by_one(start, due, closed) == days
    assert counted_one_by_one(start, due - timedelta(days=1), closed) == days - 1
    assert is_school_day(due, closed)


@given(school_dates, closed_days)
def test_no_school_days_is_the_same_day_and_they_never_run_backward(start: date, closed: frozenset[date]) -> None:
    assert add_school_days(start, 0, closed) == start
    with pytest.raises(ValueError, match="forward"):
        add_school_days(start, -1, closed)


def test_thanksgiving_moves_a_deadline() -> None:
    closed = frozenset({date(2026, 11, 26), date(2026, 11, 27)})
    saturday = date(2026, 11, 21)
    assert add_school_days(saturday, 1, closed) == date(2026, 11, 23)
    assert add_school_days(saturday, 5, closed) == date(2026, 12, 1)
    assert add_school_days(saturday, 5) == date(2026, 11, 27)


@given(st.dates(date(2001, 1, 1), date(2001, 12, 31)), dates)
def test_the_school_years_end_is_the_first_such_day_from_now(day: date, start: date) -> None:
    end = MonthDay.read(f"{day:%m-%d}")
    found = end.on_or_after(start)
    assert str(end) == f"{day:%m-%d}"
    assert (found.month, found.day) == (day.month, day.day)
    assert 0 <= (found - start).days <= 366
    assert not any((start + timedelta(days=step)).timetuple()[1:3] == end for step in range((found - start).days))


@pytest.mark.parametrize("text", ["02-29", "6-30", "06/30", "13-01", "06-31", "٠٦-٣٠", "", "06-30 "])
def test_what_is_no_day_of_every_year_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        MonthDay.read(text)


# Clocks


@given(zones, moments)
def test_a_clocks_date_is_the_portals_and_its_moment_is_utc(zone: ZoneInfo, moment: datetime) -> None:
    clock: Clock = SettableClock(zone, moment.astimezone(zone))
    assert clock.now() == moment
    assert clock.now().tzinfo is UTC
    assert clock.today() == moment.astimezone(zone).date()


def test_the_systems_clock_agrees_with_itself() -> None:
    clock = SystemClock(ZoneInfo("Asia/Kathmandu"))
    before = clock.now()
    today = clock.today()
    after = clock.now()
    assert before <= after
    assert before.tzinfo is UTC
    assert before.astimezone(clock.timezone).date() <= today <= after.astimezone(clock.timezone).date()


def test_a_clock_is_only_set_to_a_moment_that_is_one_everywhere() -> None:
    with pytest.raises(ValueError, match="aware"):
        SettableClock(UTC, datetime(2026, 11, 21))  # noqa: DTZ001 - the mistake in question


@given(zones, moments, dates, st.lists(st.timedeltas(timedelta(hours=-2), timedelta(hours=9)), max_size=12))
def test_a_demonstrations_day_stays_while_its_time_runs_on_and_never_back(
    zone: ZoneInfo, began: datetime, day: date, steps: list[timedelta]
) -> None:
    source = SettableClock(zone, began)
    clock = FixedDayClock(zone, day, source)
    readings = [clock.now()]
    for step in steps:
        source.advance(step)
        readings.append(clock.now())
    assert readings == sorted(readings)
    for reading in readings:
        assert reading.tzinfo is UTC
        assert reading.astimezone(zone).date() == day == clock.today()


@given(zones, dates, st.times(time(3), time(20)), st.timedeltas(timedelta(0), timedelta(hours=3)))
def test_a_demonstrations_time_of_day_is_the_real_one(zone: ZoneInfo, day: date, at: time, step: timedelta) -> None:
    source = SettableClock(zone, datetime.combine(date(2026, 1, 15), at, zone))
    clock = FixedDayClock(zone, day, source)
    assert clock.now().astimezone(zone).time() == at
    source.advance(step)
    expected = datetime.combine(day, at, zone).astimezone(UTC) + step
    assume(expected.astimezone(zone).date() == day)
    assert clock.now() == expected


# Chance


@given(st.lists(st.integers(0, 100), max_size=20))
def test_a_seed_gives_one_stream_however_it_is_cut(cuts: list[int]) -> None:
    pieces = SeededRandom(7)
    cut = b"".join(pieces.bytes(count) for count in cuts)
    assert cut == SeededRandom(7).bytes(sum(cuts))


def test_a_seeds_stream_is_the_same_on_every_machine() -> None:
    assert SeededRandom(7).bytes(8).hex() == "58c366e91499a3c8"
    assert SeededRandom(8).bytes(8) != SeededRandom(7).bytes(8)
    assert batch_id(SeededRandom(7)) == "B31P-DT8M"
    assert pseudonym_code(SeededRandom(7)) == "Estuary-0870"


def test_threads_share_a_seed_without_sharing_bytes() -> None:
    random = SeededRandom(7)
    drawn: list[bytes] = []

    def draw() -> None:
        drawn.extend(random.bytes(16) for _ in range(300))

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    whole = SeededRandom(7).bytes(16 * 1200)
    assert sorted(drawn) == sorted(whole[at : at + 16] for at in range(0, len(whole), 16))


def test_the_systems_randomness_is_not_repeated() -> None:
    assert SystemRandom().bytes(32) != SystemRandom().bytes(32)
    assert len(SystemRandom().bytes(5)) == 5


class Bytes:
    """A source that gives what it is told to."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def bytes(self, count: int) -> bytes:
        given_bytes, self.data = self.data[:count], self.data[count:]
        assert len(given_bytes) == count
        return given_bytes


@given(st.binary(min_size=5, max_size=5))
def test_a_batch_is_its_forty_bits_in_base_32(data: bytes) -> None:
    batch = batch_id(Bytes(data))
    number = 0
    for letter in batch.replace("-", ""):
        number = number * 32 + CROCKFORD.index(letter)
    assert number == int.from_bytes(data, "big")
    assert len(batch) == 9
    assert not set(batch) & set("ILOU")


@given(st.binary(min_size=5, max_size=5), st.data())
def test_a_batch_comes_back_from_how_people_type_it(data: bytes, choices: st.DataObject) -> None:
    batch = batch_id(Bytes(data))
    alike = {"0": "0Oo", "1": "1IiLl"}
    typed = "".join(choices.draw(st.sampled_from(alike.get(letter, letter + letter.lower()))) for letter in batch)
    for form in (typed, typed.replace("-", ""), f" {typed}\n"):
        assert read_batch_id(form) == batch


@pytest.mark.parametrize("text", ["", "7K2M", "7K2M-9QXHH", "7K2M-9QXU", "7K2M-9QX!", "ſK2M-9QXH", "7K2M_9QXH"])
def test_what_cannot_be_a_batch_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="7K2M-9QXH"):
        read_batch_id(text)


def test_every_pseudonym_is_as_likely_as_any_other() -> None:
    assert len(set(WORDS)) == len(WORDS) == 64
    assert {word for word in WORDS if not (word.isascii() and word.isalpha() and word.istitle())} == set()
    codes = [
        pseudonym_code(Bytes(bytes([word]) + number.to_bytes(2, "big")))
        for word in (0, 64, 128)
        for number in (0, 9999)
    ]
    assert set(codes) == {f"{WORDS[0]}-0000", f"{WORDS[0]}-9999"}
    # 10,000 and more are drawn again; the two highest bits do not count.
    assert (
        pseudonym_code(Bytes(b"\x3f" + (10_000).to_bytes(2, "big") + (0xC000 + 4821).to_bytes(2, "big")))
        == f"{WORDS[63]}-4821"
    )
    random = SeededRandom(1)
    assert len({pseudonym_code(random) for _ in range(1000)}) > 990
