"""Two applies at once: one works, the other is told who does, and the lockfile loses nothing."""

import getpass
import threading

from tests.e2e.command import Workplace
from tests.e2e.proxy import Proxy
from tests.e2e.test_interrupted import PEOPLE, gate
from tests.e2e.world import World, configuration, group


def test_the_second_is_told_who_holds_the_lock(work: Workplace, between: Proxy, world: World) -> None:
    """It exits with 5, names the holder, and has sent nothing; the first one is not disturbed."""
    work.configure(configuration(group("ours", PEOPLE)))
    with gate(between, lambda request: request.writes) as held, work.start("apply", "--auto-approve") as first:
        held.wait_for(1)
        seen = len(between.seen)
        second = work.apply()
        assert second.code == 5, second.everything
        assert f"{getpass.getuser()}@" in second.err
        assert "apply" in second.err
        assert len(between.seen) == seen
        assert work.run("state", "forget", "acmeprod/ours").code == 5
        held.is_open.set()
        assert first.end().code == 0
    assert set(work.owned["acmeprod/ours*"]) == set(PEOPLE)


def test_reading_needs_no_lock(work: Workplace, between: Proxy, world: World) -> None:
    """``plan``, ``drift`` and ``state list`` answer while somebody applies."""
    work.configure(configuration(group("ours", PEOPLE)))
    with gate(between, lambda request: request.writes) as held, work.start("apply", "--auto-approve") as first:
        held.wait_for(1)
        assert work.run("plan").code == 0
        assert work.run("drift").code == 0
        assert work.run("state", "list").code == 0
        held.is_open.set()
        assert first.end().code == 0


def test_the_second_may_wait_for_its_turn(work: Workplace, between: Proxy, world: World) -> None:
    """``--lock-timeout`` waits, says for whom, and then plans from what the first has recorded."""
    work.configure(configuration(group("ours", PEOPLE)))
    with gate(between, lambda request: request.writes) as held, work.start("apply", "--auto-approve") as first:
        held.wait_for(1)
        with work.start("apply", "--auto-approve", "--lock-timeout", "1m") as second:
            second.says("Waiting for the lock")
            held.is_open.set()
            assert first.end().code == 0
            late = second.end()
    assert late.code == 0, late.everything
    assert "No changes." in late.out
    assert set(work.owned["acmeprod/ours*"]) == set(PEOPLE)


def test_many_at_once_lose_nothing(work: Workplace, world: World) -> None:
    """Each of four applies a target of its own: who got the lock is recorded, the others say 5 and change nothing."""
    names = ["one", "two", "three", "four"]
    work.configure(configuration(*(group(name, ["ana"]) for name in names)))
    codes: dict[str, int] = {}

    def apply(name: str) -> None:
        with work.start("apply", "--auto-approve", "--target", f"acmeprod/{name}") as running:
            codes[name] = running.end().code

    threads = [threading.Thread(target=apply, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(codes.values()) <= {0, 5}
    done = {name for name, code in codes.items() if code == 0}
    assert done
    assert done == world.groups.keys() & set(names)
    assert {address.split("/")[1].rstrip("*") for address in work.owned} == done
