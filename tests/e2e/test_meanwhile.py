"""Somebody joins during a long apply: whoever was not in the reviewed plan keeps what they have.

The apply begins with an addition elsewhere; while that is under way somebody else writes too, and only then comes the
turn of the removal that would take the newcomer along.
"""

from collections.abc import Callable

import pytest

from tests.e2e.command import Result, Workplace
from tests.e2e.proxy import Answer, Proxy, Request
from tests.e2e.world import World, configuration, group

Meanwhile = Callable[[], None]


@pytest.fixture
def long(work: Workplace, between: Proxy) -> Callable[..., Result]:
    """Apply one request at a time, and let something happen once during its first write."""

    def apply(meanwhile: Meanwhile, *groups: dict[str, object]) -> Result:
        happened: list[Request] = []

        def rule(request: Request, forward: Callable[[], Answer]) -> Answer | None:
            if request.writes and not happened:
                happened.append(request)
                meanwhile()
            return forward()

        work.configure(configuration(group("desk", ["ana", "ben"]), *groups))
        between.rule = rule
        result = work.apply("--parallelism", "1")
        assert [request.path.rpartition("/")[2] for request in happened] == ["ben"], "the first write is the addition"
        return result

    return apply


@pytest.fixture
def begun(work: Workplace, world: World) -> Workplace:
    """Groups of ours, applied: three people in ``crew``, two in ``old``, and ida in two groups."""
    work.configure(
        configuration(
            group("desk", ["ana"]),
            group("crew", ["fay", "gus", "hal"]),
            group("old", ["cleo", "dan"]),
            group("staff", ["ana", "eve", "ida"]),
            group("tower", ["eve", "fay", "ida"]),
        )
    )
    assert work.apply().code == 0
    world.clear()
    return work


CREW = group("crew", ["fay", "gus", "hal"])
OLD = group("old", ["cleo", "dan"])
STAFF = group("staff", ["ana", "eve", "ida"])
TOWER = group("tower", ["eve", "fay", "ida"])


def test_nobody_joins(begun: Workplace, world: World, long: Callable[..., Result]) -> None:
    """Then one request empties the group, one removes the user from all groups, and one deletes the group."""
    leaner = (group("crew", ["jo"]), group("staff", ["ana", "eve"]), group("tower", ["eve", "fay"]))
    result = long(lambda: None, *leaner)
    assert result.code == 0, result.everything
    removals = sorted(call.partition("?")[0] for call in world.writes if call.startswith("DELETE"))
    assert removals == ["DELETE groups/crew/users", "DELETE groups/old", "DELETE users/ida/groups"]


def test_who_joins_a_group_that_is_emptied_stays(begun: Workplace, world: World, long: Callable[..., Result]) -> None:
    """The planned members are removed one by one instead, and the apply is complete and verified."""
    result = long(lambda: world.add("crew", "zoe"), group("crew", ["jo"]), OLD, STAFF, TOWER)
    assert result.code == 0, result.everything
    assert world.members("crew") == {"jo", "zoe"}
    assert [call for call in world.writes if call.startswith("DELETE")] == [
        f"DELETE groups/crew/users/{user}" for user in ("fay", "gus", "hal")
    ]
    assert "Apply complete!" in result.out
    assert begun.owned["acmeprod/crew*"] == ["jo"]
    assert begun.lockfile["pending"] == []


def test_a_user_who_joins_another_group_stays_there(
    begun: Workplace, world: World, long: Callable[..., Result]
) -> None:
    """Removing a user from all groups becomes a removal from each of the planned ones."""
    leaner = (group("staff", ["ana", "eve"]), group("tower", ["eve", "fay"]))
    result = long(lambda: world.add("clerks", "ida"), CREW, OLD, *leaner)
    assert result.code == 0, result.everything
    assert world.members("clerks") == {"ida", "zoe"}
    assert [call for call in world.writes if call.startswith("DELETE")] == [
        "DELETE groups/staff/users/ida", "DELETE groups/tower/users/ida",
    ]  # fmt: skip
    assert "Apply complete!" in result.out
    assert "acmeprod/clerks" not in begun.owned


def test_a_group_that_somebody_joins_stays(begun: Workplace, world: World, long: Callable[..., Result]) -> None:
    """Refused with the newcomer's name, exit 4: nobody in it loses anything, and it is ours as before."""
    result = long(lambda: world.add("old", "zoe"), CREW, STAFF, TOWER)
    assert result.code == 4, result.everything
    assert "acmeprod/old was not deleted: 1 joined since it was planned (zoe)" in result.out
    assert world.members("old") == {"cleo", "dan", "zoe"}
    assert not [call for call in world.writes if call.startswith("DELETE")]
    assert begun.owned["acmeprod/old*"] == ["cleo", "dan"]
    assert begun.lockfile["pending"] == []


def test_a_group_that_many_join_names_some(begun: Workplace, world: World, long: Callable[..., Result]) -> None:
    """The message counts all of them and stays short."""

    def many() -> None:
        for user in ("ana", "ben", "eve", "fay", "gus", "hal"):
            world.add("old", user)

    result = long(many, CREW, STAFF, TOWER)
    assert result.code == 4, result.everything
    assert "6 joined since it was planned (ana, ben, eve, fay, gus, …)" in result.out
    assert len(world.members("old")) == 8


def test_a_group_that_somebody_deletes_first_is_gone(
    begun: Workplace, world: World, long: Callable[..., Result]
) -> None:
    """What was to be deleted is no longer there: that is what was wanted."""
    result = long(lambda: world.drop("old"), CREW, STAFF, TOWER)
    assert result.code == 0, result.everything
    assert "old" not in world.groups
    assert "acmeprod/old*" not in begun.owned


def test_a_look_that_is_refused_removes_nobody(
    begun: Workplace, between: Proxy, world: World, long: Callable[..., Result]
) -> None:
    """If nobody may look who is in by now, the group is not emptied either."""
    result = long(lambda: world.fail("GET **/groups/crew/users 400 times=1"), group("crew", ["jo"]), OLD, STAFF, TOWER)
    assert result.code == 4, result.everything
    assert world.members("crew") == {"fay", "gus", "hal"}
    assert "waits for: empty group acmeprod/crew" in result.out
    assert begun.apply().code == 0
    assert world.members("crew") == {"jo"}
