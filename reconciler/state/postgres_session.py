"""Connections to PostgreSQL, and what its errors mean for a lockfile.

The driver is an optional package and slow to import, so it is asked for by the first connection.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from reconciler.diagnostics import StateError
from reconciler.extras import required
from reconciler.state.postgres_rows import TABLE, foreign

if TYPE_CHECKING:
    from psycopg import Connection, Error

_CLIENT: Final = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
    "fallback_application_name": "reconciler",
    "client_encoding": "utf8",
}
"""What a URL may set otherwise: a machine that is gone shows within a minute."""

_SERVER: Final = {
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "60000",
    "lock_timeout": "10000",
    "statement_timeout": "60000",
}
"""The same for the server's end, so that it frees a dead machine's lock; and no LOCK TABLE holds us up for ever."""

_SET: Final = """
select set_config(setting.name, wanted.value, false)
from pg_settings as setting join unnest(%(names)s::text[], %(values)s::text[]) as wanted (name, value) using (name)
"""
"""Asks for the settings that this server has: a few came with later versions."""

_DENIED: Final = re.compile(
    r"authentication failed|no password supplied|pg_hba\.conf|permission denied|not permitted to log in|"
    r"role .* does not exist"
)
"""How the server says no while connecting, for which the driver keeps no code."""


def connect(conninfo: str) -> "Connection[Any]":
    """A connection in which each statement is a transaction of its own; raises the driver's errors."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    given = set(conninfo_to_dict(conninfo))
    if "PGCONNECT_TIMEOUT" in os.environ:
        given.add("connect_timeout")
    wanted = {name: value for name, value in _CLIENT.items() if name not in given}
    connection = psycopg.connect(conninfo, autocommit=True, prepare_threshold=None, **wanted)  # type: ignore[arg-type]
    try:
        configure(connection, _SERVER)
    except BaseException:
        connection.close()
        raise
    return connection


def configure(connection: "Connection[Any]", settings: dict[str, str]) -> None:
    """Set these for the session, where the server knows them."""
    connection.execute(_SET, {"names": list(settings), "values": list(settings.values())})


@contextmanager
def explained(action: str, url: str) -> Iterator[None]:
    """Turns the driver's errors into words about this place; without the driver, says how to get it."""
    required("psycopg", "postgres", "a lockfile at postgresql:", StateError)
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        raise _explanation(action, url, error) from error
    except UnicodeError as error:
        raise StateError(
            f"can't {action} {url}: it is not written as a URL", remedy="check its host and options"
        ) from error


def text(error: BaseException) -> str:
    """What the driver says, in one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _explanation(action: str, url: str, error: "Error") -> StateError:
    code, said = error.sqlstate or "", text(error)
    if code.startswith(("42", "22")) and code not in {"42501", "42P01"}:
        return foreign(url, said)
    word, remedy = _meaning(action, code, said)
    return StateError(f"can't {action} {url}: {word}{said}", remedy=remedy)


def _meaning(action: str, code: str, said: str) -> tuple[str, str]:
    """What to say before the server's words, and what to do about them."""
    if code in {"42501", "3F000"}:
        return "denied: ", _rights(action)
    if code == "25006":
        return "writing is denied: ", "name the primary server, and check that your rights there are not read-only"
    if code == "42P01":
        return f"its table {TABLE} is gone: ", "find out who removed it"
    if code == "3D000" or _NO_DATABASE.search(said):
        return "", "create the database, or check its name in the URL"
    if _DENIED.search(said) and not code:
        return "access is denied: ", (
            "check the user and its password (PGUSER, PGPASSWORD, ~/.pgpass or PGSERVICE) and its rights to "
            "connect (pg_hba.conf)"
        )
    return "", _REMEDIES.get(code[:2], _REMEDIES[""])


_NO_DATABASE: Final = re.compile(r'database ".*" does not exist')
_REMEDIES: Final = {
    "": "check that the server is running and can be reached from here, then try again",
    "08": "check that the server is running and can be reached from here, then try again",
    "53": "give the server more of what it lacks and try again: the last content is still there",
    "55": "find out who keeps the table locked (`select * from pg_locks`), then try again",
    "57": "wait until the server is up again, then try again",
}


def _rights(action: str) -> str:
    if action == "unlock":
        return "check your rights: to end another user's session takes `grant pg_signal_backend to YOU`"
    return (
        f"check your rights: `grant select, insert, update, delete on {TABLE} to YOU`, and while there is no such "
        "table also `grant create on schema public to YOU`"
    )
