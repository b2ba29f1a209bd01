"""The audit file at every place: lines are appended whole, behind whatever is there, by however many writers."""

import base64
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reconciler.diagnostics import LockHeld, StateError
from reconciler.state import LockInfo, Seal
from reconciler.state.audit import Audit, open_audit
from reconciler.state.audit_file import BLOCK, AuditFile
from reconciler.state.places import beside, is_same
from tests.state.place_http import HttpPlace, environment
from tests.state.places import Place

NOT_OURS = b'{"lineage":"l","serial":7}\n'


def number(text: bytes) -> int | None:
    """Lines of this test are numbers, padded to any length."""
    return int(text) if text.strip().isdigit() else None


def following(size: int = 1) -> Callable[[int | None], bytes]:
    return lambda last: b"%*d\n" % (size, (last or 0) + 1)


def numbers(audit: Audit) -> list[int]:
    assert not any(line.flaw for line in audit.lines())
    return [int(line.text) for line in audit.lines()]


def at(place: Place, **more: object) -> Audit:
    """One more client of the place."""
    return open_audit(place.url, **{"lease": place.lease, **more})  # type: ignore[arg-type]


def content(place: Place) -> bytes:
    """What is there, but for the end of the document that some places want."""
    stored = place.open().read()
    return stored.data.partition(b'\n],"serial"')[0] if stored else b""


def test_lines_follow_one_another_and_stay(place: Place) -> None:
    """Whoever looked before somebody else appended goes on behind that; nothing that is there is written otherwise."""
    one, two = at(place), at(place)
    assert not one.exists()
    with pytest.raises(StateError, match="there is no audit file"):
        list(one.lines())
    before = b""
    for expected, writer in enumerate((one, two, one, one, two), 1):
        one.check(number)
        two.check(number)
        written, was_torn = writer.append(number, following())
        assert (int(written), was_torn) == (expected, False)
        assert content(place).startswith(before)
        before = content(place)
    assert at(place).exists()
    assert numbers(at(place)) == [1, 2, 3, 4, 5]
    assert place.remnants() == set()


def test_writers_at_once(place: Place) -> None:
    """Two lockfiles may share one audit file: each line follows the one that really is the last."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: at(place).append(number, following()), range(8)))
    assert numbers(at(place)) == list(range(1, 9))


def test_what_has_no_line_of_ours_is_left_alone(place: Place) -> None:
    """It is somebody else's, such as a lockfile, or nothing of it is left: a chain can't begin there."""
    place.put(NOT_OURS)
    for act in (lambda: at(place).check(number), lambda: at(place).append(number, following())):
        with pytest.raises(StateError, match="has no record of an apply in it"):
            act()
    assert content(place) == NOT_OURS


@pytest.mark.needs("rights")
def test_who_may_only_read_learns_it_before(place: Place) -> None:
    """The check alone refuses, so that nothing begins whose record could not be written."""
    at(place).append(number, following())
    with place.readable_only():
        assert numbers(at(place)) == [1]
        with pytest.raises(StateError):
            at(place).check(number)


def test_who_appends_is_waited_for_and_told(place: Place) -> None:
    """A lock that does not go is told as every held lock; a file's is the system's and waits by itself."""
    if place.url.startswith("file:"):
        return
    told: list[LockInfo] = []
    with place.open().lock(LockInfo.mine("append")), pytest.raises(LockHeld):
        at(place, lease=0.2, on_wait=told.append).check(number)
    assert len(told) == 1
    at(place).check(number)


def test_a_server_that_takes_only_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    """GitLab's reads a serial that must grow in what it is sent; what is no such document is not ours."""
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    place = HttpPlace()
    audit = at(place)
    for serial in (1, 2, 3):
        audit.append(number, following())
        found = json.loads(place.server.state.content or b"")
        assert (found["records"], found["serial"]) == (list(range(1, serial + 1)), serial)
    for wrong in (b"1\n2\n", b'{"audit":1,"records":[\n1\n', b'{"serial":1}'):
        place.put(wrong)
        with pytest.raises(StateError, match="has no record of an apply in it"):
            at(place).check(number)
    place.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.jsonl"


@pytest.fixture
def audit(tmp_path: Path) -> AuditFile:
    path = tmp_path / "new" / "a.jsonl"
    return AuditFile(f"file:{path}", path)


@pytest.mark.parametrize("size", [1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_lines_of_any_length_follow_one_another(audit: AuditFile, size: int) -> None:
    """The last one is found however far from the end it begins."""
    audit.check(number)
    for expected in (1, 2, 3):
        written, was_torn = audit.append(number, following(size))
        assert (int(written), was_torn) == (expected, False)
        audit.check(number)
    assert list(map(int, audit.lines())) == [1, 2, 3]


@pytest.mark.parametrize(
    ("there", "after"),
    [
        (b"1\n2", b"1\n2\n3\n"),
        (b"1\n2\n{to", b"1\n2\n{to\n3\n"),
        (b"1\n{to\n\n", b"1\n{to\n\n2\n"),
        (b"", b"1\n"),
    ],
)
def test_what_is_torn_stays_and_gets_a_line_of_its_own(audit: AuditFile, there: bytes, after: bytes) -> None:
    """Nothing that is there is ever changed."""
    audit.path.parent.mkdir()
    audit.path.write_bytes(there)
    assert audit.append(number, following())[1] is bool(there and not there.endswith(b"\n"))
    assert audit.path.read_bytes() == after


@pytest.mark.parametrize("there", [b"{torn", b"something else\n", b"\n"])
def test_a_file_that_has_no_line_of_ours_is_left_alone(audit: AuditFile, there: bytes) -> None:
    """As every other place."""
    audit.path.parent.mkdir()
    audit.path.write_bytes(there)
    for act in (lambda: audit.check(number), lambda: audit.append(number, following())):
        with pytest.raises(StateError, match="has no record of an apply in it"):
            act()
    assert audit.path.read_bytes() == there


def test_what_is_no_file(audit: AuditFile, tmp_path: Path) -> None:
    """A pipe, whose reader or writer would be waited for, and a folder that is none."""
    audit.path.parent.mkdir()
    os.mkfifo(audit.path)
    for act in (lambda: audit.check(number), lambda: list(audit.lines())):
        with pytest.raises(StateError, match="is not a file"):
            act()
    (tmp_path / "text").touch()
    below = open_audit(f"{tmp_path}/text/a.jsonl")
    with pytest.raises(StateError, match="can't append to"):
        below.check(number)
    with pytest.raises(StateError, match="there is no audit file"):
        list(below.lines())


@pytest.mark.parametrize("url", ["s3://bucket", "https://u:geheim@h/a", "postgresql:h", "ftp:geheim"])
def test_places_that_are_none(url: str) -> None:
    """Refused without a request, and what stands in the URL is not repeated."""
    with pytest.raises(StateError) as refused:
        open_audit(url)
    assert "geheim" not in refused.value.message + refused.value.remedy


def sealing(number: int, *more: int) -> Seal:
    """Seals with the key of this number, and opens the lines of the next one too."""
    keys = [base64.b64encode(bytes([each]) * 32).decode() for each in (number, *more)]
    return Seal.of(dict(zip(("RECONCILER_STATE_KEY", "RECONCILER_STATE_OLD_KEY"), keys, strict=False)))


def test_sealed_lines(path: Path) -> None:
    """Plain ones stay as they are, those behind them are read with their keys only, and nothing of them is told."""
    open_audit(str(path)).append(number, following(100))
    sealed = open_audit(str(path), sealing(1))
    for expected in (2, 3):
        sealed.check(number)
        assert int(sealed.append(number, following(100))[0]) == expected
    assert numbers(sealed) == [1, 2, 3]
    first, *rest = path.read_bytes().splitlines(keepends=True)
    assert int(first) == 1
    assert [sorted(json.loads(line)) for line in rest] == [["cipher", "ciphertext", "key", "nonce", "sealed"]] * 2
    for seal, says in ((Seal(), "neither RECONCILER_STATE_KEY nor"), (sealing(2), "RECONCILER_STATE_KEY is")):
        other = open_audit(str(path), seal)
        with pytest.raises(StateError, match=says):
            list(other.lines())
        with pytest.raises(StateError, match=says):
            other.check(number)
        with pytest.raises(StateError, match=says):
            other.append(number, following())
    assert int(open_audit(str(path), sealing(2, 1)).append(number, following())[0]) == 4
    open_audit(str(path), sealing(2)).check(number)
    assert numbers(open_audit(str(path), sealing(2, 1))) == [1, 2, 3, 4]


@pytest.mark.parametrize("there", [b"\n", b"", b"\r\n"])
def test_line_ends_of_sealed_lines_are_kept(path: Path, there: bytes) -> None:
    """Where a checkout changed them, or one is missing, that shows as it does in plain ones."""
    audit = open_audit(str(path), sealing(1))
    audit.append(number, following())
    path.write_bytes(path.read_bytes().rstrip(b"\n") + there)
    assert [line.text for line in audit.lines()] == [b"1" + there]
    assert int(audit.append(number, following())[0]) == 2


def test_sealed_lines_that_were_changed(path: Path) -> None:
    """By any byte, by another spelling, or torn: told, never taken for a record, and appended behind."""
    audit = open_audit(str(path), sealing(1))
    for _ in range(3):
        audit.append(number, following())
    first, second, third = path.read_bytes().splitlines(keepends=True)
    spelled = third.replace(b":", b": ")
    longer = third.replace(b'"cipher"', b'"more":1,"cipher"')
    for wrong in (third[:-9] + b"A" + third[-8:], third[:50], spelled, longer, third.replace(b"AES-256", b"AES-128")):
        path.write_bytes(first + second + wrong)
        *good, bad = audit.lines()
        assert [int(line.text) for line in good] == [1, 2]
        assert "was changed after it was sealed" in bad.flaw
        assert int(audit.append(number, following())[0]) == 3
        assert path.read_bytes().startswith(first + second + wrong)
    path.write_bytes(third.replace(b'"sealed":1', b'"sealed":2'))
    with pytest.raises(StateError, match="version 2 of the seal"):
        list(audit.lines())


def test_a_plain_line_behind_a_sealed_one_is_told(path: Path) -> None:
    """Who has no key could have written it, knowing only the hash that an apply tells."""
    audit = open_audit(str(path), sealing(1))
    audit.append(number, following())
    path.write_bytes(path.read_bytes() + b"2\n")
    audit.append(number, following())
    assert ["not sealed" in line.flaw for line in audit.lines()] == [False, True, False]


@pytest.mark.parametrize(
    ("lockfile", "audit"),
    [
        ("file:/a/reconciler.lock", "file:/a/reconciler.audit.jsonl"),
        ("access/state", "access/state.audit.jsonl"),
        ("s3://bucket/a/x.lock", "s3://bucket/a/x.audit.jsonl"),
        ("https://host/api/v4/projects/1/terraform/state/x", "https://host/api/v4/projects/1/terraform/state/x-audit"),
        ("https://me@host/state?project=1", "https://me@host/state-audit?project=1"),
        ("postgresql://host/db", "postgresql://host/db#reconciler.audit"),
        ("postgresql://host/db#acme", "postgresql://host/db#acme.audit"),
    ],
)
def test_beside_the_lockfile(lockfile: str, audit: str) -> None:
    """A place of the same kind, which is another one."""
    assert beside(lockfile) == audit
    assert not is_same(lockfile, audit)
    assert open_audit(audit, lockfile=lockfile).url == audit


def test_the_same_place(tmp_path: Path) -> None:
    """However a file is named."""
    (tmp_path / "link").symlink_to(tmp_path / "a.lock")
    assert is_same(f"file:{tmp_path}/link", f"{tmp_path}/x/../a.lock")
    assert is_same("s3://b/k", "s3://b/k")
    assert not is_same("s3://b/k", str(tmp_path))
