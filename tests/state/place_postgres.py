"""A lockfile in a database of its own on the test process's PostgreSQL server."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.state.places import Place
from tests.state.postgres_server import PASSWORD, PostgresServer, server


class PostgresPlace(Place):
    def __init__(self, on: PostgresServer | None = None) -> None:
        self.server = on or server()
        self.database = self.server.database()
        self.environment = {"PGPASSWORD": PASSWORD}
        self.name = "acme"
        self.url = self.url_of("writer")

    def url_of(self, user: str, name: str = "acme") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.server.port}/{self.database}#{name}"

    def sql(self, statement: str, values: Any = None, user: str = "writer") -> list[Any]:
        """What the server answers to one statement behind every client's back."""
        return self.server.sql(statement, database=self.database, user=user, values=values)

    def put(self, data: bytes) -> None:
        """A row more, as a person would who restores a content."""
        self.open_table()
        self.sql(
            "insert into reconciler_lockfile (name, version, data) select %(name)s, coalesce(max(version), 0) + 1,"
            " %(data)s from reconciler_lockfile where name = %(name)s",
            {"name": self.name, "data": data},
        )

    def open_table(self) -> None:
        """Have the place make its table, which the first lock does."""
        from reconciler.state import LockInfo

        if not self.sql("select 1 from pg_tables where tablename = 'reconciler_lockfile'"):
            self.open().lock(LockInfo.mine("test")).release()

    def remove(self) -> None:
        self.sql("delete from reconciler_lockfile where version > 0")

    def remnants(self) -> set[str]:
        """Tables of another name, what says who holds the lock, and locks of the server."""
        tables = {row[0] for row in self.sql("select tablename from pg_tables where schemaname = 'public'")}
        found = tables - {"reconciler_lockfile"}
        if tables - found:
            found |= {
                f"row 0 of {row[0]}" for row in self.sql("select name from reconciler_lockfile where version < 1")
            }
        locks = self.sql("select pid from pg_locks where locktype = 'advisory' and database = "
                         "(select oid from pg_database where datname = current_database())")  # fmt: skip
        return found | {f"lock of {row[0]}" for row in locks}

    @contextmanager
    def readable_only(self) -> Iterator[None]:
        """The reader's URL instead of the writer's."""
        before, self.url = self.url, self.url_of("reader")
        try:
            yield
        finally:
            self.url = before

    @contextmanager
    def wrong_credentials(self) -> Iterator[None]:
        os.environ["PGPASSWORD"] = "wrong"
        try:
            yield
        finally:
            os.environ["PGPASSWORD"] = PASSWORD

    def close(self) -> None:
        self.server.sql(f"drop database {self.database} with (force)")
