"""What an apply that died has left pending is settled by whoever comes next, for every tenant, and only once."""

import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import Any

import pytest

from tests.e2e.command import Running, Workplace
from tests.e2e.proxy import Answer, Proxy, Request
from tests.e2e.world import World, configuration, group, tenant

TWO = {
    "EMPORIX_CLIENT_ID_ACMEPROD": "acmeprod",
    "EMPORIX_CLIENT_SECRET_ACMEPROD": "sandbox",
    "EMPORIX_CLIENT_ID_ACMEEU": "acmeeu",
    "EMPORIX_CLIENT_SECRET_ACMEEU": "sandbox",
}


def dies_after_writing(work: Workplace, between: Proxy, last: Callable[[Request], bool], *args: str) -> None:
    """Apply, and kill the command once the request that ``last`` tells of was carried out."""
    running: list[Running] = []

    def rule(request: Request, forward: Callable[[], Answer]) -> Answer | None:
        answer = forward()
        if request.writes and last(request):
            running[0].signal(signal.SIGKILL)
            return None
        return answer

    between.rule = rule
    running.append(work.start("apply", "--auto-approve", "--parallelism", "1", *args))
    with running[0] as command:
        assert command.end().code == -signal.SIGKILL
    between.rule = lambda _, forward: forward()


@pytest.fixture
def seed(seed: dict[str, Any]) -> dict[str, Any]:
    seed["tenants"].append(tenant("acmeeu", employees=["ana", "ben"], groups=[{"id": "theirs", "name": {"en": "T"}}]))
    return seed


@pytest.fixture
def europe(world: World, stack: ExitStack) -> World:
    """The other tenant of the same service."""
    return stack.enter_context(closing(World(world.url, "acmeeu")))


def both(prod: list[Any], eu: list[Any]) -> dict[str, Any]:
    return {"tenants": [tenant(groups=prod), tenant("acmeeu", groups=eu)]}


@pytest.fixture
def dead(work: Workplace, between: Proxy, europe: World) -> Workplace:
    """A folder in which an apply died after making the group and its member in acmeeu, the first of two tenants."""
    work.more = TWO
    work.configure(both([group("ours", ["ana"])], [group("ours", ["ana"])]))
    dies_after_writing(work, between, lambda request: request.path.endswith("acmeeu/groups/ours/users/EMPLOYEE/ana"))
    assert europe.members("ours") == {"ana"}
    return work


def test_a_run_of_another_tenant_leaves_it_pending(dead: Workplace, world: World, europe: World) -> None:
    """``--tenant`` looks at one tenant only, so it can't know what became of the others' pending changes."""
    done = dead.apply("--tenant", "acmeprod")
    assert done.code == 0, done.everything
    dead.configure(both([group("ours", ["ana"])], []))
    assert dead.apply().code == 0
    assert europe.everything == {"theirs": set()}
    assert dead.owned == {"acmeprod/ours*": ["ana"]}


def test_a_tenant_that_cannot_be_read_keeps_it_pending(dead: Workplace, world: World, europe: World) -> None:
    """One tenant's failure must not make us forget what is ours there."""
    failed = dead.apply(EMPORIX_CLIENT_SECRET_ACMEEU="wrong")
    assert failed.code == 4, failed.everything
    assert "acmeeu" in failed.err
    dead.configure(both([group("ours", ["ana"])], []))
    assert dead.apply().code == 0
    assert europe.everything == {"theirs": set()}


def test_a_saved_plan_of_another_tenant_leaves_it_pending(dead: Workplace, world: World, europe: World) -> None:
    """The same for the apply of a plan file."""
    assert dead.run("--tenant", "acmeprod", "plan", "-o", "x.plan").code == 0
    assert dead.run("apply", "x.plan").code == 0
    dead.configure(both([group("ours", ["ana"])], []))
    assert dead.apply().code == 0
    assert europe.everything == {"theirs": set()}


def test_the_last_of_a_tenant_is_forgotten_once(work: Workplace, between: Proxy, world: World) -> None:
    """An apply that died after deleting all that was ours in a tenant leaves nothing to forget a second time."""
    work.configure(configuration(group("ours", ["ana"])))
    assert work.apply().code == 0
    work.configure(configuration())
    dies_after_writing(work, between, lambda request: request.path.startswith("/iam/acmeprod/groups/ours"))
    assert "ours" not in world.groups
    assert work.apply().code == 0
    assert work.run("plan", "--detailed-exitcode").code == 0
    assert work.owned == {}


def test_a_killed_apply_of_a_saved_plan_is_finished_by_the_same_file(
    work: Workplace, between: Proxy, world: World
) -> None:
    """What it had done is found to be so, what not is done, and all of it is ours."""
    work.configure(configuration(group("ours", ["ana", "ben"]), group("more", ["cleo"])))
    assert work.run("plan", "-o", "x.plan").code == 0
    dies_after_writing(work, between, lambda request: request.path.endswith("/ana"), "x.plan")
    again = work.run("apply", "x.plan")
    assert again.code == 0, again.everything
    assert "were so already" in again.err
    assert work.owned == {"acmeprod/more*": ["cleo"], "acmeprod/ours*": ["ana", "ben"]}
    work.configure(configuration())
    assert work.apply().code == 0
    assert not {"ours", "more"} & world.groups.keys()


def test_a_lockfile_that_cannot_be_written_keeps_the_intent(work: Workplace, between: Proxy, world: World) -> None:
    """The end of an apply can't be recorded: it says what was done, exit 4, and the next run finds it all."""
    work.configure(configuration(group("ours", ["ana"])))
    obstacle = work.folder / ".reconciler.lock.tmp"

    def rule(request: Request, forward: Callable[[], Answer]) -> Answer | None:
        if request.writes and not obstacle.exists():
            obstacle.mkdir()
        return forward()

    between.rule = rule
    result = work.apply()
    assert result.code == 4, result.everything
    assert "Traceback" not in result.everything
    assert "can't be recorded" in result.out
    assert world.members("ours") == {"ana"}
    assert len(work.lockfile["pending"]) == 2
    between.rule = lambda _, forward: forward()
    obstacle.rmdir()
    work.configure(configuration())
    assert work.apply().code == 0
    assert "ours" not in world.groups


def test_an_apply_goes_on_when_nobody_listens(work: Workplace, between: Proxy, world: World) -> None:
    """``reconciler apply 2>&1 | head -1``: the reader of the progress leaves in the middle, the work is recorded."""
    work.configure(configuration(group("ours", ["ana", "ben", "cleo"])))
    reading, writing = os.pipe()

    def rule(request: Request, forward: Callable[[], Answer]) -> Answer | None:
        with between.lock:
            if request.writes and not gone:
                os.close(reading)
                gone.append(True)
        return forward()

    gone: list[bool] = []
    between.rule = rule
    command = work.arguments("apply", "--auto-approve", "--parallelism", "1")
    process = subprocess.Popen(
        command,
        cwd=work.folder,
        env=work.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=writing,
    )
    os.close(writing)
    process.wait()
    assert world.members("ours") == {"ana", "ben", "cleo"}
    assert work.owned == {"acmeprod/ours*": ["ana", "ben", "cleo"]}
    assert work.lockfile["pending"] == []
    assert process.returncode == 0
