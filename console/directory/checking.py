"""What works of the directory and what does not, step by step, in the order in which one thing rests on another.

Promises: it asks for nobody's password and sends none but the searching account's, over verified TLS; it changes nothing; after a
fault it goes on with whatever does not rest on it. Every fault comes with what to do.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from console.directory import NotAccepted
from console.directory.groups import normal, of_person
from console.directory.lines import SUCCESS, Line, Unheard, addresses
from console.directory.names import typed
from console.directory.patience import Deadline, Patience
from console.directory.refusals import REASONS, reason
from console.directory.standing import CONTROL, inactive
from console.doctor import Finding, Health
from console.errors import ConsoleError, Exit
from console.signin.placing import placed
from console.text import safe

if TYPE_CHECKING:
    from console.clock import Clock
    from console.directory.entries import Entry
    from console.directory.ldap import Ldap
    from console.directory.lines import Host
    from console.settings import Settings

SOON = 30
"""Days before its end from which a certificate is warned of."""


@dataclass
class Check:
    """One look at the directory of the settings."""

    settings: Settings
    directory: Ldap
    clock: Clock
    patience: Patience = field(default_factory=Patience)
    findings: list[Finding] = field(default_factory=list)

    def look(self, name: str = "") -> list[Finding]:
        """Look at every server, then, on the first that serves, at what it holds – and at one person, where a name is given."""
        asked = False
        faults: list[Finding] = []
        for host in self.directory.hosts():
            before = len(self.findings)
            try:
                with self.directory.open(host, Deadline(self.patience)) as line:
                    if self._serves(line) and not asked:
                        asked = True
                        if self._holds(line) and name:
                            self._person(line, name)
            except Unheard as fault:
                self._wrong(host, fault)
            except ConsoleError as error:
                self._say(f"{host}", Health.BAD, str(error), "Correct it in district.toml.", error.exit)
            faults += [each for each in self.findings[before:] if each.exit is Exit.UNAVAILABLE]
        if asked:
            self.findings = [_milder(each) if each in faults else each for each in self.findings]
        return self.findings

    def _serves(self, line: Line) -> bool:
        from console.directory.certificates import read

        host = line.host
        found = addresses(host, line.deadline)
        self._say(f"{host} address", Health.OK, ", ".join(dict.fromkeys(str(each[4][0]) for each in found)))
        one = read(line.certificate())
        way = "LDAPS" if host.at_once else "StartTLS"
        self._say(f"{host} TLS", Health.OK, f"{way}, {line.version()}, verified for {host.name}")
        days = one.days(self.clock.now())
        said = f"{one.subject}, by {one.issuer}, expires in {days:,} days"
        if days < SOON:
            self._say(
                f"{host} certificate", Health.WARN, said, "Renew it before then; nobody signs in with one that expired."
            )
        else:
            self._say(f"{host} certificate", Health.OK, said)
        answer = line.bind()
        if answer.result == SUCCESS:
            self._say(f"{host} account", Health.OK, f"{self.settings.directory.user} may ask")
            return True
        code = reason(answer.result, answer.message)
        self._say(
            f"{host} account",
            Health.BAD,
            f"{self.settings.directory.user} was refused: {REASONS.get(code, f'result {code}')}",
            "Check directory.user and the password in directory.password_file.",
        )
        return False

    def _wrong(self, host: Host, fault: Unheard) -> None:
        """Why a server does not serve: the first step that fails, and of a certificate, which one it was."""
        if fault.step == "certificates":
            self._say(
                "ca_file",
                Health.BAD,
                "it holds no certificates that can be read",
                "Name the authority's file as directory.ca_file.",
            )
            return
        step = "address"
        try:
            found = addresses(host, Deadline(self.patience))
            self._say(f"{host} address", Health.OK, ", ".join(dict.fromkeys(str(each[4][0]) for each in found)))
            step = "connection"
            with socket.create_connection((host.name, host.port), self.patience.connect):
                pass
        except (Unheard, OSError) as error:
            why = error.why if isinstance(error, Unheard) else fault.why
            self._down(f"{host} {step}", why, "Check directory.hosts, and the way there.")
            return
        self._say(f"{host} connection", Health.OK, "it takes connections")
        if fault.step == "search":
            self._down(f"{host} search", fault.why, "See the server's own log; a limit of its searches may be too low.")
            return
        from console.directory.certificates import shown

        one = shown(host, Deadline(self.patience))
        which = ""
        if one is not None:
            hosts = ", ".join(one.hosts) or "no host"
            days = one.days(self.clock.now())
            until = f"expires in {days:,} days" if days >= 0 else f"expired {-days - 1:,} days ago"
            which = f": {one.subject}, by {one.issuer}, for {hosts}, {until}"
        self._down(f"{host} TLS", f"{fault.why}{which}", _advice(fault.why))

    def _holds(self, line: Line) -> bool:
        """What the base holds; whether there is one."""
        own, reading = self.settings.directory, self.directory.reading
        if not line.search(own.base, "(objectClass=*)", [reading.identity], below=False):
            self._say(
                "base",
                Health.BAD,
                f"{own.base} is not there, or cannot be read",
                "Check directory.base and the account's rights.",
            )
            return False
        self._say("base", Health.OK, f"{own.base} can be read")
        sample: list[Entry] = next(line.pages(own.base, reading.people(), reading.attributes), [])
        if not sample:
            self._say(
                "people",
                Health.BAD,
                f"nobody below it has {reading.login}",
                "Check directory.login_attribute and directory.base.",
            )
        needed = {reading.identity, reading.login, CONTROL if reading.active_directory else reading.login}
        wanted = {own.number_attribute: "directory.number_attribute", own.code_attribute: "directory.code_attribute"}
        for attribute in (*sorted(needed), *wanted) if sample else ():
            number = sum(bool(entry.values.get(attribute.lower())) for entry in sample)
            said = f"{attribute}: {number:,} of {len(sample):,} have it"
            if number:
                self._say("people", Health.OK, said)
            elif attribute in wanted:
                self._say("people", Health.WARN, said, f"Check {wanted[attribute]}, or let the account read it.")
            else:
                self._say("people", Health.BAD, said, "Let the searching account read it; nobody signs in without it.")
        for group, given in own.roles:
            if line.search(group, "(objectClass=*)", [reading.identity], below=False):
                self._say("group", Health.OK, f"{group}: {given}")
            else:
                self._say(
                    "group",
                    Health.BAD,
                    f"{group} is not there",
                    "Correct its DN in directory.roles; it gives nobody a role.",
                )
        if not own.roles:
            self._say(
                "group", Health.WARN, "directory.roles names none", "Nobody of the directory signs in until it does."
            )
        return True

    def _person(self, line: Line, name: str) -> None:
        reading, own = self.directory.reading, self.settings.directory
        try:
            entry = self.directory.only(line, typed(name, own.mail_domains))
        except NotAccepted as refusal:
            self._say(
                "person",
                Health.BAD,
                f"this name is nobody's: {refusal.code}",
                "A name has to be one entry's below the base.",
            )
            return
        if reading.person(entry, self.clock.now()) is None:
            self._say(
                "person",
                Health.BAD,
                "the entry has no identity or no login",
                f"It needs {reading.identity} and {reading.login}.",
            )
            return
        why = inactive(entry, own.kind, self.clock.now())
        if why:
            self._say("person", Health.BAD, f"{entry.dn} is not in use: {why}", "Free the account in the directory.")
        else:
            self._say("person", Health.OK, f"{entry.dn} is in use")
        groups = of_person(line, reading, entry.dn, [group for group, _ in own.roles])
        place = placed(self.settings, groups)
        if place is None:
            self._say(
                "role", Health.BAD, "none: in no group of directory.roles", "Put them into one, or name one of theirs."
            )
            return
        others = [group for group, _ in own.roles if normal(group) in groups and group != place.group]
        besides = f"; {len(others)} more of their groups stand below it and give nothing" if others else ""
        schools = ", ".join(place.schools) if place.schools else "all schools"
        self._say("role", Health.OK, f"{place.role} for {schools}, by {place.group}{besides}")

    def _down(self, name: str, why: str, advice: str) -> None:
        self._say(name, Health.BAD, why, advice, Exit.UNAVAILABLE)

    def _say(self, name: str, health: Health, text: str, advice: str = "", code: Exit = Exit.REFUSED) -> None:
        self.findings.append(Finding(name, health, safe(text), safe(advice), code))


def _milder(fault: Finding) -> Finding:
    """A server that does not serve, where another does."""
    return Finding(fault.name, Health.WARN, fault.text, fault.advice) if fault.health is Health.BAD else fault


def _advice(why: str) -> str:
    if "expired" in why or "not valid yet" in why:
        return "Renew the server's certificate, or correct a clock."
    if "another" in why:
        return "Name the host in directory.hosts as its certificate does, or renew the certificate for that name."
    if "vouched" in why:
        return "Name the file of the authority that made it as directory.ca_file, if it is the right one."
    return "Let the server speak TLS 1.2 or newer at that address; nothing is sent without it."
