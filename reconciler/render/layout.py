"""A plan in the order people read it: tenants, groups that lose something first, in each removals before all else.

Every format for people (terminal, and those to come) is written from these parts, so that they never disagree.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

from reconciler.core.fields import takes_rights
from reconciler.core.model import Membership
from reconciler.core.plan import Action, Change, Plan, Touched
from reconciler.render.text import number, plural

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


def takes(change: Change) -> bool:
    """Whether somebody loses access by it: who is removed, or a whole group from which rights are taken."""
    if change.action is Action.UPDATE and change.user is None:
        return takes_rights(change.before or {}, change.after or {})
    return change.action in {Action.DELETE, Action.REPLACE}


def was_taken(change: Change) -> bool:
    """The same of what happened outside, which is what the change would undo."""
    if change.action is Action.UPDATE and change.user is None:
        return takes_rights(change.after or {}, change.before or {})
    return change.action is Action.CREATE


def tenants(plan: Plan, shown: Iterable[Change], loses: Callable[[Change], bool] = takes) -> Iterator[TenantPart]:
    """The plan's parts, tenant by tenant, with these of its changes; tenants without any are left out.

    Groups for which a change ``loses`` come first.
    """
    changes: defaultdict[str, list[Change]] = defaultdict(list)
    for change in shown:
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
            tuple(_groups(plan, name, changes[name], left[name], loses)),
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
        counted = plural(after, "member") if before == after else f"{number(before)} -> {plural(after, 'member')}"
    additive = "additive" if touched.membership is Membership.ADDITIVE else ""
    first = "not in the lockfile yet" if touched.first_contact else ""
    return ", ".join(filter(None, (counted, additive, first)))


def _groups(
    plan: Plan,
    tenant: str,
    changes: Iterable[Change],
    left: Mapping[str, tuple[str, ...]],
    loses: Callable[[Change], bool],
) -> Iterator[GroupPart]:
    by_group: defaultdict[str, list[Change]] = defaultdict(list)
    for change in changes:
        by_group[change.group].append(change)
    losing = {group for group, found in by_group.items() if any(map(loses, found))}
    for group in sorted(by_group.keys() | left.keys(), key=lambda group: (group not in losing, group)):
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
