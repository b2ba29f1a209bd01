"""What a place for the lockfile guarantees, whatever keeps it.

A place stores bytes, compares and sets them, and knows who holds its lock. It knows nothing of the format, so that one
conformance suite (``tests/state``) can be run against every place with any content, garbage included.
"""

import re
import shlex
import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Final, Protocol, Self, TypeVar

from reconciler.diagnostics import LockHeld, StateError
from reconciler.state.lock import LockInfo, OnWait
from reconciler.state.lockfile import peek

LEASE: Final = 120.0
"""Seconds that a lease lasts unless it is renewed, where the place can't notice that its holder died.

Long enough for a machine that stalls to find its lease still there, short enough that a killed pipeline's retry waits
for no longer than somebody takes to look at it.
"""


FAREWELL: Final = 5.0
"""Seconds to wait for a place when a lock is given up: longer than it needs, and nothing depends on it any more."""

_PLAIN_ID: Final = re.compile(r"\w[\w.:-]*")
"""Ids that can be pasted into a command; a hostile one could be an option or a command of its own."""


class StateConflict(StateError):
    """The content is not the one that was read: somebody wrote meanwhile, and nothing of theirs was overwritten."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What a place holds: ``version`` is opaque, changes whenever ``data`` does, and is what a write compares."""

    data: bytes
    version: str


class Lease(Protocol):
    """The right to write, until it is released or lost, or its holder dies: the dead never block anybody for good.

    ``took_over`` says that the lease before was not released but ran out: its holder may still be alive and late.
    """

    info: LockInfo
    took_over: bool = False

    @abstractmethod
    def check(self) -> None:
        """Raise StateError if the lease was lost; asked before each request that changes the world."""

    @abstractmethod
    def release(self) -> None:
        """Let others in; a second release, or one of a lost lease, changes nothing."""

    @abstractmethod
    def leave(self, until: datetime) -> LockInfo:
        """Keep others out after this process has ended, and end this lease; returns what they are told.

        The lock ends at ``until``, or by :meth:`Backend.unlock`; a place that can't hold an expiry leaves it out of
        what it returns, and there only ``unlock`` ends it.
        """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class Backend(Protocol):
    """A place for one lockfile. Whatever goes wrong there is a StateError that says what to do, never a traceback."""

    url: str

    @abstractmethod
    def read(self) -> Stored | None:
        """The whole content of the last complete write, or None if there was none yet; needs no lock."""

    @abstractmethod
    def write(self, data: bytes, *, expected: str | None) -> str:
        """Replace the content if it still is the ``expected`` version (None: nothing yet); returns the new version.

        All or nothing: after a crash at any moment a read gives either the old content or the new one. The previous
        content is kept where the place can. Raises StateConflict if the content is another one, LockHeld if somebody
        else holds the lock, and StateError if a lease taken from this object was lost: who is late can't overwrite.
        """

    @abstractmethod
    def lock(self, info: LockInfo, *, timeout: float = 0, on_wait: OnWait | None = None) -> Lease:
        """A lease that nobody else has, waiting for it up to ``timeout`` seconds.

        ``on_wait`` is told the holder, once for each, as soon as there is somebody to wait for. Raises LockHeld with
        who holds it when the time is over. Of many who ask at once exactly one is let in.
        """

    @abstractmethod
    def holder(self) -> LockInfo | None:
        """Who holds the lock now, or None; never disturbs the holder nor whoever is waiting.

        A place that can only be asked by trying to lock it, which would disturb, answers None too.
        """

    @abstractmethod
    def unlock(self, lock_id: str) -> None:
        """Take the lock that has this id from its holder, dead or alive: who is alive notices and can't write.

        Raises StateError if nobody holds the lock, or LockHeld if it has another id by now.
        """

    @abstractmethod
    def history(self) -> Iterator[Stored]:
        """The contents before the current one that the place still has, the newest first.

        Raises StateError if the place keeps none at all, rather than none yet.
        """


def held(url: str, holder: LockInfo | None) -> LockHeld:
    """The refusal that every place gives while somebody else holds its lock."""
    ends = f"; the lock ends at {holder.ends}, unless it is renewed" if holder and holder.ends else ""
    free = ""
    if holder is not None and _PLAIN_ID.fullmatch(holder.id):
        free = f", or, if it is dead, free the lock: `reconciler --state {shlex.quote(url)} state unlock {holder.id}`"
    return LockHeld(
        f"{url} is locked by {holder or 'somebody who left no name'}{ends}",
        remedy=f"wait until that run is over (`--lock-timeout 5m` does), then try again{free}",
    )


def other_lock(url: str, lock_id: str, holder: LockInfo) -> LockHeld:
    """The refusal that every place gives when a lock is to be taken from somebody and it has another id by now."""
    return LockHeld(
        f"{url} is not locked under the id {lock_id}: it is locked by {holder}", remedy=f"its id is {holder.id}"
    )


def lost(url: str, why: str) -> StateError:
    """The refusal that every place gives to a holder whose lock was taken from it."""
    return StateError(f"the lock of {url} was lost: {why}", remedy="nothing more was written: plan again")


def no_lock(url: str) -> StateError:
    """The refusal that every place gives when a lock is to be taken from somebody and nobody has it."""
    return StateError(f"{url} is not locked", remedy="there is nothing to unlock")


def conflict(url: str, expected: str | None, current: Stored | None) -> StateConflict:
    """The refusal that every place gives to a write that is not based on the ``current`` content."""
    if current is None:
        message = f"{url} is gone: it was removed after it was read"
    elif expected is None:
        message = f"{url} exists by now: it was written{_author(current)} after it was looked for"
    else:
        message = f"{url} has changed: it was written{_author(current)} after it was read"
    return StateConflict(message, remedy="nothing was overwritten: plan again from what is there now")


def _author(current: Stored) -> str:
    found = peek(current.data)
    if found is None:
        return " with content that is no lockfile"
    by = f" by {found.written_by}" if found.written_by else ""
    at = f" at {found.written_at}" if found.written_at else ""
    return f"{by}{at} (serial {found.serial})"


def ticks() -> float:
    """Seconds on a clock that nobody sets and that goes on while the machine sleeps: a lease runs out meanwhile."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))  # only Linux's stops in sleep


def farewell(work: Callable[[], object]) -> None:
    """Do the last thing that is asked of a place, for at most :data:`FAREWELL` seconds, whatever becomes of it.

    What the run was for is over: a place that fails or hangs now, or somebody who presses Ctrl-C because of it, must
    not change its result. What is left undone ends by itself or is told to whoever meets it.
    """

    def attempt() -> None:
        with suppress(StateError):
            work()

    last = threading.Thread(target=attempt, name="farewell", daemon=True)
    last.start()
    with suppress(KeyboardInterrupt):
        last.join(FAREWELL)


Won = TypeVar("Won")


def acquire(
    url: str,
    attempt: Callable[[], tuple[Won | None, LockInfo | None]],
    *,
    timeout: float,
    on_wait: OnWait | None,
    patience: float = 0,
    pause: float = 0.1,
    longest_pause: float = 2,
) -> Won:
    """What ``attempt`` wins, tried again until ``timeout`` seconds are over; then LockHeld is raised.

    An attempt returns what it won, or None and who holds the lock. ``pause`` is the seconds after the first, growing to
    ``longest_pause``; ``patience`` the seconds for which it is tried even without a timeout.
    """
    deadline = time.monotonic() + max(timeout, patience)
    told = None
    while True:
        won, holder = attempt()
        if won is not None:
            return won
        left = deadline - time.monotonic()
        if left < 0:
            raise held(url, holder)
        if on_wait is not None and timeout > 0 and holder is not None and holder.id != told:
            on_wait(holder)
            told = holder.id
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, longest_pause)
