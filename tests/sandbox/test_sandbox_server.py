"""Starting, stopping, dying and coming back."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing

import httpx
import pytest

import reconciler.sandbox
from reconciler.sandbox import Options, Sandbox, SeedError, serve, start

SERVE = """
import sys
from pathlib import Path
from reconciler.sandbox import Options, serve
serve(Path(sys.argv[1]), port=0, seed=None, options=Options(), announce=lambda line: print(line, flush=True))
print("ended")
"""


@pytest.fixture
def served(tmp_path, world):
    """A server in a process of its own, and its URL."""
    reconciler.sandbox.load_seed(tmp_path / "s.db", world)
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SERVE, str(tmp_path / "s.db")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        assert child.stdout
        yield child, child.stdout.readline().split()[-1]
        if child.poll() is None:
            child.kill()


def test_the_package_is_light_to_import():
    """Starlette and uvicorn are imported when a server is started, not before."""
    code = (
        "import sys, reconciler.sandbox\n"
        "heavy = {'starlette', 'uvicorn', 'uvloop', 'asyncio', 'yaml', 'sqlite3'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    assert subprocess.run([sys.executable, "-c", code], env=unmeasured, check=False).returncode == 0


def test_the_package_stands_alone():
    """It is an independent witness: it imports nothing else of the reconciler."""
    code = (
        "import sys, reconciler.sandbox.server\n"
        "own = {name for name in sys.modules if name.startswith('reconciler.')}\n"
        "assert all(name.startswith('reconciler.sandbox') for name in own), own\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_names_are_found_when_they_are_asked_for():
    """Sandbox lives beside the server; other names do not exist."""
    assert Sandbox.__name__ == "Sandbox"
    with pytest.raises(AttributeError):
        _ = reconciler.sandbox.nothing


def test_close_frees_the_port_and_may_be_called_twice():
    """The same port can be taken again at once, with connections that were open."""
    first = start(None)
    port = int(first.url.rpartition(":")[2])
    with httpx.Client(base_url=first.url) as client:
        client.get("/")
        first.close()
        first.close()
    with start(None, port=port) as second:
        assert second.url == first.url


def test_a_port_in_use_is_an_os_error():
    """It is raised where the server is started."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken, pytest.raises(OSError, match="in use"):
        start(None, port=taken.getsockname()[1])


def test_a_wrong_seed_is_raised_where_the_server_is_started():
    """The same error as that of load_seed."""
    with pytest.raises(SeedError):
        start(None, seed={"tenants": [{"tenant": "a", "x": 1}]})


def test_a_database_of_another_version_is_refused(tmp_path):
    """Its tables may be different, and a sandbox's data can be seeded again."""
    path = tmp_path / "new" / "folder" / "s.db"
    start(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 999")
    with pytest.raises(OSError, match="another version"):
        start(path)


def test_two_sandboxes_run_side_by_side(launch, login):
    """Each has its own data."""
    one, two = login(launch()), login(launch())
    one.delete("groups/clerks/users")
    assert (one.get("groups/clerks/users").json(), len(two.get("groups/clerks/users").json())) == ([], 1)


def test_an_unexpected_error_is_visible(sandbox, login, caplog):
    """A bug in the sandbox must not look like a fault: 500, and the traceback goes to the log."""
    api = login(sandbox)
    sandbox._store.db.execute("DROP TABLE assignment")
    assert api.get("groups/managers/users").status_code == 500
    sandbox.close()
    assert "no such table: assignment" in caplog.text


@pytest.mark.parametrize("code", [signal.SIGINT, signal.SIGTERM])
def test_serve_ends_on_a_signal(served, code):
    """The function returns, so that the command can say goodbye, and nothing is on stderr."""
    child, url = served
    assert httpx.get(url).status_code == 404
    child.send_signal(code)
    out, err = child.communicate(timeout=20)
    assert (child.returncode, out, err) == (0, "ended\n", "")


def test_data_survive_a_kill(served, login, launch, tmp_path):
    """Every answered write is in the file when the process is killed."""
    child, url = served
    api = login(type("Served", (), {"url": url}))
    for user in ("ben", "cleo"):
        assert api.put(f"groups/clerks/users/EMPLOYEE/{user}").status_code == 201
    child.kill()
    child.wait()
    again = login(launch(None, tmp_path / "s.db"))
    assert [row["userId"] for row in again.get("groups/clerks/users").json()] == ["ana", "ben", "cleo"]


def test_serve_restores_the_signals():
    """Afterwards SIGINT means what it meant before."""
    before = signal.getsignal(signal.SIGINT)
    lines = []

    def announce(line):
        lines.append(line)
        os.kill(os.getpid(), signal.SIGTERM)

    serve(None, port=0, seed=None, options=Options(), announce=announce)
    assert lines[0].startswith("Sandbox listening on http://127.0.0.1:")
    assert signal.getsignal(signal.SIGINT) is before
