"""A lockfile in a folder: written whole or not at all, guarded by a lock that dies with its holder.

The lock is the operating system's (``flock``) on a file beside the lockfile, so a run that was killed leaves nothing to
clean up and no other run waiting, and no expiry is needed. That file is there only while somebody holds the lock: a
work tree stays clean. A lock that outlives its process is such a file with a date in it and without ``flock``.
"""

import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Final

from reconciler.diagnostics import StateError
from reconciler.state.backend import Backend, Lease, Stored, acquire, conflict, lost, no_lock, other_lock
from reconciler.state.lock import LockInfo, OnWait, timestamp

MODE: Final = 0o600
"""For every file we make, whatever its mode was: who may do what is not for other accounts of the machine, and a mode
taken over from the umask or an old file would show it to them by accident. Git does not record it."""

PATIENCE: Final = 0.5
"""Seconds that even a caller without a timeout tries: a mere look at the holder is over by then, so is a lone write."""

MOMENT: Final = 5.0
"""Seconds to wait for who writes just now; more than the largest lockfile takes."""

LONGEST: Final = 100_000
"""Bytes of lock information that are read: ours has a few hundred."""

PAUSE: Final = 0.02
"""Seconds between two tries: ``flock`` can wait by itself, but not for a limited time."""

_REMEDIES: Final = {
    errno.ENOSPC: "free some space and try again: the last content is still there",
    errno.EDQUOT: "free some space and try again: the last content is still there",
    errno.EFBIG: "raise the limit for the size of files and try again: the last content is still there",
    errno.EBUSY: "mount the folder that holds the lockfile, not the file alone: it is replaced as a whole",
    errno.ENOLCK: "put it on a file system that has locks",
    errno.EOPNOTSUPP: "put it on a file system that has locks",
}


class LocalBackend(Backend):
    """The lockfile at ``path``, or at its target if that is a link, so that every link leads to the same lock.

    A missing folder is made by the first lock or write, because a sandbox has none yet.
    """

    def __init__(self, url: str, path: Path) -> None:
        self.url = url
        self._path = path
        self._lease: LocalLease | None = None

    def read(self) -> Stored | None:
        """See :meth:`Backend.read`; the version is a digest of the content, so that a copy or a checkout keeps it."""
        with self.explained("read"):
            data = _content(self._target)
        return None if data is None else Stored(data, _digest(data))

    def write(self, data: bytes, *, expected: str | None) -> str:
        """See :meth:`Backend.write`; the previous content stays beside it as ``.backup``."""
        if self._lease is not None:
            return self._write(data, expected, self._lease)
        with self._locked(LockInfo.mine("write")) as lease:
            return self._write(data, expected, lease)

    def lock(self, info: LockInfo, *, timeout: float = 0, on_wait: OnWait | None = None) -> Lease:
        """See :meth:`Backend.lock`; a dead holder's lock is free at once."""
        return self._locked(info, timeout, on_wait)

    def _locked(self, info: LockInfo, timeout: float = 0, on_wait: OnWait | None = None) -> "LocalLease":
        with self.explained("lock"):
            self._target.parent.mkdir(parents=True, exist_ok=True)
            descriptor = acquire(
                self.url, self._attempt, timeout=timeout, on_wait=on_wait,
                patience=PATIENCE, pause=PAUSE, longest_pause=PAUSE,
            )  # fmt: skip
            self._lease = LocalLease(self, replace(info, path=str(self._target)), descriptor)
        return self._lease

    def holder(self) -> LockInfo | None:
        """See :meth:`Backend.holder`; what a killed holder left behind tells of nobody."""
        with self.explained("look at the lock of"), suppress(FileNotFoundError):
            descriptor = os.open(self.lock_path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return _left(descriptor)
            except BlockingIOError:
                return _told(descriptor)
            finally:
                os.close(descriptor)
        return None

    def unlock(self, lock_id: str) -> None:
        """See :meth:`Backend.unlock`; who is alive finds the file gone, or another's."""
        with self.explained("unlock"):
            holder = self.holder()
            if holder is None:
                raise no_lock(self.url)
            if holder.id != lock_id:
                raise other_lock(self.url, lock_id, holder)
            with self.alone():
                if self.holder() == holder:
                    self.lock_path.unlink(missing_ok=True)

    def history(self) -> Iterator[Stored]:
        """See :meth:`Backend.history`: the one content that is kept as ``.backup``."""
        with self.explained("read the backup of"):
            data = _content(self._backup)
        if data is not None:
            yield Stored(data, _digest(data))

    def forget(self, lease: "LocalLease") -> None:
        """From now on ``lease`` covers no write of this object: it was released."""
        if self._lease is lease:
            self._lease = None

    @cached_property
    def lock_path(self) -> Path:
        """The file that is locked: never the lockfile itself, which each write replaces by another file."""
        return self._target.with_name(f".{self._target.name}.lck")

    @cached_property
    def _target(self) -> Path:
        try:
            target = self._path.resolve()
        except RuntimeError as error:  # how Python before 3.13 reports links that lead in a circle
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from error
        if target.is_symlink():  # and how later ones leave it to be found
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        return target

    @property
    def _backup(self) -> Path:
        return self._target.with_name(f"{self._target.name}.backup")

    def _attempt(self) -> tuple[int | None, LockInfo | None]:
        descriptor = _locked(self.lock_path)
        if descriptor is None:
            return None, self.holder()
        left = _left(descriptor)
        if left is not None:
            os.close(descriptor)
            return None, left
        return descriptor, None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else compares and replaces, or takes a lock away, meanwhile: one more file is locked for that moment.

        The lock that says who works can be taken from a holder who is late; this one can't, and is never waited for
        long. Raises LockHeld if somebody stopped in the middle of a write.
        """
        path = self._target.with_name(f".{self._target.name}.now")
        busy = LockInfo("", "", info=f"in the middle of a write, with {path}")
        descriptor = acquire(
            self.url, lambda: (_locked(path), busy), timeout=0, on_wait=None, patience=MOMENT, pause=PAUSE
        )
        try:
            yield
        finally:
            with suppress(OSError):
                path.unlink()
            os.close(descriptor)

    def _write(self, data: bytes, expected: str | None, lease: "LocalLease") -> str:
        with self.explained("write"), self.alone():
            lease.check()
            return self._replace_expected(data, expected)

    def _replace_expected(self, data: bytes, expected: str | None) -> str:
        current = self.read()
        if (None if current is None else current.version) != expected:
            raise conflict(self.url, expected, current)
        if current is not None:
            _replace(self._backup, current.data)
        _replace(self._target, data)
        return _digest(data)

    def explained(self, action: str) -> AbstractContextManager[None]:
        """Turns what the operating system says no to into words about this place."""
        return explained(action, self.url)


class LocalLease(Lease):
    """A lock on a file beside the lockfile, which also says who holds it to those who wait."""

    def __init__(self, backend: LocalBackend, info: LockInfo, descriptor: int) -> None:
        self.info = info
        self._backend = backend
        self._descriptor: int | None = descriptor
        try:
            _rewrite(descriptor, info)
        except OSError:
            self.release()
            raise

    def check(self) -> None:
        """See :meth:`Lease.check`: it is lost when its file was removed, for then somebody else may hold a new one."""
        if self._descriptor is None or not _is_at(self._descriptor, self._backend.lock_path):
            raise lost(self._backend.url, f"{self._backend.lock_path} is not the file that was locked")

    def release(self) -> None:
        """See :meth:`Lease.release`; the file is removed while it is still locked, so never somebody else's."""
        with suppress(OSError, StateError):  # a file that can't be removed locks nobody out
            if self._descriptor is not None:
                with self._backend.alone():
                    if _is_at(self._descriptor, self._backend.lock_path):
                        self._backend.lock_path.unlink()
        self._end()

    def leave(self, until: datetime) -> LockInfo:
        """See :meth:`Lease.leave`; the date stays in the file when the operating system's lock goes."""
        self.check()
        with self._backend.explained("lock"):
            self.info = replace(self.info, expires=timestamp(until))
            _rewrite(self._descriptor or 0, self.info)
        self._end()
        return self.info

    def _end(self) -> None:
        self._backend.forget(self)
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def keep(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path`` whole or not at all, readable by its owner only; raises StateError."""
    with explained("write", str(path)):
        _replace(path, data)


@contextmanager
def explained(action: str, url: str) -> Iterator[None]:
    """Turns what the operating system says no to into words about the place that messages call ``url``."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        where = f" ({error.filename})" if error.filename else ""
        remedy = _REMEDIES.get(error.errno or 0, "check the path and your rights on the file and its whole folder")
        raise StateError(f"can't {action} {url}: {reason}{where}", remedy=remedy) from error


def _rewrite(descriptor: int, info: LockInfo) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, info.json(), 0)


def _is_won(descriptor: int) -> bool:
    """Whether the operating system's lock of this file or folder is ours now."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _told(descriptor: int) -> LockInfo | None:
    return LockInfo.parse(os.pread(descriptor, LONGEST, 0))


def _left(descriptor: int) -> LockInfo | None:
    """Who left a lock in this file that is not over yet, though no process holds it."""
    found = _told(descriptor)
    return found if found is not None and found.lasts(datetime.now(UTC)) else None


def _locked(path: Path) -> int | None:
    """An open and locked file, or None if somebody else has it or removed it while we were getting it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, MODE)
    ours = False
    try:
        ours = _is_won(descriptor) and _is_at(descriptor, path)
    finally:
        if not ours:
            os.close(descriptor)
    return descriptor if ours else None


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _content(path: Path) -> bytes | None:
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):  # asked first, because reading a pipe would wait for ever
            raise StateError(
                f"{path} is not a file", remedy="name a file that can be written, for example file:reconciler.lock"
            )
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _replace(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path`` whole or not at all, even if the machine stops; the caller holds the lock.

    The temporary file has one fixed name, so that what a killed writer left is removed by the next one.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, MODE)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
