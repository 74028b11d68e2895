"""A record that was put together from what many share has the very bytes of one that was encoded by itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.ledger.alike import Alike
from console.ledger.log import Record, decode, encode

TEXTS = st.text(max_size=12) | st.sampled_from(
    ['%d %s %% "', "\\", '","case":7,"', "{}", "\u2028é\U0001f600", "\x00\t"]
)
VALUES = st.dictionaries(TEXTS, TEXTS | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.none(), max_size=4)
NUMBERS = st.integers(0, 2**63 - 1)
RECORDS = st.builds(
    Record,
    action=TEXTS,
    after=VALUES,
    at=TEXTS,
    batch=TEXTS,
    before=VALUES,
    case=NUMBERS,
    desk=TEXTS,
    detail=TEXTS,
    index=NUMBERS,
    kind=TEXTS,
    log=TEXTS,
    operator=NUMBERS,
    params=VALUES,
    subject=TEXTS,
    ties=st.dictionaries(TEXTS, NUMBERS, max_size=3),
)


@given(like=RECORDS, record=RECORDS, other=st.lists(NUMBERS, min_size=3, max_size=3))
def test_the_bytes_are_those_of_the_encoder(like: Record, record: Record, other: list[int]) -> None:
    ties = dict(zip(sorted(like.ties), other, strict=False))
    wanted = Record(
        **{name: getattr(like, name) for name in like.__struct_fields__}
        | {"case": record.case, "index": record.index, "ties": ties}
    )
    line = Alike(like).line(record.case, record.index, list(ties.values()))
    assert line.body == encode(wanted)
    assert decode(line.body) == wanted
    assert (line.case, line.place, line.like) == (record.case, record.index, like)
