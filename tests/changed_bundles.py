"""Changes to a report bundle that whoever has the file, but not the signing key, can make: drawn with a seed, each another file.

What is done to bytes stays below the zip; what is done to files is packed anew, mostly in the very form that the console packs in,
so that nothing but the content tells; some have every digest made to fit the lie, up to the signature.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING

from console.ledger.merkle import Frontier, leaf_hash
from console.ledger.note import Checkpoint, SigningKey
from console.ledger.packed import DEFLATED, STORED, Packed, Packer

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping, Sequence

OTHER = SigningKey("test.example/ledger", b"f" * 32)
"""A key of the attacker's, under the portal's name."""
SMALL = ("manifest.json", "disclosure.json", "proofs.txt", "checkpoint.txt")
NAMES = (
    "../report.csv",
    "/etc/passwd",
    "a/../b",
    "C:\\x",
    "report.csv ",
    "Manifest.json",
    "extra.txt",
    "manifest.json\0",
    "d/",
    "",
)


def files_of(data: bytes) -> dict[str, bytes]:
    """The content of each file of a bundle, in their order."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return {name: file.read(name) for name in file.namelist()}


def packed(files: Sequence[tuple[str, bytes]]) -> bytes:
    """A zip of these files in the form that the console gives it, whatever they are called."""
    out = io.BytesIO()
    packer = Packer(out)
    for name, content in files:
        packer.add(name, content, method=STORED if name in SMALL else DEFLATED)
    packer.finish()
    return out.getvalue()


def changed(chance: random.Random, bundles: Sequence[bytes]) -> tuple[str, bytes]:
    """One change to one of the bundles, which are of one portal: what was done, and the file; never one of theirs."""
    while True:
        at = chance.randrange(len(bundles))
        way = chance.choice(WAYS)
        made = way(chance, bundles[at], bundles[at - 1])
        if made not in bundles:
            return way.__name__.removeprefix("_"), made


def _bytes(chance: random.Random, data: bytes, _other: bytes) -> bytes:
    at, to = sorted(chance.sample(range(len(data) + 1), 2))
    return chance.choice(
        [
            data[:at] + bytes([data[min(at, len(data) - 1)] ^ 1 << chance.randrange(8)]) + data[at + 1 :],
            data[:at] + chance.randbytes(chance.randrange(1, 5)) + data[at:],
            data[:at] + data[at + 1 :],
            data[:to] + data[at:],
            data[:at] + data[to:],
        ]
    )


def _ends(chance: random.Random, data: bytes, other: bytes) -> bytes:
    """Cut short, something before it, something behind it."""
    return chance.choice(
        [
            data[: chance.randrange(len(data))],
            chance.randbytes(chance.randrange(1, 40)) + data,
            data + chance.randbytes(chance.randrange(1, 40)),
            data + b"\0",
            data + data,
            data + other,
            other[: other.index(b"PK\x01\x02")] + data,
        ]
    )


def _headers(chance: random.Random, data: bytes, _other: bytes) -> bytes:
    """A byte of the headers or the directory, which no file's content tells of: a date, a flag, an attribute, a length."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        places = [each.header_offset + chance.randrange(30) for each in file.infolist()] + [
            chance.randrange(file.start_dir, len(data)) for _ in range(7)
        ]
    at = chance.choice(places)
    return data[:at] + bytes([data[at] ^ chance.randrange(1, 256)]) + data[at + 1 :]


def _another_packer(chance: random.Random, data: bytes, _other: bytes) -> bytes:
    """The same files, all of them whole, packed by Python's own packer."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", chance.choice([zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])) as file:
        for name, content in files_of(data).items():
            made = zipfile.ZipInfo(name, (2026, 1, 2, 3, 4, 6))
            made.comment = chance.choice([b"", b"hello"])
            file.writestr(made, content)
    return out.getvalue()


def _packed_otherwise(chance: random.Random, data: bytes, _other: bytes) -> bytes:
    """The same files in the very form of the console, but one is deflated that is not, or with another effort, or not at all."""
    files = files_of(data)
    chosen = chance.choice(list(files))
    level, keep = chance.choice([(1, False), (9, False), (0, False), (6, True)])
    out = bytearray()
    members = []
    for name, content in files.items():
        method = STORED if name in SMALL else DEFLATED
        if name == chosen:
            method = STORED if keep and name not in SMALL else DEFLATED
        deflate = zlib.compressobj(level if name == chosen else 6, zlib.DEFLATED, -15)
        raw = content if method == STORED else deflate.compress(content) + deflate.flush()
        member = Packed(name, method, zlib.crc32(content), len(raw), len(content), len(out))
        out += member.local() + raw
        members.append(member)
    begin = len(out)
    for member in members:
        out += member.central()
    end = zipfile.ZipFile(io.BytesIO(data)).start_dir
    tail = data[-22:]
    assert end
    return bytes(out + tail[:12] + (len(out) - begin).to_bytes(4, "little") + begin.to_bytes(4, "little") + tail[20:])


def _content(chance: random.Random, data: bytes, _other: bytes) -> bytes:
    files = files_of(data)
    name = chance.choice(list(files))
    content = files[name] or b"\n"
    at = chance.randrange(len(content))
    files[name] = chance.choice(
        [
            content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :],
            content[:at] + content[at + 1 :],
            content[:at] + chance.choice([b" ", b"\n", b"\r", b"0", b"=", b"\xef\xbb\xbf"]) + content[at:],
            content + b"\n",
            content + content,
            content[:-1],
            content.replace(b"\n", b"\r\n"),
            b"",
        ]
    )
    return packed(list(files.items()))


def _lines(chance: random.Random, data: bytes, other: bytes) -> bytes:
    """Lines left out, doubled, exchanged, or another bundle's."""
    files = files_of(data)
    name = chance.choice(
        [next(iter(files)), "records.jsonl", "proofs.txt", "disclosure.json", "checkpoint.txt", "manifest.json"]
    )
    lines = files[name].splitlines(keepends=True) or [b"\n"]
    at, to = chance.randrange(len(lines)), chance.randrange(len(lines))
    match chance.randrange(4):
        case 0:
            del lines[at]
        case 1:
            lines.insert(to, lines[at])
        case 2:
            lines[at], lines[to] = lines[to], lines[at]
        case _:
            theirs = files_of(other).get(name, b"\n").splitlines(keepends=True) or [b"\n"]
            lines[at] = chance.choice(theirs)
    files[name] = b"".join(lines)
    return packed(list(files.items()))


def _members(chance: random.Random, data: bytes, other: bytes) -> bytes:
    """Files left out, doubled under one name, exchanged, renamed, put in, or another bundle's own, rightly signed."""
    files = list(files_of(data).items())
    theirs = files_of(other)
    at, to = chance.sample(range(len(files)), 2)
    match chance.randrange(7):
        case 0:
            del files[at]
        case 1:
            files.insert(to, (files[at][0], chance.choice([files[at][1], files[to][1], b""])))
        case 2:
            files[at], files[to] = files[to], files[at]
        case 3:
            files[at], files[to] = (files[at][0], files[to][1]), (files[to][0], files[at][1])
        case 4:
            files[at] = (chance.choice(NAMES), files[at][1])
        case 5:
            files.insert(to, (chance.choice(NAMES), chance.choice([b"", b"x", files[at][1]])))
        case _:
            for place in chance.sample(range(len(files)), chance.randrange(1, 4)):
                name = files[place][0]
                files[place] = (name, theirs.get(name, files[place][1]))
    return packed(files)


def _same_meaning(chance: random.Random, data: bytes, _other: bytes) -> bytes:
    """JSON and base64 that say the same in another form."""
    files = files_of(data)
    name = chance.choice(["manifest.json", "disclosure.json", "records.jsonl", "proofs.txt", "checkpoint.txt"])
    text = files[name]
    if name.endswith("txt"):
        lines = text.split(b"\n")
        at = chance.randrange(len(lines))
        tail = lines[at].rstrip(b"=")
        if tail:
            lines[at] = chance.choice(
                [
                    tail,
                    tail[:-1] + bytes([tail[-1] ^ 1]) + lines[at][len(tail) :],
                    lines[at].replace(b"+", b"-").replace(b"/", b"_"),
                    lines[at] + b" ",
                    b"0" + lines[at],
                ]
            )
        files[name] = b"\n".join(lines)
    else:
        files[name] = chance.choice(
            [
                text.replace(b":", b": ", 1),
                text.replace(b'"log"', b'"l\\u006fg"', 1),
                text.replace(b",", b",\n", 1),
                text.replace(b"{", b'{"zone":1,', 1),
                text.replace(b"{", b'{"log":"accesses",', 1),
                text.replace(b'"log"', b'"LOG"', 1),
                b" " + text,
                json.dumps(json.loads(text.splitlines()[0] if name == "records.jsonl" else text)).encode() + b"\n",
            ]
        )
    return packed(list(files.items()))


def _made_to_fit(chance: random.Random, data: bytes, other: bytes) -> bytes:
    """A changed report, every digest made to fit: manifest, record of the export, root. Signed with another key, or truly before."""
    files = files_of(data)
    report = next(iter(files))
    records = [json.loads(line) for line in files["records.jsonl"].splitlines()]
    at = chance.randrange(len(records))
    match chance.randrange(4):
        case 0:
            records[at]["operator"] += 1
        case 1:
            records[at]["case"] += 7
        case 2:
            del records[at]
        case _:
            files[report] = files[report].replace(b"1", b"2", chance.randrange(1, 4))
    files["records.jsonl"] = b"".join(_json(each) + b"\n" for each in records)
    manifest = json.loads(files["manifest.json"])
    if records:
        manifest |= {"count": len(records), "first": records[0]["index"], "last": records[-1]["index"]}
    for name in manifest["members"]:
        digests = Packer(io.BytesIO()).add(name, files[name], method=DEFLATED)
        manifest["members"][name] = {"bytes": digests.bytes, "packed": digests.packed, "sha256": digests.sha256}
    files["manifest.json"] = json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"
    export = json.loads(files["disclosure.json"])
    export["params"] |= {name: manifest[name] for name in ("count", "first", "last")}
    export["params"]["manifest"] = sha256(files["manifest.json"]).hexdigest()
    files["disclosure.json"] = _json(export) + b"\n"
    files["checkpoint.txt"] = _checkpoint(chance, files, other)
    return packed(list(files.items()))


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _checkpoint(chance: random.Random, files: Mapping[str, bytes], other: bytes) -> bytes:
    """Over the changed records by the attacker's key, beside the portal's or alone; the portal's own; or that of another day."""
    text, _, signature = files["checkpoint.txt"].decode().partition("\n\n")
    origin, size, _ = text.split("\n")
    frontier = Frontier()
    frontier.extend([leaf_hash(body) for body in (files["records.jsonl"] + files["disclosure.json"]).splitlines()])
    forged = Checkpoint(origin, int(size), frontier.root())
    signed = forged.sign(OTHER)
    return chance.choice(
        [
            signed.encode(),
            (signed + signature).encode(),
            (forged.text() + "\n" + signature).encode(),
            files["checkpoint.txt"],
            files_of(other)["checkpoint.txt"],
            files["checkpoint.txt"] + signed.partition("\n\n")[2].encode(),
            files["checkpoint.txt"] + b"\xe2\x80\x94 witness.example " + b64encode(bytes(68)) + b"\n",
        ]
    )


WAYS: tuple[Callable[[random.Random, bytes, bytes], bytes], ...] = (
    _bytes,
    _ends,
    _headers,
    _another_packer,
    _packed_otherwise,
    _content,
    _lines,
    _members,
    _same_meaning,
    _made_to_fit,
)
