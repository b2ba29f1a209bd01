"""The lockfile's rows in PostgreSQL: every statement that the place in ``reconciler.state.postgres`` sends.

One table holds the lockfiles of all names. Of a name's rows the newest ``version`` is the content, the ones before it
the history, and row 0 says who holds the lock: ``session`` is the server's session that holds it, so that what a dead
holder left behind is told from the truth. The lock itself is a session-level advisory lock, which no row can be.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from reconciler.diagnostics import StateError
from reconciler.state.backend import Stored, conflict
from reconciler.state.lock import LockInfo

if TYPE_CHECKING:
    from psycopg import Connection

KEPT: Final = 20
"""Contents of each name that are kept, the current one included: some weeks of applies, and never a large table."""

TABLE: Final = "reconciler_lockfile"

_KEY: Final = """
select hashtextextended(to_regclass('reconciler_lockfile')::oid::text || ' ' || %(name)s::text, 0)
"""
_CREATE: Final = """
create table if not exists reconciler_lockfile (
    name text not null,
    version bigint not null,
    data bytea not null,
    session integer,
    written_at timestamptz not null default now(),
    primary key (name, version)
)
"""
_CONTENTS: Final = """
select version || '-' || left(encode(sha256(data), 'hex'), 16), data
from reconciler_lockfile where name = %(name)s and version > 0 order by version desc offset %(skipped)s limit %(most)s
"""
_VERSION: Final = """
select version, version || '-' || left(encode(sha256(data), 'hex'), 16)
from reconciler_lockfile where name = %(name)s and version > 0 order by version desc limit 1
"""
_HAS: Final = """
select 1 from reconciler_lockfile where name = %(name)s and version > 0
and version || '-' || left(encode(sha256(data), 'hex'), 16) = %(version)s
"""
_INSERT: Final = """
insert into reconciler_lockfile (name, version, data) values (%(name)s, %(version)s, %(data)b)
returning version || '-' || left(encode(sha256(data), 'hex'), 16)
"""
_PRUNE: Final = """
delete from reconciler_lockfile where name = %(name)s and version > 0 and version <= (
    select version from reconciler_lockfile where name = %(name)s and version > 0
    order by version desc offset %(kept)s limit 1)
"""
_SEAT: Final = """
select seat.data, seat.session, held.pid, pg_backend_pid(), now()
from (select 1) as one
left join reconciler_lockfile as seat on seat.name = %(name)s and seat.version = 0
left join pg_locks as held on held.locktype = 'advisory' and held.objsubid = 1 and held.granted
    and held.database = (select oid from pg_database where datname = current_database())
    and (held.classid::bigint << 32) | held.objid::bigint = %(key)s
"""
_TAKE: Final = "select pg_try_advisory_lock(%(key)s), pg_backend_pid()"
_GIVE_UP: Final = "select pg_advisory_unlock(%(key)s)"
_SIT: Final = """
insert into reconciler_lockfile (name, version, data, session) values (%(name)s, 0, %(data)b, %(session)s)
on conflict (name, version) do update
set data = excluded.data, session = excluded.session, written_at = excluded.written_at
"""
_CLEAR: Final = "delete from reconciler_lockfile where name = %(name)s and version = 0 and data = %(data)b"
_END: Final = """
select pg_terminate_backend(%(pid)s) from reconciler_lockfile
where name = %(name)s and version = 0 and data = %(data)b and session = %(pid)s
"""


@dataclass(frozen=True, slots=True)
class Seat:
    """What row 0 and the server's locks say: ``holder`` is None if nobody holds the lock or who does left no name.

    ``pid`` is the session that holds the advisory lock, ``mine`` whether that is the one that asked, ``data`` row 0 as
    it is, ``left`` whether a lock that was left is not over yet.
    """

    pid: int | None
    mine: bool
    left: bool
    holder: LockInfo | None
    data: bytes | None

    @property
    def taken(self) -> bool:
        """Whether nobody else may have the lock."""
        return self.pid is not None or self.holder is not None


class Rows:
    """The rows of one name over one connection; errors are the driver's, but for what is no lockfile's table."""

    def __init__(self, connection: "Connection[Any]", name: str, url: str) -> None:
        self.connection = connection
        self.pid = 0
        self._name = name
        self._url = url
        self._key: int | None = None

    def exist(self) -> bool:
        """Whether there is a table that could have any; the lock's key comes from it, so two tables have two locks.

        Not from its name, because the same name in another schema is another table.
        """
        if self._key is None:
            row = self._row(_KEY)
            self._key = row[0] if row else None
        return self._key is not None

    def create(self) -> None:
        """Make the table if it is missing; only then is the right to make one needed."""
        from psycopg.errors import DuplicateObject, DuplicateTable, UniqueViolation

        if not self.exist():
            with suppress(DuplicateObject, DuplicateTable, UniqueViolation):  # somebody else made it meanwhile
                self.connection.execute(_CREATE)
            self.exist()

    def newest(self) -> Stored | None:
        """The current content."""
        row = self._row(_CONTENTS, skipped=0, most=1) if self.exist() else None
        return self._stored(row) if row else None

    def earlier(self) -> Iterator[Stored]:
        """The contents before it, newest first, fetched one at a time because they may be large."""
        if self.exist():
            with self.connection.transaction(), self.connection.cursor("earlier", binary=True) as cursor:
                cursor.itersize = 1
                cursor.execute(_CONTENTS, {"name": self._name, "skipped": 1, "most": KEPT})
                yield from map(self._stored, cursor)

    def has(self, version: str) -> bool:
        """Whether this version is the current content or an earlier one."""
        return self._row(_HAS, version=version) is not None

    def replace(self, data: bytes, expected: str | None) -> str:
        """Add a content if the newest is the ``expected`` one, and drop the oldest; the caller's transaction holds it.

        Returns the new version: the row's number and a digest, so that a row that was changed in place has another.
        Raises StateConflict.
        """
        from psycopg.errors import UniqueViolation

        number, version = self._row(_VERSION) or (0, None)
        if version != expected or (number and version is None):
            raise conflict(self._url, expected, self.newest())
        try:
            added = self._row(_INSERT, version=number + 1, data=data)
        except UniqueViolation as error:  # a person's row: all of ours are written under the lock
            raise StateError(f"{self._url} was written by hand meanwhile", remedy="plan again") from error
        self._row(_PRUNE, kept=KEPT)
        return str(added[0])

    def seat(self) -> Seat:
        """Who holds the lock now, by the server's locks and the server's clock."""
        row = self._row(_SEAT)
        data, session, pid, asker, now = row
        data = None if data is None else self._bytes(data)
        told = None if data is None else LockInfo.parse(data)
        left = told is not None and _lasts(told, now)
        believed = left or (pid is not None and session == pid)
        return Seat(pid, pid == asker, left, told if believed else None, data)

    def take(self) -> bool:
        """Try to get the lock for this connection's session."""
        row = self._row(_TAKE)
        self.pid = row[1]
        return bool(row[0])

    def give_up(self) -> None:
        """Let the lock go."""
        self._row(_GIVE_UP)

    def sit(self, info: LockInfo, session: int | None) -> None:
        """Say in row 0 who holds the lock; without a session it is one that is left."""
        self._row(_SIT, data=info.json(), session=session)

    def clear(self, data: bytes) -> None:
        """Empty row 0 if it still says ``data``: it is nobody else's by then."""
        self._row(_CLEAR, data=data)

    def end(self, pid: int, data: bytes) -> bool:
        """End the session that holds the lock if row 0 still says that it is this one, and whether it said so."""
        return self._row(_END, pid=pid, data=data) is not None

    def _row(self, statement: str, **values: object) -> Any:
        with self.connection.cursor(binary=True) as cursor:
            cursor.execute(statement.encode(), {"name": self._name, "key": self._key, **values})
            return cursor.fetchone() if cursor.description else None

    def _stored(self, row: Any) -> Stored:
        return Stored(self._bytes(row[1]), row[0])

    def _bytes(self, data: object) -> bytes:
        if not isinstance(data, bytes):
            raise foreign(self._url, "its data are no bytes")
        return data


def foreign(url: str, why: str) -> StateError:
    """The refusal of a table that has our name and is not ours."""
    return StateError(
        f"{url}: the table {TABLE} there is not one that we made: {why}",
        remedy="rename that table, or use another database or schema (`?options=-csearch_path%3DSCHEMA`)",
    )


def _lasts(told: LockInfo, now: object) -> bool:
    return isinstance(now, datetime) and told.lasts(now)
