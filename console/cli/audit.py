"""What can be done with the records besides looking: verify them, take them away with their proof, print what was signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from console.cli.coding import code_option, with_code
from console.cli.opening import open_office, session, settings, who
from console.cli.output import say, write, write_json
from console.cli.streams import FileIn, FileOut, hand_over
from console.cli.watching import watching
from console.errors import Exit, Unverified, Usage

if TYPE_CHECKING:
    from pathlib import Path

    from console.ledger.note import VerifyKey
    from console.ledger.verdict import Verdict
    from console.office import Office
    from console.reports.exporting import Exported

LOGS = ("ledger", "accesses")


@click.group("audit")
def command() -> None:
    """The records: verify, export, checkpoint."""


def _form(function: Any) -> Any:
    return click.option(
        "--format", "form", type=click.Choice(["table", "json"]), default="table", help="How the answer is written."
    )(function)


@command.command("verify")
@click.argument("bundle", required=False, type=FileIn(), metavar="[REPORT.zip]")
@click.option("--key", metavar="VKEY", help="The portal's public key, as kept outside; needed for a report.")
@click.option("--log", type=click.Choice(LOGS), help="One log alone.  [default: both]")
@_form
@click.pass_context
def verify(ctx: click.Context, bundle: Path | None, key: str | None, log: str | None, form: str) -> int:
    """Prove every record, or a report that somebody was given.

    Without a report, everything is computed anew from the stored records and held against what was signed. With one, nothing else
    is needed: no database, no settings. Exit code 4 says that something does not hold.
    """
    known = _key(key)
    if bundle is not None:
        if known is None:
            raise Usage(
                "--key is missing; nothing was verified. Give the portal's public key, as the district publishes it."
            )
        from console.ledger.bundle import verify_bundle

        with watching() as progress:
            verdict = verify_bundle(bundle, known, progress)
        return _answer(verdict, form, f"{bundle.name} is")
    from console.authority import Permission, authorize
    from console.ledger.verifying import verify as verified
    from models.words import Log

    office, holds = _unsigned(ctx)
    # Who cannot sign in, since nothing can be put on record any more, has to be able to find out why.
    if holds and not _signs_alone(office):
        authorize(who(ctx), Permission.AUDIT_SEE)
    with watching() as progress:
        verdict = verified(office, log=Log(log) if log else None, key=known, progress=progress)
    return _answer(verdict, form, "the records are")


def _key(text: str | None) -> VerifyKey | None:
    from console.ledger.note import NoteError, VerifyKey

    try:
        return None if text is None else VerifyKey.parse(text.strip())
    except NoteError as error:
        raise Usage(f"--key is no public key; nothing was verified. {error}") from None


def _unsigned(ctx: click.Context) -> tuple[Office, bool]:
    """The office, and whether its ledger continues what was signed; one that does not signs nothing."""
    try:
        return open_office(ctx), True
    except Unverified:
        from console.wiring import open_office as opened

        own = session(ctx)
        own.opened_office = opened(settings(ctx), sealing=False)
        ctx.find_root().call_on_close(own.opened_office.engine.dispose)
        return own.opened_office, False


def _signs_alone(office: Office) -> bool:
    """Whether this is the signer's machine: its role reads the logs and no operators, so nobody could be asked who they are."""
    from models.roles import reads_logs_alone

    with office.reading() as connection:
        return reads_logs_alone(connection)


def _answer(verdict: Verdict, form: str, what: str) -> int:
    if form == "json":
        write_json(
            {
                "verified": verdict.holds,
                "records": verdict.records,
                "logs": [
                    {"log": each.log, "size": each.size, "signed": each.signed, "root": each.root}
                    for each in verdict.checked
                ],
                "bad": [
                    {"log": each.log, "index": each.index, "last": each.last, "what": each.what} for each in verdict.bad
                ],
                "wrong": list(verdict.sentences),
                "seconds": round(verdict.seconds, 3),
            }
        )
    else:
        for sentence in verdict.sentences:
            write(sentence)
        if verdict.holds:
            for each in verdict.checked:
                tail = f", {each.size - each.signed:,} not signed yet" if each.signed < each.size else ""
                write(f"verified: {each.log}, {each.size:,} records{tail}, root {each.root}")
    if verdict.holds:
        say(f"{verdict.records:,} records verified in {verdict.seconds:.1f} s.")
        return Exit.DONE
    say(f"Not verified: {what} not what was signed. Keep everything as it is and tell who runs the portal.")
    return Exit.UNVERIFIED


@command.command("export")
@click.option("--where", default="", metavar="FILTER", help="Only what matches, as in district audit list.")
@click.option("--from", "since", metavar="DAY", help="From the beginning of that day.")
@click.option("--until", metavar="DAY", help="To the end of that day.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "jsonl", "xlsx", "html"]),
    default="csv",
    show_default=True,
    help="How the report is written.",
)
@click.option("--out", required=True, type=FileOut(), metavar="FILE", help="The report: a zip, or - for stdout.")
@click.option("--force", is_flag=True, help="Replace a file of that name.")
@click.option("--names", is_flag=True, help="With whom each case is about, masked as on the screen.")
@click.option("--reasons", is_flag=True, help="With why it was decided; reasons may name people.")
@click.option("--party", default="", metavar="TEXT", help="Who gets it (34 CFR 99.32).")
@click.option("--interest", default="", metavar="TEXT", help="Their legitimate interest.")
@click.option("--purpose", default="", metavar="TEXT", help="What it is for.")
@code_option
@click.option("--key", metavar="TEXT", help="A name of this call, so that it is not made twice.")
@click.pass_context
def export(
    ctx: click.Context,
    /,
    where: str,
    since: str | None,
    until: str | None,
    form: str,
    out: Path,
    force: bool,
    names: bool,
    reasons: bool,
    party: str,
    interest: str,
    purpose: str,
    code: str | None,
    key: str | None,
) -> int:
    """Write records with their proof into a file that anyone can check.

    The export is a disclosure: it is recorded and signed before there is a file. The zip holds the report, the exact records, their
    proofs, the signed checkpoint, and VERIFY.md, which says how to check it with nothing but the portal's public key.
    """
    from console.cli.decision_commands import read_key
    from console.params import day
    from console.reports.exporting import Wanted
    from console.reports.exporting import export as exported

    office = open_office(ctx)
    operator = who(ctx)
    calendar = office.sight(operator).calendar
    asked = [where, *(f"{name}:{day(text, calendar)}" for name, text in (("from", since), ("until", until)) if text)]
    wanted = Wanted(
        format=form,
        out=out,
        where=" ".join(each for each in asked if each.strip()),
        names=names,
        reasons=reasons,
        party=party,
        interest=interest,
        purpose=purpose,
        force=force,
    )
    call = read_key(key) or office.random.bytes(16).hex()

    def carry_out() -> Exported:
        with watching() as progress:
            return exported(office, operator, wanted, call, progress)

    made = with_code(office, operator, code, carry_out)
    if made.checkpoint is None:
        say(
            f"{made.count:,} records wait for a second person as request {made.request}; nothing was exported yet. "
            "Once it is confirmed, give the same command again within 24 hours."
        )
        return Exit.PARTLY
    hand_over(ctx, made.out)
    say(
        f"{made.count:,} records exported, as batch {made.batch}; proved by the checkpoint over {made.checkpoint.size:,} records "
        f"of {made.checkpoint.origin}."
    )
    say(f"Check it with: district audit verify {made.out.name} --key '{office.signer.key(_ledger()).vkey}'")
    return Exit.DONE


def _ledger() -> Any:
    from models.words import Log

    return Log.LEDGER


@command.command("checkpoint")
@click.option("--log", type=click.Choice(LOGS), default="ledger", show_default=True, help="Of which log.")
@click.option("--key", is_flag=True, help="The portal's public key instead, on one line.")
@click.pass_context
def checkpoint(ctx: click.Context, log: str, key: bool) -> None:
    """Print what was signed last: a checkpoint to keep elsewhere, against which any later state can be held."""
    from console.authority import Permission, authorize
    from models.words import Log

    office = open_office(ctx)
    authorize(who(ctx), Permission.AUDIT_SEE)
    signer = office.signer
    click.echo(f"{signer.key(Log(log)).vkey}\n" if key else signer.note(Log(log)), nl=False)
