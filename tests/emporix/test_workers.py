"""Threads that end when they are told to, and never keep anybody waiting."""

import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError

import pytest

from reconciler.emporix.client import Settings
from reconciler.emporix.iam import Iam
from reconciler.emporix.workers import Workers
from tests.emporix import world
from tests.emporix.standin import wire


def test_results_and_errors_come_back() -> None:
    """A future has what the task returned or raised."""
    workers = Workers(2)
    assert workers.submit(divmod, 7, 3).result(5) == (2, 1)
    assert isinstance(workers.submit(divmod, 7, 0).exception(5), ZeroDivisionError)
    workers.close()


def test_as_many_threads_as_there_is_work_for() -> None:
    """One task at a time takes one thread; many at once take no more than allowed."""
    workers, names = Workers(3), set[str]()
    for _ in range(5):
        workers.submit(lambda: names.add(threading.current_thread().name)).result(5)
    ready = threading.Barrier(3)
    for future in [workers.submit(ready.wait, 5) for _ in range(9)]:
        future.result(5)
    workers.close()
    assert names


def test_a_task_that_submits_tasks() -> None:
    """A task may wait for tasks of its own even if there is only one thread."""
    workers = Workers(1)
    assert workers.submit(lambda: workers.submit(lambda: 7).result(5)).result(5) == 7
    workers.close()


def test_closing_lets_go() -> None:
    """Closing drops what waits, lets go whoever waits for what runs, and takes nothing new."""
    workers, running, end = Workers(1), threading.Event(), threading.Event()

    def work() -> bool:
        running.set()
        return end.wait(5)

    first = workers.submit(work)
    waiting = workers.submit(work)
    assert running.wait(5)
    workers.close()
    workers.close()
    late = workers.submit(work)
    for future in (first, waiting, late):
        with pytest.raises(CancelledError):
            future.result(5)
    end.set()


def test_closing_the_client_ends_a_reading() -> None:
    """A reading that waits for a service that says nothing ends when the client is closed."""
    silent = threading.Event()
    with wire(lambda connection: silent.wait(30) and connection.close()) as (url, _):
        client = world.client(url, credentials=world.READY, timeout=30)
        closing = threading.Timer(0.1, client.close)
        closing.start()
        began = time.monotonic()
        with pytest.raises(CancelledError):
            Iam(client).groups()
        assert time.monotonic() - began < 5
        silent.set()


@pytest.mark.parametrize("setting", ["parallelism", "attempts", "page_size"])
def test_settings_that_would_wait_forever(setting: str) -> None:
    """No request at a time, no attempt and no row a page would never end, so they are refused."""
    with pytest.raises(ValueError, match=setting):
        Settings(**{setting: 0})


def test_an_interrupt_does_not_hang() -> None:
    """Ctrl-C ends a process whose requests get no answer, long before they time out."""
    code = (
        "import sys\n"
        "from reconciler.emporix.client import Client, Settings\n"
        "from reconciler.emporix.credentials import Credentials\n"
        "from reconciler.emporix.iam import Iam\n"
        "with Client('acme', Credentials(access_token='x'), Settings(url=sys.argv[1])) as client:\n"
        "    Iam(client).groups()\n"
    )
    asked, silent = threading.Event(), threading.Event()

    def never(connection: object) -> None:
        asked.set()
        silent.wait(30)

    with wire(never) as (url, _), subprocess.Popen([sys.executable, "-c", code, url], stderr=subprocess.PIPE) as child:
        assert asked.wait(10)
        child.send_signal(signal.SIGINT)
        _, complaint = child.communicate(timeout=10)
        silent.set()
    assert b"KeyboardInterrupt" in complaint
