"""Whatever people call themselves, a terminal shows it and obeys none of it; and it shows people's real names as they are."""

from __future__ import annotations

import copy
import io
import pickle
import re
import subprocess
import sys
import unicodedata
from itertools import groupby, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from console.text import SafeText, cells, clip, csv_cell, in_place, join, pad, paragraph, piles, safe
from fixtures.hostile import FORMULAS, HOSTILE_NAMES, LEGIT_NAMES, WITH_NUL, WITH_SURROGATES, hostile_names

ALL_NAMES = (*HOSTILE_NAMES, *LEGIT_NAMES, *WITH_NUL, *WITH_SURROGATES, *islice(hostile_names(7), 400))
FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
JOINERS = "\u200c\u200d"
ODD_CHARACTERS = "".join(HOSTILE_NAMES[:-1]) + "".join(LEGIT_NAMES)

# Characters at random seldom meet; these pieces meet in every way.
texts = (
    st.text(st.characters(exclude_categories=()), max_size=30)
    | st.text(st.sampled_from(ODD_CHARACTERS), max_size=30)
    | st.lists(st.sampled_from(ALL_NAMES), max_size=3).map(lambda names: "".join(names)[:300])
)
safe_texts = texts.map(safe)


def forbidden_in(text: str) -> list[str]:
    """The characters of `text` that a terminal must not get; a joiner is judged by the script around it."""
    found = [char for char in text if unicodedata.category(char) in FORBIDDEN and char not in JOINERS]
    for before, char, after in zip(" " + text, text, text[1:] + " ", strict=False):
        if char in JOINERS and not (needs_joiners(before) and needs_joiners(after)):
            found.append(char)
    return found


def needs_joiners(char: str) -> bool:
    script = unicodedata.name(char, "").split(" ")[0]
    usual = {
        "ARABIC",
        "DEVANAGARI",
        "BENGALI",
        "GURMUKHI",
        "GUJARATI",
        "ORIYA",
        "TAMIL",
        "TELUGU",
        "KANNADA",
        "SINHALA",
    }
    rare = {"MALAYALAM", "MYANMAR", "KHMER", "SYRIAC", "NKO", "MANDAIC", "MONGOLIAN", "SAMARITAN", "VEDIC"}
    return unicodedata.category(char)[0] in "LM" and script in usual | rare


def most_marks(text: str) -> int:
    runs = groupby(text, key=lambda char: unicodedata.category(char)[0] == "M")
    return max((len(list(run)) for marks, run in runs if marks), default=0)


@given(texts)
def test_nothing_that_commands_hides_or_moves_is_left(raw):
    shown = safe(raw)
    assert forbidden_in(shown) == []
    assert most_marks(shown) <= 4
    assert not shown or not piles(shown[0])
    assert unicodedata.is_normalized("NFC", shown)


@given(texts)
def test_what_is_being_typed_keeps_its_places_and_commands_nothing(raw):
    shown = in_place(raw)
    assert len(shown) == len(raw)
    assert forbidden_in(shown) == []
    assert all(
        now in (was, "\ufffd") or (was, now) == ("\u200d", "\u200c") for was, now in zip(raw, shown, strict=True)
    )
    if raw.isascii() and raw.isprintable():
        assert shown == raw


@pytest.mark.parametrize("raw", ALL_NAMES, ids=ascii)
def test_every_hostile_name_is_shown_harmless_and_once_for_all(raw):
    shown = safe(raw)
    assert forbidden_in(shown) == []
    assert most_marks(shown) <= 4
    assert safe(str(shown)) == shown


@given(texts)
def test_what_is_safe_is_not_changed_again(raw):
    shown = safe(raw)
    assert safe(str(shown)) == shown


@given(st.lists(safe_texts, max_size=4), safe_texts)
def test_safe_texts_joined_are_safe(parts, separator):
    joined = join(parts, separator)
    assert isinstance(joined, SafeText)
    assert safe(str(joined)) == joined == separator.join(parts)


@given(texts.map(lambda raw: raw.replace("⟨", "")))
def test_nothing_disappears(raw):
    """What is taken out is named: read back, the safe text is the raw text in NFC."""
    named = re.compile("⟨U[+]([0-9A-F]{4,6})⟩")
    assert named.sub(lambda found: chr(int(found[1], 16)), safe(raw)) == unicodedata.normalize("NFC", raw)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (None, ""),
        ("", ""),
        ("Ann", "Ann"),
        ("O[/]Neil", "O[/]Neil"),
        ("Ann\u202enhoJ", "Ann⟨U+202E⟩nhoJ"),
        ("\x1b]52;c;QW5u\x07", "⟨U+001B⟩]52;c;QW5u⟨U+0007⟩"),
        ("\x9b2J", "⟨U+009B⟩2J"),
        ("a\tb\nc", "a⟨U+0009⟩b⟨U+000A⟩c"),
        ("\x00\ud800", "⟨U+0000⟩⟨U+D800⟩"),
        ("a\u2028b\u2029", "a⟨U+2028⟩b⟨U+2029⟩"),
        ("\ue000\U0010ffff", "⟨U+E000⟩⟨U+10FFFF⟩"),
        ("Jose\u0301", "José"),
        ("A\u0301\u0302\u0303\u0304\u0305\u0306", "Á\u0302\u0303\u0304\u0305⟨U+0306⟩"),
        ("\u0301Ann", "⟨U+0301⟩Ann"),
        ("An\u200dn", "An⟨U+200D⟩n"),
        ("علی\u200cرضا", "علی\u200cرضا"),
        ("علی\u200c", "علی⟨U+200C⟩"),
        ("क\u200dष", "क⟨U+200D⟩ष"),
        ("क्\u200dष", "क्\u200dष"),
        ("क्\u200d\u200dष", "क्⟨U+200D⟩⟨U+200D⟩ष"),
        ("👩\u200d👧", "👩⟨U+200D⟩👧"),
        ("\u3164\uffa0", "⟨U+3164⟩⟨U+FFA0⟩"),
        ("A\u034fn", "A⟨U+034F⟩n"),
        ("ក\u17b4", "ក⟨U+17B4⟩"),
        ("A\ufe0f", "A⟨U+FE0F⟩"),
        ("❤\ufe0f", "❤⟨U+FE0F⟩"),
        ("A\U000e0101", "A⟨U+E0101⟩"),
        ("👍🏽", "👍⟨U+1F3FD⟩"),
        ("🇺🇸", "⟨U+1F1FA⟩⟨U+1F1F8⟩"),
        ("葛\U000e0100", "葛\U000e0100"),
        ("ක්\u200d" * 4 + "ක", "ක්\u200d" * 3 + "ක්⟨U+200D⟩ක"),
    ],
    ids=ascii,
)
def test_known_examples(raw, shown):
    assert safe(raw) == shown


@pytest.mark.parametrize("name", LEGIT_NAMES)
def test_names_of_many_cultures_are_shown_as_they_are(name):
    assert safe(name) == unicodedata.normalize("NFC", name)


@given(texts)
def test_lines_are_split_at_breaks_and_each_is_safe(raw):
    lines = paragraph(raw)
    assert all(isinstance(line, SafeText) and safe(str(line)) == line for line in lines)
    assert len(lines) == (raw.count("\n") + (not raw.endswith("\n")) if raw else 0)


def test_a_paragraph_keeps_its_empty_lines():
    assert paragraph("Dear office,\r\n\nI am\tAnn\r\n") == ("Dear office,", "", "I am⟨U+0009⟩Ann")
    assert paragraph(None) == paragraph("") == ()


@given(safe_texts, st.integers(-2, 40))
def test_a_clipped_text_never_exceeds_its_cells(text, width):
    clipped = clip(text, width)
    assert cells(clipped) == cell_len(str(clipped)) <= max(width, 0)
    assert safe(str(clipped)) == clipped
    if clipped != text and width > 0:
        kept = clipped.removesuffix("…")
        assert clipped.endswith("…")
        assert text.startswith(kept)
        assert not piles(text[len(kept)])
        assert text[len(kept)] not in JOINERS


@given(safe_texts, st.integers(0, 40), st.booleans())
def test_a_padded_text_has_exactly_its_cells(text, width, right):
    padded = pad(text, width, right)
    assert cell_len(str(padded)) == width
    assert padded.strip(" ") == clip(text, width).strip(" ")
    assert safe(str(padded)) == padded


@pytest.mark.parametrize(
    ("raw", "width", "clipped"),
    [
        ("Smith", 5, "Smith"),
        ("Smith", 4, "Smi…"),
        ("Smith", 1, "…"),
        ("Smith", 0, ""),
        ("李小龍", 5, "李小…"),
        ("李小龍", 4, "李…"),
        ("葛\U000e0100葛\U000e0100葛", 5, "葛\U000e0100葛\U000e0100…"),
        ("👍🏽👍🏽", 5, "👍⟨U…"),
        ("ශ්\u200dරීල", 2, "…"),
    ],
)
def test_clipping_known_examples(raw, width, clipped):
    assert clip(safe(raw), width) == clipped


@pytest.mark.parametrize(
    "raw", ["क\u094d\u200d" * 200 + "क", "ب\u200d" * 200 + "ب", "ᄀ" + "ᅡ" * 200, "👍" + "🏽" * 200]
)
def test_letters_without_a_width_of_their_own_do_not_escape_clipping(raw):
    assert len(clip(safe(raw), 20)) <= 20 * (4 + 2)


@pytest.mark.parametrize("raw", ALL_NAMES, ids=ascii)
def test_the_bytes_on_the_terminal_hold_no_control_of_the_name(raw):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="strict", newline="")
    console = Console(
        file=stream, force_terminal=True, no_color=True, width=80, color_system=None, legacy_windows=False
    )
    console.print(Text(safe(raw)[:2000]), soft_wrap=True)
    stream.flush()
    written = stream.buffer.getvalue().decode("utf-8")  # type: ignore[attr-defined]
    assert written.endswith("\n")
    assert [char for char in written[:-1] if unicodedata.category(char) == "Cc"] == []
    assert written[:-1] == safe(raw)[:2000]


@given(texts)
def test_the_bytes_on_the_terminal_are_those_of_the_safe_text(raw):
    stream = io.BytesIO()
    console = Console(file=io.TextIOWrapper(stream, "utf-8", newline="", write_through=True), no_color=True, width=80)
    console.print(Text(safe(raw)), soft_wrap=True)
    assert b"\x1b" not in stream.getvalue()
    assert not {"\x07", "\x9b", "\x9d", "\x90", "\u202e"} & set(stream.getvalue().decode())


def test_a_safe_text_is_not_made_by_accident():
    with pytest.raises(TypeError):
        SafeText("\x1b[2J")  # type: ignore[arg-type]
    assert type(str(safe("Ann"))) is str
    for made in (copy.deepcopy(safe("Ann")), pickle.loads(pickle.dumps(safe("Ann")))):
        assert type(made) is SafeText
        assert made == "Ann"


def test_the_type_checker_refuses_raw_text_where_safe_text_is_wanted(tmp_path):
    tried = tmp_path / "tried.py"
    lines = (
        "from console.text import SafeText, clip, safe",
        "def show(text: SafeText) -> None: ...",
        "show(safe('Ann'))",
        "show(clip(safe('Ann'), 2))",
        "show('Ann')",
        "show(f'{safe(str())}')",
        "show(safe('Ann').upper())",
        "SafeText('Ann')",
    )
    tried.write_text("\n".join(lines) + "\n", "utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), str(tried)]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    refused = {int(line.split(":")[1]) for line in said.splitlines() if "error:" in line and "tried.py" in line}
    assert refused == {5, 6, 7, 8}, said


def test_making_text_safe_loads_neither_toolkit_nor_database():
    program = "import sys, console.text, console.names; console.text.safe('Zo\\u0308e\\x1b'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"rich", "textual", "sqlalchemy"} & set(loaded)


@pytest.mark.parametrize("raw", [*FORMULAS, "\u200e=1", "\u3000＝1", "﹣1", "\n", "\x00=1"], ids=ascii)
def test_no_spreadsheet_computes_a_name(raw):
    column = csv_cell(raw)
    if raw[0] not in "'A":
        assert column == "'" + raw
    else:
        assert column == raw
    assert csv_cell(column) == column


@pytest.mark.parametrize(
    "raw", ["", " ", "Ann", "O'Neil", "1-2", "a=b", "Ann\t", "’t Hooft", "\ufeffAnn", *LEGIT_NAMES]
)
def test_other_text_columns_stay_as_they_are(raw):
    assert csv_cell(raw) == raw


def test_hostile_names_are_many_storable_and_the_same_for_a_seed():
    assert len(set(HOSTILE_NAMES)) == len(HOSTILE_NAMES) >= 60
    made = list(islice(hostile_names(3), 1000))
    assert made == list(islice(hostile_names(3), 1000))
    assert made != list(islice(hostile_names(4), 1000))
    assert set(HOSTILE_NAMES) <= set(made)
    for name in (*HOSTILE_NAMES, *LEGIT_NAMES, *made):
        assert "\x00" not in name
        assert name.encode("utf-8").decode("utf-8") == name
    assert all("\x00" in name for name in WITH_NUL)
    for name in WITH_SURROGATES:
        with pytest.raises(UnicodeEncodeError):
            name.encode("utf-8")
