"""A saved plan does what was reviewed: what is so already is dropped, what has moved is refused, the rest is done."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Result, Workplace
from tests.e2e.world import World, configuration, group


@pytest.fixture
def saved(work: Workplace, world: World) -> Workplace:
    """A plan in ``x.plan``: one group updated, its members exchanged, one group deleted, one created."""
    work.configure(configuration(group("keep", ["ana", "ben"]), group("old", ["cleo", "dan"])))
    assert work.apply().code == 0
    changed = group("keep", ["ana", "eve", "fay"], description={"en": "Changed"})
    work.configure(configuration(changed, group("new", ["gus"])))
    assert work.run("plan", "-o", "x.plan").code == 0
    world.clear()
    return work


def apply(work: Workplace) -> Result:
    result = work.run("apply", "x.plan")
    assert "Traceback" not in result.everything
    return result


DONE = {"keep": {"ana", "eve", "fay"}, "new": {"gus"}}


def ours(world: World) -> dict[str, set[str]]:
    return {name: members for name, members in world.everything.items() if name in {"keep", "old", "new"}}


def test_it_is_applied_without_a_question(saved: Workplace, world: World) -> None:
    """A saved plan is its own approval; afterwards a plan is empty."""
    assert apply(saved).code == 0
    assert ours(world) == DONE
    assert saved.run("plan", "--detailed-exitcode").code == 0


def test_applied_twice_it_does_nothing_the_second_time(saved: Workplace, world: World) -> None:
    """All its changes are so already: no write, exit 0, the lockfile as it was."""
    assert apply(saved).code == 0
    before = saved.lockfile
    world.clear()
    again = apply(saved)
    assert again.code == 0, again.everything
    assert world.writes == []
    assert saved.lockfile["tenants"] == before["tenants"]


def test_what_is_so_already_is_dropped(saved: Workplace, world: World) -> None:
    """Somebody else has added one member and removed another as planned: neither is sent, both are recorded."""
    world.add("keep", "eve")
    world.remove("keep", "ben")
    world.clear()
    result = apply(saved)
    assert result.code == 0, result.everything
    assert not [call for call in world.writes if call.endswith(("/eve", "/ben"))]
    assert ours(world) == DONE
    assert set(saved.owned["acmeprod/keep*"]) == DONE["keep"]


def test_an_edited_group_is_refused_and_the_rest_done(saved: Workplace, world: World) -> None:
    """Its own change and those of its members were reviewed together; exit 4, the reason names the versions."""
    world.edit("keep", name={"en": "Keep"}, userType="EMPLOYEE", description={"en": "Somebody else's words"})
    result = apply(saved)
    assert result.code == 4, result.everything
    assert "definition has changed" in result.out
    assert ours(world) == {"keep": {"ana", "ben"}, "new": {"gus"}}
    assert world.groups["keep"]["description"] == {"en": "Somebody else's words"}
    assert set(saved.owned["acmeprod/keep*"]) == {"ana", "ben"}


def test_a_newcomer_saves_a_group_from_deletion(saved: Workplace, world: World) -> None:
    """The reviewer did not know that somebody else would lose access: the deletion is refused, and named."""
    world.add("old", "zoe")
    result = apply(saved)
    assert result.code == 4, result.everything
    assert "members have joined since: zoe" in result.out
    assert ours(world) == {**DONE, "old": {"cleo", "dan", "zoe"}}
    assert set(saved.owned["acmeprod/old*"]) == {"cleo", "dan"}


def test_a_group_made_by_somebody_else_is_not_taken(saved: Workplace, world: World) -> None:
    """A group with the id of one that was to be created exists now: nothing is added to it, it does not become ours."""
    world.edit("new", name={"en": "Theirs"}, userType="EMPLOYEE")
    result = apply(saved)
    assert result.code == 4, result.everything
    assert "a group with this id exists now" in result.out
    assert world.members("new") == set()
    assert "acmeprod/new*" not in saved.owned


def test_a_group_that_has_gone_takes_its_members_along(saved: Workplace, world: World) -> None:
    """Nobody is added to a group that is no longer there: refused before it is tried."""
    world.drop("keep")
    world.clear()
    result = apply(saved)
    assert result.code == 4, result.everything
    assert not [call for call in world.writes if "groups/keep" in call]


def test_a_member_of_an_unchanged_group_that_has_gone_is_refused(work: Workplace, world: World) -> None:
    """Also when the plan changes members only, so that no change of the group itself tells."""
    work.configure(configuration(group("keep", ["ana"])))
    assert work.apply().code == 0
    work.configure(configuration(group("keep", ["ana", "ben"])))
    assert work.run("plan", "-o", "x.plan").code == 0
    world.drop("keep")
    world.clear()
    result = apply(work)
    assert result.code == 1, result.everything
    assert world.writes == []
    assert "no longer" in result.out


def test_what_left_the_deleted_group_is_no_obstacle(saved: Workplace, world: World) -> None:
    """Fewer people lose access than was reviewed: the deletion goes on."""
    world.remove("old", "dan")
    result = apply(saved)
    assert result.code == 0, result.everything
    assert ours(world) == DONE


def edited(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize("field", ["lineage", "serial", "changes", "takeOver", "fingerprint", "groups"])
def test_an_edited_plan_is_refused(saved: Workplace, world: World, field: str) -> None:
    """Its checksum does not fit any more: exit 1, nothing is read or written."""
    path = saved.folder / "x.plan"
    values = {"lineage": "x", "serial": 99, "takeOver": True, "fingerprint": "0" * 20, "changes": [], "groups": []}
    edited(path, **{field: values[field]})
    result = apply(saved)
    assert result.code == 1, result.everything
    assert "changed after it was written" in result.err
    assert world.log == []


def test_a_plan_of_another_lockfile_is_refused(saved: Workplace, world: World) -> None:
    """What is ours there is not what is ours here."""
    lockfile = saved.folder / "reconciler.lock"
    lockfile.write_text(lockfile.read_text().replace(saved.lockfile["lineage"], "another-lineage"))
    result = apply(saved)
    assert result.code == 1, result.everything
    assert "another lockfile" in result.err
    assert world.writes == []


def test_a_plan_is_not_narrowed_when_applied(saved: Workplace, world: World) -> None:
    """Options that belong to planning are an error, because ignoring them would do more than was asked."""
    for options in (("--target", "acmeprod/keep"), ("--take-over",), ("--tenant", "other")):
        assert saved.run("apply", "x.plan", *options).code == 1
    assert saved.run("--tenant", "other", "apply", "x.plan").code == 1
    assert world.log == []


def test_a_plan_that_is_no_plan(saved: Workplace) -> None:
    """A missing file, a lockfile and garbage are told apart from plans, with exit 1 and no traceback."""
    (saved.folder / "garbage").write_bytes(b"\xff\x00{")
    for name in ("missing.plan", "reconciler.lock", "garbage", "reconciler.yaml"):
        result = saved.run("apply", name)
        assert result.code == 1
        assert "Traceback" not in result.everything
        assert name in result.err


def test_a_refused_plan_stays_refused_when_saved(work: Workplace, world: World) -> None:
    """Guards are asked again when the file is applied, and ``--accept`` opens the same door."""
    work.configure(configuration(group("keep", ["ana", "ben"])))
    assert work.apply().code == 0
    work.configure(configuration(group("keep", [])))
    assert work.run("plan", "-o", "x.plan").code == 3
    assert apply(work).code == 3
    assert world.members("keep") == {"ana", "ben"}
    fingerprint = json.loads((work.folder / "x.plan").read_text())["fingerprint"]
    assert work.run("apply", "x.plan", "--accept", fingerprint).code == 0
    assert world.members("keep") == set()


def test_a_plan_file_is_for_its_owner_only(saved: Workplace) -> None:
    """It lists people, so nobody else on the machine may read it; so may nobody the lockfile."""
    for name in ("x.plan", "reconciler.lock"):
        assert (saved.folder / name).stat().st_mode & 0o777 == 0o600


def test_guards_judge_what_is_live_when_a_plan_is_applied(work: Workplace, world: World) -> None:
    """One of four was a quarter; two have left since, so it would be one of two: exit 3, and no old yes helps."""
    work.configure(configuration(group("keep", ["ana", "ben", "cleo", "dan"])))
    assert work.apply().code == 0
    work.configure(configuration(group("keep", ["ana", "ben", "cleo"]), guards={"maxRemovals": "25%"}))
    assert work.run("plan", "-o", "x.plan").code == 0
    world.remove("keep", "ana")
    world.remove("keep", "ben")
    for more in ([], ["--accept", json.loads((work.folder / "x.plan").read_bytes())["fingerprint"]]):
        world.clear()
        result = work.run("apply", "x.plan", *more)
        assert result.code == 3, result.everything
        assert "acmeprod/keep would lose 1 of 2 members: 50.00% is over 25%" in result.err
        assert "what is live or ours has moved since" in result.err
        assert world.writes == []


def test_a_half_done_plan_is_accepted_to_its_end(work: Workplace, world: World) -> None:
    """What guards refused and somebody accepted is done once more as far as it is not done, with fewer to remove."""
    work.configure(configuration(group("keep", ["ana", "ben", "cleo", "dan"])))
    assert work.apply().code == 0
    work.configure(configuration(group("keep", ["ana", "ben"]), guards={"maxRemovals": "25%"}))
    assert work.run("plan", "-o", "x.plan").code == 3
    accepted = ("x.plan", "--accept", json.loads((work.folder / "x.plan").read_bytes())["fingerprint"])
    world.fail("DELETE /iam/**/users/dan 400")
    assert work.run("apply", *accepted).code == 4
    assert world.members("keep") == {"ana", "ben", "dan"}
    world.fail()
    result = work.run("apply", *accepted)
    assert result.code == 0, result.everything
    assert "made with serial 2 of the lockfile, and it is at 4 now" in result.err
    assert world.members("keep") == {"ana", "ben"}


def test_who_is_no_longer_ours_is_not_removed_as_ours(work: Workplace, world: World) -> None:
    """Another run has let go of a member since the plan was made: it is somebody else's now, and stays."""
    work.configure(configuration({"id": "clerks", "membership": "additive", "members": ["ana", "ben"]}))
    assert work.apply().code == 0
    work.configure(configuration({"id": "clerks", "membership": "additive", "members": ["ana"]}))
    assert work.run("plan", "-o", "x.plan").code == 0
    assert work.run("state", "forget", "acmeprod/clerks/ben").code == 0
    world.clear()
    result = work.run("apply", "x.plan")
    assert result.code == 3, result.everything
    assert "never ours: ben" in result.err
    assert "made with serial 2 of the lockfile, and it is at 3 now" in result.err
    assert world.writes == []
