"""The groups a person is in, directly or through others, and how two DNs are compared.

Promises: a walk ends, whatever circles the groups make, after eight steps; a group that cannot be read leads nowhere. A DN has one
normal form (RFC 4514), however it was typed or sent; what is no DN has none.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from console.directory.names import escaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from console.directory.entries import Reading
    from console.directory.lines import Line

IN_CHAIN = "1.2.840.113556.1.4.1941"
"""LDAP_MATCHING_RULE_IN_CHAIN (MS-ADTS 3.1.1.3.4.4.3): Active Directory follows the chain itself."""
DEEPEST = 8
"""Steps of a walk: groups in groups beyond that are a mistake, or a trap."""
AT_ONCE = 50
"""DNs that are asked for in one search."""

_SPECIAL = frozenset(',+"<>;=\\')
_HEX = frozenset("0123456789abcdefABCDEF")


def normal(dn: str) -> str:
    """The normal form of a DN: types and values in small letters, blanks run together, one way to escape. Raises ValueError."""
    parts = [_normal_part(part) for part in _split(dn, ",")]
    return ",".join(parts)


def of_person(line: Line, reading: Reading, dn: str, wanted: Iterable[str]) -> frozenset[str]:
    """The normal DNs of the groups that the person of this DN is in.

    Active Directory is asked about the groups `wanted` alone, each by its in-chain rule on the person's own entry; OpenLDAP, which
    ignores that rule without a word, is walked upward, so that others may be among them.
    """
    if reading.active_directory:
        return frozenset(
            normal(group)
            for group in wanted
            if line.search(dn, f"(memberOf:{IN_CHAIN}:={escaped(group)})", [reading.identity], below=False)
        )
    return _walked(line, dn, _top(reading.settings.base, wanted))


def _walked(line: Line, dn: str, top: str) -> frozenset[str]:
    """Up through `memberOf` where an entry has it, else by asking which groups have it as a member."""
    seen: dict[str, str] = {}
    step = [dn]
    for _ in range(DEEPEST):
        above: list[str] = []
        silent = []
        for each in step:
            found = line.search(each, "(objectClass=*)", ["memberOf"], below=False)
            told = [group for entry in found for group in entry.texts("memberOf")]
            above += told
            if not told:
                silent.append(each)
        for some in _by(silent, AT_ONCE):
            those = "".join(f"(member={escaped(each)})(uniqueMember={escaped(each)})" for each in some)
            above += [entry.dn for entry in line.search(top, f"(|{those})", ["cn"])]
        step = []
        for group in above:
            try:
                form = normal(group)
            except ValueError:
                continue
            if form not in seen:
                seen[form] = group
                step.append(group)
        if not step:
            break
    return frozenset(seen)


def _top(base: str, groups: Iterable[str]) -> str:
    """The nearest entry above the people and all the groups that the settings name: where other groups are looked for."""
    tails = [[_normal_part(part) for part in _split(dn, ",")] for dn in (base, *groups)]
    shared = []
    for parts in zip(*(reversed(tail) for tail in tails), strict=False):
        if len(set(parts)) != 1:
            break
        shared.append(parts[0])
    return ",".join(reversed(shared)) or base


def _by(values: list[str], number: int) -> Iterator[list[str]]:
    for start in range(0, len(values), number):
        yield values[start : start + number]


def _normal_part(part: str) -> str:
    """One RDN in its normal form; of several values in one, in their order."""
    made = []
    for pair in _split(part, "+"):
        name, sign, value = pair.partition("=")
        name = name.strip().lower()
        if not sign or not name or not name.replace("-", "").replace(".", "").isalnum() or not name.isascii():
            raise ValueError("no DN")
        made.append(f"{name}={_normal_value(value)}")
    return "+".join(sorted(made))


def _normal_value(value: str) -> str:
    text = _unescaped(_trimmed(value))
    text = " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).split(" ")).strip()
    text = " ".join(text.split())
    if not text:
        raise ValueError("no DN")
    kept = "".join(f"\\{letter}" if letter in _SPECIAL else letter for letter in text)
    return f"\\{kept}" if kept[0] == "#" else kept


def _trimmed(value: str) -> str:
    """Without the blanks around it, but for one at its end that is escaped."""
    value = value.lstrip(" ")
    short = value.rstrip(" ")
    slashes = len(short) - len(short.rstrip("\\"))
    return short + " " if slashes % 2 and len(short) < len(value) else short


def _unescaped(value: str) -> str:
    if value.startswith("#"):
        raise ValueError("a value in BER is not compared")
    out = bytearray()
    at = 0
    while at < len(value):
        letter = value[at]
        if letter != "\\":
            if letter in '"<>;' or letter == "\x00":
                raise ValueError("no DN")
            out += letter.encode()
            at += 1
            continue
        pair = value[at + 1 : at + 3]
        if len(pair) == 2 and set(pair) <= _HEX:
            out.append(int(pair, 16))
            at += 3
        elif pair and (pair[0] in _SPECIAL or pair[0] in " #"):
            out += pair[0].encode()
            at += 2
        else:
            raise ValueError("no DN")
    return out.decode("utf-8")  # a UnicodeDecodeError is a ValueError


def _split(text: str, sign: str) -> list[str]:
    """Where the sign stands unescaped. Raises ValueError for an empty part, and so for an empty text."""
    parts, part, at = [], "", 0
    while at < len(text):
        if text[at] == "\\":
            part += text[at : at + 2]
            at += 2
            continue
        if text[at] == sign:
            parts.append(part)
            part = ""
        else:
            part += text[at]
        at += 1
    parts.append(part)
    if not all(each.strip() for each in parts):
        raise ValueError("no DN")
    return parts
