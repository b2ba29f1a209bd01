"""Guards end to end: exit 3, nothing changed, and a door that opens for exactly one plan."""

import json
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from reconciler.sandbox import Sandbox
from tests.e2e.command import Result, Workplace
from tests.e2e.world import World, configuration, group

TEN = ["ana", "ben", "cleo", "dan", "eve", "fay", "gus", "hal", "ida", "jo"]


def fingerprint(work: Workplace, *options: str) -> str:
    """What ``plan`` says that it is."""
    found: str = json.loads(work.run("plan", "--format", "json", *options).out)["fingerprint"]
    return found


def refused(work: Workplace, world: World, *words: str, options: tuple[str, ...] = ()) -> None:
    """Plan and apply both exit with 3 and say why; nothing is written, neither there nor here."""
    before = (work.folder / "reconciler.lock").read_bytes() if "reconciler.lock" in work.files else None
    world.clear()
    for result in (work.run("plan", *options), work.apply(*options)):
        assert result.code == 3, result.everything
        for word in words:
            assert word in result.everything, result.everything
    assert world.writes == []
    assert before == ((work.folder / "reconciler.lock").read_bytes() if before is not None else None)


def accepted(work: Workplace, *options: str) -> Result:
    result = work.apply("--accept", fingerprint(work, *options), *options)
    assert result.code == 0, result.everything
    return result


@pytest.fixture
def ten(work: Workplace, world: World) -> Workplace:
    """A group of ten, ours."""
    work.configure(configuration(group("ours", TEN)))
    assert work.apply().code == 0
    return work


def test_a_quarter_is_the_most_by_default(ten: Workplace, world: World) -> None:
    """Three of ten is refused with both numbers, two of ten is not; accepted it passes."""
    ten.configure(configuration(group("ours", TEN[:7])))
    refused(ten, world, "3 of 10", "30.00%", "25%", "maxRemovals")
    accepted(ten)
    assert world.members("ours") == set(TEN[:7])
    ten.configure(configuration(group("ours", TEN[:6])))
    assert ten.apply().code == 0


def test_a_limit_of_ones_own(ten: Workplace, world: World) -> None:
    """A number in the file: one more than that is refused."""
    ten.configure(configuration(group("ours", TEN[:8]), guards={"maxRemovals": 1}))
    refused(ten, world, "2 of 10", "over 1", "guards.maxRemovals")
    ten.configure(configuration(group("ours", TEN[:9]), guards={"maxRemovals": 1}))
    assert ten.apply().code == 0


def test_a_whole_group_leaving_the_file_counts_as_removals(ten: Workplace, world: World) -> None:
    """Ten people lose access however it comes."""
    ten.configure(configuration())
    refused(ten, world, "10 of 10")
    accepted(ten)
    assert "ours" not in world.groups


def test_an_emptied_list_is_refused(work: Workplace, world: World) -> None:
    """More often a broken generator than a wish."""
    work.configure(configuration(group("ours", ["ana"])))
    assert work.apply().code == 0
    work.configure(configuration(group("ours", [])))
    refused(work, world, "the member list is empty")
    accepted(work)
    assert world.members("ours") == set()


def test_a_vanished_list_is_refused(work: Workplace, world: World) -> None:
    """Its members would stay for ever and be nobody's; accepted they are let go and not removed."""
    work.configure(configuration(group("ours", ["ana"])))
    assert work.apply().code == 0
    work.configure(configuration(group("ours")))
    refused(work, world, "`members` is no longer there")
    accepted(work)
    assert world.members("ours") == {"ana"}
    assert work.owned == {"acmeprod/ours*": []}


def test_an_orphaned_tenant_is_refused(work: Workplace, serve: Callable[..., Sandbox], seed: dict[str, Any]) -> None:
    """A file that was not passed along must not delete all that is ours in its tenant."""
    seed["tenants"].append({"tenant": "acmeeu"})
    work.url = serve(seed).url
    names = ("ACMEPROD", "ACMEEU")
    work.more = {f"EMPORIX_CLIENT_ID_{name}": name.lower() for name in names}
    work.more |= {f"EMPORIX_CLIENT_SECRET_{name}": "sandbox" for name in names}
    with closing(World(work.url)) as world:
        work.configure(configuration(group("ours", ["ana"])))
        assert work.apply().code == 0
        work.configure({"tenants": [{"tenant": "acmeeu", "groups": []}]})
        refused(work, world, "the tenant is no longer in the configuration")
        assert work.apply("--tenant", "acmeeu").code == 0
        assert world.members("ours") == {"ana"}
        accepted(work)
        assert "ours" not in world.groups


def test_a_protected_user_is_never_removed(work: Workplace, world: World) -> None:
    """Neither by a shorter list, nor with the group, nor when somebody else has put the account there."""
    guards = {"guards": {"protected": ["zoe"]}}
    work.configure(configuration(group("ours", ["ana", "zoe"]), **guards))
    assert work.apply().code == 0
    work.configure(configuration(group("ours", ["ana"]), **guards))
    refused(work, world, "acmeprod/ours/zoe is protected")
    work.configure(configuration(**guards))
    refused(work, world, "acmeprod/ours/zoe is protected")
    work.configure(configuration(group("ours", ["ana"])))
    assert work.apply().code == 0
    world.add("ours", "zoe")
    work.configure(configuration(group("ours", ["ana"]), **guards))
    refused(work, world, "acmeprod/ours/zoe is protected")


def test_too_few_members_are_refused(work: Workplace, world: World) -> None:
    """``minMembers`` counts who is left in the service, not who is listed."""
    work.configure(configuration(group("ours", ["ana", "ben"]), guards={"minMembers": 2}))
    assert work.apply().code == 0
    work.configure(configuration(group("ours", ["ana"]), guards={"minMembers": 2}))
    refused(work, world, "would have 1 member", "minMembers 2")


def test_first_contact_removes_nobody(work: Workplace, world: World) -> None:
    """Members that were never ours are refused by name; ``--take-over`` is the word for it."""
    work.configure(configuration({"id": "clerks", "members": ["ana"]}))
    refused(work, world, "never", "zoe", "--take-over")
    assert work.apply("--take-over").code == 0
    assert world.members("clerks") == {"ana"}


def test_an_additive_first_contact_leaves_everybody(work: Workplace, world: World) -> None:
    """Also once the list shrinks, and once the whole group leaves the file."""
    work.configure(configuration({"id": "clerks", "membership": "additive", "members": ["ana", "ben"]}))
    assert work.apply().code == 0
    work.configure(configuration({"id": "clerks", "membership": "additive", "members": ["ana"]}))
    assert work.apply().code == 0
    assert world.members("clerks") == {"ana", "zoe"}
    work.configure(configuration())
    assert work.apply().code == 0
    assert world.members("clerks") == {"zoe"}


def test_a_group_with_strangers_is_not_deleted(work: Workplace, world: World) -> None:
    """Deleting our group would remove somebody who was never ours: refused by name."""
    work.configure(configuration(group("ours", ["ana"])))
    assert work.apply().code == 0
    world.add("ours", "zoe")
    work.configure(configuration())
    refused(work, world, "zoe")
    assert work.apply("--take-over").code == 0
    assert "ours" not in world.groups


def test_accept_lets_one_plan_pass_and_no_other(ten: Workplace, world: World) -> None:
    """Once the world or the file moves it is another plan, and the old fingerprint opens nothing."""
    ten.configure(configuration(group("ours", TEN[:6])))
    reviewed = fingerprint(ten)
    ten.configure(configuration(group("ours", TEN[:5])))
    result = ten.apply("--accept", reviewed)
    assert result.code == 3, result.everything
    assert "which is another plan" in result.err
    ten.configure(configuration(group("ours", TEN[:6])))
    world.remove("ours", "jo")
    world.add("ours", "zoe")
    assert ten.apply("--accept", reviewed).code == 3
    assert world.members("ours") == {*TEN, "zoe"} - {"jo"}
    world.remove("ours", "zoe")
    world.add("ours", "jo")
    assert ten.apply("--accept", reviewed).code == 0
    assert world.members("ours") == set(TEN[:6])


def test_accept_is_nothing_that_can_be_guessed(ten: Workplace, world: World) -> None:
    """No empty, short or wildcard fingerprint is a key."""
    ten.configure(configuration(group("ours", TEN[:6])))
    whole = fingerprint(ten)
    for guess in ("", "*", whole[:8], whole.upper(), f" {whole}", "--"):
        result = ten.apply(f"--accept={guess}")
        assert result.code == 3 or guess.strip() == whole, result.everything
    assert world.members("ours") == set(TEN)


def test_expect_goes_on_only_with_the_reviewed_plan(work: Workplace, world: World) -> None:
    """Another plan is an error (exit 1) that names both fingerprints, and changes nothing."""
    work.configure(configuration(group("ours", ["ana"])))
    reviewed = fingerprint(work)
    work.configure(configuration(group("ours", ["ana", "ben"])))
    result = work.apply("--expect", reviewed)
    assert result.code == 1, result.everything
    assert reviewed in result.err
    assert fingerprint(work) in result.err
    assert "ours" not in world.groups
    work.configure(configuration(group("ours", ["ana"])))
    assert work.apply("--expect", reviewed).code == 0
    assert world.members("ours") == {"ana"}


def test_a_reviewed_plan_that_is_done_by_now_is_another(work: Workplace, world: World) -> None:
    """``--expect`` after a success is an error and not a silent nothing; a guard is asked besides."""
    work.configure(configuration(group("ours", ["ana"])))
    reviewed = fingerprint(work)
    assert work.apply("--expect", reviewed).code == 0
    assert work.apply("--expect", reviewed).code == 1
    work.configure(configuration(group("ours", [])))
    assert work.apply("--expect", fingerprint(work)).code == 3


def test_the_hint_names_the_whole_command(work: Workplace, world: World) -> None:
    """As it is copied from the terminal, it has the files, targets and rules that made the plan what it is."""
    (work.folder / "access").mkdir()
    (work.folder / "rules.rego").write_text("package main\nwarn := []\n")
    work.configure(
        configuration(group("ours", ["ana", "ben"]), state={"url": "file:../reconciler.lock"}), "access/a.yaml"
    )
    assert work.run("-f", "access", "apply", "--auto-approve").code == 0
    work.configure(configuration(group("ours", []), state={"url": "file:../reconciler.lock"}), "access/a.yaml")
    same = ("--target", "acmeprod/ours", "--policy", "rules.rego")
    told = work.run("-f", "access", "--tenant", "acmeprod", "plan", *same, "-o", "x.plan").out
    (hint,) = [line for line in told.splitlines() if "--accept" in line]
    command = hint.partition("reconciler ")[2].split()
    assert command[-2:] == ["--accept", json.loads((work.folder / "x.plan").read_bytes())["fingerprint"]]
    shown = work.run("show", "x.plan", "--policy", "rules.rego").out
    assert "reconciler apply x.plan --policy rules.rego --accept " in shown
    assert work.run(*command, "--auto-approve").code == 0
    assert world.members("ours") == set()
