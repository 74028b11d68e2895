"""The guide that travels with every report: what is in it, how to check it with our command and without, what that proves."""

from __future__ import annotations

CHECK = """\
import base64, hashlib, json, subprocess, sys, tempfile

folder, key = sys.argv[1:]  # where the report was unpacked, and the portal's public key
read = lambda name: open(f"{folder}/{name}", "rb").read()
sha = lambda data: hashlib.sha256(data).digest()

# 1. The files are those of the manifest, and the record of the export names the manifest.
manifest, export = json.loads(read("manifest.json")), json.loads(read("disclosure.json"))
for name, said in manifest["members"].items():
    assert sha(read(name)).hex() == said["sha256"], f"{name} was changed"
assert export["params"]["manifest"] == sha(read("manifest.json")).hex(), "the manifest was changed"

# 2. The records, with that of the export, and the hashes of proofs.txt lead to the checkpoint's root.
bodies = read("records.jsonl").split(b"\\n")[:-1] + [read("disclosure.json")[:-1]]
leaves = [(json.loads(body)["index"], sha(b"\\0" + body)) for body in bodies][::-1]
hashes = [base64.b64decode(line) for line in read("proofs.txt").split()][::-1]
text, _, lines = read("checkpoint.txt").rpartition(b"\\n\\n")
origin, size, root = (text + b"\\n").decode().splitlines()


def tree(start, stop):
    if not leaves or leaves[-1][0] >= stop:
        return hashes.pop()
    if stop - start == 1:
        index, leaf = leaves.pop()
        assert index == start, "a record is out of place"
        return leaf
    middle = start + (1 << (stop - start - 1).bit_length() - 1)
    return sha(b"\\1" + tree(start, middle) + tree(middle, stop))


assert tree(0, int(size)) == base64.b64decode(root) and not leaves and not hashes, "a record or a proof was changed"

# 3. The checkpoint is signed with the portal's key.
name, number, public = key.split("+", 2)
signature = base64.b64decode(lines.split()[-1])
assert (name, number) == (origin, signature[:4].hex()), "the checkpoint is of another ledger"
with tempfile.TemporaryDirectory() as place:
    parts = {"key": bytes.fromhex("302a300506032b6570032100") + base64.b64decode(public)[1:]}
    for part, data in {**parts, "text": text + b"\\n", "sig": signature[4:]}.items():
        open(f"{place}/{part}", "wb").write(data)
    openssl = "openssl pkeyutl -verify -pubin -keyform DER -inkey key -rawin -in text -sigfile sig"
    subprocess.run(openssl.split(), cwd=place, check=True)
"""
"""Needs Python and openssl 3 (or 1.1.1), and nothing of ours."""

GUIDE = f"""\
# How to check this report

You need the portal's public key: one line, `name+number+letters`. Take it from the district itself, not from whoever
gave you this file.

## With the console

    district audit verify report.zip --key 'THE PUBLIC KEY'

It needs no database and no settings. It says `verified`, or what is wrong, and then ends with the exit code 4. Check
the file as you got it: unpacked and packed again, it is another file.

## Without it

Unpack the file, save the following as `check.py` and run `python3 check.py FOLDER 'THE PUBLIC KEY'`. It needs Python
and openssl.

```python
{CHECK}```

## What is in it

- `report.csv`, `.jsonl`, `.xlsx` or `.html`: what people read.
- `records.jsonl`: the records behind it, one a line, byte for byte as they were hashed. A record's place in the
  ledger is its `index`.
- `manifest.json`: what was asked for, by whom and for whom, and the SHA-256 of the files above and of this one
  (`packed`: as they lie in the zip).
- `disclosure.json`: the ledger's record of this very export. It has the SHA-256 of the manifest.
- `proofs.txt`: the hashes that the tree needs besides the records' own, in base64, from left to right. None when all
  records are here.
- `checkpoint.txt`: size and root of the ledger's tree, signed with Ed25519.

The tree is that of RFC 9162 (SHA-256; a leaf is hashed after a zero byte, a node after a one, a part splits at the
largest power of two below its size). The checkpoint is a C2SP signed note and tlog-checkpoint.

## What it proves, and what not

It proves that these records stood in the ledger in these places when the checkpoint was signed, unchanged since, and
that the report was made from them by the operator of the record of the export, at that moment.

It does not prove that there are no other records of this kind, unless `proofs.txt` is empty; that what a record says
happened so; or what the portal's owner may have recorded later. The words of a report that a record has no room for
(an operator's name, whom a case is about, a reason) are as the portal held them at that moment; the records have only
the SHA-256 of a reason as it was sealed. Compare the checkpoint with one that you got on another day: `district audit
verify`, run at the district, shows that the one continues the other.
"""
