"""The audit file as bytes: lines are appended whole, behind whatever is there, from as many writers as there are."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reconciler.diagnostics import StateError
from reconciler.state.audit import BLOCK, AuditFile, open_audit


def number(text: bytes) -> int | None:
    """Lines of this test are numbers, padded to any length."""
    return int(text) if text.strip().isdigit() else None


def following(size: int = 1) -> Callable[[int | None], bytes]:
    return lambda last: b"%*d\n" % (size, (last or 0) + 1)


@pytest.fixture
def audit(tmp_path: Path) -> AuditFile:
    return open_audit(f"file:{tmp_path / 'new' / 'a.jsonl'}")


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
def test_what_has_no_line_of_ours_is_left_alone(audit: AuditFile, there: bytes) -> None:
    """It is somebody else's file, or nothing of it is left: a chain can't begin there."""
    audit.path.parent.mkdir()
    audit.path.write_bytes(there)
    for act in (lambda: audit.check(number), lambda: audit.append(number, following())):
        with pytest.raises(StateError, match="has no record of an apply in it"):
            act()
    assert audit.path.read_bytes() == there


def test_writers_at_once(audit: AuditFile) -> None:
    """Two lockfiles may share one audit file: each line follows the one that really is the last."""
    audit.check(number)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: open_audit(audit.url).append(number, following()), range(40)))
    assert list(map(int, audit.lines())) == list(range(1, 41))


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


@pytest.mark.parametrize("url", ["s3://bucket/a", "https://u:geheim@h/a", "postgresql://h/d", "ftp:x"])
def test_other_places_are_refused(url: str) -> None:
    """They are not known yet, and what stands in the URL is not repeated."""
    with pytest.raises(StateError, match="no audit file can be kept at") as refused:
        open_audit(url)
    assert "geheim" not in refused.value.message
