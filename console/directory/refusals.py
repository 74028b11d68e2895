"""Why a directory refused a bind: for the log and `NotAccepted.code`. The one at the prompt is told nothing.

Active Directory answers every refusal with the error 49 and hides the reason in its text, as `data 52e`.
"""

from __future__ import annotations

import re

REASONS = {
    "525": "unknown name",
    "52e": "wrong password",
    "530": "not at this hour",
    "531": "not from this station",
    "532": "password expired",
    "533": "account disabled",
    "701": "account expired",
    "773": "password must be changed",
    "775": "account locked",
}
"""The sub-codes of Active Directory, which are Windows error codes in hexadecimal."""
INVALID_CREDENTIALS = 49
REFUSALS = frozenset({19, 32, 34, 48, INVALID_CREDENTIALS, 50, 53})
"""Result codes (RFC 4511, appendix A) that say no to this person; every other but success says that the server could not tell."""

_DATA = re.compile(r"AcceptSecurityContext error, data ([0-9a-fA-F]{1,8})\b")


def sub_code(message: str) -> str:
    """The sub-code in the text of an error 49, in small letters; empty when it holds none."""
    found = _DATA.search(message)
    return found[1].lower() if found else ""


def reason(result: int, message: str) -> str:
    """What the log and `NotAccepted.code` say: the sub-code where there is one, else the result's number."""
    return sub_code(message) if result == INVALID_CREDENTIALS and sub_code(message) else str(result)
