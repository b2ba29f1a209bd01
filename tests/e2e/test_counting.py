"""Requests are counted: a plan reads as little as can prove it, an apply writes exactly what differs."""

import re
from collections import Counter
from typing import Any

import pytest

from tests.e2e.command import Workplace
from tests.e2e.world import WRITES, World, configuration, group


def counted(world: World) -> Counter[str]:
    """The requests by what they are: the test's own went before ``clear``."""
    kinds: Counter[str] = Counter()
    for call in world.calls:
        without_group = re.sub(r"groups/[^/]+", "groups/G", call)
        kinds[re.sub(r"users/(EMPLOYEE/|CUSTOMER/)?[^/]+", "users/U", without_group)] += 1
    return kinds


@pytest.fixture
def applied(work: Workplace, world: World) -> Workplace:
    """Two groups of ours and a place in one of somebody else's."""
    work.configure(
        configuration(
            group("one", ["ana", "ben"]),
            group("two", ["ana", "cleo"]),
            {"match": {"code": "BO_MANAGER"}, "membership": "additive", "members": ["dan"]},
        )
    )
    assert work.apply().code == 0
    world.clear()
    return work


NO_OP = {"POST /oauth/token": 1, "GET groups": 1, "GET groups/G/users": 3}


def test_a_plan_that_finds_nothing(applied: Workplace, world: World) -> None:
    """Token, groups, and the members of each managed group: five requests for three groups."""
    assert applied.run("plan", "--detailed-exitcode").code == 0
    assert counted(world) == NO_OP


def test_an_apply_that_finds_nothing(applied: Workplace, world: World) -> None:
    """The same: nothing to verify, and the lockfile is not even touched."""
    before = applied.lockfile
    assert applied.apply().code == 0
    assert counted(world) == NO_OP
    assert applied.lockfile == before


def test_drift_reads_the_same(applied: Workplace, world: World) -> None:
    """Only what we know is read."""
    assert applied.run("drift").code == 0
    assert counted(world) == NO_OP


def test_no_network_without_need(applied: Workplace, world: World) -> None:
    """validate, show, state, schema, init, version: none sends anything, and a saved plan is shown without."""
    assert applied.run("plan", "-o", "x.plan").code == 0
    world.clear()
    for args in (["validate"], ["show", "x.plan"], ["state", "list"], ["state", "show", "acmeprod/one"], ["schema"],
                 ["-f", "new.yaml", "init"], ["version"], ["completion", "bash"]):  # fmt: skip
        result = applied.run(*args, EMPORIX_CLIENT_ID="", EMPORIX_CLIENT_SECRET="")
        assert result.code == 0, result.everything
    assert world.log == []


def test_one_more_member(applied: Workplace, world: World) -> None:
    """One look at the newcomer, one write, and one read of the touched group: nothing of the two others."""
    applied.configure(
        configuration(
            group("one", ["ana", "ben", "eve"]),
            group("two", ["ana", "cleo"]),
            {"match": {"code": "BO_MANAGER"}, "membership": "additive", "members": ["dan"]},
        )
    )
    result = applied.apply()
    assert result.code == 0, result.everything
    assert world.writes == ["PUT groups/one/users/EMPLOYEE/eve"]
    reads = counted(world)
    assert reads["GET groups/G/users"] == 3 + 1
    assert reads["GET groups"] == 1
    assert sum(reads.values()) <= sum(NO_OP.values()) + 1 + 1 + 1


def test_who_leaves_everything_leaves_by_one_request(applied: Workplace, world: World) -> None:
    """Ana is removed from all her groups at once, and nobody else by it."""
    applied.configure(
        configuration(
            group("one", ["ben"]),
            group("two", ["cleo"]),
            {"match": {"code": "BO_MANAGER"}, "membership": "additive", "members": ["dan"]},
        )
    )
    assert applied.apply().code == 0
    assert world.writes == ["DELETE users/ana/groups"]


def test_who_has_another_group_is_removed_one_by_one(applied: Workplace, world: World) -> None:
    """A membership that we do not manage would be lost with the others."""
    world.add("clerks", "ana")
    world.clear()
    applied.configure(
        configuration(
            group("one", ["ben"]),
            group("two", ["cleo"]),
            {"match": {"code": "BO_MANAGER"}, "membership": "additive", "members": ["dan"]},
        )
    )
    assert applied.apply().code == 0
    assert world.writes == ["DELETE groups/one/users/ana", "DELETE groups/two/users/ana"]
    assert world.members("clerks") == {"ana", "zoe"}


def test_a_group_exchanged_wholly_is_emptied_by_one_request(work: Workplace, world: World) -> None:
    """Five go and one comes: two writes."""
    work.configure(configuration(group("crew", ["ana", "ben", "cleo", "dan", "eve"])))
    assert work.apply().code == 0
    work.configure(configuration(group("crew", ["fay"])))
    world.clear()
    assert work.apply().code == 0
    assert world.writes == ["DELETE groups/crew/users", "PUT groups/crew/users/EMPLOYEE/fay"]
    assert world.members("crew") == {"fay"}


def test_a_group_is_deleted_with_its_members(applied: Workplace, world: World) -> None:
    """One request, and no removal of each member before."""
    applied.configure(
        configuration(
            group("one", ["ana", "ben"]),
            {"match": {"code": "BO_MANAGER"}, "membership": "additive", "members": ["dan"]},
        )
    )
    assert applied.apply().code == 0
    assert world.writes == ["DELETE groups/two"]


def test_many_members_come_in_pages(work: Workplace, serve: Any, seed: dict[str, Any]) -> None:
    """A server that caps its pages is read to the end, without a request too many."""
    people = [f"user{number:03}" for number in range(95)]
    seed["tenants"][0]["employees"] += people
    seed["tenants"][0]["groups"].append({"id": "crowd", "name": {"en": "Crowd"}})
    seed["tenants"][0]["assignments"] += [{"groupId": "crowd", "userId": user} for user in people]
    work.url = serve(seed, page_cap=20).url
    work.configure(configuration({"id": "crowd", "members": people}))
    assert work.apply().code == 0
    world = World(work.url)
    assert work.run("plan", "--detailed-exitcode").code == 0
    assert counted(world)["GET groups/G/users"] == 5
    world.close()


def test_no_write_without_a_difference(applied: Workplace, world: World) -> None:
    """Reordered lists, other spellings of the same texts and repeated applies send nothing."""
    text = (applied.folder / "reconciler.yaml").read_text()
    applied.configure(text.replace('"ana",\n      "ben"', '"ben",\n      "ana"'))
    assert applied.apply().code == 0
    assert not [entry for entry in world.log if entry["method"] in WRITES]
