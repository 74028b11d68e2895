"""A notice as a message on the wire: one recipient, headers that nobody else can write into, plain text.

Promises: whatever a name, an address or an operator's message holds, the message has the headers written here and no other, and
goes to one address. An address that is not exactly one is no address. RFC 5322; `Auto-Submitted` as RFC 3834 asks, so that
absence replies do not answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import TYPE_CHECKING

from console.text import clip, safe

if TYPE_CHECKING:
    from datetime import datetime

    from console.ids import RandomSource

# RFC 5321 4.5.3.1: octets of the part before the @ and of the whole path without its brackets.
LONGEST_LOCAL = 64
LONGEST = 254
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_SEVEN_BITS = SMTP.clone(cte_type="7bit")


@dataclass(frozen=True, slots=True)
class Letter:
    """What somebody will read. `to` is an address that can be written to, None where there is none."""

    to: str | None
    subject: str
    text: str


def one_address(raw: str | None) -> str | None:
    """`raw` as one ASCII address, its domain in the form of the DNS; None for anything else.

    Lists, display names, quoted local parts and non-ASCII local parts are refused, not repaired.
    """
    local, sign, domain = (raw or "").strip().rpartition("@")
    if not sign or len(local) > LONGEST_LOCAL or not _LOCAL.fullmatch(local):
        return None
    try:
        ascii_domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    if not ascii_domain or not all(_LABEL.fullmatch(label) for label in ascii_domain.split(".")):
        return None
    whole = f"{local}@{ascii_domain}"
    return whole if len(whole) <= LONGEST else None


def new_message_id(random: RandomSource, sender: str) -> str:
    """A Message-ID of 128 random bits in the sender's domain (RFC 5322 3.6.4)."""
    return f"<{random.bytes(16).hex()}@{(one_address(sender) or 'localhost').rpartition('@')[2]}>"


def on_the_wire(letter: Letter, to: str, *, sender: str, portal: str, message_id: str, at: datetime) -> bytes:
    """The message in 7-bit lines ended by CRLF. `to` comes from `one_address`. Raises ValueError for a header out of form."""
    message = EmailMessage(policy=_SEVEN_BITS)
    local, _, domain = sender.rpartition("@")
    message["From"] = Address(str(clip(safe(portal), 60)), local, domain)
    message["To"] = Address(addr_spec=to)
    message["Subject"] = str(safe(letter.subject))
    message["Date"] = at
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message["Content-Language"] = "en"
    return message.as_bytes()
