"""Targets: what a plan that is limited to addresses still contains, and what it refuses to take apart."""

from collections.abc import Sequence

import pytest

from reconciler.core.diff import diff
from reconciler.core.model import DesiredTenant
from reconciler.core.plan import Plan
from reconciler.core.schedule import schedule
from reconciler.core.target import limit, tenant_of
from reconciler.diagnostics import PlanError

from .runs import perform
from .world import HERE, World, definition, desired, group, known, live

WISH = desired({"g": frozenset("ab"), "h": frozenset("c")})
WORLD, OURS = live({"g": frozenset("x")}), known({"g": frozenset("x")})


def limited(*targets: str, wish: DesiredTenant = WISH, world: World = WORLD, ours=OURS) -> tuple[Plan, list[str]]:
    found = diff(wish, world.snapshot(), ours)
    groups = sorted({group.id or "" for group in wish.groups} | ours.keys())
    kept = limit(found, "acme", targets, groups)
    return Plan(tuple(kept.changes), ("acme",), kept.touched), [change.address for change in kept.changes]


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ([], ["acme/g/a", "acme/g/b", "acme/g/x", "acme/h", "acme/h/c"]),
        (["acme"], ["acme/g/a", "acme/g/b", "acme/g/x", "acme/h", "acme/h/c"]),
        (["acme/g", "acme"], ["acme/g/a", "acme/g/b", "acme/g/x", "acme/h", "acme/h/c"]),
        (["acme/h"], ["acme/h", "acme/h/c"]),
        (["acme/g/a"], ["acme/g/a"]),
        (["acme/g/a", "acme/g/x", "other/h"], ["acme/g/a", "acme/g/x"]),
        (["acme/h/c"], ["acme/h", "acme/h/c"]),
        (["acme/g/nobody"], []),
        (["other"], []),
    ],
)
def test_only_what_is_targeted_is_planned(targets: Sequence[str], expected: list[str]) -> None:
    """A tenant, a group with its members, or one member, with the group that has to be created for it."""
    assert limited(*targets)[1] == expected


def test_the_numbers_that_guards_judge_are_those_of_the_limited_plan() -> None:
    """Only what will happen counts."""
    plan, _ = limited("acme/g/a")
    assert (plan.touched["acme", "g"].live, plan.touched["acme", "g"].desired) == (1, 2)
    assert plan.touched.keys() == {("acme", "g")}


def test_a_member_of_a_group_to_be_replaced_brings_all_others_along() -> None:
    """All of them lose the old group, so nobody may be left out of the new one."""
    wish = DesiredTenant("acme", HERE, (group("g", "abc", definition(vendor="v")),))
    world = live({"g": frozenset("abz")})
    plan, addresses = limited("acme/g/a", wish=wish, world=world, ours=known({"g": frozenset("ab")}))
    assert addresses == ["acme/g", "acme/g/a", "acme/g/b", "acme/g/c", "acme/g/z"]
    after = perform(schedule(plan, {"acme": world.snapshot()}), world, plan)
    assert after.members["g"] == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("target", "remedy"),
    [
        ("acme/buyer/a", "did you mean acme/buyers?"),
        ("acme/", "targets are tenant, tenant/group or tenant/group/user"),
        ("acme/nothing-like-it", "targets are tenant, tenant/group or tenant/group/user"),
    ],
)
def test_a_target_that_names_no_group_is_refused(target: str, remedy: str) -> None:
    """A misspelt target would otherwise look like nothing to do."""
    with pytest.raises(PlanError, match=f"--target {target}: no such group") as refused:
        limited(target, wish=desired({"g": frozenset("a"), "buyers": frozenset()}))
    assert refused.value.remedy == remedy


def test_a_member_of_a_group_that_is_not_in_the_lockfile_is_refused() -> None:
    """Recording one member would make the group known, and the others could go without --take-over."""
    with pytest.raises(PlanError, match="is not in the lockfile yet") as refused:
        limited("acme/g/a", ours={})
    assert refused.value.remedy == "apply the whole group once: --target acme/g"


def test_the_tenant_of_a_target() -> None:
    """What stands before the first slash."""
    assert [tenant_of(target) for target in ("acme", "acme/g", "acme/g/u/v")] == ["acme", "acme", "acme"]
