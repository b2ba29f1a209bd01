"""A lease that its holder keeps up, for places that can store who has the lock but can't notice who died.

Two clocks are involved, the holder's and a waiting run's. So the holder stops working a quarter of the lease before the
date that it told the others: their clock may be that much ahead, and what it sent last has that long to arrive.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from reconciler.diagnostics import StateError
from reconciler.state.backend import Lease, StateConflict, farewell, lost, ticks
from reconciler.state.lock import LockInfo, timestamp

WORKING: Final = 0.75
"""The part of a lease in which its holder works."""

RENEWALS: Final = 4
"""How often it is renewed while it lasts: two that fail are no misfortune yet."""

Record = Callable[[LockInfo, str, bool], str]
"""Replaces what the place stores of a lock that is ours by its id and, as far as we know, has this version there; True
empties it. Returns the new version. Raises StateConflict if somebody else has the lock by now."""


class RenewedLease(Lease):
    """A lease of ``seconds``, renewed in a thread of its own until it is released, left or lost.

    ``begun`` is when the request that won it was sent (:func:`ticks`), and ``version`` what the place stored then.
    """

    def __init__(
        self, url: str, info: LockInfo, version: str, record: Record, seconds: float, begun: float, *, took_over: bool
    ) -> None:
        self.info, self.took_over = info, took_over
        self._url, self._version, self._record, self._seconds = url, version, record, seconds
        self._begun = begun
        self._over = self._trouble = ""
        self._mutex = threading.Lock()
        self._ended = threading.Event()
        threading.Thread(target=self._keep_up, name="lease", daemon=True).start()

    @property
    def has_ended(self) -> bool:
        """Whether its holder ended it; one that was lost has not ended, and its holder must be told."""
        return self._ended.is_set()

    def check(self) -> None:
        """See :meth:`Lease.check`; asks nobody, because it is asked before each of thousands of requests."""
        if not self._over and ticks() - self._begun >= self._seconds * WORKING:
            self._over = f"it could not be renewed within {self._seconds * WORKING:g} seconds{self._trouble}"
        if self._over:
            raise lost(self._url, self._over)

    def renew(self) -> None:
        """Make it last again; raises StateError if it was lost, or if the place did not answer."""
        with self._mutex:
            self.check()
            begun = ticks()
            self._store(expiring(self.info, self._seconds))
            self._begun = begun

    def release(self) -> None:
        """See :meth:`Lease.release`; if the place does not answer, the lock ends by its date."""
        self._ended.set()
        if not self._over:
            farewell(self._empty)
        self._over = self._over or "it was released"

    def leave(self, until: datetime) -> LockInfo:
        """See :meth:`Lease.leave`."""
        with self._ending("it was left to end by itself"):
            self._store(replace(self.info, expires=timestamp(until)))
        return self.info

    def _empty(self) -> None:
        with self._ending("it was released"):
            self._version = self._record(self.info, self._version, True)

    @contextmanager
    def _ending(self, why: str) -> Iterator[None]:
        """No renewal is under way, none follows, and the lease covers nothing any more, whatever happens in between."""
        self._ended.set()
        with self._mutex:
            self.check()
            try:
                yield
            finally:
                self._over = self._over or why

    def _store(self, info: LockInfo) -> None:
        try:
            self._version = self._record(info, self._version, False)
        except StateConflict as error:
            self._over = error.message
            raise lost(self._url, self._over) from error
        self.info = info

    def _keep_up(self) -> None:
        pause = self._seconds / RENEWALS
        while not self._over and not self._ended.wait(pause):
            pause = self._seconds / RENEWALS
            try:
                self.renew()
            except StateError as error:  # told to who works under the lease if it stays so; tried again soon
                self._trouble = f" ({error.message})"
                pause /= RENEWALS
            except Exception as error:  # noqa: BLE001 - a thread that dies in silence would cost the lease unexplained
                self._over = f"unexpected {type(error).__name__}: {error}"


def expiring(info: LockInfo, seconds: float) -> LockInfo:
    """The same holder, with the date until which a lease that begins now lasts."""
    return replace(info, expires=timestamp(datetime.now(UTC) + timedelta(seconds=seconds)))
