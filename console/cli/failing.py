"""How a command ends when it does not end well: one sentence on stderr and the exit code that goes with it.

No traceback and no data reach the terminal. What nobody foresaw is our fault: it is logged where it happened, without the values
it happened with, under a reference that the sentence repeats.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
from typing import TYPE_CHECKING

import click

from console.cli.output import say
from console.errors import ConsoleError, Exit
from console.progress import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable

INTERRUPTED = 130
"""128 + SIGINT, as shells know it."""

KILLED = 128
"""To which shells add the number of the signal."""

CUT_OFF = 141
"""128 + SIGPIPE: whoever read the output stopped reading."""

_log = logging.getLogger("district.command")


def answering(run: Callable[[], int]) -> int:
    """Run a command and return its exit code, whatever it raises."""
    try:
        code = run()
        sys.stdout.flush()
    except ConsoleError as error:
        code = _ended(error)
    except click.exceptions.Abort as error:
        code = _stopped(error)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return Exit.USAGE
    except click.UsageError as error:
        code = _misused(error)
    except click.ClickException as error:
        say(error.format_message())
        return Exit.REFUSED
    except SystemExit as error:
        return CUT_OFF if _quiet() else int(error.code or 0) if isinstance(error.code, int | None) else Exit.OUR_FAULT
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        code = _unwritten(error)
    except Exception as error:  # noqa: BLE001 - this is the last place that can say a sentence about it
        code = _our_fault(error)
    return code


def _ended(error: ConsoleError) -> int:
    if error.exit == Exit.OUR_FAULT:
        return _our_fault(error, str(error))
    say(str(error))
    if isinstance(error, Cancelled):
        return INTERRUPTED if error.by is None else KILLED + error.by
    return int(error.exit)


def _stopped(error: click.exceptions.Abort) -> int:
    if isinstance(error.__cause__, KeyboardInterrupt):
        return INTERRUPTED
    say("The question was not answered; nothing was done.")
    return Exit.REFUSED


def _misused(error: click.UsageError) -> int:
    message = error.format_message().rstrip(".")
    advice = f" See {error.ctx.command_path} --help." if error.ctx else ""
    say(f"{message}; nothing was done.{advice}")
    return Exit.USAGE


def _unwritten(error: OSError) -> int:
    if error.errno == errno.EPIPE:
        _quiet()
        return CUT_OFF
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        _quiet(always=True)
        say("The disk is full and the answer could not be written; district batches tells what was decided.")
        return Exit.UNAVAILABLE
    return _our_fault(error)


def _quiet(*, always: bool = False) -> bool:
    """Point stdout at nothing when nobody reads it, so that the interpreter's own flush stays silent."""
    try:
        if not always:
            sys.stdout.flush()
            return False
    except (OSError, ValueError):
        pass
    try:
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, sys.__stdout__.fileno() if sys.__stdout__ else 1)
        os.close(descriptor)
    except OSError:
        pass
    return True


def _our_fault(error: BaseException, sentence: str = "") -> int:
    import secrets
    import traceback

    reference = secrets.token_hex(4)
    frames = traceback.extract_tb(error.__traceback__)
    path = " < ".join(f"{os.path.basename(each.filename)}:{each.lineno} {each.name}" for each in reversed(frames[-8:]))  # noqa: PTH119 - of a frame, not of a file
    _log.critical("%s %s at %s", reference, type(error).__name__, path)
    if sentence:
        say(sentence)
    else:
        last = frames[-1] if frames else None
        place = f" in {os.path.basename(last.filename)}:{last.lineno}" if last else ""  # noqa: PTH119
        say(
            f"The console made a mistake ({type(error).__name__}{place}, reference {reference}); that is our fault, not yours. "
            "Whatever was not finished was not done; report the reference, and see district batches."
        )
    return Exit.OUR_FAULT
