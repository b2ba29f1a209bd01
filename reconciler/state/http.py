"""A lockfile at a server of Terraform's HTTP protocol, such as GitLab.

The protocol has no conditional write, so here the lock is the guard: there is no write without it, and the server
refuses the id of a lock that was taken away. Some servers take any id while nobody holds the lock; that is why the
content is read again and compared right before each try of a write.
"""

import functools
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlsplit

import msgspec

from reconciler.diagnostics import LockHeld, StateError
from reconciler.state.backend import Backend, Lease, Stored, acquire, conflict, farewell, lost, other_lock
from reconciler.state.http_calls import Answer, Calls, Unanswered
from reconciler.state.http_settings import Request, settings
from reconciler.state.lock import LockInfo, OnWait

PATIENCE: Final = 5.0
"""Seconds that a write without a lease tries to get one: another such write is over by then."""

DONE: Final = frozenset({200, 201, 204})
HELD: Final = frozenset({409, 423})
UNKNOWN: Final = frozenset({404, 405, 501})


class HttpBackend(Backend):
    """The lockfile at the address that ``url`` and Terraform's variables in ``environ`` name.

    What the protocol can't prevent: a write that got lost on the way, was tried again, and arrives after a later write
    under the same lock.
    """

    def __init__(self, url: str, environ: Mapping[str, str]) -> None:
        self._settings = settings(url, environ)
        self._calls = Calls(self._settings)
        self._lease: HttpLease | None = None
        self.url = self._settings.url

    def read(self) -> Stored | None:
        """See :meth:`Backend.read`; an answer without content is none yet, for so servers tell it.

        The version is a digest of the content, because the protocol has none.
        """
        return self._calls.retried(self._look)

    def write(self, data: bytes, *, expected: str | None) -> str:
        """See :meth:`Backend.write`; without a lease the lock is taken around it, as nothing else guards a write."""
        if self._lease is not None:
            self._lease.check()
            return self._write(data, expected, self._lease)
        with self._take(LockInfo.mine("write"), timeout=0, patience=PATIENCE) as lease:
            return self._write(data, expected, lease)

    def lock(self, info: LockInfo, *, timeout: float = 0, on_wait: OnWait | None = None) -> Lease:
        """See :meth:`Backend.lock`; it stays when its holder dies, until somebody unlocks it."""
        return self._take(info, timeout=timeout, on_wait=on_wait)

    def holder(self) -> LockInfo | None:
        """None, whoever holds it: the protocol tells that only to who tries to lock."""
        return None

    def unlock(self, lock_id: str) -> None:
        """See :meth:`Backend.unlock`; who is alive learns of it when it writes."""
        answer = self._calls.retried(lambda: self._free(LockInfo(lock_id, ""), msgspec.json.encode({"ID": lock_id})))
        if answer.status in DONE:
            return
        if answer.status not in HELD:
            raise self._unexpected("unlock", self._settings.unlock, answer)
        holder = LockInfo.parse(answer.body)
        if holder is not None and holder.id != lock_id:
            raise other_lock(self.url, lock_id, self._shown(holder))
        raise LockHeld(
            f"{self.url} was not unlocked: the server answered {answer.status}: {answer.said or 'nothing more'}",
            remedy="check the id: whoever is refused the lock is told the one that it has by now",
        )

    def history(self) -> Iterator[Stored]:
        """Always StateError: the protocol shows the current content only."""
        raise StateError(
            f"{self.url} shows no earlier contents: its protocol has none",
            remedy="look at the server itself, which may keep them (GitLab lists them with its Terraform states)",
        )

    def release(self, lease: "HttpLease") -> None:
        """Free the lock of ``lease``, or give up: a failure here must not stand before the result of the work.

        The lock then stays, and whoever is refused because of it is told how to free it.
        """
        farewell(lambda: self._calls.retried(lambda: self._free(lease.info, lease.info.json())))

    def forget(self, lease: "HttpLease") -> None:
        """From now on ``lease`` covers no write of this object: it has ended."""
        if self._lease is lease:
            self._lease = None

    def _take(
        self, info: LockInfo, *, timeout: float, on_wait: OnWait | None = None, patience: float = 0
    ) -> "HttpLease":
        self._calls.load()
        lease = HttpLease(self, replace(info, path=self.url))
        attempt = functools.partial(self._attempt, lease)
        try:
            self._lease = acquire(
                self.url, attempt, timeout=timeout, on_wait=on_wait, patience=patience, longest_pause=1
            )
        except KeyboardInterrupt:  # it may have come between the request that took the lock and its answer
            if lease.asking:
                self.release(lease)
            raise
        return self._lease

    def _attempt(self, lease: "HttpLease") -> "tuple[HttpLease | None, LockInfo | None]":
        try:
            answer = self._calls.retried(lambda: self._bid(lease))
        except Unanswered as error:
            freed = f"if the lock was taken all the same, free it with `reconciler state unlock {lease.info.id}`"
            raise StateError(error.message, remedy=f"{error.remedy}; {freed}") from error
        if answer.status in DONE:
            return lease, None
        if answer.status not in HELD:
            raise self._unexpected("lock", self._settings.lock, answer)
        holder = self._holder(answer)
        if holder is not None and holder.id not in {"", lease.info.id}:
            lease.asking = lease.doubtful = False  # somebody else's: what became of our earlier tries is known
        if lease.doubtful and not (holder and holder.id):
            return None, LockInfo(lease.info.id, "", info="maybe our own lock: the answer to a first try was lost")
        if lease.doubtful and holder and holder.id == lease.info.id:
            return lease, None
        return None, holder and self._shown(holder)

    def _bid(self, lease: "HttpLease") -> Answer:
        lease.asking = True
        try:
            answer = self._calls.ask("lock", self._settings.lock, lease.info.json())
        except Unanswered:
            lease.doubtful = True
            raise
        lease.asking = lease.doubtful
        return answer

    def _holder(self, answer: Answer) -> LockInfo | None:
        """Who is said to hold the lock; some servers answer a bare string, which may be the id."""
        found = LockInfo.parse(answer.body)
        if found is not None or not answer.said:
            return found
        words = answer.said.strip('"')
        return LockInfo(words if _is_id(words) else "", "", info=f"the server says: {words}")

    def _shown(self, holder: LockInfo) -> LockInfo:
        """The holder as far as it can be shown and is true: GitLab tells the operation of whoever is refused."""
        if self._settings.gitlab:
            holder = replace(holder, operation="", info="")
        return LockInfo(**{name: self._calls.line(getattr(holder, name)) for name in LockInfo.__slots__})

    def _unexpected(self, action: str, request: Request, answer: Answer) -> StateError:
        if answer.status not in UNKNOWN:
            return self._calls.unexpected(action, answer)
        return StateError(
            f"{self.url} has no lock: the server answered {answer.status} to {request.method} {request.address}",
            remedy="name its lock in TF_HTTP_LOCK_ADDRESS, TF_HTTP_LOCK_METHOD and TF_HTTP_UNLOCK_METHOD; for GitLab "
            "these are the address with /lock, POST and DELETE",
        )

    def _free(self, info: LockInfo, body: bytes) -> Answer:
        return self._calls.ask("unlock", _with_id(self._settings.unlock, info), body)

    def _look(self) -> Stored | None:
        answer = self._calls.ask("read", self._settings.read)
        if answer.status in {204, 404} or (answer.status == 200 and not answer.body.strip()):
            return None
        if answer.status != 200:
            raise self._calls.unexpected("read", answer)
        return Stored(answer.body, _digest(answer.body))

    def _write(self, data: bytes, expected: str | None, lease: "HttpLease") -> str:
        """Compares before each try: the one before may have done it, or the lock may have changed hands since."""
        sent = False

        def attempt() -> str:
            nonlocal sent
            current = self._look()
            if sent and current is not None and current.data == data:
                return current.version
            if (None if current is None else current.version) != expected:
                raise conflict(self.url, expected, current)
            sent = True
            return self._send(data, lease)

        try:
            return self._calls.retried(attempt)
        except Unanswered:
            if sent and self._arrived(data):
                return _digest(data)
            raise

    def _send(self, data: bytes, lease: "HttpLease") -> str:
        answer = self._calls.ask("write", _with_id(self._settings.write, lease.info), data)
        if answer.status in HELD:
            raise lease.lose(f"the server answered {answer.status}: {answer.said or 'nothing more'}")
        if answer.status not in DONE:
            raise self._calls.unexpected("write", answer)
        return _digest(data)

    def _arrived(self, data: bytes) -> bool:
        """Whether a write that seemed to fail did not."""
        with suppress(StateError):
            current = self.read()
            return current is not None and current.data == data
        return False


class HttpLease(Lease):
    """A lock that the server keeps for the id in ``info``; nobody can be asked whether it still does.

    ``doubtful`` says that a try to take it had no answer: a later one may be refused in favour of this very lock.
    ``asking`` says that it may be ours without our knowing it, because an answer is still to come or was lost.
    """

    def __init__(self, backend: HttpBackend, info: LockInfo) -> None:
        self.info = info
        self.doubtful = self.asking = False
        self._backend = backend
        self._over = ""

    def check(self) -> None:
        """See :meth:`Lease.check`: that it was taken shows only when a write is refused, so only then it is known."""
        if self._over:
            raise lost(self._backend.url, self._over)

    def release(self) -> None:
        """See :meth:`Lease.release`; if the server can't be reached the lock stays until it is unlocked by its id."""
        if not self._over:
            self._over = "it was released"
            self._backend.release(self)
        self._backend.forget(self)

    def leave(self, until: datetime) -> LockInfo:
        """See :meth:`Lease.leave`; without an expiry, because the protocol has none."""
        self.check()
        self._over = "it was left to last longer"
        self._backend.forget(self)
        return replace(self.info, expires="")

    def lose(self, why: str) -> StateError:
        """From now on it is lost; returns the refusal to raise."""
        self._over = why
        return lost(self._backend.url, why)


def _with_id(request: Request, info: LockInfo) -> Request:
    """The request with the lock's id, by which the server knows who asks."""
    parts = urlsplit(request.address)
    query = f"{parts.query}&ID={quote(info.id, safe='')}".lstrip("&")
    return replace(request, address=parts._replace(query=query).geturl())


def _is_id(words: str) -> bool:
    import uuid

    with suppress(ValueError):
        return bool(uuid.UUID(words))
    return False


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
