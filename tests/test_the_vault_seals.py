"""What is sealed opens in its own place and nowhere else, and its keys are files that only their owner can have."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import stat
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from console.errors import Refused, Unavailable, Unverified
from console.ids import SeededRandom, SystemRandom
from console.keyfiles import (
    create_data_key,
    create_secret,
    create_signing_key,
    read_data_key,
    read_private,
    read_secret,
    read_signing_key,
    write_atomically,
)
from console.vault import KeyGoneError, SealBrokenError, Vault, unwrap_data_key, wrap_data_key

if TYPE_CHECKING:
    from pathlib import Path

PORTAL = "demo.example/ledger"
KEYS = {1: bytes(range(32)), 2: bytes(range(32, 64))}
VAULT = Vault(KEYS, PORTAL, SystemRandom())

names = st.text(st.characters(codec="utf-8", exclude_characters="|"), min_size=1, max_size=20)
rows = st.integers(0, 2**63 - 1) | names
places = st.tuples(names, names, rows)


@given(places, st.binary(max_size=300))
def test_what_is_sealed_opens_again_in_its_place(place: tuple[str, str, int | str], plaintext: bytes) -> None:
    sealed = VAULT.seal(*place, plaintext)
    assert VAULT.open(*place, sealed) == plaintext
    assert len(sealed) == len(plaintext) + 33


@given(places, places, st.binary(max_size=40))
def test_a_sealed_value_does_not_open_in_another_place(
    place: tuple[str, str, int | str], other: tuple[str, str, int | str], plaintext: bytes
) -> None:
    sealed = VAULT.seal(*place, plaintext)
    if [str(part) for part in place] == [str(part) for part in other]:
        assert VAULT.open(*other, sealed) == plaintext
    else:
        with pytest.raises(SealBrokenError):
            VAULT.open(*other, sealed)


@pytest.mark.parametrize(
    "place",
    [("sealed_name", "sealed", 8), ("sealed_name", "other", 7), ("thread_entry", "sealed", 7)],
    ids=["row", "column", "table"],
)
def test_one_difference_in_the_place_is_enough(place: tuple[str, str, int]) -> None:
    sealed = VAULT.seal("sealed_name", "sealed", 7, b"Ada")
    with pytest.raises(SealBrokenError):
        VAULT.open(*place, sealed)


def test_a_sealed_value_does_not_open_in_another_portal() -> None:
    other = Vault(KEYS, "other.example/ledger", SystemRandom())
    with pytest.raises(SealBrokenError):
        other.open("sealed_name", "sealed", 7, VAULT.seal("sealed_name", "sealed", 7, b"Ada"))


def test_two_places_never_look_alike() -> None:
    with pytest.raises(ValueError, match=r"no \|"):
        VAULT.seal("sealed|name", "sealed", 7, b"")
    with pytest.raises(ValueError, match=r"no \|"):
        VAULT.seal("sealed_name", "sealed", "7|1", b"")


def test_every_flipped_bit_and_every_cut_is_noticed() -> None:
    sealed = VAULT.seal("sealed_name", "sealed", 7, b"Ada Lovelace-Mbeki")
    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        # A flip in the key's id names a key that is not there, or another that does not fit.
        with pytest.raises((SealBrokenError, KeyGoneError)):
            VAULT.open("sealed_name", "sealed", 7, bytes(changed))
    for length in range(len(sealed)):
        with pytest.raises(SealBrokenError):
            VAULT.open("sealed_name", "sealed", 7, sealed[:length])
    with pytest.raises(SealBrokenError):
        VAULT.open("sealed_name", "sealed", 7, sealed + b"\0")


@given(st.binary(max_size=100))
def test_no_other_bytes_open(data: bytes) -> None:
    with pytest.raises((SealBrokenError, KeyGoneError)):
        VAULT.open("sealed_name", "sealed", 7, data)


def test_the_form_is_the_one_written_down() -> None:
    """Opened here with nothing but HMAC and AES-256-GCM, as a stranger with the data key would."""
    sealed = VAULT.seal("sealed_name", "sealed", 7, b"Ada")
    assert sealed[:5] == b"\x01\x00\x00\x00\x02"
    extracted = hmac.digest(bytes(32), KEYS[2], "sha256")
    key = hmac.digest(extracted, PORTAL.encode() + b"|seal\x01", "sha256")
    assert AESGCM(key).decrypt(sealed[5:17], sealed[17:], f"{PORTAL}|sealed_name|sealed|7|2".encode()) == b"Ada"


def test_sealing_many_is_sealing_each() -> None:
    values = [(row, f"name {row}".encode()) for row in range(500)]
    sealed = VAULT.seal_many("sealed_name", "sealed", values)
    assert len({value[5:17] for value in sealed}) == len(values), "a nonce was used twice"
    assert [
        VAULT.open("sealed_name", "sealed", row, value) for (row, _), value in zip(values, sealed, strict=True)
    ] == [plaintext for _, plaintext in values]
    assert VAULT.seal_many("sealed_name", "sealed", []) == []


def test_the_same_text_sealed_twice_looks_different() -> None:
    assert VAULT.seal("a", "b", 1, b"same") != VAULT.seal("a", "b", 1, b"same")


def test_older_keys_open_the_newest_seals_and_a_destroyed_key_is_named() -> None:
    old = Vault({1: KEYS[1]}, PORTAL, SystemRandom()).seal("a", "b", 1, b"kept")
    assert VAULT.open("a", "b", 1, old) == b"kept"
    new = VAULT.seal("a", "b", 1, b"kept")
    with pytest.raises(KeyGoneError, match="data key 2"):
        Vault({1: KEYS[1]}, PORTAL, SystemRandom()).open("a", "b", 1, new)


def test_a_search_finds_the_same_text_and_only_for_its_purpose() -> None:
    assert VAULT.mac("sealed name", "lovelace") == Vault(KEYS, PORTAL, SystemRandom()).mac("sealed name", "lovelace")
    apart = {
        VAULT.mac("sealed name", "lovelace"),
        VAULT.mac("sealed name", "lovelacf"),
        VAULT.mac("verification code", "lovelace"),
        VAULT.mac("sealed name", "lovelace", key=1),
        Vault(KEYS, "other.example/ledger", SystemRandom()).mac("sealed name", "lovelace"),
        hmac.digest(KEYS[2], b"lovelace", "sha256"),
        hashlib.sha256(b"lovelace").digest(),
    }
    assert len(apart) == 7
    assert VAULT.macs("sealed name", "x") == (VAULT.mac("sealed name", "x", 2), VAULT.mac("sealed name", "x", 1))
    with pytest.raises(KeyGoneError):
        VAULT.mac("sealed name", "x", key=3)


def test_macs_of_many_are_those_of_each() -> None:
    texts = ["", "lovelace", "Łučić", "x" * 200]
    assert VAULT.mac_many("sealed name", texts) == [VAULT.mac("sealed name", text) for text in texts]


def test_digests_tell_texts_apart_under_a_key_of_their_own() -> None:
    texts = ["", "lovelace", "lovelacf", "Łučić"]
    made = VAULT.digests("roster users", texts, 16)
    assert made == VAULT.digests("roster users", texts, 16)
    assert [len(each) for each in made] == [16] * 4
    others = (
        Vault({2: KEYS[2]}, "other.example/ledger", SystemRandom()).digests("roster users", texts, 16),
        Vault({2: bytes(32)}, VAULT.portal, SystemRandom()).digests("roster users", texts, 16),
        VAULT.digests("roster orgs", texts, 16),
        [VAULT.mac("roster users", text)[:16] for text in texts],
        [hashlib.blake2b(text.encode(), digest_size=16, key=KEYS[2]).digest() for text in texts],
        [hashlib.blake2b(text.encode(), digest_size=16).digest() for text in texts],
    )
    assert len({*made, *(each for other in others for each in other)}) == 7 * 4


@pytest.mark.parametrize("keys", [{}, {1: b"short"}, {-1: bytes(32)}, {2**32: bytes(32)}])
def test_a_vault_without_proper_keys_is_not_made(keys: dict[int, bytes]) -> None:
    with pytest.raises(ValueError, match="32"):
        Vault(keys, PORTAL, SystemRandom())


@given(st.binary(min_size=32, max_size=32), st.integers(0, 2**32 - 1), st.binary(min_size=32, max_size=32))
def test_a_wrapped_data_key_opens_only_with_its_key_file_row_and_portal(
    key_file: bytes, key: int, data_key: bytes
) -> None:
    wrapped = wrap_data_key(key_file, key, data_key, PORTAL, SystemRandom())
    assert unwrap_data_key(key_file, key, wrapped, PORTAL) == data_key
    other_file = bytes([key_file[0] ^ 1]) + key_file[1:]
    for wrong in [
        (other_file, key, wrapped, PORTAL),
        (key_file, key + 1, wrapped, PORTAL),
        (key_file, key, wrapped, "other.example/ledger"),
        (key_file[:31], key, wrapped, PORTAL),
        (key_file, key, wrapped[:-1], PORTAL),
        (key_file, key, b"", PORTAL),
    ]:
        with pytest.raises(SealBrokenError):
            unwrap_data_key(*wrong)


def test_every_flipped_bit_of_a_wrapped_data_key_is_noticed() -> None:
    wrapped = wrap_data_key(KEYS[1], 1, KEYS[2], PORTAL, SystemRandom())
    for bit in range(len(wrapped) * 8):
        changed = bytearray(wrapped)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealBrokenError):
            unwrap_data_key(KEYS[1], 1, bytes(changed), PORTAL)


def test_a_short_key_file_never_wraps() -> None:
    with pytest.raises(ValueError, match="32"):
        wrap_data_key(bytes(16), 1, KEYS[1], PORTAL, SystemRandom())


def test_broken_seals_end_with_the_exit_code_of_verification() -> None:
    assert issubclass(SealBrokenError, Unverified)
    assert issubclass(KeyGoneError, Unavailable)


def test_the_vault_and_the_key_files_start_without_cryptography() -> None:
    code = "import console.vault, console.keyfiles, console.settings, sys; sys.exit('cryptography' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# The key files


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_data_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "data.key"
    umask = os.umask(0)
    try:
        key = create_data_key(path, SeededRandom(1))
    finally:
        os.umask(umask)
    assert len(key) == 32
    assert read_data_key(path) == key
    assert path.read_bytes() == base64.b64encode(key) + b"\n"
    assert (mode(path), mode(path.parent)) == (0o400, 0o700)
    with pytest.raises(Refused, match="exists already"):
        create_data_key(path, SeededRandom(2))
    assert read_data_key(path) == key
    assert [one.name for one in path.parent.iterdir()] == ["data.key"]


def test_a_signing_key_file_keeps_the_key(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "ledger.key"
    key = create_signing_key(path, PORTAL, SeededRandom(1))
    assert read_signing_key(path) == key
    assert mode(path) == 0o400
    damaged = tmp_path / "keys" / "damaged.key"
    create_secret(damaged, path.read_bytes().replace(b"PRIVATE", b"PRIVATF"))
    with pytest.raises(Refused, match="damaged") as refusal:
        read_signing_key(damaged)
    assert key.encode()[-20:] not in str(refusal.value)


@pytest.mark.parametrize("open_mode", [0o640, 0o604, 0o420, 0o402, 0o410, 0o401])
def test_a_key_that_others_could_have_is_refused(tmp_path: Path, open_mode: int) -> None:
    path = tmp_path / "keys" / "data.key"
    create_data_key(path, SeededRandom(1))
    path.chmod(open_mode)
    with pytest.raises(Refused, match=r"chmod 600"):
        read_data_key(path)


def test_a_key_is_not_put_into_a_folder_that_others_can_open(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    folder.chmod(0o750)
    with pytest.raises(Refused, match=r"chmod 700"):
        create_data_key(folder / "data.key", SeededRandom(1))
    assert list(folder.iterdir()) == []


def test_a_missing_key_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"data key .* is missing.*backup"):
        read_data_key(tmp_path / "none")


def test_a_folder_a_pipe_and_a_huge_file_are_no_keys(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    huge = tmp_path / "huge"
    huge.touch(0o600)
    os.truncate(huge, 1 << 30)
    for path in (tmp_path, pipe, huge):
        with pytest.raises(Refused):
            read_private(path, "data key")
    with pytest.raises(Unavailable):
        read_private(huge / "below", "data key")


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"AAAA\n", b"A" * 44, b"not base64!" * 4, base64.b64encode(bytes(32))[:-2] + b"B=\n"]
)
def test_only_32_bytes_in_strict_base64_are_a_data_key(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "keys" / "data.key"
    create_secret(path, content)
    with pytest.raises(Refused, match="32 bytes"):
        read_data_key(path)


def test_a_password_file_gives_its_one_line(tmp_path: Path) -> None:
    for number, (content, secret) in enumerate([(b"s3cr et\n", "s3cr et"), (b"pass\r\n", "pass"), (b"\xc3\xa9", "é")]):
        path = tmp_path / "keys" / str(number)
        create_secret(path, content)
        assert read_secret(path, "database password") == secret
    for number, content in enumerate([b"", b"\n", b"one\ntwo\n", b"\xff\xfe"]):
        path = tmp_path / "keys" / f"wrong {number}"
        create_secret(path, content)
        with pytest.raises(Refused) as refusal:
            read_secret(path, "database password")
        assert "two" not in str(refusal.value)


def test_one_of_many_makers_makes_the_key(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "data.key"
    outcomes: list[bytes | None] = []
    gate = threading.Barrier(8)

    def make(seed: int) -> None:
        gate.wait()
        try:
            outcomes.append(create_data_key(path, SeededRandom(seed)))
        except Refused:
            outcomes.append(None)

    makers = [threading.Thread(target=make, args=(seed,)) for seed in range(8)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    made = [key for key in outcomes if key]
    assert len(outcomes) == 8
    assert made == [read_data_key(path)]


def test_writing_in_one_step_replaces_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "state"
    write_atomically(path, b"one")
    write_atomically(path, b"two", 0o640)
    assert path.read_bytes() == b"two"
    assert mode(path) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_content(tmp_path: Path) -> None:
    """A full disk, made real by the limit on a file's size in a process of its own."""
    path = tmp_path / "state"
    write_atomically(path, b"old")
    code = (
        "import resource, signal, sys; from pathlib import Path; from console.keyfiles import write_atomically;"
        "from console.errors import Unavailable\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: write_atomically(Path(sys.argv[1]), bytes(5000))\n"
        "except Unavailable as error: print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True)
    assert "nothing was changed" in ran.stdout
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(Unavailable, match="could not be written"):
        write_atomically(tmp_path / "none" / "state", b"new")
