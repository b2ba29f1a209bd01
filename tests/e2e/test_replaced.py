"""A group whose userType changes is deleted and made anew: if the second half fails, its definition is not lost.

Description, access controls and mixins stand in the service only: somebody else has written them.
"""

import signal
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.command import Workplace
from tests.e2e.proxy import Answer, Proxy, Request
from tests.e2e.world import World, configuration, group

THEIRS = {
    "description": {"en": "Words that stand nowhere else"},
    "accessControls": ["orders"],
    "mixins": {"floor": {"number": 3, "of": ["hall", "roof"]}},
}
REPLACED = group("turn", ["kim", "lee"], userType="CUSTOMER")


@pytest.fixture
def turn(work: Workplace, world: World) -> Workplace:
    """A group of ours with things that we do not manage, and a configuration that changes its userType."""
    work.configure(configuration(group("turn", ["ana", "ben"])))
    assert work.apply().code == 0
    world.edit("turn", name={"en": "Turn"}, userType="EMPLOYEE", **THEIRS)
    work.configure(configuration(REPLACED))
    return work


def made_anew(turn: Workplace, world: World) -> None:
    """The next apply makes the group with all it had, and nothing is left to do."""
    result = turn.apply()
    assert result.code == 0, result.everything
    found = world.groups["turn"]
    assert found["userType"] == "CUSTOMER"
    assert {name: found.get(name) for name in THEIRS} == THEIRS
    assert world.members("turn") == {"kim", "lee"}
    assert turn.lockfile["pending"] == []
    assert turn.owned == {"acmeprod/turn*": ["kim", "lee"]}
    assert turn.run("plan", "--detailed-exitcode").code == 0


def pending(turn: Workplace) -> dict[str, Any]:
    """The definition that the lockfile keeps for the next run."""
    return next(change["after"] for change in turn.lockfile["pending"] if change["action"] == "replace")


def test_nothing_is_lost_when_all_goes_well(turn: Workplace, world: World) -> None:
    """What the configuration does not manage is carried along from the old group to the new one."""
    made_anew(turn, world)


@pytest.mark.parametrize("status", [400, 409])
def test_a_refused_second_half_is_told_and_kept(turn: Workplace, world: World, status: int) -> None:
    """Exit 4, the report says in which half it is, the lockfile keeps the definition, and the next apply has it."""
    world.fail(f"PUT **/groups/turn {status} times=1")
    result = turn.apply()
    assert result.code == 4, result.everything
    assert "the old group is deleted and the new one is not there" in result.out
    assert "turn" not in world.groups
    assert {name: pending(turn)[name] for name in THEIRS} == THEIRS
    made_anew(turn, world)


def test_a_refused_first_half_leaves_the_group_as_it_is(turn: Workplace, world: World) -> None:
    """Nothing was deleted, so nothing is said of a deleted group, and everybody is still in."""
    world.fail("DELETE **/groups/turn 400 times=1")
    result = turn.apply()
    assert result.code == 1, result.everything
    assert "the old group is deleted" not in result.out
    assert world.members("turn") == {"ana", "ben"}
    assert turn.lockfile["pending"] == []
    made_anew(turn, world)


def test_killed_between_the_halves_it_is_made_anew(turn: Workplace, between: Proxy, world: World) -> None:
    """``kill -9`` after the old group is gone and before the new one is sent."""

    def rule(request: Request, forward: Callable[[], Answer]) -> Answer | None:
        if request.method != "DELETE":
            return forward()
        forward()
        command.signal(signal.SIGKILL)
        return None

    between.rule = rule
    with turn.start("apply", "--auto-approve") as command:
        assert command.end().code == -signal.SIGKILL
    between.rule = lambda _, forward: forward()
    assert "turn" not in world.groups
    assert {name: pending(turn)[name] for name in THEIRS} == THEIRS
    made_anew(turn, world)


def test_it_stays_lost_only_if_nobody_wants_it(turn: Workplace, world: World) -> None:
    """A configuration without the group by then: nothing is made, nothing stays pending, nothing is ours."""
    world.fail("PUT **/groups/turn 400 times=1")
    assert turn.apply().code == 4
    turn.configure(configuration())
    assert turn.apply().code == 0
    assert "turn" not in world.groups
    assert turn.lockfile["pending"] == []
    assert turn.owned == {}
