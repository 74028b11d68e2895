"""The district's directory over LDAP: every server that is asked is verified first, and is asked by an account that only reads.

Promises (SECURITY, *Signing in*): LDAPS or StartTLS with a certificate that holds, or nothing is sent; no referral is followed; a
name is searched for and has to be one entry's; a password goes over a line of its own, to one server, once. The servers are asked in
the order of the settings, three seconds for a connection, five for an answer, twelve in all. Why somebody was not let in stands in
the log and in `NotAccepted.code`, without their name; what they are told is the same for everything.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

from console.directory import NotAccepted, Person
from console.directory.entries import Entry, Reading
from console.directory.names import same, typed, usable
from console.directory.patience import Deadline, Patience
from console.directory.refusals import REASONS, REFUSALS, reason
from console.errors import ConsoleError, Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from console.clock import Clock
    from console.directory.lines import Host, Line
    from console.directory.names import Typed
    from console.settings.signing_tables import DirectorySettings

T = TypeVar("T")
_log = logging.getLogger("district.directory")


class Ldap:
    """The directory of the settings, which have hosts. Nothing is connected, and ldap3 not loaded, before the first question."""

    def __init__(self, settings: DirectorySettings, clock: Clock, patience: Patience | None = None) -> None:
        self._settings, self._clock = settings, clock
        self._patience = patience or Patience()
        self.reading = Reading(settings)

    def authenticate(self, name: str, password: str) -> Person:
        """The person of this name, whose password it is. Raises NotAccepted, for whatever reason."""
        try:
            if not usable(password):
                raise NotAccepted("no password")  # noqa: TRY301 - one place logs every reason
            who = typed(name, self._settings.mail_domains)
            return self._asked(lambda line: self._admitted(line, who, password))
        except NotAccepted as refusal:
            _log.warning("a sign-in was not accepted: %s %s", refusal.code, REASONS.get(refusal.code, ""))
            raise

    def groups(self, person: Person) -> frozenset[str]:
        """The DNs of the groups that the person is in, in the normal form of `groups.normal`.

        In Active Directory those among the groups of the settings; elsewhere others may be among them.
        """
        from console.directory.groups import of_person

        wanted = [group for group, _ in self._settings.roles]
        return self._asked(lambda line: of_person(line, self.reading, person.dn, wanted))

    def is_active(self, directory_id: str) -> Person | None:
        """The person of this id as they are now; None when gone, disabled, locked or expired."""
        person = self._asked(lambda line: self._known(line, directory_id))
        return person if person is not None and person.active else None

    def ping(self) -> str:
        """The host that answers the searching account, verified."""
        return self._asked(lambda line: str(line.host))

    def people(self) -> Iterator[Person]:
        """Everybody below the base, in pages, each once. Raises Unavailable in the middle, too: what came until then is not all."""
        from console.directory.lines import Unheard

        line = self._first(Deadline(self._patience))
        seen: set[str] = set()
        strange = 0
        try:
            for page in line.pages(self._settings.base, self.reading.people(), self.reading.attributes):
                now = self._clock.now()
                for entry in page:
                    person = self.reading.person(entry, now)
                    if person is None:
                        strange += 1
                    elif person.id not in seen:
                        seen.add(person.id)
                        yield person
        except Unheard as fault:
            _log.warning("the directory's server %s did not tell of everybody: %s", line.host, fault)
            raise self._unavailable() from None
        finally:
            line.close()
        if strange:
            _log.warning("%d entries of the directory have no identity or no login and were left out", strange)

    def open(self, host: Host, deadline: Deadline) -> Line:
        """A line to this server, as the searching account, not opened yet."""
        from console.directory.lines import Line

        try:
            password = self._settings.password() or ""
        except Refused as error:
            raise Unavailable(str(error)) from None
        if not usable(password):
            raise Unavailable(
                "The directory's searching account has no password; nothing was asked. "
                "Name a file with it as directory.password_file."
            )
        return Line(host, self._settings.ca_file, self._settings.user, password, deadline)

    def hosts(self) -> list[Host]:
        """The servers in the order to ask them."""
        from console.directory.lines import Host

        return [Host.of(each) for each in self._settings.hosts]

    def _asked(self, ask: Callable[[Line], T]) -> T:
        """What the first server answers that answers; who answers no is not followed by another."""
        from console.directory.lines import Unheard

        deadline = Deadline(self._patience)
        for host in self.hosts():
            try:
                with self.open(host, deadline) as line:
                    self._searching(line)
                    return ask(line)
            except Unheard as fault:
                _log.warning("the directory's server %s did not serve: %s", host, fault)
        raise self._unavailable()

    def _first(self, deadline: Deadline) -> Line:
        """A line, bound for searching, to the first server that lets one."""
        from console.directory.lines import Unheard

        for host in self.hosts():
            line = self.open(host, deadline)
            try:
                line.open()
                self._searching(line)
            except Unheard as fault:
                line.close()
                _log.warning("the directory's server %s did not serve: %s", host, fault)
            except ConsoleError:
                line.close()
                raise
            else:
                return line
        raise self._unavailable()

    def _searching(self, line: Line) -> None:
        """Bind the searching account. One refusal is enough: asking every server would only lock it out."""
        from console.directory.lines import SUCCESS, Unheard

        answer = line.bind()
        if answer.result in REFUSALS:
            code = reason(answer.result, answer.message)
            _log.error("the directory refused the searching account: %s %s", code, REASONS.get(code, ""))
            raise Unavailable(
                "The directory does not accept the console's own account; nothing was done. "
                "Check directory.user and directory.password_file with district directory check."
            )
        if answer.result != SUCCESS:
            raise Unheard("bind of the searching account", f"result {answer.result}")

    def _admitted(self, line: Line, who: Typed, password: str) -> Person:
        """Search, bind once on a line of its own, and look again: what the bind changed counts, as a lock that was lifted."""
        from console.directory.lines import SUCCESS, Line, Unheard

        person = self.reading.person(self.only(line, who), self._clock.now())
        if person is None:
            raise NotAccepted("no identity")
        with Line(line.host, self._settings.ca_file, person.dn, password, line.deadline) as own:
            try:
                answer = own.bind()
            except Unheard as fault:
                # The password was sent: another server might count it as a second attempt.
                _log.warning("the directory's server %s did not answer a bind: %s", line.host, fault)
                raise self._unavailable() from None
        if answer.result in REFUSALS:
            raise NotAccepted(reason(answer.result, answer.message))
        if answer.result != SUCCESS:
            _log.warning("the directory's server %s could not tell: result %d", line.host, answer.result)
            raise self._unavailable()
        found = self._known(line, person.id)
        if found is None or not found.active:
            raise NotAccepted("not in use")
        return found

    def only(self, line: Line, who: Typed) -> Entry:
        """The one entry of this name, over a line that may search. Raises NotAccepted for none and for several."""
        reading = self.reading
        found = line.search(self._settings.base, reading.named(who), reading.attributes, most=2)
        if len(found) > 1:
            raise NotAccepted("several entries")
        # A directory compares names more loosely than a person reads them, and is not asked to decide who was meant.
        if not found or not (who.realm or any(same(login, who.login) for login in reading.logins(found[0]))):
            raise NotAccepted("no entry")
        return found[0]

    def _known(self, line: Line, directory_id: str) -> Person | None:
        """The person of this identity, in use or not; None when there is none, or more than one."""
        those = self.reading.identified(directory_id)
        if those is None:
            return None
        found = line.search(self._settings.base, those, self.reading.attributes, most=2)
        return self.reading.person(found[0], self._clock.now()) if len(found) == 1 else None

    def _unavailable(self) -> Unavailable:
        besides = f" {self._settings.unreachable}" if self._settings.unreachable else ""
        return Unavailable(
            "The district's directory does not answer as it should; nothing was done. "
            f"Try again later, or see what is wrong with district directory check.{besides}"
        )
