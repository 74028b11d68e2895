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


@given(like=RECORDS, first=st.integers(0, 2**63 - 9), cases=st.lists(NUMBERS, min_size=1, max_size=4), data=st.data())
def test_the_bytes_are_those_of_the_encoder(like: Record, first: int, cases: list[int], data: st.DataObject) -> None:
    numbers = st.lists(NUMBERS, min_size=len(cases), max_size=len(cases))
    ties = {name: data.draw(numbers) for name in sorted(like.ties)}
    run = Alike(like).run(first, cases, list(ties.values()))
    assert (run.like, run.first, run.cases) == (like, first, cases)
    for place, (case, body) in enumerate(zip(cases, run.bodies, strict=True)):
        own = {"case": case, "index": first + place, "ties": {name: of[place] for name, of in ties.items()}}
        wanted = Record(**{name: getattr(like, name) for name in like.__struct_fields__} | own)
        assert body == encode(wanted)
        assert decode(body) == wanted
