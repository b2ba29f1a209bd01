"""Waits: one is told once, Ctrl-C ends it, and a second Ctrl-C ends even the waiting for an answer."""

import signal
from collections.abc import Callable

from tests.e2e.command import Workplace
from tests.e2e.proxy import Answer, Proxy, Request
from tests.e2e.test_interrupted import PEOPLE, TWO_AT_ONCE, gate
from tests.e2e.world import World, configuration, group

SLOW = "The service asks to slow down"
BUSY = Answer(429, [("Retry-After", "30")], b"")


def test_a_long_wait_ends_with_a_signal(work: Workplace, between: Proxy, world: World) -> None:
    """Every write is asked to wait for 30 s: the wait is told once, the run ends in a moment, the next one finishes."""

    def busy(request: Request, forward: Callable[[], Answer]) -> Answer | None:
        return BUSY if request.writes and "/users/" in request.path else forward()

    between.rule = busy
    work.configure(configuration(group("ours", PEOPLE)))
    with work.start(*TWO_AT_ONCE) as command:
        command.says(SLOW)
        command.signal(signal.SIGINT)
        ended = command.end_soon()
    assert ended.code == 4, ended.everything
    assert "Traceback" not in ended.everything
    assert ended.err.count(SLOW) == 1
    assert "(429): waiting 3" in ended.err
    assert "the run was interrupted" in ended.out
    assert world.members("ours") == set()
    assert work.lockfile["pending"] == []
    between.rule = lambda _, forward: forward()
    assert work.apply().code == 0
    assert world.members("ours") == set(PEOPLE)


def test_a_wait_while_planning_ends_with_a_signal(work: Workplace, between: Proxy, world: World) -> None:
    """Every request, even the one for a token, is asked to wait: exit 1, nothing was written there or here."""
    between.rule = lambda *_: BUSY
    work.configure(configuration(group("ours", PEOPLE)))
    with work.start(*TWO_AT_ONCE) as command:
        command.says(SLOW)
        command.signal(signal.SIGINT)
        ended = command.end_soon()
    assert ended.code == 1, ended.everything
    assert ended.err.count(SLOW) == 1
    assert "Interrupted" in ended.err
    assert "reconciler.lock" not in work.files


def test_a_second_signal_does_not_wait_for_an_answer(work: Workplace, between: Proxy, world: World) -> None:
    """Two additions hang: the first Ctrl-C waits for them, the second ends the run at once and leaves them pending."""
    work.configure(configuration(group("ours", PEOPLE)))

    def added(request: Request) -> bool:
        return request.writes and "/users/" in request.path

    with gate(between, added) as held, work.start(*TWO_AT_ONCE) as command:
        held.wait_for(2)
        command.signal(signal.SIGINT)
        command.says("Interrupted: waiting for 2 requests to finish")
        command.signal(signal.SIGINT)
        ended = command.end_soon()
    assert ended.code == 4, ended.everything
    assert "Traceback" not in ended.everything
    assert "May or may not have happened: 2 changes\n  abandoned while it was under way" in ended.out
    assert len(work.lockfile["pending"]) == 2
    assert ".reconciler.lock.lck" not in work.files
    again = work.apply()
    assert again.code == 0, again.everything
    assert world.members("ours") == set(PEOPLE)
    assert work.lockfile["pending"] == []
    assert work.run("plan", "--detailed-exitcode").code == 0


def test_a_wait_is_no_error(work: Workplace, between: Proxy, world: World) -> None:
    """Who is asked to wait and does so comes to the end; a short wait is not worth a line."""
    busy = iter([Answer(503, [("Retry-After", "1")], b"")])
    between.rule = lambda request, forward: next(busy, None) if request.writes and busy_now(request) else forward()

    def busy_now(request: Request) -> bool:
        return request is next(earlier for earlier in between.seen if earlier.writes)

    work.configure(configuration(group("ours", ["ana"])))
    result = work.apply()
    assert result.code == 0, result.everything
    assert SLOW not in result.everything
