"""What a command opens: the settings, the office, the operator – each at its first use, and closed with the command.

A command gets them from its click context: `settings(ctx)`, `open_office(ctx)`, `who(ctx)`. Help opens nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.cli.collector import collect_again

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import click

    from console.authority import Operator
    from console.office import Office
    from console.settings import Settings


def _open(settings: Settings, *, sealing: bool = True) -> Office:
    from console.wiring import open_office as opened

    return opened(settings, sealing=sealing)


@dataclass
class Session:
    """What was said before the command's name, and what was opened since. `opening` is the seam that tests fill.

    `remote` is a command that came over SSH; `streamed` the file that goes to stdout at the end.
    """

    config: Path | None = None
    operator_name: str = ""
    mouse: bool = False
    remote: bool = False
    streamed: Path | None = None
    opening: Callable[..., Office] = _open
    opened_settings: Settings | None = None
    opened_office: Office | None = None
    operator: Operator | None = None


def session(ctx: click.Context) -> Session:
    """The session of this run, made where nobody made one."""
    return ctx.ensure_object(Session)


def settings(ctx: click.Context) -> Settings:
    """The settings in force. Raises Usage or Unavailable as `Settings.read` does."""
    own = session(ctx)
    if own.opened_settings is None:
        from console.cli.technical_log import start_log
        from console.settings import Settings

        own.opened_settings = Settings.read(own.config)
        start_log(own.opened_settings.log)
    return own.opened_settings


def open_office(ctx: click.Context, *, sealing: bool = True) -> Office:
    """The portal's office, closed when the command ends. Raises as `console.wiring.open_office` does.

    Without `sealing` a ledger that is broken is opened too: for who verifies it.
    """
    own = session(ctx)
    if own.opened_office is None:
        office = own.opening(settings(ctx), sealing=sealing)
        ctx.find_root().call_on_close(office.engine.dispose)
        own.opened_office = office
        collect_again()
    return own.opened_office


def who(ctx: click.Context) -> Operator:
    """The operator at the console. A real portal asks for a session or a program's key; a demonstration believes a name.

    Raises SignedOut or Refused when nobody is signed in and there is no terminal to ask at, Refused for another's session or key.
    """
    own = session(ctx)
    if own.operator is None:
        from console.operators import usual_operator

        office = open_office(ctx)
        if office.assurance.asks:
            from console.cli.signing import signed_in

            own.operator = signed_in(office, own.operator_name, remote=own.remote)
        else:
            own.operator = office.operator(own.operator_name) if own.operator_name else usual_operator(office)
    return own.operator
