"""One lockfile for several machines: whole runs against each place, side by side, killed, and cut off from it."""

import shlex
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.sandbox import Sandbox
from tests.e2e.command import Spawner, Workplace
from tests.e2e.proxy import Answer, Proxy, Request
from tests.e2e.test_interrupted import PEOPLE, gate
from tests.e2e.world import World, configuration, group
from tests.state.place_buckets import MotoPlace
from tests.state.places import Place, places


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "place" in metafunc.fixturenames:
        metafunc.parametrize("place", places(), indirect=True)


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    found = places()[request.param]()
    yield found
    found.close()


@pytest.fixture
def machines(place: Place, between: Proxy, world: World, tmp_path: Path, spawner: Spawner) -> list[Workplace]:
    """Two folders with the same configuration that share nothing but the service and the place of the lockfile."""
    found = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        more = {**place.environment, "RECONCILER_STATE": place.url, "RECONCILER_LEASE": f"{place.lease}s"}
        machine = Workplace(folder, between.url, more, spawner)
        machine.configure(configuration(group("ours", PEOPLE)))
        found.append(machine)
    return found


def test_two_applies_at_once(machines: list[Workplace], between: Proxy, world: World, place: Place) -> None:
    """One wins, another leaves with 5 and names the winner, a third waits its turn and finds nothing to do."""
    one, two = machines
    with gate(between, lambda request: request.writes) as held, one.start("apply", "--auto-approve") as first:
        held.wait_for(1)
        refused = two.apply()
        assert refused.code == 5, refused.everything
        assert "apply" in refused.err
        with two.start("apply", "--auto-approve", "--lock-timeout", "1m") as second:
            second.says("Waiting for the lock")
            held.is_open.set()
            ended = first.end()
            assert ended.code == 0, ended.everything
            late = second.end()
    assert late.code == 0, late.everything
    assert "No changes." in late.out
    assert world.members("ours") == set(PEOPLE)
    assert two.run("state", "list").out.count("\n") == 1 + len(PEOPLE)
    assert two.run("plan", "--detailed-exitcode").code == 0


def test_racing_applies_end_as_configured(machines: list[Workplace], world: World) -> None:
    """Whoever is faster: no run fails otherwise than by the lock, and what is live is what is configured and ours."""
    codes: list[int] = []

    def run(machine: Workplace) -> None:
        with machine.start("apply", "--auto-approve", "--lock-timeout", "1m") as running:
            codes.append(running.end().code)

    threads = [threading.Thread(target=run, args=(machine,)) for machine in machines * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [0] * 4
    assert world.members("ours") == set(PEOPLE)
    assert machines[0].run("plan", "--detailed-exitcode").code == 0


def test_a_killed_run_is_finished_elsewhere(
    machines: list[Workplace], between: Proxy, world: World, place: Place
) -> None:
    """It dies after its third write; another machine gets in once the lock is free, and finishes what it had begun."""
    one, two = machines
    fourth = 4

    def later(request: Request) -> bool:
        return request.writes and sum(seen.writes for seen in between.seen) >= fourth

    with gate(between, later) as held, one.start("apply", "--auto-approve", "--parallelism", "1") as first:
        held.wait_for(1)
        first.process.kill()
        first.process.wait()
        held.is_open.set()
    if "death" in place.lacks:
        stuck = two.apply()
        assert stuck.code == 5, stuck.everything
        command = stuck.err.rpartition("`reconciler ")[2].partition("`")[0]
        assert two.run(*shlex.split(command)).code == 0
    again = two.apply("--lock-timeout", "1m")
    assert again.code == 0, again.everything
    assert world.members("ours") == set(PEOPLE)
    ours = two.run("state", "list").out.split()
    assert ours == ["acmeprod/ours", *(f"acmeprod/ours/{user}" for user in sorted(PEOPLE))]
    assert two.run("plan", "--detailed-exitcode").code == 0


def test_an_outcome_that_can_not_be_written_is_kept(sandbox: Sandbox, work: Workplace, world: World) -> None:
    """The store fails after the intent was written: what was done is kept in a file, and the command that is shown
    writes it. Nothing that we made is anybody else's meanwhile."""
    place = MotoPlace()
    with Proxy(place.environment["AWS_ENDPOINT_URL"]) as store:
        work.more.update(place.environment, RECONCILER_STATE=place.url, AWS_ENDPOINT_URL=store.url)
        work.configure(configuration(group("ours", PEOPLE)))
        contents = []

        def fail_the_second(request: Request, forward: object) -> Answer | None:
            assert callable(forward)
            if request.method == "PUT" and request.path.endswith("/reconciler.lock"):
                contents.append(request)
                if len(contents) > 1:
                    return Answer(403, [], b"<Error><Code>AccessDenied</Code></Error>")
            answer = forward()
            assert isinstance(answer, Answer)
            return answer

        store.rule = fail_the_second
        ended = work.apply()
        assert ended.code == 4, ended.everything
        assert "What was done can't be recorded in the lockfile" in ended.out
        assert f"Resources: {1 + len(PEOPLE)} added" in ended.out
        store.rule = lambda request, forward: forward()
        assert len(world.members("ours")) == len(PEOPLE)
        kept = next(name for name in work.files if name.startswith("unsaved-"))
        command = ended.err.partition("bring it there: `reconciler ")[2].partition("`")[0]
        assert command.split() == ["--state", place.url, "state", "push", kept]
        pushed = work.run(*shlex.split(command))
        assert pushed.code == 0, pushed.everything
        assert work.run("state", "pull").out == (work.folder / kept).read_text()
        assert work.run("plan", "--detailed-exitcode").code == 0
        assert "is so already" in work.run(*shlex.split(command)).err


def test_a_later_run_makes_a_kept_outcome_needless(sandbox: Sandbox, work: Workplace, world: World) -> None:
    """The next run settles what was pending; pushing the kept outcome afterwards is refused, and says why."""
    place = MotoPlace()
    with Proxy(place.environment["AWS_ENDPOINT_URL"]) as store:
        work.more.update(place.environment, RECONCILER_STATE=place.url, AWS_ENDPOINT_URL=store.url)
        work.configure(configuration(group("ours", PEOPLE)))
        denied = Answer(403, [], b"<Error><Code>AccessDenied</Code></Error>")
        written: list[Request] = []

        def fail_the_second(request: Request, forward: object) -> Answer | None:
            assert callable(forward)
            if request.method == "PUT" and request.path.endswith("/reconciler.lock"):
                written.append(request)
            found = denied if len(written) > 1 else forward()
            assert isinstance(found, Answer)
            return found

        store.rule = fail_the_second
        assert work.apply(RECONCILER_LEASE="3s").code == 4
        store.rule = lambda request, forward: forward()
        assert work.apply("--lock-timeout", "1m").code == 0
        kept = next(name for name in work.files if name.startswith("unsaved-"))
        refused = work.run("state", "push", kept)
        assert refused.code == 1
        assert "nothing to do" in refused.err
        assert work.run("plan", "--detailed-exitcode").code == 0
