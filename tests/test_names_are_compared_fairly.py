"""Two ways of writing one name agree, two names do not, and nobody's honest name gets a badge."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.names import (
    Suspicion,
    email_key,
    last_initial,
    name_key,
    phone_key,
    skeleton,
    suspicions,
    throwaway_domain,
)
from console.text import SafeText, piles, safe
from fixtures.hostile import HOSTILE_NAMES, LEGIT_NAMES, WITH_NUL, WITH_SURROGATES

ALL_NAMES = (*HOSTILE_NAMES, *LEGIT_NAMES, *WITH_NUL, *WITH_SURROGATES)
texts = st.text(st.characters(exclude_categories=()), max_size=30) | st.lists(
    st.sampled_from(ALL_NAMES), max_size=3
).map(lambda names: "".join(names)[:300])
MIXED, HIDDEN = Suspicion.MIXED_SCRIPTS, Suspicion.HIDDEN_CHARACTERS


@pytest.mark.parametrize(
    "spellings",
    [
        ("O'Neil", "O’NEIL", "O Neil", "OʼNeil", "o-neil", "ＯＮＥＩＬ", "O\u200bNeil"),
        ("José Núñez", "JOSE NUNEZ", "Jose\u0301 Nu\u0301n\u0303ez"),
        ("Straße", "STRASSE", "Strasse"),
        ("Łukasz", "lukasz"),
        ("Sørensen", "SORENSEN"),
        ("İsmail Işık", "ismail isik", "ISMAIL ISIK"),
        ("علی", "علي", "عَلِي", "علـي"),
        ("علی\u200cرضا", "علی رضا"),
        ("Иванов", "ИВАНОВ"),
        ("Nguyễn", "Nguyen"),
        ("ﾔﾏﾀﾞ", "ヤマダ"),
        ("김민준", unicodedata.normalize("NFD", "김민준")),
    ],
)
def test_spellings_of_one_name_agree(spellings):
    assert {name_key(spelling) for spelling in spellings} == {name_key(spellings[0])}
    assert name_key(spellings[0]) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("राम", "रमा"),
        ("が", "か"),
        ("李", "季"),
        ("김", "기"),
        ("Ann", "Anne"),
        ("Ann", "Аnn"),
        ("สม", "สาม"),
        ("Ann2", "Ann3"),
    ],
)
def test_two_names_do_not_agree(one, other):
    assert name_key(one) != name_key(other)


@given(texts)
def test_a_key_is_its_own_key_and_knows_no_case_or_form(raw):
    key = name_key(raw)
    assert name_key(key) == key
    assert name_key(unicodedata.normalize("NFD", raw)) == key
    assert name_key(unicodedata.normalize("NFC", raw)) == key
    assert not any(char.isspace() or unicodedata.category(char)[0] in "CPZS" for char in key)


def test_nothing_to_compare_is_an_empty_key():
    assert [name_key(raw) for raw in (None, "", "  ", "–", "\u202e", "👍")] == [""] * 6


def test_addresses_agree_without_case_and_keep_their_tags():
    assert email_key("  Ann.Smith+Lincoln@Example.ORG\n") == "ann.smith+lincoln@example.org"
    assert email_key(None) == ""


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("(510) 555-0123", "5550123"),
        ("+1 510.555.0123", "5550123"),
        ("5550123", "5550123"),
        ("510-555-0123 ext. 44", "5550123"),
        ("510-555-0123x44", "5550123"),
        ("٥٥٥٠١٢٣", "5550123"),
        ("５５５０１２３", "5550123"),
        ("555012", ""),
        ("none", ""),
        ("", ""),
        (None, ""),
        ("²²²²²²²a", "2222222"),
    ],
)
def test_the_last_seven_digits_of_a_telephone_count(written, key):
    assert phone_key(written) == key


@given(texts)
def test_a_telephone_key_is_seven_ascii_digits_or_nothing(raw):
    key = phone_key(raw)
    assert key == "" or (len(key) == 7 and key.isascii() and key.isdigit())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ann Smith", "Аnn Ѕmіth"),
        ("Ann Smith", "Ａｎｎ Ｓｍｉｔｈ"),
        ("Ann Smith", "𝐀𝐧𝐧 Srnith"),
        ("Corn", "Com"),
        ("Alice", "A1ice"),
        ("Alice", "AIice"),
        ("Alice", "Аӏісе"),
        ("Otto", "0tt0"),
        ("HELEN", "ΗΕLΕΝ"),
        ("Anna", "Αnnа"),
        ("Walter", "VValter"),
        ("Hanna", "Һаnnа"),
        ("Cope Poppe", "Соре Рорре"),
        ("Soto", "Տօtօ"),
        ("José", "Jose"),
        ("fiona", "ﬁona"),
    ],
)
def test_names_that_an_eye_confuses_have_one_skeleton(one, other):
    assert skeleton(one) == skeleton(other) != ""


@given(texts | st.sampled_from("ꭰꭲᎠbᏴɪӀI"))
def test_a_skeleton_is_its_own_skeleton(raw):
    assert skeleton(skeleton(raw)) == skeleton(raw)


@pytest.mark.parametrize(
    ("one", "other"), [("Ann", "Anne"), ("Smith", "Smyth"), ("李", "季"), ("राम", "रमा"), ("Иван", "Илья")]
)
def test_names_that_an_eye_tells_apart_do_not(one, other):
    assert skeleton(one) != skeleton(other)


@pytest.mark.parametrize("name", LEGIT_NAMES)
def test_no_badge_for_an_honest_name(name):
    assert suspicions(name) == frozenset()


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Аnn", {MIXED}),
        ("Smіth", {MIXED}),
        ("O'Nеil", {MIXED}),
        ("ΗΕLEN", {MIXED}),
        ("Ａnn", {MIXED}),
        ("Ann李", set()),
        ("さくら田中A", set()),
        ("김金Kim", set()),
        ("김さ", {MIXED}),
        ("Иванова-Smith", set()),
        ("Ольга Smith", set()),
        ("An\u200dn", {HIDDEN}),
        ("Ann\u202e", {HIDDEN}),
        ("Ann\t", {HIDDEN}),
        ("\u3164", {HIDDEN}),
        ("A" + "\u0301" * 9, {HIDDEN}),
        ("А\u200bnn", {HIDDEN, MIXED}),
        ("\x1b[2J", {HIDDEN}),
        ("", set()),
        (None, set()),
    ],
    ids=lambda value: ascii(sorted(value) if isinstance(value, set) else value),
)
def test_what_is_odd_about_a_name_is_found(name, found):
    assert suspicions(name) == found


@given(texts)
def test_hidden_is_exactly_what_is_made_visible(raw):
    assert (HIDDEN in suspicions(raw)) == (safe(raw) != unicodedata.normalize("NFC", raw))


@pytest.mark.parametrize(
    ("address", "thrown_away"),
    [
        ("ann@mailinator.com", True),
        (" Ann@Mailinator.COM. ", True),
        ("ann@eu.mailinator.com", True),
        ("ann@notmailinator.com", False),
        ("ann@mailinator.com.example.org", False),
        ("mailinator.com@example.org", False),
        ("mailinator.com", False),
        ("ann@example.org", False),
        ("", False),
        (None, False),
    ],
)
def test_throw_away_domains_are_known_with_their_subdomains(address, thrown_away):
    assert throwaway_domain(address) is thrown_away


@pytest.mark.parametrize(
    ("family", "initial"),
    [
        ("Smith", "S."),
        ("Ángel", "Á."),
        ("A\u0301ngel", "Á."),
        ("’t Hooft", "t."),
        ("李", "李."),
        ("श्रीवास्तव", "श्री."),
        ("தமிழ்", "த."),
        ("มานะ", "ม."),
        ("ශ්\u200dරී", "ශ්\u200dරී."),
        ("An\u200dn", "A."),
        ("ක්\u200d" * 30 + "ක", "ක්\u200dක්\u200dක්."),
        ("क्\u200bष", "क्."),
        ("क् ष", "क्."),
        ("0\u034f", "0."),
        ("\u202eAnn", "A."),
        ("\u0301Ann", "A."),
        ("Z" + "\u0301" * 30, "Ź\u0301\u0301\u0301\u0301."),
        ("👍🏽 👩", "👍."),
        ("\x1b", "⟨U+001B⟩."),
        ("  ", ""),
        ("", ""),
        (None, ""),
    ],
    ids=ascii,
)
def test_a_masked_family_name_shows_its_first_letter(family, initial):
    assert last_initial(family) == initial


@given(texts)
def test_a_masked_family_name_is_safe_and_short(raw):
    initial = last_initial(raw)
    assert isinstance(initial, SafeText)
    assert safe(str(initial)) == initial
    assert initial == "" or initial.endswith(".")
    shown = initial.removesuffix(".")
    if not shown.startswith("⟨U+"):
        assert sum(not piles(char) and char not in "\u200c\u200d" for char in shown) <= 3
