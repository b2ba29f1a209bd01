"""Ctrl-C and SIGTERM: what runs is finished and recorded, nothing new is sent, the lock is free, and it can go on."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.e2e.command import Workplace
from tests.e2e.proxy import Answer, Proxy, Request
from tests.e2e.world import World, configuration, group

PEOPLE = ["ana", "ben", "cleo", "dan", "eve", "fay", "gus", "hal"]
TWO_AT_ONCE = ("apply", "--auto-approve", "--parallelism", "2")
PATIENCE = 60


class Gate:
    """Holds those requests back that ``held`` tells of, until it is opened."""

    def __init__(self, proxy: Proxy, held: Callable[[Request], bool]) -> None:
        self.held, self.arrived, self.is_open = held, threading.Semaphore(0), threading.Event()
        proxy.rule = self.rule

    def rule(self, request: Request, forward: Callable[[], Answer]) -> Answer | None:
        if not self.is_open.is_set() and self.held(request):
            self.arrived.release()
            assert self.is_open.wait(PATIENCE)
        return forward()

    def wait_for(self, requests: int) -> None:
        for _ in range(requests):
            assert self.arrived.acquire(timeout=PATIENCE)


@contextmanager
def gate(proxy: Proxy, held: Callable[[Request], bool]) -> Iterator[Gate]:
    found = Gate(proxy, held)
    try:
        yield found
    finally:
        found.is_open.set()


def third_member_on(seen: Proxy) -> Callable[[Request], bool]:
    """Whether a request adds a member and two others were added before."""

    def held(request: Request) -> bool:
        adds = [earlier for earlier in seen.seen if earlier.writes and "/users/" in earlier.path]
        return request in adds[2:]

    return held


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_running_requests_are_finished_and_recorded(work: Workplace, between: Proxy, world: World, number: int) -> None:
    """Two run when the signal comes: both are carried out and recorded, the rest is not sent, a new run completes."""
    work.configure(configuration(group("ours", PEOPLE)))
    with gate(between, third_member_on(between)) as held, work.start(*TWO_AT_ONCE) as command:
        held.wait_for(2)
        command.signal(number)
        command.says("Interrupted: waiting for 2 requests to finish")
        held.is_open.set()
        ended = command.end()
    assert ended.code == 4, ended.everything
    assert "Traceback" not in ended.everything
    members = world.members("ours")
    assert len(members) == 4
    assert set(work.owned["acmeprod/ours*"]) == members
    assert work.lockfile["pending"] == []
    assert ".reconciler.lock.lck" not in work.files
    assert "run `reconciler apply` again" in ended.out.lower()
    assert "interrupted" in ended.out.lower()
    again = work.apply()
    assert again.code == 0, again.everything
    assert world.members("ours") == set(PEOPLE)
    assert work.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_planning_ends_at_once(work: Workplace, between: Proxy, world: World, number: int) -> None:
    """Even while the service does not answer: nothing was changed, nobody waits for a time-out, no traceback."""
    work.configure(configuration(group("ours", PEOPLE)))
    with gate(between, lambda request: request.method == "GET") as held, work.start(*TWO_AT_ONCE) as command:
        held.wait_for(1)
        command.signal(number)
        ended = command.end()
    assert ended.code == 1, ended.everything
    assert "Traceback" not in ended.everything
    assert "Interrupted" in ended.err
    assert "ours" not in world.groups
    assert [name for name in work.files if name != ".reconciler.lock.lck"] == ["reconciler.yaml"]
    assert work.apply().code == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_verifying_still_records(work: Workplace, between: Proxy, world: World, number: int) -> None:
    """All was done: it is recorded unverified, and the exit code says that something is missing."""
    work.configure(configuration(group("ours", PEOPLE)))

    def reads_after_writes(request: Request) -> bool:
        return request.method == "GET" and any(earlier.writes for earlier in between.seen)

    with gate(between, reads_after_writes) as held, work.start(*TWO_AT_ONCE) as command:
        held.wait_for(1)
        command.signal(number)
        ended = command.end()
    assert ended.code == 4, ended.everything
    assert "Traceback" not in ended.everything
    assert "Not verified: " in ended.err
    assert set(work.owned["acmeprod/ours*"]) == set(PEOPLE)
    assert work.lockfile["pending"] == []
    assert work.run("plan", "--detailed-exitcode").code == 0


def test_a_lost_lock_stops_the_writing(work: Workplace, between: Proxy, world: World) -> None:
    """Whoever's lock was taken away sends no further request, because somebody else may be at work by now."""
    work.configure(configuration(group("ours", PEOPLE)))
    with gate(between, third_member_on(between)) as held, work.start(*TWO_AT_ONCE) as command:
        held.wait_for(2)
        (work.folder / ".reconciler.lock.lck").unlink()
        held.is_open.set()
        ended = command.end()
    assert ended.code == 4, ended.everything
    assert "What was done can't be recorded in the lockfile: the lock of" in ended.out
    assert "the lock of file:reconciler.lock was lost" in ended.everything
    assert len(world.members("ours")) == 4
    assert work.apply().code == 0
    assert set(work.owned["acmeprod/ours*"]) == world.members("ours") == set(PEOPLE)
