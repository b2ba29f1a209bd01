"""A lockfile in an object store: S3, Azure Blob Storage, Google Cloud Storage and what looks like them, by obstore.

Beside the object ``key`` stand ``key.lck``, which says who holds the lock until when, and ``key.history/``, which keeps
what was replaced, also where a bucket keeps no versions. Each is written under a condition, so that of two writers one
is refused; ``key.lck`` is never removed, only emptied, because stores remove without conditions. ``key.clk`` says
nothing: its date is the store's clock.
"""

import hashlib
import re
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from reconciler.diagnostics import StateError
from reconciler.state.backend import (
    Backend,
    Lease,
    StateConflict,
    Stored,
    acquire,
    conflict,
    farewell,
    no_lock,
    other_lock,
    ticks,
)
from reconciler.state.buckets import is_ours_to_tell, reason, remedy
from reconciler.state.lease import WORKING, RenewedLease, expiring
from reconciler.state.lock import LockInfo, OnWait, timestamp
from reconciler.state.lockfile import peek

if TYPE_CHECKING:
    from obstore.store import ObjectStore

KEPT: Final = 20
"""How many replaced contents are kept: enough to go back some days, few enough to be listed at once."""

FREE: Final = b"{}"
"""What a lock object says when nobody holds the lock."""

OTHER: Final = "keep the lockfile in a store that has conditional writes (If-Match and If-None-Match)"

NO_BUCKET: Final = re.compile("<Code>(?:NoSuchBucket|ContainerNotFound)</Code>|The specified bucket does not exist")
"""How stores say that it is not the object that is missing; without this, a wrong name would look like a first run."""

PATIENCE: Final = 10.0
"""Seconds that a write without a lease waits for other such writes, each of which is over soon."""

RESOLUTION: Final = 2.0
"""Seconds by which dates may differ for no reason: stores tell whole ones, and an answer takes its time."""

TRIES: Final = 5
"""How often a lock that was free a moment ago is tried for at once, before its holder is said to be unknown."""


class ObjectStoreBackend(Backend):
    """The lockfile is the object ``key`` of the store that ``connect`` opens.

    ``condition`` is what the store's conditions name: ``e_tag``, or ``version`` where writes are counted. ``seconds``
    is how long a lease lasts.
    """

    def __init__(
        self, url: str, key: str, connect: "Callable[[], ObjectStore]", seconds: float, condition: str = "e_tag"
    ) -> None:
        self.url = url
        self._key = key
        self._connect = connect
        self._seconds = seconds
        self._condition = condition
        self._opened: ObjectStore | None = None
        self._lease: RenewedLease | None = None
        self._is_honest = False
        self._sent: deque[bytes] = deque(maxlen=8)

    def read(self) -> Stored | None:
        """See :meth:`Backend.read`."""
        return self._get(self._key)

    def write(self, data: bytes, *, expected: str | None) -> str:
        """See :meth:`Backend.write`; the lease is renewed first, so that who is late is refused before the store is."""
        if self._lease is None or self._lease.has_ended:
            with self.lock(LockInfo.mine("write"), timeout=PATIENCE):
                return self._write(data, expected)
        self._lease.renew()
        return self._write(data, expected)

    def lock(self, info: LockInfo, *, timeout: float = 0, on_wait: OnWait | None = None) -> Lease:
        """See :meth:`Backend.lock`; a dead holder's lock is free when its lease is over."""
        info = replace(info, path=self._key)
        try:
            lease = acquire(self.url, lambda: self._attempt(info), timeout=timeout, on_wait=on_wait)
            self._lease = lease
            self._refuse_ignored_conditions()
            self._refuse_wrong_clock(self._lock_key)
        except BaseException:  # also Ctrl-C, which may come between the request that won the lock and its answer
            farewell(lambda: self._give_up(info))
            raise
        return lease

    def holder(self) -> LockInfo | None:
        """See :meth:`Backend.holder`."""
        return _holder(self._get(self._lock_key), self.url)

    def unlock(self, lock_id: str) -> None:
        """See :meth:`Backend.unlock`; the next holder sees that it was not released, and shuts the former one out."""
        found = self._get(self._lock_key)
        holder = _holder(found, self.url)
        if found is None or holder is None:
            raise no_lock(self.url)
        if holder.id != lock_id:
            raise other_lock(self.url, lock_id, holder)
        self._record(replace(holder, expires=timestamp(datetime.now(UTC))), found.version, False)

    def history(self) -> Iterator[Stored]:
        """See :meth:`Backend.history`: the objects under ``key.history/``."""
        current = self.read()
        for path in self._kept():
            found = self._get(path)
            if found is not None and (current is None or found.data != current.data):
                yield found

    @property
    def _lock_key(self) -> str:
        return f"{self._key}.lck"

    @property
    def _store(self) -> "ObjectStore":
        if self._opened is None:
            self._opened = self._connect()
        return self._opened

    def _attempt(self, info: LockInfo) -> tuple[RenewedLease | None, LockInfo | None]:
        """The lease if the lock is free or its last one is over, or who has it."""
        for _ in range(TRIES):
            found = self._get(self._lock_key)
            holder = _holder(found, self.url)
            if holder is not None and not self._is_ours(found, info):
                return None, holder
            ran_out = holder is None and found is not None and found.data != FREE
            if ran_out:
                self._refuse_wrong_clock(self._touch())
            begun, mine = ticks(), expiring(info, self._seconds)
            with suppress(StateConflict):  # somebody was faster
                version = self._put_lock(mine.json(), found.version if found else None)
                return RenewedLease(
                    self.url, mine, version, self._record, self._seconds, begun, took_over=ran_out
                ), None
        return None, None

    def _record(self, info: LockInfo, version: str, free: bool) -> str:
        """See :data:`reconciler.state.lease.Record`; a version may be old because the answer to a renewal was lost."""
        data = FREE if free else info.json()
        try:
            return self._put_lock(data, version)
        except StateConflict:
            found = self._get(self._lock_key)
            if found is None or not self._is_ours(found, info):
                holder = LockInfo.parse(found.data) if found else None
                raise StateConflict(f"it is {holder or 'nobody'}'s by now") from None
            return self._put_lock(data, found.version)

    def _put_lock(self, data: bytes, version: str | None) -> str:
        if data != FREE:
            self._sent.append(data)
        return self._put(self._lock_key, data, version)

    def _is_ours(self, found: Stored | None, info: LockInfo) -> bool:
        """Whether the lock is as we sent it for this holder: that got through, though its answer may not have."""
        if found is None or found.data not in self._sent:
            return False
        holder = LockInfo.parse(found.data)
        return holder is not None and holder.id == info.id

    def _give_up(self, info: LockInfo) -> None:
        """Free the lock if it is this holder's, whether or not we learned that it had won."""
        if self._lease is not None and self._lease.info.id == info.id and not self._lease.has_ended:
            self._lease.release()
        elif (found := self._get(self._lock_key)) is not None and self._is_ours(found, info):
            self._put_lock(FREE, found.version)

    def _touch(self) -> str:
        """Write an object that says nothing, to learn the store's date from it before a lock is taken from anybody."""
        import obstore

        path = f"{self._key}.clk"
        with self._explained("write"):
            obstore.put(self._store, path, FREE, use_multipart=False)
        return path

    def _refuse_wrong_clock(self, path: str) -> None:
        """Raise StateError if our clock is so far from the store's that leases can't be judged by it.

        A run that is a lease ahead would take the lock of somebody who works, and one that is behind would have a lock
        that is over for everybody else.
        """
        import obstore

        with self._explained("read the date of"):
            there = obstore.get(self._store, path).meta["last_modified"]
        ahead = (datetime.now(UTC) - there).total_seconds()
        if not -self._seconds * (1 - WORKING) - RESOLUTION < ahead < self._seconds * (1 - WORKING) + RESOLUTION:
            raise StateError(
                f"this machine's clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} {self.url}'s",
                remedy="set the clock: locks there are judged by it",
            )

    def _refuse_ignored_conditions(self) -> None:
        """Raise StateError if the store writes against a condition, as some look-alikes do: nothing is safe there.

        Tried on the lock that is ours, so that no other run is hurt where it does.
        """
        if self._is_honest:
            return
        for condition in (None, '"0123456789abcdef"' if self._condition == "e_tag" else "1"):
            with suppress(StateConflict):
                self._put_once(self._lock_key, FREE, condition)
                raise StateError(
                    f"{self.url}: this store ignores the conditions of writes, so that two runs would overwrite each "
                    "other without noticing",
                    remedy=OTHER,
                )
        self._is_honest = True

    def _write(self, data: bytes, expected: str | None) -> str:
        self._keep(data, expected)
        try:
            version = self._put(self._key, data, expected)
        except StateConflict:
            raise conflict(self.url, expected, self.read()) from None
        self._prune()
        return version

    def _get(self, path: str) -> Stored | None:
        store = self._store
        import obstore

        with self._explained("read"):
            try:
                found = obstore.get(store, path)
            except (FileNotFoundError, obstore.exceptions.NotFoundError) as error:
                if NO_BUCKET.search(str(error)):
                    raise StateError(
                        f"can't read {self.url}: there is no such bucket",
                        remedy="create it, or check its name and its region",
                    ) from None
                return None
            return Stored(bytes(found.bytes()), self._version(found.meta))

    def _put(self, path: str, data: bytes, expected: str | None) -> str:
        """Write under the condition; raises StateConflict if it does not hold.

        A refusal, or no answer, may be about a second try of a request whose first try got through: what is there then
        decides.
        """
        try:
            return self._put_once(path, data, expected)
        except StateError:
            with suppress(StateError):
                found = self._get(path)
                if found is not None and found.data == data and found.version != expected:
                    return found.version
            raise

    def _put_once(self, path: str, data: bytes, expected: str | None) -> str:
        store = self._store
        import obstore

        mode: Any = {self._condition: expected} if expected is not None else "create"
        with self._explained("write"):
            try:
                return self._version(obstore.put(store, path, data, mode=mode, use_multipart=False))
            except (obstore.exceptions.AlreadyExistsError, obstore.exceptions.PreconditionError):
                raise StateConflict(f"{path} is not what was read") from None

    def _version(self, meta: Any) -> str:
        version = meta[self._condition]
        if version is None:
            raise StateError(f"{self.url}: this store gives its objects no {self._condition}", remedy=OTHER)
        return str(version)

    def _keep(self, data: bytes, expected: str | None) -> None:
        """Copy what is about to be replaced, under a name that sorts by the serial which replaces it."""
        import obstore

        header = peek(data)
        if header is None or expected is None:
            return
        name = f"{header.serial:012}-{hashlib.sha256(expected.encode()).hexdigest()[:8]}"
        with self._explained("copy"), suppress(FileNotFoundError, obstore.exceptions.NotFoundError):
            obstore.copy(self._store, self._key, f"{self._key}.history/{name}")

    def _kept(self) -> list[str]:
        """The names of what is kept, the newest first."""
        import obstore

        with self._explained("list the history of"):
            found = obstore.list(self._store, f"{self._key}.history").collect()
        found = sorted(found, key=lambda each: (each["path"].rpartition("/")[2][:12], each["last_modified"]))
        return [each["path"] for each in found[::-1]]

    def _prune(self) -> None:
        """Remove what is older than the newest few.

        Who may not remove or list keeps more of it: no reason to call a write failed that is done.
        """
        import obstore

        with suppress(StateError), self._explained("prune the history of"):
            obstore.delete(self._store, self._kept()[KEPT:])

    @contextmanager
    def _explained(self, action: str) -> Iterator[None]:
        """Turns what the store says no to into words, never with its own text: signed addresses may stand in it."""
        try:
            yield
        except BaseException as error:
            if not is_ours_to_tell(error):
                raise
            why = reason(str(error))
            raise StateError(f"can't {action} {self.url}: {why}", remedy=remedy(why, self._key)) from None


def _holder(found: Stored | None, url: str) -> LockInfo | None:
    """Who has the lock by what is stored of it, unless the lease is over; raises StateError if that says nothing."""
    if found is None or found.data == FREE:
        return None
    holder = LockInfo.parse(found.data)
    if holder is None:
        raise StateError(
            f"what stands beside {url} as .lck is no lock information", remedy="remove that object once nobody works"
        )
    return None if holder.is_over(datetime.now(UTC)) else holder
