"""What is special about a lockfile in a folder: its files, its links, its rights."""

import fcntl
import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.diagnostics import LockHeld, StateError
from reconciler.state import LockInfo, Stored, open_backend
from tests.state.actor import Actor
from tests.state.places import LocalPlace, without_privileges

ME = LockInfo.mine("apply")


@pytest.fixture
def local() -> Iterator[LocalPlace]:
    place = LocalPlace()
    yield place
    place.close()


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """What a full disk does, without one: no file can grow over ``size`` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_previous_content_is_kept_beside(local: LocalPlace) -> None:
    """Each write leaves what it replaced as ``.backup``, and the first one leaves none."""
    backend = local.open()
    first = backend.write(b"one", expected=None)
    assert names(local.folder) == {"reconciler.lock"}
    second = backend.write(b"two", expected=first)
    backend.write(b"three", expected=second)
    assert (local.folder / "reconciler.lock.backup").read_bytes() == b"two"


def test_a_restored_backup_has_its_old_version(local: LocalPlace) -> None:
    """The version is the content's and not the file's, so restoring by hand or a checkout makes no conflict."""
    backend = local.open()
    first = backend.write(b"one", expected=None)
    backend.write(b"two", expected=first)
    (local.folder / "reconciler.lock.backup").replace(local.path)
    assert backend.read() == Stored(b"one", first)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_only_the_owner_can_read_what_is_written(local: LocalPlace, umask: int) -> None:
    """All files are 0600 whatever the umask and the earlier mode, for they tell who may do what."""
    before = os.umask(umask)
    try:
        local.put(b"zero")
        local.path.chmod(0o644)
        backend = local.open()
        stored = backend.read()
        assert stored is not None
        with backend.lock(ME):
            backend.write(b"one", expected=stored.version)
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in local.folder.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(["reconciler.lock", "reconciler.lock.backup", ".reconciler.lock.lck"], 0o600)


@pytest.mark.parametrize("action", ["write", "lock"])
def test_a_missing_folder_is_made(local: LocalPlace, action: str) -> None:
    """The first lock or write makes the folder, for a sandbox has none yet; reading makes nothing."""
    backend = open_backend(str(local.folder / "a" / "b" / "reconciler.lock"))
    assert backend.read() is None
    assert backend.holder() is None
    assert names(local.folder) == set()
    if action == "lock":
        backend.lock(ME).release()
    else:
        backend.write(b"one", expected=None)
    assert (local.folder / "a" / "b").is_dir()


def test_a_link_is_followed(local: LocalPlace) -> None:
    """A write through a link replaces the target and leaves the link, and both names have one lock."""
    link = local.folder / "linked" / "here.lock"
    link.parent.mkdir()
    link.symlink_to("../reconciler.lock")
    linked = open_backend(str(link))
    version = linked.write(b"one", expected=None)
    linked.write(b"two", expected=version)
    assert link.is_symlink()
    assert local.path.read_bytes() == b"two"
    assert names(link.parent) == {"here.lock"}
    with linked.lock(ME), pytest.raises(LockHeld):
        local.open().lock(ME)


def test_links_in_a_circle_are_an_error(local: LocalPlace) -> None:
    """A link that leads nowhere is reported and not written over."""
    local.path.symlink_to("reconciler.lock")
    backend = local.open()
    for act in (backend.read, backend.holder, lambda: backend.lock(ME)):
        with pytest.raises(StateError):
            act()
    assert local.path.is_symlink()


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("make", [Path.mkdir, make_pipe])
def test_what_is_no_file_is_refused(local: LocalPlace, make: object) -> None:
    """A folder can't be a lockfile, and reading a pipe would wait for ever."""
    assert callable(make)
    make(local.path)
    backend = local.open()
    for act in (backend.read, lambda: backend.write(b"one", expected=None)):
        with pytest.raises(StateError, match="is not a file"):
            act()
    assert local.remnants() == set()


def test_a_file_in_the_place_of_a_folder_is_an_error(local: LocalPlace) -> None:
    """A wrong path is told with the path."""
    local.put(b"")
    backend = open_backend(f"{local.path}/reconciler.lock")
    for act in (backend.read, lambda: backend.write(b"one", expected=None)):
        with pytest.raises(StateError, match=r"reconciler\.lock"):
            act()


def test_a_full_disk_changes_nothing(local: LocalPlace) -> None:
    """What can't be written whole is not written at all, and nothing half-written stays."""
    backend = local.open()
    version = backend.write(b"one", expected=None)
    with files_limited_to(100_000), pytest.raises(StateError, match="too large") as caught:
        backend.write(b"x" * 200_000, expected=version)
    assert "still there" in caught.value.remedy
    assert backend.read() == Stored(b"one", version)
    assert local.remnants() == set()
    assert backend.write(b"two", expected=version)


def test_a_lock_that_can_not_be_named_is_not_taken(local: LocalPlace) -> None:
    """If the holder can't be written down there is no lease, and nobody is locked out."""
    backend = local.open()
    with files_limited_to(0), pytest.raises(StateError, match="too large"):
        backend.lock(ME)
    assert names(local.folder) == set()
    backend.lock(ME).release()


def test_what_a_killed_writer_left_is_removed(local: LocalPlace) -> None:
    """The temporary file has one name, so the next write takes it away, and follows no link that stands there."""
    elsewhere = local.folder / "elsewhere"
    elsewhere.write_bytes(b"precious")
    (local.folder / ".reconciler.lock.tmp").symlink_to(elsewhere)
    local.open().write(b"one", expected=None)
    assert elsewhere.read_bytes() == b"precious"
    assert local.remnants() == {"elsewhere"}


def test_a_lease_is_lost_with_its_file(local: LocalPlace) -> None:
    """Who removes the lock by hand lets others in; the former holder notices, can't write, and locks nobody out."""
    backend = local.open()
    with Actor(local.url) as other:
        lease = backend.lock(ME)
        (local.folder / ".reconciler.lock.lck").unlink()
        with pytest.raises(StateError, match="was lost"):
            lease.check()
        assert other.ask("lock", name="next") == "won"
        for late in (lease.check, lambda: backend.write(b"late", expected=None)):
            with pytest.raises(StateError, match="was lost") as caught:
                late()
            assert "plan again" in caught.value.remedy
        lease.release()
        assert isinstance(other.ask("write", text="next", expected=None), str)
        with pytest.raises(LockHeld, match="next"):
            backend.lock(ME)


def test_what_a_dead_holder_left_is_ignored(local: LocalPlace) -> None:
    """A lock file that nobody has locked tells of nobody, whatever stands in it."""
    lock = local.folder / ".reconciler.lock.lck"
    lock.write_bytes(ME.json() * 100)
    backend = local.open()
    assert backend.holder() is None
    with backend.lock(LockInfo.mine("next")) as lease:
        assert backend.holder() == lease.info
    assert not lock.exists()


def test_a_holder_without_a_name_is_respected(local: LocalPlace) -> None:
    """What counts is the lock and not the text in it."""
    lock = local.folder / ".reconciler.lock.lck"
    with lock.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(LockHeld, match="left no name"):
            local.open().lock(ME, timeout=0.1, on_wait=lambda _: pytest.fail("there is no name to tell"))
    local.open().lock(ME).release()


def test_a_lock_file_that_is_something_else_is_an_error(local: LocalPlace) -> None:
    """A folder under the lock's name is reported, for we remove nothing that we did not make."""
    (local.folder / ".reconciler.lock.lck").mkdir()
    with pytest.raises(StateError, match="can't lock"):
        local.open().lock(ME)


def test_a_lock_that_can_not_be_removed_is_released_all_the_same(local: LocalPlace) -> None:
    """The folder turned read-only under a run: what stays behind is a file that locks nobody out."""
    lease = local.open().lock(ME)
    local.folder.chmod(0o555)
    with without_privileges():
        lease.release()
    local.folder.chmod(0o755)
    assert local.remnants() == {".reconciler.lock.lck"}
    local.open().lock(ME).release()
    assert local.remnants() == set()


def test_a_lease_of_before_does_not_cover_the_next(local: LocalPlace) -> None:
    """Releasing an old lease again does not take the new one's cover from the writes of the same client."""
    backend = local.open()
    old = backend.lock(ME)
    old.release()
    with backend.lock(ME):
        old.release()
        backend.write(b"one", expected=None)
    assert local.path.read_bytes() == b"one"
