"""A plan in the order people read it: tenant, group, the definition first, then members by action, removals first.

Every format for people (terminal, and those to come) is written from these parts, so that they never disagree.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

from reconciler.core.model import Membership
from reconciler.core.plan import Action, Change, Plan, Touched
from reconciler.render.text import plural

ORDER: Final = (Action.DELETE, Action.CREATE, Action.REPLACE, Action.UPDATE, Action.ADOPT, Action.FORGET)
"""Who loses access is what a reviewer must not miss, so removals come first; what only the lockfile learns is last."""

FOLDED_FROM: Final = 50
"""Longer lists are cut to this many entries: nobody reviews the fifty-first of a kind, the count says more."""

Item = TypeVar("Item")


class GroupPart(NamedTuple):
    """What is to be shown of one group; ``touched`` is None if nothing changes and foreign members are reported."""

    id: str
    touched: Touched | None
    definition: Change | None
    members: tuple[tuple[Action, Sequence[Change]], ...]
    left: tuple[str, ...]


class TenantPart(NamedTuple):
    """What is to be shown of one tenant; ``orphaned``: the configuration no longer names it."""

    name: str
    orphaned: bool
    counts: Mapping[Action, int]
    groups: tuple[GroupPart, ...]


def tenants(plan: Plan, actions: Collection[Action]) -> Iterator[TenantPart]:
    """The plan's parts, tenant by tenant, with the changes of these actions; tenants without any are left out."""
    changes: defaultdict[str, list[Change]] = defaultdict(list)
    for change in plan.changes:
        if change.action in actions:
            changes[change.tenant].append(change)
    left: defaultdict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    for group_address, users in plan.left.items():
        tenant, _, group = group_address.partition("/")
        left[tenant][group] = users
    for name in sorted(changes.keys() | left.keys()):
        yield TenantPart(
            name,
            name in plan.orphaned,
            Counter(change.action for change in changes[name]),
            tuple(_groups(plan, name, changes[name], left[name])),
        )


def fold(items: Sequence[Item], full: bool) -> tuple[Sequence[Item], int]:
    """What is shown of a list, and how many entries are not."""
    shown = items if full else items[:FOLDED_FROM]
    return shown, len(items) - len(shown)


def facts_of(touched: Touched, backwards: bool = False) -> str:
    """What a reader should know of the group: how many members it has before and after, and what is special."""
    before, after = (touched.desired, touched.live) if backwards else (touched.live, touched.desired)
    if touched.unlisted and not touched.leaves:
        counted = "members not managed"
    else:
        counted = plural(after, "member") if before == after else f"{before} -> {plural(after, 'member')}"
    additive = "additive" if touched.membership is Membership.ADDITIVE else ""
    first = "not in the lockfile yet" if touched.first_contact else ""
    return ", ".join(filter(None, (counted, additive, first)))


def _groups(
    plan: Plan, tenant: str, changes: Iterable[Change], left: Mapping[str, tuple[str, ...]]
) -> Iterator[GroupPart]:
    by_group: defaultdict[str, list[Change]] = defaultdict(list)
    for change in changes:
        by_group[change.group].append(change)
    for group in sorted(by_group.keys() | left.keys()):
        yield GroupPart(
            group,
            plan.touched.get((tenant, group)),
            next((change for change in by_group[group] if change.user is None), None),
            _by_action(change for change in by_group[group] if change.user is not None),
            left.get(group, ()),
        )


def _by_action(changes: Iterable[Change]) -> tuple[tuple[Action, Sequence[Change]], ...]:
    found: defaultdict[Action, list[Change]] = defaultdict(list)
    for change in changes:
        found[change.action].append(change)
    return tuple((action, found[action]) for action in ORDER if action in found)
