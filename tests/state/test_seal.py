"""The seal: who has the key reads what was written, and nobody else reads or changes anything."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from reconciler.diagnostics import StateError
from reconciler.state import Lockfile, Seal, Store, decode, encode, new, open_backend
from reconciler.state.keys import KEY, OLD_KEY, OLD_PASSPHRASE_FILE, PASSPHRASE_FILE
from reconciler.state.lockfile import Header, peek
from reconciler.state.seal import PLAIN, SEALED
from tests.state.test_lockfile import EXAMPLE, lockfiles, refused

SECRET = bytes(range(100, 132))
RANDOM = base64.b64encode(SECRET).decode()
OTHER = base64.b64encode(bytes(range(32))).decode()
SEAL = Seal.of({KEY: RANDOM})
SMALL = replace(new("one"), serial=7, written_by="ana b@laptop", written_at="2026-11-23T10:00:00Z")
WORDS = "correct horse battery staple"


def changed(data: bytes, old: str, new: str) -> bytes:
    """An envelope after somebody's edit."""
    assert old.encode() in data
    return data.replace(old.encode(), new.encode(), 1)


def signed(head: bytes, lockfile: Lockfile) -> bytes:
    """An envelope that somebody who has the key made by other means than ours."""
    nonce = base64.b64decode(json.loads(head + b"}")["nonce"])
    ciphertext = base64.b64encode(AESGCM(SECRET).encrypt(nonce, encode(lockfile), head))
    return head + b',\n  "ciphertext": "' + ciphertext + b'"\n}\n'


def head_of(data: bytes) -> bytes:
    """What stands in the clear."""
    return data[: data.index(b',\n  "ciphertext"')]


@contextmanager
def wrong(*parts: str, never: tuple[str, ...] = (RANDOM, OTHER, WORDS)) -> Iterator[None]:
    """A StateError with these words in it and a way out, which repeats no secret."""
    with pytest.raises(StateError) as caught:
        yield
    message = f"{caught.value} {caught.value.remedy} {caught.value!r}"
    assert all(part in message for part in parts), message
    assert not any(secret in message for secret in never)
    assert caught.value.remedy


@given(lockfiles)
def test_what_is_sealed_is_opened(lockfile: Lockfile) -> None:
    """Whatever stands in it; and without the key it tells only which lockfile it is and who wrote it when."""
    data = SEAL.encode(lockfile)
    assert SEAL.decode(data, "L") == lockfile
    told = Header(lockfile.lineage, lockfile.serial, lockfile.written_by, lockfile.written_at, sealed=1)
    assert peek(data) == told


def test_what_stands_in_the_clear() -> None:
    """Exactly this, whatever is in the lockfile; servers of other makers read the serial."""
    found = json.loads(SEAL.encode(EXAMPLE))
    assert {name: value for name, value in found.items() if name not in {"nonce", "ciphertext"}} == {
        "sealed": SEALED,
        "lineage": EXAMPLE.lineage,
        "serial": 7,
        "writtenBy": "ana@laptop",
        "writtenAt": "2026-11-23T10:00:00Z",
        "cipher": "AES-256-GCM",
        "key": "e3e16780",
    }


def test_the_envelope_is_pinned() -> None:
    """What the first version wrote is read by every later one; it was made by this cipher, not by this code."""
    head = (
        b'{\n  "sealed": 1,\n  "lineage": "one",\n  "serial": 7,\n  "writtenBy": "ana b@laptop",\n'
        b'  "writtenAt": "2026-11-23T10:00:00Z",\n  "cipher": "AES-256-GCM",\n  "key": "e3e16780",\n'
        b'  "nonce": "MDEyMzQ1Njc4OWFi"'
    )
    assert SEAL.decode(signed(head, SMALL), "L") == SMALL


def test_no_two_writes_are_equal() -> None:
    """A nonce that is used twice gives the key's work away."""
    nonces = {json.loads(SEAL.encode(SMALL))["nonce"] for _ in range(100)}
    assert len(nonces) == 100


def test_no_bit_can_be_flipped() -> None:
    """Each bit of a small envelope, the clear text, the white space and the padding included."""
    data = SEAL.encode(SMALL)
    for place in range(len(data)):
        for bit in range(8):
            damaged = data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]
            with pytest.raises(StateError):
                SEAL.decode(damaged, "L")


def test_nothing_can_be_left_out() -> None:
    """Each byte, and each end, but for white space between the parts, which a checkout may change."""
    data = SEAL.encode(SMALL)
    for place in range(len(data)):
        shorter = data[:place] + data[place + 1 :]
        if data[place : place + 1].isspace() and json.loads(shorter) == json.loads(data):
            assert SEAL.decode(shorter, "L") == SMALL
        else:
            with pytest.raises(StateError):
                SEAL.decode(shorter, "L")
        if place < len(data) - 1:
            with pytest.raises(StateError):
                SEAL.decode(data[:place], "L")


@given(st.data(), st.binary(max_size=4))
def test_damage_is_never_a_traceback(data: st.DataObject, bytes_: bytes) -> None:
    """Whatever overwrites or is put into an envelope, it is refused in words or still means the same."""
    sealed = SEAL.encode(SMALL)
    place, cut = data.draw(st.integers(0, len(sealed))), data.draw(st.integers(0, 4))
    try:
        assert SEAL.decode(sealed[:place] + bytes_ + sealed[place + cut :], "L") == SMALL
    except StateError as error:
        assert error.remedy


@given(st.binary(max_size=50))
def test_garbage_is_never_a_traceback(data: bytes) -> None:
    """Nothing that was made by chance is opened."""
    with pytest.raises(StateError):
        SEAL.decode(data, "L")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"serial": 7', '"serial": 8', "changed after it was sealed"),
        ('"lineage": "one"', '"lineage": "two"', "changed after it was sealed"),
        ('"writtenBy": "ana b@', '"writtenBy": "eve@', "changed after it was sealed"),
        ('"writtenAt": "2026', '"writtenAt": "2027', "changed after it was sealed"),
        ('"serial": 7,', '"serial": 7, "serial": 7,', "changed after it was sealed"),
        ('"serial": 7,', '"serial": 7, "kdf": null,', "changed after it was sealed"),
        ('"serial": 7,', '"serial": 7, "more": 7,', "unknown field"),
        ('"cipher": "AES-256-GCM"', '"cipher": "none"', "cipher"),
        ('"key": "e3e16780"', '"key": "e3e16781"', f"sealed with key e3e16781, and {KEY} is e3e16780"),
        ('"key": "e3e16780"', '"key": "\\u001b[2J"', "key"),
        ('"nonce": "', '"nonce": "AAAA', "nonce"),
        ('"ciphertext": "', '"ciphertext": "!', "base64"),
        ('"ciphertext": "', '"ciphertext": "AAAA', "changed after it was sealed"),
        ('"ciphertext": "', '"ciphertext": "", "was": "', "changed after it was sealed|unknown field"),
        ('"sealed": 1', '"sealed": 2', "version 2 of the seal"),
        ('"sealed": 1', '"sealed": 0', "version 0 of the seal"),
        ('"sealed": 1', '"sealed": "1"', "sealed"),
        ('"sealed": 1,', "", "is not sealed"),
        ('"sealed": 1', '"format": 1', "is not sealed"),
    ],
)
def test_a_change_is_told(old: str, new: str, says: str) -> None:
    """What stands in the clear belongs to what does not, and nothing else may stand there."""
    with pytest.raises(StateError, match=says.replace("(", r"\(")) as caught:
        SEAL.decode(changed(SEAL.encode(SMALL), old, new), "L")
    assert str(caught.value).startswith("L ")
    assert caught.value.remedy


def test_the_content_of_another_envelope_is_refused() -> None:
    """An older content under a newer serial, both sealed with this key."""
    older, newer = SEAL.encode(SMALL), SEAL.encode(replace(SMALL, serial=8))
    tail = older[len(head_of(older)) :]
    with refused("changed after it was sealed"):
        SEAL.decode(head_of(newer) + tail, "L")


@pytest.mark.parametrize("inner", [replace(SMALL, serial=6), replace(SMALL, lineage="two")])
def test_the_lockfile_inside_is_the_one_outside(inner: Lockfile) -> None:
    """Even who has the key can't make servers and readers see two different lockfiles."""
    with refused("another lockfile"):
        SEAL.decode(signed(head_of(SEAL.encode(SMALL)), inner), "L")


def test_what_is_inside_is_checked_like_any_lockfile() -> None:
    """A newer format is refused by its number, and damage by its place."""
    data = SEAL.encode(SMALL)
    head = head_of(data)
    nonce = base64.b64decode(json.loads(data)["nonce"])
    text = base64.b64encode(AESGCM(SECRET).encrypt(nonce, b'{"format": 9}', head))
    with refused("format 9"):
        SEAL.decode(head + b',\n  "ciphertext": "' + text + b'"\n}\n', "L")


def test_white_space_means_nothing() -> None:
    """A checkout with carriage returns or another tool's pretty printing breaks no seal."""
    data = SEAL.encode(SMALL)
    assert SEAL.decode(data.replace(b"\n", b"\r\n"), "L") == SMALL
    assert SEAL.decode(msgspec.json.format(data, indent=0), "L") == SMALL
    assert SEAL.decode(msgspec.json.format(data, indent=-1), "L") == SMALL
    assert SEAL.decode(data + b"\n", "L") == SMALL


def test_a_merge_conflict_is_told_as_one() -> None:
    """Git can't merge two sealed lockfiles, and its markers are no base64."""
    ours, theirs = SEAL.encode(SMALL), SEAL.encode(replace(SMALL, serial=8))
    with refused("unresolved merge conflict", at=(1, 1)):
        SEAL.decode(b"<<<<<<< HEAD\n" + ours + b"=======\n" + theirs + b">>>>>>> topic\n", "L")


def test_another_key_is_told_by_its_id() -> None:
    """Which key it needs and which it got, so that somebody with many finds the right one."""
    data = SEAL.encode(SMALL)
    with wrong("L is sealed with key e3e16780", f"{KEY} is 630dcd29"):
        Seal.of({KEY: OTHER}).decode(data, "L")


def test_a_sealed_lockfile_needs_a_key() -> None:
    """The message names the variables and the key."""
    with wrong("L is sealed with key e3e16780", KEY, PASSPHRASE_FILE):
        PLAIN.decode(SEAL.encode(SMALL), "L")


def test_a_plain_lockfile_is_refused_where_a_key_is_set() -> None:
    """Or who may write the file could put one there; one command takes it, and says so in its name."""
    with wrong("L is not sealed", KEY, "`reconciler state encrypt`"):
        SEAL.decode(encode(SMALL), "L")
    assert SEAL.or_plain().decode(encode(SMALL), "L") == SMALL
    assert SEAL.or_plain().decode(SEAL.encode(SMALL), "L") == SMALL


def test_without_a_key_nothing_changes() -> None:
    """The plain form is what it was, byte for byte, even with the word in it."""
    assert Seal.of({}) == PLAIN
    assert PLAIN.encode(EXAMPLE) == encode(EXAMPLE)
    odd = replace(EXAMPLE, lineage="sealed")
    assert PLAIN.decode(encode(odd), "L") == odd


def test_a_seal_can_be_broken() -> None:
    """It reads what it read, and plain ones, and writes plain."""
    broken = SEAL.broken()
    assert broken.decode(SEAL.encode(SMALL), "L") == SMALL
    assert decode(broken.encode(SMALL), "L") == SMALL


def test_rotation() -> None:
    """What the old key sealed is read with it and written with the new one; then the old key has no more use."""
    rotating = Seal.of({KEY: OTHER, OLD_KEY: RANDOM})
    old = SEAL.encode(SMALL)
    assert rotating.decode(old, "L") == SMALL
    fresh = rotating.encode(SMALL)
    assert Seal.of({KEY: OTHER}).decode(fresh, "L") == SMALL
    assert rotating.decode(fresh, "L") == SMALL
    assert (rotating.has_form_of(old), rotating.has_form_of(fresh)) == (False, True)
    with wrong("sealed with key 630dcd29", f"{KEY} is e3e16780 and {OLD_KEY} is e3e16780"):
        Seal.of({KEY: RANDOM, OLD_KEY: RANDOM}).decode(fresh, "L")


def test_forms_are_told_apart() -> None:
    """So that nothing is written that is already as it would be."""
    plain, sealed = encode(SMALL), SEAL.encode(SMALL)
    assert (PLAIN.has_form_of(plain), PLAIN.has_form_of(sealed)) == (True, False)
    assert (SEAL.has_form_of(plain), SEAL.has_form_of(sealed)) == (False, True)


def test_no_secret_in_what_is_printed(words: str) -> None:
    """A traceback or a debugger's view of a store shows the variables only."""
    seals = [Seal.of({KEY: RANDOM, OLD_KEY: OTHER}), Seal.of({KEY: RANDOM, OLD_PASSPHRASE_FILE: words})]
    for seal in seals:
        shown = f"{seal} {seal!r} {Store(open_backend('x.lock'), seal)!r} {seal.writes} {seal.reads}"
        assert KEY in shown
        assert not any(secret in shown for secret in (RANDOM, OTHER, WORDS, repr(SECRET), SECRET.hex()))


def test_a_sealed_place(tmp_path: Path) -> None:
    """History and rescued lockfiles are sealed like the lockfile, and read back like it."""
    store = Store(open_backend(str(tmp_path / "a.lock")), SEAL)
    first, second = replace(EXAMPLE, serial=1), replace(EXAMPLE, serial=2)
    version = store.save(first, None)
    assert store.load() == (first, version)
    store.save(second, version)
    assert [store.decode(data) for data in store.history()] == [first]
    kept = store.rescue(second, tmp_path)
    assert store.decode(kept.read_bytes(), str(kept)) == second
    for path in tmp_path.iterdir():
        assert b"00u4ukqvzlEP31sCk417" not in path.read_bytes()
        assert b"catalog-managers" not in path.read_bytes()


def test_the_loser_of_a_race_is_told_who_won(tmp_path: Path) -> None:
    """Author and serial stand in the clear, so that no key is needed to tell them."""
    url = str(tmp_path / "a.lock")
    Store(open_backend(url), SEAL).save(SMALL, None)
    with wrong("by ana b@laptop at 2026-11-23T10:00:00Z (serial 7)"):
        Store(open_backend(url), Seal.of({KEY: OTHER})).save(SMALL, None)
