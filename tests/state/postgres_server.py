"""A PostgreSQL server of our own, on a free port of this machine, with nothing worth keeping in it."""

import atexit
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from threading import Thread
from typing import IO, Any

import psycopg

from tests.machine import unavailable

PASSWORD = "correct-horse-battery"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "32MB",
    "max_connections": "100",
    "lc_messages": "C",
}


class PostgresServer:
    """The roles are ``admin`` who may do all, ``writer`` who owns each database and ``reader`` who may look."""

    def __init__(self) -> None:
        self._binaries = binaries()
        self._user: dict[str, Any] = {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}
        self.folder = Path(tempfile.mkdtemp(prefix="reconciler-postgres-"))
        (self.folder / "password").write_text(PASSWORD)
        if self._user:
            for path in (self.folder, self.folder / "password"):
                shutil.chown(path, **self._user)
        self._run("initdb", "-D", "data", "-U", "admin", "-A", "scram-sha-256", "--pwfile=password",
                  "-E", "UTF8", "--locale=C", "--no-sync")  # fmt: skip
        self.port = free_port()
        self._server = self._start()
        self._numbers = itertools.count()
        for role in ("writer", "reader"):
            self.sql(f"create role {role} login password '{PASSWORD}'")

    def sql(self, statement: str, *, database: str = "postgres", user: str = "admin", values: Any = None) -> list[Any]:
        """What the server answers to one statement."""
        with self.connection(database, user) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def connection(self, database: str, user: str = "admin", port: int = 0) -> "psycopg.Connection[Any]":
        return psycopg.connect(
            host="127.0.0.1", port=port or self.port, dbname=database, user=user, password=PASSWORD, autocommit=True
        )

    def database(self) -> str:
        """A new one, of the writer's, where the reader may look at what the writer makes."""
        name = f"place_{next(self._numbers)}"
        self.sql(f"create database {name} owner writer")
        self.sql("alter default privileges in schema public grant select on tables to reader", database=name,
                 user="writer")  # fmt: skip
        return name

    def stop(self) -> None:
        """End it as if it had died; a second time changes nothing."""
        if self._server.poll() is None:
            self._server.send_signal(signal.SIGQUIT)
            self._server.wait()

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self) -> "subprocess.Popen[str]":
        options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        server = subprocess.Popen(
            [self._binaries / "postgres", "-D", "data", "-p", str(self.port), *options],
            cwd=self.folder, stderr=subprocess.PIPE, text=True, env=environment(), **self._user,
        )  # fmt: skip
        assert server.stderr is not None
        said = []
        for line in server.stderr:
            said.append(line)
            if "ready to accept connections" in line:
                Thread(target=drain, args=(server.stderr,), daemon=True).start()
                return server
        raise AssertionError("".join(said))

    def _run(self, binary: str, *arguments: str) -> None:
        subprocess.run([self._binaries / binary, *arguments], cwd=self.folder, check=True, capture_output=True,
                       env=environment(), **self._user)  # fmt: skip


@cache
def server() -> PostgresServer:
    """The one of this test process, which ends with it."""
    made = PostgresServer()
    atexit.register(made.close)
    return made


def binaries() -> Path:
    """Where the server's programs are: Debian keeps them out of the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    on_path = shutil.which("postgres")
    if on_path is not None:
        found.append(Path(on_path).resolve())
    usable = [path.parent for path in found if (path.parent / "initdb").exists()]
    return usable[-1] if usable else unavailable("PostgreSQL")


def environment() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def drain(said: IO[str]) -> None:
    """Hear the server out, so that it never waits for a reader."""
    with said:
        said.read()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
