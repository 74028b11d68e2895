"""Crimes against what lies beside the records: details, heads, stored tree, batches, the portal's row, the signer's files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from console.ledger.log import decode
from models import tables as t
from tests.forging import OWN, Crime, Expected, exactly

if TYPE_CHECKING:
    from collections.abc import Callable


def _detail(crime: Crime) -> Expected:
    rows = [row for row in crime.rows("ledger") if decode(row.body).detail]
    row = crime.draw(*rows)
    digest = bytes.fromhex(decode(row.body).detail)
    detail = t.record_detail
    stored = crime.portal.all(sa.select(detail.c.sealed).where(detail.c.digest == digest))[0].sealed
    crime.execute(
        crime.draw(
            detail.delete().where(detail.c.digest == digest),
            detail.update().where(detail.c.digest == digest).values(sealed=crime.flip(bytes(stored))),
            detail.update().where(detail.c.digest == digest).values(batch="AAAA-AAAA"),
            detail.update().where(detail.c.digest == digest).values(digest=crime.flip(digest)),
        )
    )
    return exactly("ledger", min(each.place for each in rows if decode(each.body).detail == digest.hex()))


def _details_exchanged(crime: Crime) -> Expected:
    """Two details under each other's digest: each reason is another decision's."""
    rows = crime.rows("ledger")
    stored = {bytes(each.digest).hex(): bytes(each.sealed) for each in crime.portal.all(sa.select(t.record_detail))}
    one, other = crime.chance.sample(sorted(stored), 2)
    crime.told.append((one, other))
    detail = t.record_detail
    crime.execute(
        *(
            detail.update().where(detail.c.digest == bytes.fromhex(here)).values(sealed=stored[there])
            for here, there in ((one, other), (other, one))
        )
    )
    return exactly("ledger", min(each.place for each in rows if decode(each.body).detail in (one, other)))


def _head(crime: Crime) -> Expected:
    log = crime.log()
    head = crime.portal.all(sa.select(t.log_head).where(t.log_head.c.log == log))[0]
    size = len(crime.rows(log))
    change, expected = crime.draw(
        ({"size": size + 1}, exactly(log, size)),
        ({"size": size - 1}, exactly(log, size - 1)),
        ({"root": crime.flip(bytes(head.root))}, None),
        ({"frontier": crime.flip(bytes(head.frontier))}, None),
        ({"frontier": b""}, None),
        (None, exactly(log, 0)),
    )
    update = t.log_head.update().where(t.log_head.c.log == log)
    crime.execute(update.values(change) if change else t.log_head.delete().where(t.log_head.c.log == log))
    return expected


def _stored_tree(crime: Crime) -> Expected:
    node = t.log_node
    stored = crime.draw(*(row._asdict() for row in crime.portal.all(sa.select(node))))
    mine = (node.c.log == stored["log"], node.c.level == stored["level"], node.c["index"] == stored["index"])
    crime.execute(
        crime.draw(
            node.delete(),
            node.delete().where(*mine),
            node.update().where(*mine).values(hash=crime.flip(bytes(stored["hash"]))),
            node.update().values(level=9),
            node.insert().values(log="ledger", level=8, index=10**6, hash=bytes(32)),
            node.insert().values(log="accesses", level=8, index=len(crime.rows("accesses")) >> 8, hash=bytes(32)),
            node.insert().values(log="accesses", level=16, index=0, hash=bytes(32)),
        )
    )
    return None


def _batch(crime: Crime) -> Expected:
    batch = crime.draw(*crime.portal.all(sa.select(t.batch).where(t.batch.c.undoes.is_(None))))
    undone = t.batch.c.undoes == batch.id
    mine = t.batch.c.id == batch.id
    crime.execute(
        *crime.draw(
            (t.batch.update().where(mine).values(done=batch.done + 1),),
            (t.batch.update().where(mine).values(decision="reject"),),
            (t.batch.update().where(mine).values(desk="students"),),
            (t.batch.update().where(mine).values(at=batch.at.replace(year=2020)),),
            (t.batch.update().where(mine).values(receipt=batch.receipt.replace('"done":', '"done":1')),),
            (t.batch.update().where(mine).values(receipt="{"),),
            (t.batch.update().where(mine).values(operator_id=2),),
            (t.batch.update().where(mine).values(undoes=batch.id),),
            (t.batch.update().where(undone).values(undoes=None), t.batch.delete().where(mine)),
            (t.batch.insert().values(**{**batch._asdict(), "id": "AAAA-AAAA", "call_key": "another"}),),
        )
    )
    return None


def _portal_row(crime: Crime) -> Expected:
    other = OWN.vkey
    crime.execute(
        crime.draw(
            t.portal.update().values(verifier_key=other), t.portal.update().values(origin="x"), t.portal.delete()
        )
    )
    return None


def _signers_memory(crime: Crime) -> Expected:
    log = crime.log()
    path = crime.portal.settings.keys.state / f"{log}.json"
    data = path.read_bytes()
    state = msgspec.json.decode(data)
    kind = crime.draw("gone", "size", "note", "bytes", "other")
    if kind == "gone":
        path.unlink()
    elif kind == "bytes":
        path.write_bytes(data[: crime.draw(*range(len(data)))])
    elif kind == "other":
        path.write_bytes((path.parent / f"{'ledger' if log == 'accesses' else 'accesses'}.json").read_bytes())
    else:
        state["size"] += kind == "size"
        if kind == "note":
            at = crime.draw(*range(len(state["note"])))
            state["note"] = state["note"][:at] + crime.draw("A", "b", "\n", "") + state["note"][at + 1 :]
            if state["note"] == msgspec.json.decode(data)["note"]:
                state["note"] = ""
        path.write_bytes(msgspec.json.encode(state))
    return None


def _published(crime: Crime) -> Expected:
    path = crime.portal.settings.keys.checkpoints
    data = path.read_bytes()
    kind = crime.draw("flip", "cut", "insert", "gone", "swap", "twice")
    made = data
    if kind == "flip":
        made = crime.flip(data)
    elif kind == "cut":
        made = data[: crime.draw(*range(len(data)))]
    elif kind == "insert":
        at = crime.draw(*range(len(data)))
        made = data[:at] + crime.draw(b"\n", b"A", b"\xff") + data[at:]
    elif kind == "gone":
        path.unlink()
        return None
    elif kind == "swap":
        lines = data.split(b"\n")
        made = b"\n".join(lines[:12] + lines[18:24] + lines[12:18] + lines[24:])
    else:
        made = data[: data.index(b"\n\n", data.index(b"\n\n") + 2) + 2] + data
    assert made != data
    path.write_bytes(made)
    return None


BESIDE: tuple[Callable[[Crime], Expected], ...] = (
    _detail,
    _details_exchanged,
    _head,
    _stored_tree,
    _batch,
    _portal_row,
    _signers_memory,
    _published,
)
