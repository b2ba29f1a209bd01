"""Threads that send requests at the same time, and that never keep the process from ending.

``concurrent.futures`` joins its threads when the interpreter ends, so Ctrl-C would wait for every request under way, up
to the time-out. These are daemons: what is under way is abandoned, and the lockfile's ``pending`` says what it was.
"""

from collections.abc import Callable
from concurrent.futures import CancelledError, Future, InvalidStateError, wait
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Lock, Thread, local
from typing import Any, ParamSpec, TypeVar

WAKE = 0.2
"""Seconds after which a sleeping main thread looks whether there was a signal."""

P = ParamSpec("P")
T = TypeVar("T")
Task = tuple[Future[Any], Callable[[], Any]]


class Workers:
    """Up to ``most`` threads, started when there is work for them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._lock = Lock()
        self._threads = 0
        self._unfinished = 0
        self._running: set[Future[Any]] = set()
        self._closed = False
        self._here = local()

    def submit(self, task: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Runs the task on a thread; at once and here if this is one of them, since waiting for itself never ends."""
        future: Future[T] = Future()
        job = (future, lambda: task(*args, **kwargs))
        if getattr(self._here, "working", False):
            _run(job)
            return future
        with self._lock:
            if self._closed:
                future.cancel()
                return future
            self._unfinished += 1
            if self._threads < min(self._most, self._unfinished):
                self._threads += 1
                Thread(target=self._work, name="emporix", daemon=True).start()
            self._tasks.put(job)
        return future

    def _work(self) -> None:
        self._here.working = True
        while (job := self._tasks.get()) is not None:
            with self._lock:
                if self._closed:
                    job[0].cancel()
                    continue
                self._running.add(job[0])
            _run(job)
            with self._lock:
                self._running.discard(job[0])
                self._unfinished -= 1

    def close(self) -> None:
        """Drops what has not begun, lets go whoever waits for what has, and does not wait for the threads."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            dropped = list(self._running)
            with suppress(Empty):
                while job := self._tasks.get_nowait():
                    dropped.append(job[0])
            for _ in range(self._threads):
                self._tasks.put(None)
        for future in dropped:
            if not future.cancel():
                _settle(future.set_exception, CancelledError())


def result_of(future: Future[T]) -> T:
    """The future's result, for the main thread: one that Ctrl-C reaches at any moment.

    A signal that comes just before a thread falls asleep in a lock is noticed only when it wakes, so it wakes often.
    """
    while not future.done():
        wait((future,), WAKE)
    return future.result()


def _run(job: Task) -> None:
    future, task = job
    if not future.set_running_or_notify_cancel():
        return  # whoever wanted it gave up meanwhile
    try:
        result = task()
    except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits for the future
        _settle(future.set_exception, error)
    else:
        _settle(future.set_result, result)


def _settle(settle: Callable[[Any], None], what: object) -> None:
    with suppress(InvalidStateError):  # it was let go, or it ended, in the same moment
        settle(what)
