"""``apply --expect``: only what was reviewed is done, by its fingerprint or by the saved plan, whatever moved since."""

import json
import shutil
import signal
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.command import Spawner, Workplace
from tests.e2e.proxy import Answer, Proxy, Request, honest
from tests.e2e.test_mixups import resigned
from tests.e2e.world import World, configuration, group, tenant

WISH = configuration(group("desk", ["ana", "dan"], description={"en": "Desk"}), group("new", ["eve"]))


@pytest.fixture
def looked_at(work: Workplace, world: World) -> Workplace:
    """``x.plan``: the description of a group and a member of it change, another group leaves, one is new."""
    work.configure(configuration(group("desk", ["ana", "ben"]), group("old", ["cleo"])))
    assert work.apply().code == 0
    work.configure(WISH)
    assert work.run("plan", "-o", "x.plan").code == 0
    world.clear()
    return work


def fingerprint(work: Workplace, name: str = "x.plan") -> str:
    found: str = json.loads((work.folder / name).read_bytes())["fingerprint"]
    return found


def test_the_file_of_the_reviewed_plan_is_as_good_as_its_fingerprint(looked_at: Workplace, world: World) -> None:
    """The fresh plan does the same, so it is applied; nothing is said of differences."""
    result = looked_at.apply("--expect", "x.plan")
    assert result.code == 0, result.everything
    assert "Apply complete!" in result.out
    assert "reviewed plan" not in result.everything
    assert (world.members("desk"), world.members("new")) == ({"ana", "dan"}, {"eve"})


def test_what_moved_since_the_review_is_shown_and_nothing_done(looked_at: Workplace, world: World) -> None:
    """Somebody has added the member, edited the group, and the file asks for one more: each is named, exit 1."""
    world.add("desk", "dan")
    world.edit("desk", name={"en": "Desk"}, userType="EMPLOYEE", description={"en": "Theirs"})
    looked_at.configure(configuration(group("desk", ["ana", "dan", "fay"], description={"en": "Desk"})))
    world.clear()
    result = looked_at.apply("--expect", "x.plan")
    assert result.code == 1
    plan, difference = result.out.split("Only in the reviewed plan: ")
    assert f"Fingerprint: {fingerprint(looked_at)}" not in plan
    assert "  acmeprod/desk/dan\n      action  create -> adopt\n" in difference
    assert "  + acmeprod/new will be created  new in configuration\n" in difference
    assert "  + acmeprod/desk/fay will be created  new in configuration\n" in difference.split("Only in this plan: ")[1]
    assert '    the definition before it:\n      description.en  + "Theirs"\n' in difference
    assert "version" in difference
    assert f"expected fingerprint {fingerprint(looked_at)}" in result.err
    assert "review the difference shown above" in result.err
    assert world.writes == []


def test_the_difference_is_what_diff_shows(looked_at: Workplace, world: World) -> None:
    """The same lines as of two saved plans; only the plans are called otherwise."""
    world.remove("desk", "ben")
    assert looked_at.run("plan", "-o", "fresh.plan").code == 0
    told = looked_at.run("diff", "x.plan", "fresh.plan").out
    told = told.replace("x.plan", "the reviewed plan").replace("fresh.plan", "this plan")
    assert looked_at.apply("--expect", "x.plan").out.endswith(told)


def test_a_bare_fingerprint_says_how_to_see_the_difference(looked_at: Workplace, world: World) -> None:
    """The fresh plan and its fingerprint are shown, and ``--expect FILE`` is named."""
    reviewed = fingerprint(looked_at)
    world.remove("desk", "ben")
    world.clear()
    assert looked_at.run("plan", "-o", "fresh.plan").code == 0
    result = looked_at.apply("--expect", reviewed)
    assert result.code == 1
    assert f"Fingerprint: {fingerprint(looked_at, 'fresh.plan')}\n" in result.out
    assert "--expect FILE with the saved plan that was reviewed shows what differs" in result.err
    assert world.writes == []


@pytest.mark.parametrize("given", ["", "5f1c", "0" * 19, "F" * 20, "missing.plan"])
def test_what_is_neither_is_told(looked_at: Workplace, world: World, given: str) -> None:
    """An empty variable, a cut or misspelt fingerprint, a file that is not there: exit 1 before anything is read."""
    result = looked_at.apply("--expect", given)
    assert result.code == 1
    assert "neither a fingerprint (20 hex digits) nor the file of a saved plan" in result.err
    assert world.log == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"serial": 99}, "x.plan was changed after it was written"),
        ({"format": 2}, "x.plan has plan format 2; this version knows 1"),
        ({"kind": "drift"}, "x.plan is a drift document and no plan"),
    ],
)
def test_a_damaged_reviewed_plan_is_refused(
    looked_at: Workplace, world: World, change: dict[str, Any], message: str
) -> None:
    """Format, kind and checksum are checked as for every plan file, before anything is read."""
    path = looked_at.folder / "x.plan"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **change}))
    for args in (("--expect", "x.plan"), ("x.plan",)):
        result = looked_at.apply(*args)
        assert (result.code, result.out) == (1, "")
        assert message in result.err
    assert world.log == []


def test_a_reviewed_plan_of_another_service_or_lockfile_is_refused(looked_at: Workplace, world: World) -> None:
    """Even if it did the same: what was reviewed was meant for elsewhere."""
    result = looked_at.apply("--expect", "x.plan", EMPORIX_API_URL="https://elsewhere.example")
    assert result.code == 1
    assert "the reviewed plan was made for http://127" in result.err
    lineage = looked_at.lockfile["lineage"]
    resigned(looked_at.folder / "x.plan", lineage="another-one")
    result = looked_at.apply("--expect", "x.plan")
    assert result.code == 1
    assert "the reviewed plan was made with another lockfile (lineage another-one)" in result.err
    assert f"(lineage {lineage})" in result.err
    (looked_at.folder / "reconciler.lock").unlink()
    result = looked_at.apply("--expect", "x.plan")
    assert result.code == 1
    assert "was made with a lockfile (lineage another-one), and there is none at file:" in result.err
    assert world.writes == []


def test_other_tenants_that_change_nothing_are_told(looked_at: Workplace) -> None:
    """The same is done, so it goes on; that the review covered other tenants is said."""
    resigned(looked_at.folder / "x.plan", tenants=["acmeprod", "betashop"])
    result = looked_at.apply("--expect", "x.plan")
    assert result.code == 0
    assert "The reviewed plan was made for the tenants: acmeprod, betashop; this one for: acmeprod." in result.err


def test_a_saved_plan_is_held_against_the_reviewed_one_too(looked_at: Workplace, world: World) -> None:
    """``apply FILE --expect`` refuses another saved plan, and says how to look at it or what differs."""
    shutil.copy(looked_at.folder / "x.plan", looked_at.folder / "reviewed.plan")
    looked_at.configure(configuration(group("desk", ["ana"])))
    assert looked_at.run("plan", "-o", "x.plan").code == 0
    reviewed = fingerprint(looked_at, "reviewed.plan")
    bare = looked_at.run("apply", "x.plan", "--expect", reviewed)
    assert bare.code == 1
    assert "look at it with `reconciler show FILE`" in bare.err
    told = looked_at.run("apply", "x.plan", "--expect", "reviewed.plan")
    assert told.code == 1
    assert "  + acmeprod/desk/dan will be created" in told.out.split("Only in the reviewed plan: ")[1]
    assert world.writes == []
    assert looked_at.run("apply", "x.plan", "--expect", "x.plan").code == 0


def test_a_saved_plan_for_a_tenant_that_is_not_allowed_is_refused(work: Workplace, world: World) -> None:
    """``--tenant`` narrows no saved plan: it says for whom one may be, and a plan for others is not begun."""
    work.configure({"tenants": [tenant(groups=[group("desk", ["ana"])]), tenant("betashop", groups=[])]})
    assert work.run("plan", "--tenant", "acmeprod", "-o", "x.plan").code == 0
    world.clear()
    for args in (("--tenant", "betashop", "apply", "x.plan"), ("apply", "x.plan", "--tenant", "betashop")):
        result = work.run(*args)
        assert result.code == 1
        assert "the plan changes acmeprod, and --tenant allows only betashop" in result.err
    assert world.log == []
    assert work.run("apply", "x.plan", "--tenant", "acmeprod").code == 0


def moved_in_between(between: Proxy, happens: Callable[[], None]) -> list[Request]:
    """Let something happen right before the first write arrives, after all has been read and planned."""
    happened: list[Request] = []

    def rule(request: Request, forward: Callable[[], Answer]) -> Answer | None:
        if request.writes and not happened:
            happened.append(request)
            happens()
        return forward()

    between.rule = rule
    return happened


@pytest.fixture
def elsewhere(between: Proxy, looked_at: Workplace) -> Proxy:
    """The network that can move the world, and ``x.plan`` made through it."""
    assert looked_at.run("plan", "-o", "x.plan").code == 0
    return between


def test_words_written_after_the_fresh_plan_are_not_overwritten(
    looked_at: Workplace, elsewhere: Proxy, world: World
) -> None:
    """No second look is needed: the request names the version that the plan was made from, and the service refuses."""

    def edit() -> None:
        world.edit("desk", name={"en": "Desk"}, userType="EMPLOYEE", description={"en": "Theirs"})

    happened = moved_in_between(elsewhere, edit)
    result = looked_at.apply("--expect", "x.plan", "--parallelism", "1")
    assert happened
    assert result.code == 4, result.everything
    assert "acmeprod/desk" in result.out.split("Failed")[1]
    assert world.groups["desk"]["description"] == {"en": "Theirs"}


def test_whoever_joins_after_the_fresh_plan_keeps_the_group(
    looked_at: Workplace, elsewhere: Proxy, world: World
) -> None:
    """A deletion looks once more right before it is sent, with a plan that was approved beforehand too."""
    happened = moved_in_between(elsewhere, lambda: world.add("old", "zoe"))
    result = looked_at.apply("--expect", "x.plan", "--parallelism", "1")
    assert happened
    assert result.code == 4, result.everything
    assert "acmeprod/old was not deleted: 1 joined since it was planned (zoe)" in result.out
    assert world.members("old") == {"cleo", "zoe"}


def test_the_same_holds_for_a_saved_plan(looked_at: Workplace, elsewhere: Proxy, world: World) -> None:
    """After its second look the world moves once more: the versions and the last look before a deletion still hold."""

    def both() -> None:
        world.add("old", "zoe")
        world.edit("desk", name={"en": "Desk"}, userType="EMPLOYEE", description={"en": "Theirs"})

    happened = moved_in_between(elsewhere, both)
    result = looked_at.run("apply", "x.plan", "--parallelism", "1")
    assert happened
    assert result.code == 4, result.everything
    assert world.members("old") == {"cleo", "zoe"}
    assert world.groups["desk"]["description"] == {"en": "Theirs"}


def test_only_refusals_that_were_reviewed_are_accepted(work: Workplace, world: World) -> None:
    """A guard that was added after the review has its say, although the plan does the same."""
    work.configure(configuration(group("ours", ["ana", "ben"])))
    assert work.apply().code == 0
    fewer = configuration(group("ours", ["ana"]), guards={"maxRemovals": 0})
    work.configure(fewer)
    assert work.run("plan", "-o", "x.plan").code == 3
    accepted = ("--expect", "x.plan", "--accept", fingerprint(work))
    work.configure({**fewer, "guards": {"maxRemovals": 0, "protected": ["ben"]}})
    refused = work.apply(*accepted)
    assert (refused.code, "nobody has accepted them" in refused.err) == (3, True), refused.everything
    assert "ben" in world.members("ours")
    work.configure(fewer)
    assert work.apply(*accepted).code == 0
    assert world.members("ours") == {"ana"}


def test_a_run_that_did_only_a_part_is_run_again_as_it_was(looked_at: Workplace, world: World) -> None:
    """The fresh plan is what is left of the reviewed one, so nobody has to review it; in the end nothing is left."""
    world.fail("DELETE /iam/**/users/ben 400", "DELETE /iam/*/groups/old 400")
    assert looked_at.apply("--expect", "x.plan").code == 4
    world.fail()
    bare = looked_at.apply("--expect", fingerprint(looked_at))
    assert (bare.code, "goes on where that was half done" in bare.err) == (1, True), bare.everything
    world.clear()
    result = looked_at.apply("--expect", "x.plan")
    assert result.code == 0, result.everything
    assert "of the reviewed plan's 7 changes are done and recorded: this plan is the rest" in result.err
    assert (world.members("desk"), world.members("new")) == ({"ana", "dan"}, {"eve"})
    assert "old" not in world.groups
    world.clear()
    again = looked_at.apply("--expect", "x.plan")
    assert again.code == 0, again.everything
    assert "7 of the reviewed plan's 7 changes are done and recorded: nothing is left to do" in again.err
    assert world.writes == []
    bare = looked_at.apply("--expect", fingerprint(looked_at))
    assert (bare.code, "can't be told from a fingerprint" in bare.err) == (1, True), bare.everything


def test_a_killed_run_is_run_again_as_it_was(
    looked_at: Workplace, elsewhere: Proxy, world: World, spawner: Spawner
) -> None:
    """What it sent before it died is not recorded yet but pending, and counts as done if it is live."""

    def rule(request: Request, forward: Callable[[], Answer]) -> Answer | None:
        answer = forward()
        if request.writes:
            spawner.kill()
            return None
        return answer

    elsewhere.rule = rule
    assert looked_at.apply("--expect", "x.plan", "--parallelism", "1").code == -signal.SIGKILL
    elsewhere.rule = honest
    result = looked_at.apply("--expect", "x.plan")
    assert result.code == 0, result.everything
    assert "changes are done and recorded: this plan is the rest" in result.err
    assert (world.members("desk"), world.members("new")) == ({"ana", "dan"}, {"eve"})


@pytest.mark.parametrize(
    "wish",
    [
        configuration(group("desk", ["ana", "dan"], description={"en": "Desk"})),
        configuration(group("desk", ["ana", "ben", "dan"], description={"en": "Desk"}), group("new", ["eve"])),
    ],
    ids=["less is added", "less is removed"],
)
def test_less_than_was_reviewed_is_another_plan(looked_at: Workplace, world: World, wish: dict[str, Any]) -> None:
    """A change that is missing and was not done either: what was reviewed together is not done in part."""
    looked_at.configure(wish)
    result = looked_at.apply("--expect", "x.plan")
    assert result.code == 1, result.everything
    assert "Only in the reviewed plan: " in result.out
    assert world.writes == []


def test_what_was_accepted_is_accepted_to_its_end(work: Workplace, world: World) -> None:
    """A plan that guards refused and somebody accepted, done in part: the rest is what was accepted."""
    work.configure(configuration(group("ours", ["ana", "ben", "cleo"])))
    assert work.apply().code == 0
    work.configure(configuration(group("ours", ["ana"]), guards={"maxRemovals": 0}))
    assert work.run("plan", "-o", "x.plan").code == 3
    accepted = ("--expect", "x.plan", "--accept", fingerprint(work))
    world.fail("DELETE /iam/**/users/ben 400")
    assert work.apply(*accepted).code == 4
    world.fail()
    refused = work.apply("--expect", "x.plan")
    assert (refused.code, f"--accept {fingerprint(work)}" in refused.err) == (3, True), refused.everything
    assert work.apply(*accepted).code == 0
    assert world.members("ours") == {"ana"}
