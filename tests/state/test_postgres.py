"""What is special about a lockfile in PostgreSQL: sessions, rights, other people's tables, the server's clock."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.diagnostics import LockHeld, StateError
from reconciler.state import Backend, Lease, LockInfo, StateConflict, Stored, open_backend
from reconciler.state.postgres_rows import KEPT
from tests.state.actor import Actor
from tests.state.place_postgres import PostgresPlace
from tests.state.postgres_relay import Relay
from tests.state.postgres_server import PASSWORD, PostgresServer, free_port

ME = LockInfo.mine("apply")


@pytest.fixture
def postgres(monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresPlace]:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    place = PostgresPlace()
    yield place
    place.close()


def through(relay: Relay, place: PostgresPlace) -> Backend:
    """A client whose way to the server leads through ``relay``."""
    url = place.url.replace(f":{place.server.port}/", f":{relay.port}/")
    return open_backend(url, lease=place.lease)


def session_of_the_lock(place: PostgresPlace) -> int:
    return int(place.sql("select pid from pg_locks where locktype = 'advisory'", user="admin")[0][0])


def until_lost(lease: Lease) -> StateError:
    """Ask as an apply does, before each request, until the answer is no."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            lease.check()
        except StateError as error:
            return error
    raise AssertionError("the lease is still there")


# --- opening


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:",
        "postgresql:host/database",
        "postgresql://host/database#a b",
        "postgresql://host/database#%00",
        "postgres://host/data\nbase",
    ],
)
def test_what_names_no_database_and_lockfile_is_refused(url: str) -> None:
    """Before anything is done, and without repeating a password that came apart at its #."""
    with pytest.raises(StateError, match="names no database") as caught:
        open_backend(url)
    assert "secret" not in str(caught.value) + caught.value.remedy
    assert "postgresql://user@host/database#name" in caught.value.remedy


def test_both_schemes_are_one_place(postgres: PostgresPlace) -> None:
    """libpq knows two names of the scheme, and whoever is used to one finds what the other wrote."""
    postgres.open().write(b"one", expected=None)
    stored = open_backend(postgres.url.replace("postgresql:", "Postgres:")).read()
    assert stored is not None
    assert stored.data == b"one"


def test_opening_imports_no_driver() -> None:
    """It takes a tenth of a second, and a wrong command line should not have to wait for it."""
    code = "import sys, reconciler.state as s; s.open_backend('postgresql://host/db'); print('psycopg' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


MISSING = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "psycopg":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocked())
from reconciler.diagnostics import StateError
from reconciler.state import LockInfo, open_backend
backend = open_backend("postgresql://127.0.0.1:1/db")
for act in (
    backend.read, backend.holder, lambda: backend.write(b"", expected=None), lambda: backend.lock(LockInfo.mine("x")),
    lambda: backend.unlock("x"), lambda: list(backend.history()),
):
    try:
        act()
    except StateError as error:
        print(error, "->", error.remedy)
"""


def test_without_the_driver_it_is_said_how_to_get_it() -> None:
    """Most lockfiles are files, so the driver comes only with an extra, and each act that needs it names that extra."""
    done = subprocess.run([sys.executable, "-c", MISSING], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 6
    for line in lines:
        assert "postgresql: needs the Python package psycopg" in line
        assert line.endswith("-> pip install 'emporix-reconciler[postgres]'")


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ("127.0.0.1:{closed}/db", "server is running"),
        ("127.0.0.1:{port}/nowhere", "does not exist"),
        ("127.0.0.1:{port}/db?nonsense=1", "nonsense"),
        ("127.0.0.1:{port}x/db", "port"),
        ("127.0.0.1:{port}/db?passfile2%", "%"),
    ],
)
def test_what_can_not_be_reached_is_an_error_in_words(postgres: PostgresPlace, rest: str, words: str) -> None:
    """A wrong port, database or parameter: the message names the place and the remedy what to look at."""
    url = "postgresql://writer@" + rest.format(port=postgres.server.port, closed=free_port())
    with pytest.raises(StateError) as caught:
        open_backend(url).read()
    assert words in f"{caught.value} {caught.value.remedy}"
    assert caught.value.remedy
    assert PASSWORD not in str(caught.value)


# --- the lock and its session


def test_a_lease_is_lost_with_its_session(postgres: PostgresPlace) -> None:
    """Who lost the session notices at the next check, can't write, and takes nothing from the next holder."""
    backend = postgres.open()
    lease = backend.lock(ME)
    version = backend.write(b"one", expected=None)
    postgres.sql("select pg_terminate_backend(%s, 10000)", [session_of_the_lock(postgres)], user="admin")
    for late in (
        lease.check,
        lambda: backend.write(b"late", expected=version),
        lambda: lease.leave(datetime.now(UTC) + timedelta(hours=1)),
    ):
        with pytest.raises(StateError, match="was lost") as caught:
            late()
        assert "plan again" in caught.value.remedy
    with postgres.open().lock(LockInfo.mine("next")) as following:
        lease.release()
        following.check()
        assert postgres.open().holder() == following.info
    assert backend.write(b"two", expected=version)


def test_a_write_is_refused_when_the_lock_is_gone_and_the_session_is_not(postgres: PostgresPlace) -> None:
    """The transaction of the write asks for the lock itself, so that there is no moment between check and write."""
    backend = postgres.open()
    with backend.lock(ME):
        postgres.sql("drop table reconciler_lockfile")
        postgres.open().lock(LockInfo.mine("next")).release()
        with pytest.raises(StateConflict, match="is gone"):
            backend.write(b"late", expected="1-0")
    assert postgres.open().read() is None


def test_a_table_that_goes_away_takes_the_lock_with_it(postgres: PostgresPlace) -> None:
    """Nobody works on without it: what is written then would be the only content, and nobody knows why."""
    postgres.lease = 2
    backend = postgres.open()
    with backend.lock(ME) as lease:
        postgres.sql("drop table reconciler_lockfile")
        with pytest.raises(StateError):
            backend.write(b"one", expected=None)
        assert "does not exist" in str(until_lost(lease))
    assert postgres.open().read() is None


def test_a_lease_is_kept_up_for_longer_than_it_lasts(postgres: PostgresPlace) -> None:
    """It is renewed while the holder is busy with something else, and the server keeps it."""
    postgres.lease = 2
    with postgres.open().lock(ME) as lease:
        end = time.monotonic() + 2.5
        while time.monotonic() < end:
            lease.check()
        with pytest.raises(LockHeld):
            postgres.open().lock(LockInfo.mine("other"))


def test_the_lock_of_a_machine_that_stalls_ends_with_its_lease(postgres: PostgresPlace) -> None:
    """The server hears nothing for the whole lease and lets the next one in; who comes back is late and is told so."""
    postgres.lease = 1
    with Actor(postgres.url, 1) as stalled:
        assert stalled.ask("lock", name="stalled") == "won"
        stalled.process.send_signal(signal.SIGSTOP)
        with postgres.open().lock(ME, timeout=60):
            stalled.process.send_signal(signal.SIGCONT)
            kind, text = stalled.ask("check")
            assert (kind, "was lost" in text) == ("StateError", True)
            assert stalled.ask("write", text="late", expected=None)[0] == "StateError"


def test_a_server_that_falls_silent_ends_the_work(postgres: PostgresPlace) -> None:
    """Who hears nothing for three quarters of the lease stops: after the whole of it somebody else may be let in."""
    postgres.lease = 1
    lease = postgres.open().lock(ME)
    session = session_of_the_lock(postgres)
    os.kill(session, signal.SIGSTOP)
    try:
        error = until_lost(lease)
    finally:
        os.kill(session, signal.SIGCONT)
    assert "no answer for" in str(error)
    lease.release()


def test_a_server_that_stops_is_an_error_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease, its write and its end, and whoever comes next: all are told in words, and releasing hides no result."""
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    with closing(PostgresServer()) as server:
        backend, other = (PostgresPlace(server).open() for _ in range(2))
        lease = backend.lock(ME)
        version = backend.write(b"one", expected=None)
        earlier = other.history()
        server.stop()
        for act in (
            lambda: backend.write(b"two", expected=version), lease.check, backend.read, backend.holder,
            lambda: backend.unlock(ME.id), lambda: next(earlier), lambda: other.lock(ME),
            lambda: other.write(b"two", expected=None),
        ):  # fmt: skip
            with pytest.raises(StateError) as caught:
                act()
            assert caught.value.remedy
        lease.release()


def test_what_a_dead_holder_left_is_ignored(postgres: PostgresPlace) -> None:
    """What counts is the server's lock: a row without it tells of nobody, and neither does one with an old date."""
    postgres.open_table()
    add = "insert into reconciler_lockfile (name, version, data, session) values ('acme', 0, %s, 4711)"
    for row in (ME.json(), LockInfo("1", "x", expires="2026-01-01T00:00:00Z").json(), b"\xffgarbage"):
        postgres.sql(add, [row])
        assert postgres.open().holder() is None
        with pytest.raises(StateError, match="is not locked"):
            postgres.open().unlock(ME.id)
        postgres.open().lock(LockInfo.mine("next")).release()
        assert postgres.remnants() == set()


def test_a_holder_without_a_name_is_respected(postgres: PostgresPlace) -> None:
    """Whoever has the server's lock and left no row is told of as such, and can't be confused with the last holder."""
    postgres.open_table()
    key = "hashtextextended('reconciler_lockfile'::regclass::oid::text || ' acme', 0)"
    with postgres.server.connection(postgres.database) as nameless:
        nameless.execute(f"select pg_advisory_lock({key})".encode())
        add = "insert into reconciler_lockfile (name, version, data, session) values ('acme', 0, %s, 4711)"
        postgres.sql(add, [ME.json()])
        assert postgres.open().holder() is None
        for act in (lambda: postgres.open().lock(ME), lambda: postgres.open().unlock(ME.id)):
            with pytest.raises(LockHeld, match="left no name"):
                act()


def test_the_date_of_a_lock_that_is_left_is_judged_by_the_servers_clock(postgres: PostgresPlace) -> None:
    """Clients' clocks differ and the server's is one; here it runs a day ahead of ours."""
    postgres.sql("create schema ahead")
    postgres.sql("create function ahead.now() returns timestamptz language sql as "
                 "$$ select pg_catalog.now() + interval '1 day' $$")  # fmt: skip
    ahead = postgres.url.replace("#", "?options=-csearch_path%3Dahead,pg_catalog,public#")
    in_hours = {hours: datetime.now(UTC) + timedelta(hours=hours) for hours in (23, 25)}
    open_backend(ahead).lock(ME).leave(in_hours[23])
    assert open_backend(ahead).holder() is None
    open_backend(ahead).lock(ME).leave(in_hours[25])
    assert open_backend(ahead).holder() is not None
    with pytest.raises(LockHeld):
        open_backend(ahead).lock(ME)


def test_a_pooler_that_shares_sessions_is_refused(postgres: PostgresPlace) -> None:
    """There a lock would be everybody's who gets the same session, so the second one must not believe that it won."""
    with Relay(postgres.server.port, pooled=True) as pooler:
        lease = through(pooler, postgres).lock(ME)
        with pytest.raises(StateError, match="pooler") as caught:
            through(pooler, postgres).lock(LockInfo.mine("other"))
        assert "pool_mode = session" in caught.value.remedy
        lease.release()


def test_a_session_without_its_lock_writes_nothing(postgres: PostgresPlace) -> None:
    """Somebody else in a shared session gave our lock away: the session lives on, the lease does not."""
    postgres.lease = 2
    with Relay(postgres.server.port, pooled=True) as pooler:
        backend = through(pooler, postgres)
        lease = backend.lock(ME)
        with postgres.server.connection(postgres.database, "writer", port=pooler.port) as stranger:
            stranger.execute("select pg_advisory_unlock_all()")
        with pytest.raises(StateError, match="does not have it any more"):
            backend.write(b"late", expected=None)
        assert "does not have it any more" in str(until_lost(lease))
    assert postgres.open().read() is None


# --- what is written


@pytest.mark.parametrize("size", [3, 300_000])
def test_a_write_whose_confirmation_is_lost_is_looked_for(postgres: PostgresPlace, size: int) -> None:
    """It is in the table, so it is a success and nobody keeps a rescue copy; the lease is lost all the same."""
    with Relay(postgres.server.port, deaf_to=b"COMMIT") as network:
        backend = through(network, postgres)
        with backend.lock(ME) as lease:
            version = backend.write(b"x" * size, expected=None)
            with pytest.raises(StateError, match="was lost"):
                lease.check()
    assert postgres.open().read() == Stored(b"x" * size, version)


def test_a_write_that_did_not_arrive_is_no_success(postgres: PostgresPlace) -> None:
    """The connection ends before the write is to be confirmed: nothing is there, and that is what is said."""
    with Relay(postgres.server.port, deaf_to=b"insert into reconciler_lockfile (name, version, data)") as network:
        backend = through(network, postgres)
        with backend.lock(ME), pytest.raises(StateError, match="was lost"):
            backend.write(b"one", expected=None)
    assert postgres.open().read() is None


def test_a_write_of_which_nothing_is_known_is_no_success(postgres: PostgresPlace) -> None:
    """The confirmation got lost on its way there: the table lacks the content, and only the next look is sure of it."""
    with Relay(postgres.server.port, loses=b"COMMIT") as network:
        backend = through(network, postgres)
        with backend.lock(ME), pytest.raises(StateError, match="can't write") as caught:
            backend.write(b"one", expected=None)
    assert "whether it was written shows then" in caught.value.remedy
    assert postgres.open().read() is None


def test_the_last_contents_are_kept_and_older_ones_are_not(postgres: PostgresPlace) -> None:
    """So that there is something to go back to and the table never gets large."""
    backend = postgres.open()
    version = None
    with backend.lock(ME):
        for turn in range(KEPT + 5):
            version = backend.write(b"%d" % turn, expected=version)
    earlier = [stored.data for stored in postgres.open().history()]
    assert earlier == [b"%d" % turn for turn in range(5, KEPT + 4)][::-1]
    assert postgres.sql("select count(*) from reconciler_lockfile") == [(KEPT,)]


def test_history_can_be_left_half_read(postgres: PostgresPlace) -> None:
    """Who looks for one content reads no more than that, and its connection ends."""
    backend = postgres.open()
    version = None
    for turn in range(4):
        version = backend.write(b"%d" % turn, expected=version)
    earlier = backend.history()
    assert next(earlier).data == b"2"
    earlier.close()  # type: ignore[attr-defined]
    postgres.sql("drop table reconciler_lockfile")


def test_two_names_in_one_table_are_two_places(postgres: PostgresPlace) -> None:
    """Neither content, lock nor history of one is the other's."""
    acme, beta = postgres.open(), open_backend(postgres.url_of("writer", "beta"))
    with acme.lock(ME) as lease:
        first = acme.write(b"a1", expected=None)
        with beta.lock(LockInfo.mine("beta")):
            second = beta.write(b"b1", expected=None)
        for turn in range(KEPT + 2):
            second = beta.write(b"%d" % turn, expected=second)
        lease.check()
        assert acme.holder() == lease.info
        assert beta.holder() is None
        assert acme.read() == Stored(b"a1", first)
        assert list(acme.history()) == []


def test_one_name_in_two_schemas_is_two_places(postgres: PostgresPlace) -> None:
    """The same name in another schema is another table, so its lock is another one too."""
    postgres.sql("create schema other")
    other = open_backend(postgres.url.replace("#", "?options=-csearch_path%3Dother#"))
    with postgres.open().lock(ME), other.lock(LockInfo.mine("other")):
        other.write(b"other", expected=None)
    assert postgres.open().read() is None


def test_a_content_that_was_changed_in_place_has_another_version(postgres: PostgresPlace) -> None:
    """A person's UPDATE keeps the row's number, and is not overwritten for that."""
    backend = postgres.open()
    version = backend.write(b"one", expected=None)
    postgres.sql("update reconciler_lockfile set data = 'by hand'")
    with pytest.raises(StateConflict, match="no lockfile"):
        backend.write(b"two", expected=version)


def test_a_content_after_a_removal_is_not_the_one_before(postgres: PostgresPlace) -> None:
    """Numbers start again then, and who has read the old first content does not overwrite the new one."""
    backend = postgres.open()
    version = backend.write(b"one", expected=None)
    postgres.remove()
    backend.write(b"new", expected=None)
    with pytest.raises(StateConflict):
        backend.write(b"late", expected=version)


# --- rights


def test_who_may_make_no_table_is_told_what_to_ask_for(postgres: PostgresPlace) -> None:
    """Reading is no problem there; the first lock or write needs a table, or somebody who makes it."""
    backend = open_backend(postgres.url_of("reader"))
    assert backend.read() is None
    for act in (lambda: backend.lock(ME), lambda: backend.write(b"one", expected=None)):
        with pytest.raises(StateError, match="denied") as caught:
            act()
        assert "rights" in caught.value.remedy
        assert "grant create on schema" in caught.value.remedy


def test_a_table_that_is_there_needs_no_right_to_make_one(postgres: PostgresPlace) -> None:
    """An administrator makes the table once and grants its use: that is all that a pipeline gets."""
    postgres.open_table()
    postgres.sql("grant select, insert, update, delete on reconciler_lockfile to reader")
    backend = open_backend(postgres.url_of("reader"))
    with backend.lock(ME) as lease:
        version = backend.write(b"one", expected=None)
        assert lease.leave(datetime.now(UTC) + timedelta(hours=1)).id == ME.id
    postgres.open().unlock(ME.id)
    assert backend.write(b"two", expected=version)


def test_ending_another_users_session_takes_a_right(postgres: PostgresPlace) -> None:
    """Who may write and not that is told so, and the holder goes on."""
    with postgres.open().lock(ME) as lease:
        postgres.sql("grant select, insert, update, delete on reconciler_lockfile to reader")
        with pytest.raises(StateError, match="denied") as caught:
            open_backend(postgres.url_of("reader")).unlock(ME.id)
        assert "pg_signal_backend" in caught.value.remedy
        lease.check()


def test_a_table_that_is_closed_to_us_is_denied(postgres: PostgresPlace) -> None:
    """Not even looking is allowed, which is not the same as nothing being there."""
    postgres.open_table()
    postgres.sql("revoke all on reconciler_lockfile from reader")
    backend = open_backend(postgres.url_of("reader"))
    for act in (backend.read, backend.holder, lambda: list(backend.history())):
        with pytest.raises(StateError, match="denied"):
            act()


def test_a_standby_can_be_read_and_not_written(postgres: PostgresPlace) -> None:
    """A server that only follows another says so at the first lock, and the remedy is the other one."""
    version = postgres.open().write(b"one", expected=None)
    backend = open_backend(postgres.url.replace("#", "?options=-cdefault_transaction_read_only%3Don#"))
    assert backend.read() == Stored(b"one", version)
    with pytest.raises(StateError, match="denied") as caught:
        backend.lock(ME)
    assert "primary" in caught.value.remedy


# --- what others made


@pytest.mark.parametrize(
    "table",
    [
        "(id integer)",
        "(name text, version bigint, data bytea)",
        "(name text, version text, data bytea, session integer, written_at timestamptz)",
        "(name text, version bigint, data text, session integer, primary key (name, version))",
        "(name text, version bigint, data jsonb, session integer, primary key (name, version))",
        "(name text, version bigint, data bytea, session integer)",
    ],
)
def test_a_table_of_somebody_elses_is_left_alone(postgres: PostgresPlace, table: str) -> None:
    """It has our name and other columns: no write goes there, and what to do is said."""
    postgres.sql(f"create table reconciler_lockfile {table}")
    with pytest.raises(StateError, match="not one that we made") as caught:
        postgres.open().lock(ME)
    assert "rename" in caught.value.remedy
    assert postgres.sql("select count(*) from reconciler_lockfile") == [(0,)]


@pytest.mark.parametrize("data", ["text default 'one'", "bytea default null", "jsonb default '{}'"])
def test_content_that_is_no_bytes_is_an_error(postgres: PostgresPlace, data: str) -> None:
    """Text or nothing where bytes should be is refused in words when it is read."""
    postgres.sql(
        f"create table reconciler_lockfile (name text, version bigint, data {data}, session integer,"
        " written_at timestamptz, primary key (name, version))"
    )
    postgres.sql("insert into reconciler_lockfile (name, version) values ('acme', 2), ('acme', 1), ('acme', 0)")
    backend = postgres.open()
    for act in (backend.read, lambda: list(backend.history()), lambda: backend.write(b"one", expected=None)):
        with pytest.raises(StateError, match="not one that we made"):
            act()
