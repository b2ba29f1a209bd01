"""Servers that the tests start for themselves: one of each in a test process, on a free port of this machine."""

import atexit
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

PATIENCE = 60


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now, below those that clients are given, so that no client takes one meanwhile."""
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(12_000, 30_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.append(port)
    return found


def folder() -> Path:
    """A folder for a server's data, removed at the end of the test process."""
    found = Path(tempfile.mkdtemp(prefix="reconciler-server-"))
    atexit.register(shutil.rmtree, found, ignore_errors=True)
    return found


def start(command: list[str], log: Path, is_up: Callable[[], bool]) -> "subprocess.Popen[bytes]":
    """Start a server and wait until it answers; it ends with the test process."""
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, cwd=log.parent)
    atexit.register(end, process)

    def is_ready() -> bool:
        assert process.poll() is None, log.read_text()
        return is_up()

    until(is_ready)
    return process


def until(is_so: Callable[[], bool]) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def end(process: "subprocess.Popen[bytes]") -> None:
    """End a server, politely at first."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(5)
    process.kill()
    process.wait()


def listens(port: int) -> bool:
    """Whether somebody accepts connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
