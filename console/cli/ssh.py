"""`district ssh install|sign|command`: the SSH server set up for the console, certificates for operators, and what it runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.cli.opening import Session, session
from console.cli.output import say, write
from console.errors import Exit, Refused, Usage

if TYPE_CHECKING:
    from console.ssh.layout import Layout

DEFAULT_CONFIG = Path("/etc/district/district.toml")


@click.group("ssh")
def command() -> None:
    """Let operators in over SSH, to the console alone. docs/SSH.md leads through it."""


@command.command("install", short_help="Set the SSH server up for the console.")
@click.option("--dry-run", "what", flag_value="show", help="Say everything it would do, with reasons, and do nothing.")
@click.option("--write", "what", flag_value="write", help="Do it. Needs root.")
@click.option("--account", default="district", show_default=True, metavar="NAME", help="The account of the server.")
@click.option("--user-ca", type=click.Path(path_type=Path), metavar="FILE", help="An authority's public key to trust.")
@click.option("--make-user-ca", is_flag=True, help="Make an authority of the district's own, for district ssh sign.")
@click.option("--security-keys", is_flag=True, help="Take only keys of hardware that asks for a PIN or a finger.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("/etc/ssh/district"),
    show_default=True,
    metavar="DIR",
    help="Where keys, principals and the authority lie.",
)
@click.option(
    "--root", type=click.Path(path_type=Path), metavar="DIR", help="Do it below DIR, as for an image of a server."
)
@click.pass_context
def install(
    ctx: click.Context,
    what: str | None,
    account: str,
    user_ca: Path | None,
    make_user_ca: bool,
    security_keys: bool,
    folder: Path,
    root: Path | None,
) -> int:
    """Make the account, its folders and the SSH server's drop-in: who comes with a listed key gets the console and nothing else.

    The settings file is --config before the command (district --config FILE ssh install …), else /etc/district/district.toml.
    Again is harmless. What is there and differs is shown and left alone.
    """
    from console.ids import SystemRandom
    from console.ssh.installing import carry_out, planned, told
    from console.ssh.user_ca import new_authority

    if what is None:
        raise Usage("Say --dry-run to see what it would do, or --write to do it; nothing was done.")
    if user_ca is not None and make_user_ca:
        raise Usage("--user-ca and --make-user-ca are two ways to one thing; nothing was done. Choose one.")
    layout = _layout(ctx, account, folder, root, security_keys=security_keys, trusts_ca=bool(user_ca or make_user_ca))
    random = SystemRandom()
    steps = planned(layout, _line(user_ca) if user_ca else None, new_authority(random) if make_user_ca else None)
    if what == "show":
        for line in told(steps):
            write(line)
        return Exit.DONE
    done = carry_out(layout, steps)
    for line in done:
        write(line)
    say(f"{len(done)} of {len(steps)} steps were done, the others were already; sshd agrees.")
    if done:
        say("Let the SSH server read it: systemctl reload ssh")
    return Exit.DONE


def _layout(
    ctx: click.Context, account: str, folder: Path, root: Path | None, *, security_keys: bool, trusts_ca: bool
) -> Layout:
    import sys

    from console.ssh.layout import Layout

    config = session(ctx).config
    return Layout.of(
        account=account,
        config=config.absolute() if config else DEFAULT_CONFIG,
        python=Path(sys.executable),
        folder=folder,
        root=root.absolute() if root else Path("/"),
        security_keys=security_keys,
        trusts_ca=trusts_ca,
    )


def _line(file: Path) -> bytes:
    """An authority's public key, as a line. Raises Usage for a file that holds anything else."""
    from console.signin.ssh_key import parse

    try:
        words = file.read_text(encoding="ascii").split(maxsplit=2)
        parse(words[0], words[1])
    except (OSError, UnicodeDecodeError, IndexError, Refused):
        raise Usage(f"{file} is no public key of an authority, as ssh-keygen writes it; nothing was done.") from None
    return f"{words[0]} {words[1]}\n".encode()


@command.command("sign", short_help="Make an operator's certificate.")
@click.argument("key", type=click.Path(path_type=Path), metavar="KEY.pub")
@click.option("--operator", "name", required=True, metavar="NAME", help="Whose key it is.")
@click.option("--days", type=click.IntRange(1, 366), default=90, show_default=True, help="For how long it holds.")
@click.option(
    "--ca",
    type=click.Path(path_type=Path),
    default=Path("/etc/ssh/district/user_ca"),
    show_default=True,
    metavar="FILE",
    help="The authority's key.",
)
def sign(key: Path, name: str, days: int, ca: Path) -> None:
    """Sign KEY.pub for an operator, into KEY-cert.pub beside it, which they keep beside their own key.

    With it they come in for so many days, from any computer that has the key, and sign in as nobody else.
    """
    from datetime import UTC

    from console.clock import SystemClock
    from console.ids import SystemRandom
    from console.ssh.user_ca import signed

    made = signed(key, name, days, ca, SystemClock(UTC).now(), SystemRandom())
    write(str(made.path))
    say(f"Signed for {name} until {made.until:%Y-%m-%d}, as number {made.serial}.")


@command.command("command", short_help="What the SSH server runs for an operator.")
@click.pass_context
def run(ctx: click.Context) -> int:
    """Open the console, or run the one command that was asked for (SSH_ORIGINAL_COMMAND), for the key that came.

    The drop-in of district ssh install names it as ForceCommand. It keeps a few variables of the environment, needs no shell,
    and runs nothing but the console's own commands; files go through stdin and stdout.
    """
    from console.signin.ssh_key import key
    from console.ssh.environment import clean
    from console.ssh.words import read

    asked = os.environ.get("SSH_ORIGINAL_COMMAND")
    clean(os.environ)
    os.umask(0o077)
    if key(os.environ) is None:
        raise Refused(
            "This is for the SSH server, which says whose key came; nothing was opened. See district ssh install."
        )
    words = read(asked) if asked is not None else []
    own = session(ctx)
    remote = Session(config=own.config, opening=own.opening, remote=True)
    done = ctx.find_root().command.main(words, prog_name="district", standalone_mode=False, obj=remote)
    return int(done or 0)
