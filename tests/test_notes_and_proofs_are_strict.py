"""A note or proof is accepted only as it was written: nothing changed is, and Go's own implementation agrees."""

from __future__ import annotations

import random
import subprocess
import sys
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.errors import Unverified
from console.ledger import note, proof
from console.ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    ProofError,
    Subtrees,
    consistency_path,
    inclusion_path,
    leaf_hash,
    verify_consistency,
)
from console.ledger.note import (
    NOTE_LIMIT,
    Checkpoint,
    NoteError,
    SigningKey,
    VerifyKey,
    from_base64,
    from_decimal,
    open_checkpoint,
    open_note,
    sign_note,
)
from console.ledger.proof import EXTRA_LIMIT, Proof, verify_record
from tests.asking_go import ask_go

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.asking_go import Ask

__all__ = ["ask_go"]

KEY = SigningKey("portal.example/ledger", bytes(range(32)))
OTHER = SigningKey("witness.example", bytes(range(1, 33)))
RECORDS = [b"record %d" % number for number in range(300)]


def tree(size: int) -> tuple[Frontier, Subtrees]:
    leaves = [leaf_hash(record) for record in RECORDS[:size]]
    frontier = Frontier()
    kept = [node for _, _, node in frontier.extend(leaves)]
    return frontier, Subtrees(size, lambda start, stop: leaves[start:stop], lambda _, start, stop: kept[start:stop])


def proof_of(index: int, size: int, extra: bytes | None = None) -> Proof:
    frontier, subtrees = tree(size)
    checkpoint = Checkpoint(KEY.name, size, frontier.root())
    return Proof(index, tuple(inclusion_path(index, size, subtrees)), checkpoint.sign(KEY), extra)


def check_proof(data: bytes, record: bytes) -> Checkpoint:
    return verify_record(Proof.parse(data), record, KEY.verify_key)


def lines_changed(rng: random.Random, lines: list[bytes]) -> None:
    """Repeat, drop or move a line, or change it as a lenient parser would not notice."""
    at = rng.randrange(len(lines))
    match rng.randrange(7):
        case 0:
            lines.insert(rng.randrange(len(lines) + 1), lines[at])
        case 1:
            del lines[at]
        case 2:
            other = rng.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        case 3:
            lines[at] = rng.choice([b" ", b"\t", b"0", b"+", b"\xef\xbb\xbf"]) + lines[at]
        case 4:
            lines[at] += rng.choice([b" ", b"\r", b"=", b"\x00", b"\xc2\x85"])
        case 5:
            lines[at] = lines[at].replace(b"+", b"-").replace(b"/", b"_")
        case _:
            tail = lines[at].rstrip(b"=")
            if tail:
                lines[at] = tail[:-1] + bytes([tail[-1] ^ 1]) + lines[at][len(tail) :]


def bytes_changed(rng: random.Random, data: bytearray) -> None:
    """Flip, replace, drop, insert or swap bytes, or cut the end."""
    at = rng.randrange(len(data))
    match rng.randrange(6):
        case 0:
            data[at] ^= 1 << rng.randrange(8)
        case 1:
            data[at] = rng.randrange(256)
        case 2:
            del data[at : at + rng.randint(1, 3)]
        case 3:
            data[at:at] = rng.choice([b"\n", b" ", b"=", b"0", b"\r", b"A", b"\xe2\x80\x94"])
        case 4:
            data[at : at + 2] = data[at : at + 2][::-1]
        case _:
            del data[at:]


def mutations(seed: int, count: int, originals: list[bytes]) -> Iterator[tuple[int, bytes]]:
    """`count` changed texts, each with the number of the original it was made from; some turn out unchanged."""
    rng = random.Random(seed)
    for number in range(count):
        chosen = number % len(originals)
        data = originals[chosen]
        for _ in range(rng.choice([1, 1, 1, 2, 4])):
            if rng.random() < 0.5:
                lines = data.split(b"\n")
                lines_changed(rng, lines)
                data = b"\n".join(lines)
            else:
                changed = bytearray(data or b"\n")
                bytes_changed(rng, changed)
                data = bytes(changed)
        yield chosen, data


def accepted(check: Callable[..., object], *given_to_it: object) -> bool:
    try:
        check(*given_to_it)
    except Unverified:
        return False
    return True


# -- what is written holds ---------------------------------------------------------------------------------------------


def test_the_known_answer_of_the_note_format_is_opened() -> None:
    key = VerifyKey.parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    signed = (
        "This is an example message.\n\n— example.com/foo "
        "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
    )
    assert open_note(signed, [key]) == "This is an example message.\n"
    assert open_note(signed.encode(), [key]) == "This is an example message.\n"
    with pytest.raises(NoteError, match="does not hold"):
        open_note(signed.replace("message.", "message!"), [key])


def test_a_key_is_the_ed25519_key_of_rfc_8032_section_7_1() -> None:
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    key = SigningKey("portal.example", seed)
    assert key.verify_key.public == public
    assert key.sign("").hex().startswith("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb88215")


@settings(max_examples=60, deadline=None)
@given(seed=st.binary(min_size=32, max_size=32), name=st.from_regex(r"[a-z0-9./é—-]{1,40}", fullmatch=True))
def test_a_key_reads_back_from_its_texts(seed: bytes, name: str) -> None:
    key = SigningKey.generate(name, lambda size: seed[:size])
    assert SigningKey.decode(key.encode()) == key
    assert VerifyKey.parse(key.vkey) == key.verify_key
    assert key.encode().count("\n") == key.vkey.count("\n") == 0


@settings(max_examples=100, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cc", "Cs"], include_characters="\n"), max_size=200))
def test_a_signed_text_opens_unchanged_whatever_it_says(text: str) -> None:
    signed = sign_note(text + "\n", KEY, OTHER)
    for keys in ([KEY.verify_key], [OTHER.verify_key], [OTHER.verify_key, KEY.verify_key]):
        assert open_note(signed, keys) == text + "\n"


@settings(max_examples=60, deadline=None)
@given(data=st.data(), size=st.integers(1, 300), extra=st.none() | st.binary(min_size=1, max_size=80))
def test_a_proof_reads_back_and_holds_for_its_record_only(data: st.DataObject, size: int, extra: bytes | None) -> None:
    index = data.draw(st.integers(0, size - 1))
    made = proof_of(index, size, extra)
    for text in (made.text(), made.text().encode()):
        read = Proof.parse(text)
        assert read == made
        assert read.text() == made.text()
    checkpoint = verify_record(made, RECORDS[index], KEY.verify_key)
    assert (checkpoint.origin, checkpoint.size) == (KEY.name, size)
    with pytest.raises(ProofError, match="not in the ledger"):
        verify_record(made, RECORDS[index] + b" ", KEY.verify_key)


def test_a_checkpoint_of_an_empty_ledger_holds() -> None:
    checkpoint = Checkpoint(KEY.name, 0, EMPTY_ROOT)
    assert checkpoint.text() == "portal.example/ledger\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    assert open_checkpoint(checkpoint.sign(KEY), KEY.verify_key) == checkpoint


# -- what is changed does not ------------------------------------------------------------------------------------------

PROOFS = [proof_of(index, size) for index, size in ((0, 1), (3, 7), (6, 7), (99, 256), (257, 300))]
NOTES = [Checkpoint(KEY.name, size, tree(size)[0].root()).sign(KEY) for size in (0, 1, 17, 300)]


def test_no_changed_proof_is_accepted() -> None:
    originals = [made.text().encode() for made in PROOFS]
    changed = 0
    for chosen, data in mutations(2026, 2000, originals):
        held = accepted(check_proof, data, RECORDS[PROOFS[chosen].index])
        assert held == (data == originals[chosen])
        changed += data != originals[chosen]
    assert changed > 1900


def test_no_changed_note_is_accepted() -> None:
    originals = [signed.encode() for signed in NOTES]
    changed = 0
    for chosen, data in mutations(2027, 2000, originals):
        held = accepted(open_checkpoint, data, KEY.verify_key)
        assert held == (data == originals[chosen])
        changed += data != originals[chosen]
    assert changed > 1900


def test_no_changed_key_is_accepted() -> None:
    originals = [KEY.vkey.encode(), KEY.encode().encode()]
    for chosen, data in mutations(2028, 2000, originals):
        text = data.decode(errors="replace")
        read = (VerifyKey.parse, SigningKey.decode)[chosen]
        assert accepted(read, text) == (data == originals[chosen])


def test_these_changes_would_be_accepted_by_a_lenient_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (note, proof):
        monkeypatch.setattr(module, "from_base64", lambda text: b64decode(text + "=="))
    originals = [made.text().encode() for made in PROOFS]
    found = 0
    for chosen, data in mutations(2026, 2000, originals):
        try:
            check_proof(data, RECORDS[PROOFS[chosen].index])
        except (Unverified, ValueError):
            continue
        found += data != originals[chosen]
    assert found > 5


def test_the_extra_data_of_a_proof_is_not_covered_by_the_signature() -> None:
    made = proof_of(3, 7, b"anything")
    text = made.text().replace("extra YW55", "extra Ym55")
    assert verify_record(Proof.parse(text), RECORDS[3], KEY.verify_key).size == 7
    assert Proof.parse(text).extra != made.extra


@pytest.mark.parametrize("text", ["YQ", "YR==", "YQ==\n", " YQ==", "Y Q=", "YWJj=", "_-8=", "YQ=", "é", "YQ==YQ=="])
def test_only_canonical_base64_is_read(text: str) -> None:
    with pytest.raises(NoteError):
        from_base64(text)


@given(st.binary(max_size=100))
def test_base64_reads_back(data: bytes) -> None:
    assert from_base64(b64encode(data).decode()) == data


@pytest.mark.parametrize(
    "text", ["", "00", "01", "+1", "-1", "-0", " 1", "1 ", "1\n", "1_0", "٣", "²", "1.0", "1e3", str(2**63), "9" * 5000]
)
def test_only_canonical_decimals_are_read(text: str) -> None:
    with pytest.raises(NoteError):
        from_decimal(text)


def test_the_largest_decimal_is_read() -> None:
    assert [from_decimal(text) for text in ("0", "10", str(2**63 - 1))] == [0, 10, 2**63 - 1]


@pytest.mark.parametrize(
    "name", ["", "a b", "a+b", "a\nb", "a\u00a0b", "a\u2003", "a\x7f", "a\x85", "\ud800", "é" * 128]
)
def test_a_name_with_space_plus_or_control_is_refused(name: str) -> None:
    for make in (VerifyKey, SigningKey):
        with pytest.raises(NoteError):
            make(name, bytes(32))
    with pytest.raises(NoteError):
        Checkpoint(name, 0, EMPTY_ROOT)


@pytest.mark.parametrize("text", ["", "no newline", "tab\t\n", "return\r\n", "nul\0\n", "c1\x9b\n", "half\ud800\n"])
def test_a_text_with_control_characters_or_without_end_is_neither_signed_nor_opened(text: str) -> None:
    with pytest.raises(NoteError):
        sign_note(text, KEY)
    with pytest.raises(NoteError):
        open_note(f"{text}\n{NOTES[0].split(chr(10) * 2)[1]}", [KEY.verify_key])


def signature_line(key: SigningKey, text: str, *, spoilt: bool = False) -> str:
    signature = bytearray(key.sign(text))
    signature[9] ^= spoilt
    return f"— {key.name} {b64encode(key.verify_key.key_id + signature).decode()}\n"


def test_unknown_keys_are_ignored_and_a_known_failing_key_rejects() -> None:
    text = "text\n"
    good, other = signature_line(KEY, text), signature_line(OTHER, text)
    bad, other_bad = signature_line(KEY, text, spoilt=True), signature_line(OTHER, text, spoilt=True)
    same_name = signature_line(SigningKey(KEY.name, bytes(32)), text)
    only, both = [KEY.verify_key], [KEY.verify_key, OTHER.verify_key]
    for block in (good, other_bad + good, good + other_bad, same_name + good, good + other + other):
        assert open_note(f"{text}\n{block}", only) == text
    for block, keys in (
        (other, only),
        (same_name, only),
        (bad, only),
        (good + other_bad, both),
        (bad + good, only),
        (good + bad, only),
        (good + good, only),
        (good, []),
    ):
        with pytest.raises(NoteError):
            open_note(f"{text}\n{block}", keys)


def test_an_unknown_line_must_still_be_well_formed() -> None:
    good = signature_line(KEY, "text\n")
    for line in (
        "— witness.example YWJjZA==\n",
        "— witness.example YWJjZGU\n",
        "— witness.example  YWJjZGU=\n",
        "— witness.example\n",
        "- witness.example YWJjZGU=\n",
        "witness.example YWJjZGU=\n",
        "—\u00a0witness.example YWJjZGU=\n",
        "— wit+ness YWJjZGU=\n",
    ):
        with pytest.raises(NoteError):
            open_note(f"text\n\n{good}{line}", [KEY.verify_key])
        with pytest.raises(NoteError):
            open_note(f"text\n\n{line}{good}", [KEY.verify_key])
    assert open_note(f"text\n\n{good}— witness.example YWJjZGU=\n", [KEY.verify_key]) == "text\n"


def test_a_note_has_limits() -> None:
    text = "text\n"
    good, unknown = signature_line(KEY, text), "— witness.example YWJjZGU=\n"
    assert open_note(f"{text}\n{good}{unknown * 99}", [KEY.verify_key]) == text
    with pytest.raises(NoteError, match="100"):
        open_note(f"{text}\n{good}{unknown * 100}", [KEY.verify_key])
    with pytest.raises(NoteError, match="256"):
        sign_note("x" * NOTE_LIMIT + "\n", KEY)
    for long in ("é" * (NOTE_LIMIT // 2) + f"\n\n{good}", "x" * NOTE_LIMIT + f"\n\n{good}"):
        with pytest.raises(NoteError, match="256"):
            open_note(long, [KEY.verify_key])
    with pytest.raises(NoteError):
        sign_note(text)
    with pytest.raises(NoteError):
        sign_note(text, KEY, KEY)


def test_two_keys_of_one_name_and_id_are_never_confused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(note, "_key_id", lambda _name, _public: b"same")
    keys = [VerifyKey(KEY.name, bytes([number]) * 32) for number in (1, 2)]
    with pytest.raises(NoteError, match="same id"):
        open_note(NOTES[0], keys)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "portal.example\n0\n",
        f"portal.example\n1\n{b64encode(bytes(31)).decode()}\n",
        f"portal.example\n01\n{b64encode(bytes(32)).decode()}\n",
        f"portal.example\n1\n{b64encode(bytes(32)).decode()}",
        f"portal.example\n1\n{b64encode(bytes(32)).decode()}\n\n",
        f"portal.example\n1\n{b64encode(bytes(32)).decode()}\nextension\n",
        f"portal.example\n1\n{b64encode(bytes(32)).decode()}\nextension",
        f"portal.example\n0\n{b64encode(bytes(32)).decode()}\n",
        f"portal example\n1\n{b64encode(bytes(32)).decode()}\n",
        f"\n1\n{b64encode(bytes(32)).decode()}\n",
    ],
)
def test_a_checkpoint_is_three_exact_lines(text: str) -> None:
    with pytest.raises(NoteError):
        Checkpoint.parse(text)


def test_a_checkpoint_bears_the_name_of_its_key() -> None:
    with pytest.raises(NoteError, match="another name"):
        Checkpoint(KEY.name, 0, EMPTY_ROOT).sign(OTHER)
    signed = sign_note(Checkpoint(KEY.name, 0, EMPTY_ROOT).text(), OTHER)
    with pytest.raises(NoteError, match="another ledger"):
        open_checkpoint(signed, OTHER.verify_key)


def test_a_malformed_proof_cannot_be_made() -> None:
    for wrong in (
        {"index": -1},
        {"index": 2**63},
        {"path": (bytes(31),)},
        {"path": (bytes(32),) * 64},
        {"extra": b""},
        {"extra": bytes(EXTRA_LIMIT + 1)},
        {"checkpoint_note": ""},
    ):
        with pytest.raises(ProofError):
            Proof(**{"index": 0, "path": (), "checkpoint_note": NOTES[1], **wrong})  # type: ignore[arg-type]
    with pytest.raises(ProofError, match="too long"):
        Proof.parse("x" * 1_000_000)


@pytest.mark.parametrize(
    "head",
    [
        "",
        "c2sp.org/tlog-proof@v1",
        "c2sp.org/tlog-proof@v2\nindex 0",
        "c2sp.org/tlog-proof@v1\n0",
        "c2sp.org/tlog-proof@v1\nindex0",
        "c2sp.org/tlog-proof@v1\nindex ",
        "c2sp.org/tlog-proof@v1\nindex 00",
        "c2sp.org/tlog-proof@v1\nextra \nindex 0",
        "c2sp.org/tlog-proof@v1\nextra YQ==",
        "c2sp.org/tlog-proof@v1\nextra YQ==\nextra YQ==\nindex 0",
        "c2sp.org/tlog-proof@v1\nindex 0\nextra YQ==",
        "c2sp.org/tlog-proof@v1\nindex 0\nYQ==",
        "c2sp.org/tlog-proof@v1\nindex 0" + f"\n{b64encode(bytes(32)).decode()}" * 64,
    ],
)
def test_a_proof_begins_in_one_way_only(head: str) -> None:
    assert Proof.parse(f"c2sp.org/tlog-proof@v1\nindex 0\n\n{NOTES[1]}").path == ()
    with pytest.raises(Unverified):
        Proof.parse(f"{head}\n\n{NOTES[1]}")
    with pytest.raises(Unverified):
        Proof.parse(head + "\n")


def test_a_private_key_shows_in_no_repr_and_no_error() -> None:
    secret = KEY.encode().rpartition("+")[2]
    assert "seed" not in repr(KEY)
    for spoilt in (KEY.encode() + "\n", KEY.encode().replace("+KEY+", "+KEY+x"), KEY.encode()[:-4], "x" + KEY.encode()):
        with pytest.raises(NoteError) as caught:
            SigningKey.decode(spoilt)
        assert secret[:12] not in str(caught.value)


def test_the_formats_load_without_cryptography_until_a_signature_is_checked() -> None:
    code = "import sys, console.ledger.proof; sys.exit('cryptography' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# -- Go's implementation agrees ----------------------------------------------------------------------------------------


def test_go_accepts_every_proof_and_note_of_ours(ask_go: Ask) -> None:
    made = [proof_of(index, size, extra) for index, size, extra in ((0, 1, None), (5, 8, b"x"), (299, 300, None))]
    made += PROOFS
    questions: list[dict[str, Any]] = [
        {"Kind": "proof", "Key": KEY.vkey, "Data": each.text().encode(), "Record": RECORDS[each.index]} for each in made
    ]
    questions += [{"Kind": "note", "Key": KEY.vkey, "Data": signed.encode()} for signed in NOTES]
    for answer in ask_go(questions):
        assert answer["Accepted"], answer["Reason"]


def test_go_signs_the_same_note_with_our_private_key(ask_go: Ask) -> None:
    texts = ["text\n", "two\n\nparts\n", Checkpoint(KEY.name, 17, bytes(32)).text(), "é — ü\n"]
    answers = ask_go([{"Kind": "sign", "Key": KEY.encode(), "Data": text.encode()} for text in texts])
    assert [answer["Text"] for answer in answers] == [sign_note(text, KEY) for text in texts]


def test_go_and_we_agree_on_every_changed_proof(ask_go: Ask) -> None:
    changed = list(mutations(2029, 2000, [made.text().encode() for made in PROOFS]))
    answers = ask_go(
        [
            {"Kind": "proof", "Key": KEY.vkey, "Data": data, "Record": RECORDS[PROOFS[chosen].index]}
            for chosen, data in changed
        ]
    )
    for (chosen, data), answer in zip(changed, answers, strict=True):
        held = accepted(check_proof, data, RECORDS[PROOFS[chosen].index])
        assert held == answer["Accepted"], (data, answer["Reason"])


def test_go_and_we_agree_on_every_changed_note_also_with_unknown_signatures(
    ask_go: Ask,
) -> None:
    originals = [
        sign_note(text, *keys).encode() for text in ("text\n", "a\n\nb\n") for keys in ((KEY, OTHER), (OTHER, KEY))
    ]
    changed = list(mutations(2030, 2000, originals))
    answers = ask_go([{"Kind": "note", "Key": KEY.vkey, "Data": data} for _, data in changed])
    verdicts = set()
    for (chosen, data), answer in zip(changed, answers, strict=True):
        held = accepted(open_note, data, [KEY.verify_key])
        assert held == answer["Accepted"], (data, answer["Reason"])
        verdicts.add((held, data == originals[chosen]))
        if held:
            assert open_note(data, [KEY.verify_key]) == answer["Text"]
    assert verdicts == {(True, True), (True, False), (False, False)}


def test_go_makes_the_same_roots_and_paths(ask_go: Ask) -> None:
    rng = random.Random(9162)
    questions = [
        {"Kind": "paths", "New": new, "Old": rng.randint(1, new), "Index": rng.randrange(new)}
        for new in [*range(1, 40), 255, 256, 257, *(rng.randint(40, 300) for _ in range(60))]
    ]
    for question, answer in zip(questions, ask_go(questions), strict=True):
        new, old, index = question["New"], question["Old"], question["Index"]
        frontier, subtrees = tree(new)
        assert answer["Accepted"], answer["Reason"]
        assert b64decode(answer["Root"]) == frontier.root()
        assert [*map(b64decode, answer["Inclusion"] or ())] == inclusion_path(index, new, subtrees)
        assert [*map(b64decode, answer["Consistency"] or ())] == consistency_path(old, new, subtrees)


def test_go_and_we_agree_on_good_and_on_spoilt_consistency(ask_go: Ask) -> None:
    rng = random.Random(6962)
    questions = []
    for number in range(400):
        old, new = sorted((rng.randint(1, 300), rng.randint(1, 300)))
        path = consistency_path(old, new, tree(new)[1])
        claim = [tree(old)[0].root(), tree(new)[0].root(), *path]
        if number % 2:
            at = rng.randrange(len(claim))
            claim[at : at + rng.randint(0, 1)] = [rng.randbytes(32)] * rng.randint(0, 1)
            claim += [bytes(32)] * (2 - len(claim))
        question = {"Old": old, "New": new, "OldRoot": claim[0], "NewRoot": claim[1], "Path": claim[2:]}
        questions.append({"Kind": "consistency", **question})
    counts = {True: 0, False: 0}
    for question, answer in zip(questions, ask_go(questions), strict=True):
        given_all = (question[word] for word in ("Old", "OldRoot", "New", "NewRoot", "Path"))
        held = accepted(verify_consistency, *given_all)
        assert held == answer["Accepted"], (question, answer["Reason"])
        counts[held] += 1
    assert min(counts.values()) > 100
