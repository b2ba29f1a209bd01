"""Whole runs with a sealed lockfile: nothing but the key's owner reads it, and no run shows the key."""

import base64
import json

import pytest

from tests.e2e.command import Result, Workplace
from tests.e2e.proxy import Proxy
from tests.e2e.test_interrupted import gate
from tests.e2e.world import World, configuration, group

KEY = base64.b64encode(b"a key of thirty-two bytes, no less"[:32]).decode()
OTHER = base64.b64encode(b"another key, and as long as that one"[:32]).decode()
WORDS = "correct horse battery staple"
IDS = ("ana", "ben", "cleo")
CONFIGURATION = configuration(group("one", ["ana", "ben"]), group("two", ["cleo"]))


@pytest.fixture
def plain(work: Workplace, world: World) -> Workplace:
    """Two groups of ours in a plain lockfile."""
    work.configure(CONFIGURATION)
    done(work.apply())
    return work


@pytest.fixture
def sealed(work: Workplace, world: World) -> Workplace:
    """The same, sealed from the first apply on, with the key in the environment."""
    work.configure(CONFIGURATION)
    work.more["RECONCILER_STATE_KEY"] = KEY
    done(work.apply())
    return work


def done(result: Result) -> Result:
    """It went well, and showed no secret."""
    assert result.code == 0, result.everything
    assert not any(secret in result.everything for secret in (KEY, OTHER, WORDS))
    return result


def refused(result: Result, *parts: str) -> None:
    """It ended with 1 and these words, without a traceback and without a secret."""
    assert result.code == 1, result.everything
    assert all(part in result.err for part in parts), result.err
    assert not any(word in result.everything for word in ("Traceback", "a bug in", KEY, OTHER, WORDS))


def written(work: Workplace, *names: str) -> bytes:
    """What stands in the lockfile and its backup, or in other files."""
    files = [work.folder / name for name in names or ("reconciler.lock", "reconciler.lock.backup")]
    return b"".join(file.read_bytes() for file in files)


def test_whole_runs(sealed: Workplace, world: World) -> None:
    """Apply, plan, drift and state work as ever, and neither the lockfile nor its backup names anybody."""
    done(sealed.run("plan", "--detailed-exitcode"))
    world.remove("one", "ana")
    assert "acmeprod/one/ana" in done(sealed.run("drift")).out
    assert "acmeprod/one/ben" in done(sealed.run("state", "list")).out
    assert '"ben"' in done(sealed.run("state", "show", "acmeprod/one")).out
    assert done(sealed.apply()).code == 0
    assert world.members("one") == {"ana", "ben"}
    done(sealed.run("state", "forget", "acmeprod/two"))
    done(sealed.run("doctor"))
    text = written(sealed)
    assert not any(word in text for word in (b'"ana"', b'"ben"', b'"cleo"', b"acmeprod", b"EMPLOYEE", KEY.encode()))
    assert sealed.lockfile["serial"] > 1
    assert sealed.lockfile["sealed"] == 1


def test_a_saved_plan(sealed: Workplace, world: World) -> None:
    """It is for one lockfile of one serial, sealed or not."""
    sealed.configure(configuration(group("one", ["ana"]), group("two", ["cleo"])))
    done(sealed.run("plan", "-o", "change.plan"))
    done(sealed.run("apply", "change.plan"))
    assert world.members("one") == {"ana"}
    done(sealed.run("plan", "--detailed-exitcode"))


def test_without_the_key_nothing_is_done(sealed: Workplace, world: World) -> None:
    """No key, an empty one, another one: each command says which key is needed, and asks the service for nothing."""
    before = written(sealed)
    world.clear()
    del sealed.more["RECONCILER_STATE_KEY"]
    for command in (("plan",), ("drift",), ("state", "list"), ("apply", "--auto-approve")):
        refused(sealed.run(*command), "is sealed with key", "RECONCILER_STATE_KEY", "RECONCILER_STATE_PASSPHRASE_FILE")
        refused(sealed.run(*command, RECONCILER_STATE_KEY=OTHER), "is sealed with key", "RECONCILER_STATE_KEY is")
        refused(sealed.run(*command, RECONCILER_STATE_KEY=""), "RECONCILER_STATE_KEY is empty")
    assert written(sealed) == before
    assert world.writes == []


def test_a_plain_lockfile_is_not_taken(plain: Workplace, world: World) -> None:
    """Where a key is set somebody else may have put it there, with members in it who would be removed."""
    before = written(plain)
    for command in (("plan",), ("state", "list"), ("apply", "--auto-approve"), ("state", "forget", "acmeprod/two")):
        refused(plain.run(*command, RECONCILER_STATE_KEY=KEY), "is not sealed", "`reconciler state encrypt`")
    assert written(plain) == before


def test_encrypt_and_decrypt(plain: Workplace, world: World) -> None:
    """There and back: the same lockfile each time, one serial later, and each tells what to do next."""
    before = plain.lockfile
    key = {"RECONCILER_STATE_KEY": KEY}
    said = done(plain.run("state", "encrypt", **key)).err
    assert "Sealed file:" in said
    assert "still plain wherever it is kept" in said
    assert plain.lockfile["serial"] == before["serial"] + 1
    assert not any(f'"{user}"'.encode() in written(plain, "reconciler.lock") for user in IDS)
    assert "nothing to do" in done(plain.run("state", "encrypt", **key)).err
    assert plain.lockfile["serial"] == before["serial"] + 1
    done(plain.run("plan", "--detailed-exitcode", **key))
    said = done(plain.run("state", "decrypt", **key)).err
    assert "Unset RECONCILER_STATE_KEY" in said
    after = plain.lockfile
    assert (after["tenants"], after["lineage"], after["serial"]) == (
        before["tenants"], before["lineage"], before["serial"] + 2,
    )  # fmt: skip
    assert "nothing to do" in done(plain.run("state", "decrypt", **key)).err
    done(plain.run("plan", "--detailed-exitcode"))


def test_a_tampered_lockfile_is_not_encrypted_nor_decrypted(sealed: Workplace) -> None:
    """The allowance is for plain ones, not for damage."""
    path = sealed.folder / "reconciler.lock"
    path.write_bytes(path.read_bytes().replace(b'"serial": ', b'"serial": 1'))
    for command in ("encrypt", "decrypt"):
        refused(sealed.run("state", command), "changed after it was sealed")


def test_a_key_is_replaced(sealed: Workplace) -> None:
    """By the next write with the old one at hand, or at once by ``encrypt``; then the old key is of no use."""
    rotating = {"RECONCILER_STATE_KEY": OTHER, "RECONCILER_STATE_OLD_KEY": KEY}
    done(sealed.run("plan", "--detailed-exitcode", **rotating))
    first = sealed.lockfile
    said = done(sealed.run("state", "encrypt", **rotating)).err
    assert "still plain" not in said
    assert sealed.lockfile["key"] != first["key"]
    done(sealed.run("plan", "--detailed-exitcode", RECONCILER_STATE_KEY=OTHER))
    refused(sealed.run("plan"), f"sealed with key {sealed.lockfile['key']}, and RECONCILER_STATE_KEY is {first['key']}")
    sealed.configure(configuration(group("one", ["ana"])))
    back = {"RECONCILER_STATE_KEY": KEY, "RECONCILER_STATE_OLD_KEY": OTHER}
    done(sealed.apply(**back))
    assert sealed.lockfile["key"] == first["key"]


def test_a_passphrase_in_a_file(work: Workplace, world: World) -> None:
    """From the first apply on, over two runs that make one and the same key."""
    (work.folder / "words").write_text(f"{WORDS}\n")
    work.more["RECONCILER_STATE_PASSPHRASE_FILE"] = "words"
    work.configure(CONFIGURATION)
    done(work.apply())
    first = work.lockfile
    work.configure(configuration(group("one", ["ana"])))
    done(work.apply())
    assert (work.lockfile["key"], work.lockfile["kdf"]) == (first["key"], first["kdf"])
    done(work.run("plan", "--detailed-exitcode"))
    assert not any(f'"{user}"'.encode() in written(work) for user in IDS)


def test_keys_that_are_none(plain: Workplace) -> None:
    """Two at once, a typo, a file that is not there: told before anything is read."""
    refused(
        plain.run("plan", RECONCILER_STATE_KEY=KEY, RECONCILER_STATE_PASSPHRASE_FILE="words"),
        "RECONCILER_STATE_KEY and RECONCILER_STATE_PASSPHRASE_FILE are both set",
    )
    typo = KEY[:-4]
    result = plain.run("plan", RECONCILER_STATE_KEY=typo)
    refused(result, "RECONCILER_STATE_KEY is not 32 bytes in base64")
    assert typo not in result.everything
    refused(plain.run("plan", RECONCILER_STATE_PASSPHRASE_FILE=WORDS), "RECONCILER_STATE_PASSPHRASE_FILE names")
    for command in ("encrypt", "decrypt"):
        refused(plain.run("state", command), "there is no key", "openssl rand -base64 32")


def test_nothing_to_encrypt(work: Workplace) -> None:
    """An empty place is told, and stays empty."""
    work.configure(CONFIGURATION)
    for command in ("encrypt", "decrypt"):
        refused(work.run("state", command, RECONCILER_STATE_KEY=KEY), "there is no lockfile")
    assert work.files == ["reconciler.yaml"]


def test_a_rehearsal_is_never_sealed(plain: Workplace) -> None:
    """Its own lockfile stays plain whatever the environment says, so that it works without any key too."""
    done(plain.run("--sandbox", "apply", "--auto-approve", RECONCILER_STATE_KEY=KEY))
    done(plain.run("--sandbox", "plan", "--detailed-exitcode"))
    lockfile = json.loads((plain.folder / ".reconciler" / "sandbox.lock").read_bytes())
    assert lockfile["tenants"]
    refused(plain.run("--sandbox", "state", "encrypt", RECONCILER_STATE_KEY=KEY), "leave --sandbox out")


def test_what_can_not_be_written_is_kept_sealed(sealed: Workplace, between: Proxy, world: World) -> None:
    """The lockfile was replaced during an apply: what it did is kept beside it, for the same key and no other."""
    sealed.configure(configuration(group("one", ["ana", "ben", "dan"]), group("two", ["cleo"])))
    path = sealed.folder / "reconciler.lock"
    earlier = path.read_bytes()
    with gate(between, lambda request: request.writes) as held, sealed.start("apply", "--auto-approve") as running:
        held.wait_for(1)
        path.write_bytes(earlier)
        held.is_open.set()
        assert running.end().code == 4
    (kept,) = sealed.folder.glob("unsaved-*.lock")
    assert b'"dan"' not in kept.read_bytes()
    listed = sealed.run("--state", f"file:{kept.name}", "state", "list")
    assert "acmeprod/one/dan" in done(listed).out
    refused(
        sealed.run("--state", f"file:{kept.name}", "state", "list", RECONCILER_STATE_KEY=OTHER), "is sealed with key"
    )
