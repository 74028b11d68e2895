"""A word of a filter is a range of keys, byte by byte the same on both engines; and a filter has not too many of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from console.desks import desk
from console.errors import Usage
from console.filters import MAX_VALUES, begins, behind, parse
from models import tables as t

if TYPE_CHECKING:
    from tests.portals import Portal

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=6)


@given(TEXT.filter(bool), TEXT)
def test_what_begins_so_lies_before_what_is_behind(word: str, rest: str) -> None:
    assert not behind(word) or (word + rest).encode() < behind(word).encode()


@given(TEXT.filter(bool), TEXT)
def test_what_lies_between_begins_so(word: str, other: str) -> None:
    between = word.encode() <= other.encode() and (not behind(word) or other.encode() < behind(word).encode())
    assert between == other.startswith(word)


def test_both_engines_find_what_begins_so_in_any_script(portal: Portal) -> None:
    names = [
        "hal",
        "halberg",
        "hal\U0010ffff",
        "ham",
        "haz",
        "han",
        "חלל",
        "חל",
        "中村",
        "中",
        "\ud7ff\ue000",
        "ł",
        "z",
        "",
    ]
    school = portal.school()
    for name in names:
        portal.student(family="X", school=school, family_key=name)
    s = t.student.c
    for word in ("hal", "ha", "חל", "中", "\ud7ff", "z"):
        found = {row[0] for row in portal.all(sa.select(s.family_key).where(begins(s.family_key, word)))}
        assert found == {name for name in names if name.startswith(word)}
    assert not portal.all(sa.select(s.id).where(begins(s.family_key, "")))


@pytest.mark.parametrize("text", ["word " * (MAX_VALUES + 1), "state:" + ",".join(["submitted"] * (MAX_VALUES + 1))])
def test_a_filter_of_too_many_words_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(Usage, match="at most 32 words"):
        parse(text, desk("registrations").terms)
