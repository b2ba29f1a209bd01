"""A lockfile in a PostgreSQL database: one table for all of them, guarded by a lock that dies with its session.

The lock is the server's (a session-level advisory lock) on a connection that stays open, so a run that was killed
leaves nobody waiting. Writes go through that very connection: who lost it can't write, by construction.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from select import POLLIN, poll
from socket import SHUT_RDWR, socket
from threading import Event, Lock, Thread
from typing import Final
from urllib.parse import unquote

from reconciler.diagnostics import StateError
from reconciler.state.backend import (
    FAREWELL,
    Backend,
    Lease,
    Stored,
    acquire,
    farewell,
    held,
    lost,
    no_lock,
    other_lock,
    ticks,
)
from reconciler.state.lock import LockInfo, OnWait, timestamp
from reconciler.state.postgres_rows import Rows, Seat
from reconciler.state.postgres_session import configure, connect, explained, text

PATIENCE: Final = 0.5
"""Seconds that even a caller without a timeout tries: a lone write is over by then, and a holder has left its name."""

_ELSEWHERE: Final = "this session does not have it any more"
_IDLE: Final = ("idle_session_timeout", "idle_in_transaction_session_timeout")
_NAME: Final = re.compile(r"[\w./-]{1,200}")


class PostgresBackend(Backend):
    """The lockfile called what stands behind ``#``, in the database that the rest of the URL and libpq's ways name.

    ``lease`` is how many seconds the server keeps the lock of a machine from which it hears nothing.
    """

    def __init__(self, url: str, rest: str, lease: float) -> None:
        self.url = url
        self.lease_seconds = lease
        where, _, name = rest.partition("#")
        self._conninfo = f"postgresql:{where}"
        self._name = unquote(name) or "reconciler"
        self._lease: PostgresLease | None = None
        if not where.startswith("//") or not where.isprintable() or not _NAME.fullmatch(self._name):
            raise StateError(  # repeats nothing: a password with a # in it may have come apart
                "the postgresql: URL names no database and name",
                remedy="write postgresql://user@host/database#name, the name in letters, digits and ._/-",
            )

    def read(self) -> Stored | None:
        """See :meth:`Backend.read`; where the table is missing there is nothing yet."""
        with self.rows("read") as rows:
            return rows.newest()

    def write(self, data: bytes, *, expected: str | None) -> str:
        """See :meth:`Backend.write`; the previous contents stay in the table."""
        if self._lease is not None:
            return self._lease.write(data, expected)
        with self._locked(LockInfo.mine("write")) as lease:
            return lease.write(data, expected)

    def lock(self, info: LockInfo, *, timeout: float = 0, on_wait: OnWait | None = None) -> Lease:
        """See :meth:`Backend.lock`; a dead holder's lock is free as soon as the server sees its connection end."""
        self._lease = self._locked(info, timeout, on_wait)
        return self._lease

    def holder(self) -> LockInfo | None:
        """See :meth:`Backend.holder`; what a dead holder left behind tells of nobody."""
        with self.rows("look at the lock of") as rows:
            return rows.seat().holder if rows.exist() else None

    def unlock(self, lock_id: str) -> None:
        """See :meth:`Backend.unlock`: the server ends the session of who is alive."""
        with self.rows("unlock") as rows:
            seat = rows.seat() if rows.exist() else None
            if seat is not None and seat.holder is not None and seat.holder.id != lock_id:
                raise other_lock(self.url, lock_id, seat.holder)
            if seat is None or seat.holder is None or seat.data is None:
                raise self._refusal(seat)
            if seat.pid is not None:
                self._expel(rows, seat.pid, seat.data)
            rows.clear(seat.data)

    def history(self) -> Iterator[Stored]:
        """See :meth:`Backend.history`: the contents of the last writes (:data:`KEPT`)."""
        with self.rows("read the history of") as rows:
            yield from rows.earlier()

    def forget(self, lease: "PostgresLease") -> None:
        """From now on ``lease`` covers no write of this object: it was released."""
        if self._lease is lease:
            self._lease = None

    @contextmanager
    def rows(self, action: str) -> Iterator[Rows]:
        """The rows over a connection of their own, for as long as it lasts."""
        with explained(action, self.url), connect(self._conninfo) as connection:
            yield Rows(connection, self._name, self.url)

    def _locked(self, info: LockInfo, timeout: float = 0, on_wait: OnWait | None = None) -> "PostgresLease":
        with explained("lock", self.url):
            connection = connect(self._conninfo)
            try:
                rows = Rows(connection, self._name, self.url)
                rows.create()
                attempt = self._attempt(rows, replace(info, path=self.url))
                return acquire(self.url, attempt, timeout=timeout, on_wait=on_wait, patience=PATIENCE, pause=0.02)
            except BaseException:
                connection.close()
                raise

    def _attempt(self, rows: Rows, info: LockInfo) -> Callable[[], tuple["PostgresLease | None", LockInfo | None]]:
        def attempt() -> tuple[PostgresLease | None, LockInfo | None]:
            seat = rows.seat()
            if seat.mine:
                raise _pooled(self.url)
            if seat.taken or not rows.take():
                return None, seat.holder
            seat = rows.seat()
            if not seat.mine:
                raise _pooled(self.url)
            if seat.left:  # somebody did so between our two looks
                rows.give_up()
                return None, seat.holder
            rows.sit(info, rows.pid)
            return PostgresLease(self, rows, info), None

        return attempt

    def _expel(self, rows: Rows, pid: int, data: bytes) -> None:
        if not rows.end(pid, data):
            raise self._refusal(rows.seat())

        def attempt() -> tuple[bool | None, LockInfo | None]:
            seat = rows.seat()
            return (None if seat.pid == pid else True), seat.holder

        acquire(self.url, attempt, timeout=0, on_wait=None, patience=FAREWELL, pause=0.01)

    def _refusal(self, seat: Seat | None) -> StateError:
        return held(self.url, seat.holder) if seat is not None and seat.taken else no_lock(self.url)


class PostgresLease(Lease):
    """A session that has the lock and is heard from every quarter of the lease, so that the server keeps it.

    The server ends a session that it hears nothing from for the whole lease; we stop at three quarters, so never after
    somebody else could be let in.
    """

    def __init__(self, backend: PostgresBackend, rows: Rows, info: LockInfo) -> None:
        self.info = info
        self._backend = backend
        self._rows = rows
        self._turn = Lock()
        self._over = Event()
        self._why = "the server does not answer"
        self._heard = ticks()
        seconds = backend.lease_seconds
        idle = str(max(1, round(seconds * 1000)))
        configure(rows.connection, dict.fromkeys(_IDLE, idle))
        self._patience = seconds * 3 / 4
        Thread(target=self._renew, args=(seconds / 4,), name="lease", daemon=True).start()

    def check(self) -> None:
        """See :meth:`Lease.check`: asks the server only if it said something unasked, which it does when it goes."""
        if self._turn.acquire(blocking=False):
            try:
                if not self._over.is_set() and _has_news(self._rows):
                    self._ask()
            finally:
                self._turn.release()
        silence = ticks() - self._heard
        if self._over.is_set() or silence > self._patience:
            raise lost(self._backend.url, self._why if self._over.is_set() else f"no answer for {silence:.0f} seconds")

    def write(self, data: bytes, expected: str | None) -> str:
        """The new version; see :meth:`Backend.write`.

        If the connection ends while the write is being confirmed, the table is asked over another one whether it was
        written: if so that is the answer, and the lease is lost all the same, as the next check says.
        """
        self.check()
        with explained("write", self._backend.url):
            if not self._turn.acquire(timeout=max(self._patience - (ticks() - self._heard), 0)):
                _hang_up(self._rows)
                raise lost(self._backend.url, "the server does not answer")
            try:
                return self._write(data, expected)
            finally:
                self._turn.release()

    def release(self) -> None:
        """See :meth:`Lease.release`; what goes wrong then is no reason to hide a result: the session's end frees it."""
        farewell(self._give_up)
        self._over.set()
        self._backend.forget(self)

    def leave(self, until: datetime) -> LockInfo:
        """See :meth:`Lease.leave`.

        The date is in the table before the session's lock goes; when it is over, the server's clock decides.
        """
        self.check()
        info = replace(self.info, expires=timestamp(until))
        with explained("lock", self._backend.url), self._ending():
            with self._rows.connection.transaction():
                self._fence()
                self._rows.sit(info, None)
            self._rows.give_up()
        self._backend.forget(self)
        self.info = info
        return info

    def _write(self, data: bytes, expected: str | None) -> str:
        from psycopg import OperationalError

        began, version = ticks(), None
        try:
            with self._rows.connection.transaction():
                self._fence()
                version = self._rows.replace(data, expected)
        except OperationalError as error:
            if not self._rows.connection.closed:
                raise
            self._end(text(error))
            self._settle(version, text(error))
        self._heard = began
        return version or ""

    def _settle(self, version: str | None, why: str) -> None:
        """Raise StateError unless the table is known to have what was written when the connection ended."""
        if version is None:
            raise lost(self._backend.url, why)
        with suppress(StateError), self._backend.rows("write") as rows:
            if rows.has(version):
                return
        raise StateError(
            f"can't write {self._backend.url}: {why}", remedy="plan again: whether it was written shows then"
        )

    def _fence(self) -> None:
        if not self._rows.seat().mine:
            raise lost(self._backend.url, _ELSEWHERE)

    def _give_up(self) -> None:
        from psycopg import Error

        with suppress(Error), self._ending():
            self._rows.clear(self.info.json())
            self._rows.give_up()

    def _renew(self, pause: float) -> None:
        while not self._over.wait(pause):
            if self._turn.acquire(timeout=pause):
                try:
                    if not self._over.is_set():
                        self._ask()
                finally:
                    self._turn.release()
            elif ticks() - self._heard > self._patience:
                _hang_up(self._rows)  # whoever waits for an answer in that turn would wait for ever

    def _ask(self) -> None:
        from psycopg import Error

        began = ticks()
        try:
            mine = self._rows.seat().mine
        except (Error, StateError) as error:
            self._end(text(error))
            return
        if mine:
            self._heard = began
        else:
            self._end(_ELSEWHERE)

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """The connection's last turn; raises StateError if there is none."""
        mine = self._turn.acquire(timeout=FAREWELL)
        try:
            if not mine or self._over.is_set():
                raise lost(self._backend.url, self._why)
            yield
        finally:
            if mine:
                self._end("it was given up")
                self._turn.release()
            self._over.set()

    def _end(self, why: str) -> None:
        if not self._over.is_set():
            self._why = why
            self._over.set()
            self._rows.connection.close()


def _has_news(rows: Rows) -> bool:
    watch = poll()
    watch.register(rows.connection.fileno(), POLLIN)
    return bool(watch.poll(0))


def _hang_up(rows: Rows) -> None:
    """End the connection under whoever waits for its answer, who is then told that it ended."""
    from psycopg import Error

    with suppress(OSError, ValueError, Error), socket(fileno=os.dup(rows.connection.fileno())) as wire:
        wire.shutdown(SHUT_RDWR)


def _pooled(url: str) -> StateError:
    return StateError(
        f"{url}: between here and the server stands a pooler that gives each statement another session, where no lock "
        "can last",
        remedy="name the server itself, or a port of the pooler that keeps sessions (pgbouncer: pool_mode = session)",
    )
