"""Promise: a person's name is harmless text, a student's name is what the mask leaves of it, a number is never whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.people import masked_number, person_name, student_name
from console.text import SafeText, safe
from models.words import Mask

NAMES = st.text(max_size=12)


@pytest.mark.parametrize(
    ("given_name", "family", "mask", "pseudonym", "shown"),
    [
        ("Ann", "Lee", "none", None, "Ann Lee"),
        ("Ann", "", "none", None, "Ann"),
        ("", "Lee", "none", None, "Lee"),
        (" ", "", "none", None, "(no name)"),
        ("Ann", "Lee", "initial", None, "Ann L."),
        ("Ann", "", "initial", None, "Ann"),
        ("", "", "pseudonym", "QK7-4M2", "QK7-4M2"),
        ("Ann", "Lee", "pseudonym", "QK7-4M2", "QK7-4M2"),
        ("Ann", "Lee", "pseudonym", None, "(sealed)"),
        ("Ann", "Lee", "a mask of next year", None, "(sealed)"),
        ("Ann\u202e", "Lee\x1b[2J", "none", None, "Ann⟨U+202E⟩ Lee⟨U+001B⟩[2J"),
    ],
)
def test_a_student_is_called_what_the_mask_leaves(given_name, family, mask, pseudonym, shown):
    assert student_name(given_name, family, mask, pseudonym) == shown


@given(family=st.text("abcdefghijklm", min_size=3, max_size=12), mask=st.sampled_from(Mask))
def test_a_family_name_is_whole_only_without_a_mask(family, mask):
    assert (family in student_name("Zoë", family, mask, "QK7")) == (mask is Mask.NONE)


@given(first=NAMES, last=NAMES, mask=st.sampled_from(Mask))
def test_every_name_is_harmless_text(first, last, mask):
    for name in (person_name(first, last), student_name(first, last, mask, first)):
        assert isinstance(name, SafeText)
        assert safe(str(name)) == name


@pytest.mark.parametrize(
    ("number", "shown"), [("", ""), ("7", "••••"), ("12345", "••••"), ("123456", "••••56"), ("900112233", "••••33")]
)
def test_a_number_keeps_at_most_two_characters(number, shown):
    assert masked_number(number) == shown


@given(st.text("0123456789", min_size=1, max_size=12))
def test_the_length_of_a_number_is_not_shown(number):
    assert len(masked_number(number)) == (6 if len(number) >= 6 else 4)
