"""Limiting a plan to addresses: for the day on which one thing must be done now and the rest can wait."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from difflib import get_close_matches

from reconciler.core.diff import Differences
from reconciler.core.plan import Action, Change
from reconciler.diagnostics import PlanError


def tenant_of(target: str) -> str:
    """The tenant that a target address is in."""
    return target.split("/", 1)[0]


def limit(found: Differences, tenant: str, targets: Sequence[str], known_groups: Sequence[str]) -> Differences:
    """The differences at the targets of this tenant: all of them if there are none.

    A target is a tenant, ``tenant/group`` with its members, or ``tenant/group/user``. A member brings the creation of
    its group along, because it can't be added without, and the replacement of its group with all other members,
    because they lose the old group and so must not miss the new one.

    Raises PlanError for a target that names no group of ``known_groups``, and for single members of a group that is not
    in the lockfile yet: recording one member would make the group known and so let the next run remove the others
    without ``--take-over``.
    """
    mine = [target for target in targets if tenant_of(target) == tenant]
    if not targets or tenant in mine:
        return found
    for target in mine:
        _check(target, found, tenant, known_groups)
    renewed = {c.group for c in found.changes if c.user is None and c.action is Action.REPLACE}
    mine = [_widened(target, renewed) for target in mine]
    changes = [change for change in found.changes if any(_is_at(change, target) for target in mine)]
    kept = {(change.tenant, change.group) for change in changes}
    touched = {key: value for key, value in found.touched.items() if key in kept}
    for key, value in touched.items():
        members = [change for change in changes if (change.tenant, change.group) == key and change.user]
        created = sum(change.action is Action.CREATE for change in members)
        removed = sum(change.action is Action.DELETE for change in members)
        touched[key] = replace(value, desired=value.live + created - removed)
    return replace(found, changes=changes, touched=touched, left={})


def _check(target: str, found: Differences, tenant: str, known_groups: Sequence[str]) -> None:
    group = target.split("/", 2)[1]
    if group not in known_groups:
        near = get_close_matches(group, known_groups, 1)
        remedy = (
            f"did you mean {tenant}/{near[0]}?" if near else "targets are tenant, tenant/group or tenant/group/user"
        )
        raise PlanError(f"--target {target}: no such group in the configuration or the lockfile", remedy=remedy)
    touched = found.touched.get((tenant, group))
    if target.count("/") > 1 and touched and touched.first_contact:
        raise PlanError(
            f"--target {target}: the group is not in the lockfile yet, so its members can't be taken one by one",
            remedy=f"apply the whole group once: --target {tenant}/{group}",
        )


def _widened(target: str, renewed: Collection[str]) -> str:
    """The target itself, or its whole group if that is to be replaced."""
    tenant, group, *_ = target.split("/", 2)
    return f"{tenant}/{group}" if group in renewed else target


def _is_at(change: Change, target: str) -> bool:
    _, group, *user = target.split("/", 2)
    if change.group != group:
        return False
    if not user:
        return True
    return change.user == user[0] or (change.user is None and change.action is Action.CREATE)
