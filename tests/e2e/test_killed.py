"""``kill -9`` after every single request of an apply: the next run finishes it, and nobody's things change hands.

One story with everything in it: a group is created, one updated, one deleted, one replaced, one emptied and filled,
members come, go and move, a user leaves everything, a customer changes the role, a group and a member are adopted.
"""

import copy
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from reconciler.sandbox import load_seed, start
from tests.e2e.command import Spawner, Workplace
from tests.e2e.conftest import SEED
from tests.e2e.proxy import Answer, Proxy, Request
from tests.e2e.world import World, configuration, group

BEFORE = configuration(
    group("staff", ["ana", "ben", "ida"]),
    group("desk", ["ana", "cleo", "ida"]),
    group("old", ["dan", "eve"]),
    group("crew", ["fay", "gus"]),
    group("turn", ["hal"]),
    {"match": {"code": "BUYER"}, "members": ["kim", "lee"]},
    {"match": {"code": "ADMIN"}, "members": ["mia"]},
)
AFTER = configuration(
    group("staff", ["ana", "cleo"], description={"en": "Those who stay"}),
    group("desk", ["ana"]),
    group("crew", ["hal"]),
    group("fresh", ["dan"]),
    group("turn", ["lee"], userType="CUSTOMER"),
    {"match": {"code": "BUYER"}, "members": ["lee"]},
    {"match": {"code": "ADMIN"}, "members": ["kim", "mia"]},
    {"match": {"code": "BO_MANAGER"}, "membership": "additive", "members": ["ana", "zoe"]},
)
REACHED = {
    "staff": {"ana", "cleo"},
    "desk": {"ana"},
    "crew": {"hal"},
    "fresh": {"dan"},
    "turn": {"lee"},
    "buyer-x": {"lee"},
    "admin-x": {"kim", "mia"},
    "bo-manager": {"ana", "jo", "zoe"},
}
UNTOUCHED = {"clerks": {"zoe"}, "vendor-a": set(), "requester-x": set()}
WRITES = 16
AT_ONCE = 3
KILLED_AGAIN = "members are added"
SECOND_POINT = 18
"""In one chapter the second run is killed too, somewhere among its writes, and only the third comes to its end."""

NOTHING = configuration()


def changed(**members: list[str] | None) -> dict[str, Any]:
    """The second configuration with other members in some groups, or (None) without a group."""
    found = copy.deepcopy(AFTER)
    groups = found["tenants"][0]["groups"]
    found["tenants"][0]["groups"] = [
        {**entry, "members": members.get(entry.get("id", ""), entry["members"])}
        for entry in groups
        if members.get(entry.get("id", ""), entry["members"]) is not None
    ]
    return found


MEANWHILE: dict[str, tuple[dict[str, Any], dict[str, set[str] | None]]] = {
    "nothing changes": (AFTER, {}),
    "entries are removed": (
        changed(crew=["gus"], fresh=["eve"], staff=["ana"], turn=["mia"]),
        {"crew": {"gus"}, "fresh": {"eve"}, "staff": {"ana"}, "turn": {"mia"}},
    ),
    "groups are removed": (
        changed(fresh=None, staff=None, crew=None, turn=None),
        {"fresh": None, "staff": None, "crew": None, "turn": None},
    ),
    "members are added": (
        changed(fresh=["dan", "gus"], desk=["ana", "ida"], crew=["hal", "fay"], turn=["lee", "mia"]),
        {"fresh": {"dan", "gus"}, "desk": {"ana", "ida"}, "crew": {"hal", "fay"}, "turn": {"lee", "mia"}},
    ),
}
"""What the file says when the next run comes, and what differs then from what the first one wanted to reach."""


@dataclass(frozen=True)
class Start:
    """The world and the lockfile after the first apply, to be copied for each killed one.

    ``points`` are the requests after which to kill: all of them, and ``writing``, those from the last read before the
    first write up to the first read after the last.
    """

    folder: Path
    points: tuple[int, ...] = ()
    writing: tuple[int, ...] = ()

    def copy(self, folder: Path) -> None:
        shutil.copytree(self.folder, folder)


@pytest.fixture(scope="module")
def beginning(tmp_path_factory: pytest.TempPathFactory) -> Start:
    """The story's first chapter, applied; and how many requests the second one takes when nobody is killed."""
    folder = tmp_path_factory.mktemp("killed") / "begin"
    folder.mkdir()
    seed = copy.deepcopy(SEED)
    seed["tenants"][0]["assignments"].append({"groupId": "bo-manager", "userId": "jo"})
    load_seed(folder / "world.db", seed)
    with ExitStack() as stack:
        sandbox = stack.enter_context(start(folder / "world.db"))
        work = Workplace(folder, sandbox.url)
        work.configure(BEFORE)
        done = work.apply()
        assert done.code == 0, done.everything
    Start(folder).copy(folder.with_name("rehearsal"))
    with Spawner() as spawner, Scene(folder.with_name("rehearsal"), spawner) as scene:
        scene.apply(AFTER)
        writes = [request.number for request in scene.proxy.seen if request.writes]
        assert len(writes) == WRITES
        assert scene.world.everything == REACHED | UNTOUCHED
        every = range(1, len(scene.proxy.seen) + 1)
        return Start(folder, tuple(every), tuple(range(writes[0] - 1, writes[-1] + 2)))


class Scene(ExitStack):
    """One world of its own, with a network that can be told to kill the command after some requests."""

    def __init__(self, folder: Path, spawner: Spawner) -> None:
        super().__init__()
        self.spawner = spawner
        sandbox = self.enter_context(start(folder / "world.db"))
        self.proxy = self.enter_context(Proxy(sandbox.url))
        self.world = self.enter_context(closing(World(sandbox.url)))
        self.work = Workplace(folder, self.proxy.url)

    def kill_after(self, requests: int) -> None:
        """The network carries so many requests, then kills the command before it sees the last answer."""
        carried = 0

        def rule(_: Request, forward: Callable[[], Answer]) -> Answer | None:
            nonlocal carried
            with self.proxy.lock:
                if carried == requests:
                    return None
                answer = forward()
                carried += 1
                if carried < requests:
                    return answer
                self.spawner.kill()
                return None

        self.proxy.rule = rule

    def dies(self, configuration: dict[str, Any], point: int) -> int:
        """Apply and be killed, unless all is done before; the exit code tells."""
        self.work.configure(configuration)
        self.kill_after(point)
        result = self.spawner.run(self.work, "apply", "--auto-approve")
        assert result.code == -9 or "Apply complete!" in result.out, result.everything
        return result.code

    def apply(self, configuration: dict[str, Any], *args: str) -> None:
        self.proxy.rule = lambda _, forward: forward()
        self.work.configure(configuration)
        result = self.spawner.run(self.work, "apply", "--auto-approve", *args)
        assert result.code == 0, result.everything

    def check(self, wanted: dict[str, set[str]]) -> None:
        """Everything is as wanted, nothing is left to do, and nothing is left pending."""
        assert self.world.everything == wanted
        again = self.spawner.run(self.work, "plan", "--detailed-exitcode")
        assert again.code == 0, again.everything
        assert self.work.lockfile["pending"] == []


@contextmanager
def lent(spawners: "SimpleQueue[Spawner]") -> Iterator[Spawner]:
    """One of the processes that run commands, given back afterwards."""
    spawner = spawners.get()
    try:
        yield spawner
    finally:
        spawners.put(spawner)


def story(beginning: Start, folder: Path, spawners: "SimpleQueue[Spawner]", point: int, chapter: str) -> None:
    """Kill at one point, go on with the chapter, and take everything away in the end."""
    configuration, differs = MEANWHILE[chapter]
    beginning.copy(folder)
    with lent(spawners) as spawner, Scene(folder, spawner) as scene:
        assert scene.dies(AFTER, point) == -9
        if chapter == KILLED_AGAIN:
            scene.dies(configuration, SECOND_POINT)
        scene.apply(configuration)
        wanted = {**REACHED, **UNTOUCHED, **differs}
        scene.check({name: members for name, members in wanted.items() if members is not None})
        scene.apply(NOTHING)
        assert scene.world.everything == {**UNTOUCHED, "buyer-x": set(), "admin-x": set(), "bo-manager": {"jo"}}
        assert scene.work.owned == {}


@pytest.mark.parametrize("chapter", MEANWHILE)
def test_a_killed_apply_is_finished_by_the_next(beginning: Start, tmp_path: Path, chapter: str) -> None:
    """Whatever the file says by then: it is reached, a second plan is empty, and all that is ours can be taken away."""
    spawners: SimpleQueue[Spawner] = SimpleQueue()
    points = beginning.points if MEANWHILE[chapter][0] is AFTER else beginning.writing
    with ExitStack() as stack, ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in range(AT_ONCE):
            spawners.put(stack.enter_context(Spawner(traced=False)))
        runs = {p: pool.submit(story, beginning, tmp_path / str(p), spawners, p, chapter) for p in points}
    wrong = {point: run.exception() for point, run in runs.items() if run.exception()}
    assert not wrong, "\n".join(f"killed after request {point}: {error}" for point, error in wrong.items())
