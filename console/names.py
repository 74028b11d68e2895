"""Keys under which names, addresses and telephone numbers are compared, and what makes a name suspicious.

Registrations are matched with the roster as people write, not as computers do: `O'Neil`, `O’NEIL` and `O Neil` are one
name, `राम` and `रमा` are two. Promises: every function is pure, loads nothing but the standard library and reads None
as ''. An empty key says that there is nothing to compare: two empty keys are no match. A suspicion is shown to the
operator and rejects nobody (PORTAL, Registrations).
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum, unique
from itertools import compress
from operator import not_
from typing import TYPE_CHECKING

from console.text import MARKS_A_BASE, piles, safe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from console.text import SafeText

_PHONE_DIGITS = 7
_VIRAMA = 9

# Letters that people without them on the keyboard replace, and that Unicode does not take apart.
_PLAIN = str.maketrans(
    {
        "ı": "i", "ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "æ": "ae", "œ": "oe", "þ": "th",
        "ی": "ي", "ى": "ي", "ک": "ك", "ة": "ه",
    }
)  # fmt: skip

# Accents, harakat and points; not the vowel signs of Indic scripts nor the voicing marks of kana, which spell.
_DIACRITICS = re.compile(
    "[\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\U000e0100-\U000e01ef]"
)
# Apostrophe-like letters and the Arabic stretching stroke: letters by category, punctuation by use.
_ORNAMENTS = re.compile("[\u02b0-\u02ff\u0640\u07f4\u07f5\ua78b\ua78c]")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


class _Folding(dict[int, int | str | None]):
    """What becomes of each character of a folded name: letters, spelling marks and digits stay, some are replaced, the rest goes."""

    def __init__(self, replaced: dict[int, str], kept: str = "") -> None:
        super().__init__({ord(char): ord(char) for char in kept})
        self._replaced = replaced

    def __missing__(self, code: int) -> int | str | None:
        char = chr(code)
        if _ORNAMENTS.match(char) or _DIACRITICS.match(char):
            found: int | str | None = None
        else:
            kept = [each for each in self._replaced.get(code, char) if unicodedata.category(each)[0] in "LMN"]
            found = "".join(kept) or None
        self[code] = found
        return found


def _bare(text: str, folding: _Folding) -> str:
    """Letters, spelling marks and digits of `text`, folded in case and compatibility, some replaced; in NFC."""
    if text.isascii():
        return text.lower().translate(folding)
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", folded.translate(folding))


_NAMES = _Folding(_PLAIN)


def name_key(text: str | None) -> str:
    """The letters and digits of a name without case, accents and signs; vowel signs that spell stay. May be ''."""
    return _bare(text or "", _NAMES)


def email_key(text: str | None) -> str:
    """An address without surrounding space and case. Plus-tags stay: they tell two people of one family apart."""
    return (text or "").strip().lower()


_EXTENSION = re.compile(r"(?:ext(?:ension)?\.?|x|#|;).*", re.IGNORECASE | re.DOTALL)


def phone_key(text: str | None) -> str:
    """The last seven digits before an extension, in ASCII; '' when there are fewer (PORTAL, *facts for*)."""
    number = _EXTENSION.sub("", unicodedata.normalize("NFKC", text or ""))
    digits = "".join(str(unicodedata.decimal(char)) for char in number if char.isdecimal())
    return digits[-_PHONE_DIGITS:] if len(digits) >= _PHONE_DIGITS else ""


class _LookAlikes(dict[int, str]):
    """What a character is read as; one that is not listed stays. It is remembered: a miss is dear to `str.translate`."""

    def __missing__(self, code: int) -> str:
        self[code] = chr(code)
        return self[code]


def _look_alikes(pairs: str) -> dict[int, str]:
    return _LookAlikes({ord(pair[0]): pair[1:] for pair in pairs.split()})


# Capitals are mapped before case is folded: Greek Η looks like H, its small η like n. Chosen by eye in common fonts.
_CAPITALS = _look_alikes(
    "АA ВB ЕE ЅS ІI ЈJ КK МM НH ОO РP СC ТT УY ХX ҮY ԌG ԚQ ԜW Ӏl ΑA ΒB ΕE ΖZ ΗH ΙI ΚK ΜM ΝN ΟO ΡP ΤT ΥY ΧX ϹC "
    "ՕO ՍU ՏS ԼL Հh"
)
_SMALL = _look_alikes(
    "аa вb еe ѕs іl јj кk мm нh оo рp сc тt уy хx гr пn ьb ԁd һh ԛq ԝw үy ӏl ԍg ѵv ɡg ɑa ɩl "
    "αa βb γy εe ηn ιl κk νv οo ρp σo τt υu χx ωw ϲc օo ոn սu հh ցg զq յj ւl քp "
    "ᴀa ʙb ᴄc ᴅd ᴇe ɢg ʜh ɪl ᴊj ᴋk ʟl ᴍm ɴn ᴏo ᴘp ʀr ꜱs ᴛt ᴜu ᴠv ᴡw ʏy ᴢz łl øo đd ħh ŧt 0o 1l |l il ıl "
    # Cherokee folds its small letters to capitals.
    "Ꭺa Ᏼb Ꮯc Ꭰd Ꭼe Ꮋh Ꭻj Ꮶk Ꮮl Ꮇm Ꮲp Ꮪs Ꭲt Ꮩv Ꮃw Ꮓz Ꮐg"
)
_SHAPES = _Folding(_SMALL)
_SPELLED = (("rn", "m"), ("vv", "w"))


def skeleton(text: str | None) -> str:
    """What a name looks like: equal for names that an eye confuses (`Smith` and Cyrillic `Ѕmіth`, `Corn` and `Com`).

    For comparing skeletons only: it is no spelling of the name. May be ''.
    """
    return _shape(text or "", _SHAPES)


def _shape(name: str, folding: _Folding) -> str:
    if not name.isascii():
        name = unicodedata.normalize("NFKD", name).translate(_CAPITALS)
    shape = _bare(name, folding)
    for seen, read in _SPELLED:
        shape = shape.replace(seen, read)
    return shape


# Keys of thousands at once: joined by line ends, which no step of a folding looks across, they are folded as one text.
_NAME_LINES = _Folding(_PLAIN, kept="\n")
_SHAPE_LINES = _Folding(_SMALL, kept="\n")
_DIGIT_LINES = {code: None for code in range(128) if not chr(code).isdigit() and chr(code) != "\n"}


def _joined(texts: Sequence[str]) -> str | None:
    """The texts as lines of one; None where one of them has lines of its own."""
    joined = "\n".join(texts)
    return joined if joined.count("\n") == len(texts) - 1 else None


def _lines(texts: Sequence[str], fold: Callable[[str], str], one: Callable[[str], str]) -> list[str]:
    """`one` of each text, by `fold`, which keeps line ends."""
    joined = _joined(texts)
    return fold(joined).split("\n") if joined is not None else list(map(one, texts))


def _keys(texts: Sequence[str], fold: Callable[[str], str], one: Callable[[str], str]) -> list[str]:
    """The same, those in ASCII apart from the others: one letter beyond it slows down the folding of a whole text."""
    ascii_only = [text.isascii() for text in texts]
    if all(ascii_only) or not any(ascii_only):
        return _lines(texts, fold, one)
    plain = iter(_lines(list(compress(texts, ascii_only)), fold, one))
    other = iter(_lines(list(compress(texts, map(not_, ascii_only))), fold, one))
    return [next(plain if each else other) for each in ascii_only]


def name_keys(texts: Sequence[str]) -> list[str]:
    """`name_key` of each."""
    return _keys(texts, lambda text: _bare(text, _NAME_LINES), name_key)


def skeletons(texts: Sequence[str]) -> list[str]:
    """`skeleton` of each."""
    return _keys(texts, lambda text: _shape(text, _SHAPE_LINES), skeleton)


def phone_keys(texts: Sequence[str | None]) -> list[str]:
    """`phone_key` of each."""
    joined = _joined([text or "" for text in texts])
    if joined is None or not joined.isascii() or not {"x", "X", "#", ";"}.isdisjoint(joined):
        return list(map(phone_key, texts))
    digits = joined.translate(_DIGIT_LINES).split("\n")
    return [each[-_PHONE_DIGITS:] if len(each) >= _PHONE_DIGITS else "" for each in digits]


@unique
class Suspicion(StrEnum):
    """Why a name gets a badge and stays out of bulk approval."""

    MIXED_SCRIPTS = "mixed_scripts"
    HIDDEN_CHARACTERS = "hidden_characters"


# The first word of a letter's Unicode name tells its script; signs and modifiers that belong to none are not listed.
_SCRIPTS = _words(
    "LATIN GREEK COPTIC CYRILLIC ARMENIAN HEBREW ARABIC SYRIAC THAANA DEVANAGARI BENGALI GURMUKHI GUJARATI ORIYA TAMIL "
    "TELUGU KANNADA MALAYALAM SINHALA THAI LAO TIBETAN MYANMAR GEORGIAN ETHIOPIC CHEROKEE CANADIAN KHMER MONGOLIAN NKO "
    "HANGUL HIRAGANA KATAKANA BOPOMOFO CJK YI LISU TIFINAGH VAI BALINESE JAVANESE MATHEMATICAL FULLWIDTH"
)
_RENAMED = {"HALFWIDTH": "KATAKANA", "IDEOGRAPHIC": "CJK"}
# What is written together every day, Latin letters included (UTS 39, highly restrictive).
_TOGETHER = (
    frozenset({"LATIN", "FULLWIDTH", "CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
)
# Full-width letters are common beside Chinese and Japanese ones, and a disguise beside nothing but Latin.
_DISGUISE = frozenset({"LATIN", "FULLWIDTH"})
_WORD = re.compile(r"[^\s\-‐‑–—/.,;()·・]+")


def _scripts(word: str) -> frozenset[str]:
    found = set()
    for char in word:
        if unicodedata.category(char)[0] in "LM":
            first = unicodedata.name(char, "").split(" ", 1)[0].split("-", 1)[0]
            found.add(_RENAMED.get(first, first))
    return frozenset(found & _SCRIPTS)


def _mixes(word: str) -> bool:
    scripts = _scripts(word)
    return len(scripts) > 1 and (scripts >= _DISGUISE or not any(scripts <= usual for usual in _TOGETHER))


def suspicions(text: str | None) -> frozenset[Suspicion]:
    """What is odd about a name as it is written: scripts mixed in one word, or something that an eye cannot see.

    Hidden is what `console.text.safe` makes visible: control and format characters other than joiners that a script
    needs, empty letters, more than four marks a base.
    """
    if not text or (text.isascii() and text.isprintable()):
        return frozenset()
    found = set()
    if any(_mixes(word) for word in _WORD.findall(text)):
        found.add(Suspicion.MIXED_SCRIPTS)
    if safe(text) != unicodedata.normalize("NFC", text):
        found.add(Suspicion.HIDDEN_CHARACTERS)
    return frozenset(found)


# Well-known domains that give everybody a mailbox for some minutes; a district may know more.
_THROWAWAY = _words(
    "0-mail.com 10minutemail.com 10minutemail.net 20minutemail.com 33mail.com anonbox.net burnermail.io "
    "discard.email dispostable.com dropmail.me emailondeck.com fakeinbox.com fakemail.net getairmail.com getnada.com "
    "grr.la guerrillamail.biz guerrillamail.com guerrillamail.de guerrillamail.info guerrillamail.net "
    "guerrillamail.org guerrillamailblock.com inboxkitten.com jetable.org mail-temp.com mailcatch.com maildrop.cc "
    "mailexpire.com mailinator.com mailinator.net mailnesia.com mailnull.com mail.tm minuteinbox.com mintemail.com "
    "moakt.com mohmal.com mytemp.email nada.email pokemail.net sharklasers.com spam4.me spambox.us spamgourmet.com "
    "temp-mail.io temp-mail.org tempail.com tempinbox.com tempmail.com tempmailo.com tempr.email throwawaymail.com "
    "trash-mail.com trashmail.com trashmail.de trashmail.net yopmail.com yopmail.fr yopmail.net"
)


def throwaway_domain(email: str | None) -> bool:
    """Whether the address lies in a well-known domain of throw-away mailboxes, or in a subdomain of one."""
    _, at, domain = email_key(email).rpartition("@")
    labels = domain.strip(" .>").split(".") if at else []
    return any(".".join(labels[start:]) in _THROWAWAY for start in range(len(labels)))


# One letter with its marks and at most two more that it is written together with: a mask shows no whole name.
# A virama binds (unicodedata.combining is 9), but Tamil and Thai write the next letter apart.
_CONJUNCT = 3


def _first_grapheme(name: str) -> str:
    """The first letter of `name` with its marks and conjunct; without any letter, the first sign."""
    categories = [unicodedata.category(char) for char in name]
    signs = (index for index, category in enumerate(categories) if category[0] in "NPS")
    start = next((index for index, category in enumerate(categories) if category[0] == "L"), next(signs, 0))
    end, marks, letters, bound = start + 1, 0, 1, False
    while end < len(name):
        char = name[end]
        if piles(char):
            marks += 1
            bound = unicodedata.combining(char) == _VIRAMA and char not in "\u0bcd\u0e3a"
        elif char not in "\u200c\u200d":
            if not bound or letters == _CONJUNCT or categories[end][0] != "L":
                break
            letters, marks, bound = letters + 1, 0, False
        if marks > MARKS_A_BASE:
            break
        end += 1
    first = name[start:end].rstrip("\u200c\u200d")
    while len(first) > 1 and safe(first) != first:
        first = first[:-1]
    return first


def last_initial(family: str | None) -> SafeText:
    """The first letter of a family name with its marks, and a full stop (*hide last name*, PORTAL, Masks); '' for ''.

    What stands before the first letter, apostrophes or invisible characters, is passed over.
    """
    name = unicodedata.normalize("NFC", family or "").strip()
    return safe(_first_grapheme(name) + "." if name else "")
