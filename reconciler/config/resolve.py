"""Nodes that were found good, to what is desired."""

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import Any

from reconciler.config.nodes import Map, Members, Node, maps, plain, text
from reconciler.config.rules import match_of
from reconciler.config.values import limit
from reconciler.core.model import (
    FIELD_NAMES,
    Desired,
    DesiredGroup,
    DesiredTenant,
    Guards,
    Membership,
    UserType,
)
from reconciler.diagnostics import Source


def desired(roots: Sequence[Map], state: str | None) -> Desired:
    """What all files say together; a tenant that several files speak of has the groups of all of them, in order."""
    tenants: dict[str, DesiredTenant] = {}
    for root in roots:
        for tenant in _tenants(root):
            known = tenants.get(tenant.name)
            tenants[tenant.name] = _joined(known, tenant) if known else tenant
    guards = reduce(_strictest, (_guards(root, Guards()) for root in roots))
    return Desired(tenants=tuple(tenants.values()), state=state, guards=guards)


def _joined(first: DesiredTenant, second: DesiredTenant) -> DesiredTenant:
    return DesiredTenant(
        name=first.name,
        source=first.source,
        groups=(*first.groups, *second.groups),
        guards=_strictest(first.guards, second.guards),
    )


def _tenants(root: Map) -> Iterator[DesiredTenant]:
    everywhere = _guards(root, Guards())
    for tenant in maps(root, "tenants"):
        guards = _guards(tenant, everywhere)
        yield DesiredTenant(
            name=text(tenant.get("tenant")) or "",
            source=tenant.source,
            groups=tuple(_group(group, guards) for group in maps(tenant, "groups")),
            guards=guards,
        )


def _group(group: Map, outer: Guards) -> DesiredGroup:
    members = group.get("members")
    return DesiredGroup(
        source=group.source,
        id=text(group.get("id")),
        match=match_of(group) if "match" in group.entries else None,
        fields=_fields(group) if "name" in group.entries else None,
        membership=Membership(text(group.get("membership")) or Membership.EXACT),
        members=_members(members),
        reasons=members.reasons if isinstance(members, Members) else {},
        guards=_guards(group, outer),
        field_sources={name: group.entries[name].key for name in FIELD_NAMES if name in group.entries},
    )


def _fields(group: Map) -> dict[str, Any]:
    """The definition that the file manages; the userType always, with the service's default (iam.openapi.yml)."""
    given: dict[str, Any] = {name: plain(group.entries[name].node) for name in FIELD_NAMES if name in group.entries}
    return {"userType": UserType.EMPLOYEE.value, **given}


def _members(node: Node | None) -> dict[str, Source] | None:
    if node is None:
        return None
    return node.sources if isinstance(node, Members) else {}


def _guards(level: Map, outer: Guards) -> Guards:
    """The guards in force at a level: what it says itself wins key by key, protected ids add up."""
    node = level.get("guards")
    if not isinstance(node, Map):
        return outer
    removals, fewest, protected = (text(node.get("maxRemovals")), text(node.get("minMembers")), node.get("protected"))
    return Guards(
        max_removals=limit(removals) if removals else outer.max_removals,
        min_members=int(fewest) if fewest else outer.min_members,
        protected=outer.protected | frozenset(plain(protected) or () if protected else ()),
    )


def _strictest(one: Guards, other: Guards) -> Guards:
    """The guards for what left the configuration: no file says any more which level it stood under.

    Of a number and a share the number counts as stricter, because it does not grow with the group.
    """
    limits = [guards.max_removals for guards in (one, other) if guards.max_removals is not None]
    fewest = [guards.min_members for guards in (one, other) if guards.min_members is not None]
    return Guards(
        max_removals=min(limits, key=lambda each: (each.percent, each.amount), default=None),
        min_members=max(fewest, default=None),
        protected=one.protected | other.protected,
    )
