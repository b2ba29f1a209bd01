"""Nodes that were found good, to what is desired."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo
from functools import reduce
from typing import Any

from reconciler.config.guarding import UNGUARDED, Level, guards_of, level_of, strictest, strictest_guards
from reconciler.config.lists import Lists
from reconciler.config.nodes import Map, Members, Node, Seq, maps, plain, text
from reconciler.config.roster import Roster, moves, named_by, period_of, zone_of
from reconciler.config.rules import match_of
from reconciler.core.limits import Guards
from reconciler.core.model import (
    ALWAYS,
    FIELD_NAMES,
    Desired,
    DesiredGroup,
    DesiredTenant,
    Entry,
    Membership,
    Moved,
    Person,
    UserType,
)
from reconciler.diagnostics import Diagnostic, Source


def desired(roots: Sequence[Map], state: str | None, lists: Lists, names: Roster) -> Desired:
    """What all files say together; a tenant that several files speak of has the groups of all of them, in order."""
    tenants: dict[str, DesiredTenant] = {}
    central = _together(root for root in roots if "ownership" in root.entries)
    for root in roots:
        outer = UNGUARDED if "ownership" in root.entries else central
        for tenant in (_bound(each, outer) for each in _tenants(root, names, lists)):
            known = tenants.get(tenant.name)
            tenants[tenant.name] = _joined(known, tenant) if known else tenant
    guards, access = _together(roots)
    everywhere = (replace(tenant, offboarded=(*tenant.offboarded, *names.left)) for tenant in tenants.values())
    return Desired(tuple(everywhere), state, guards, access, people=tuple(dict.fromkeys(names.people.values())))


def _together(roots: Iterable[Map]) -> Level:
    """What these files set at their top, all of it at once."""
    return reduce(strictest, (level_of(root, UNGUARDED) for root in roots), UNGUARDED)


def _bound(tenant: DesiredTenant, central: Level) -> DesiredTenant:
    """A tenant of a file that others watch over: nothing in it loosens the guards of the file with the ownership."""
    groups = (replace(group, guards=strictest_guards(group.guards, central.guards)) for group in tenant.groups)
    guards, access = strictest(Level(tenant.guards, tenant.access), central)
    return replace(tenant, groups=tuple(groups), guards=guards, access=access)


def _joined(first: DesiredTenant, second: DesiredTenant) -> DesiredTenant:
    guards, access = strictest(Level(first.guards, first.access), Level(second.guards, second.access))
    return DesiredTenant(
        name=first.name,
        source=first.source,
        groups=(*first.groups, *second.groups),
        guards=guards,
        access=access,
        offboarded=(*first.offboarded, *second.offboarded),
        moved=(*first.moved, *second.moved),
    )


def _tenants(root: Map, names: Roster, lists: Lists) -> Iterator[DesiredTenant]:
    everywhere, zone = level_of(root, UNGUARDED), zone_of(root)
    for tenant in maps(root, "tenants"):
        guards, access = level_of(tenant, everywhere)
        yield DesiredTenant(
            name=text(tenant.get("tenant")) or "",
            source=tenant.source,
            groups=tuple(
                _group(group, guards, _recognised(_all_listed(group, names, zone, lists), names))
                for group in maps(tenant, "groups")
            ),
            guards=guards,
            access=access,
            offboarded=tuple(_offboarded(tenant.get("offboarded"), names, zone)),
            moved=tuple(Moved(old, new, source) for old, new, source in moves(tenant)),
        )


def _offboarded(listed: Node | None, names: Roster, zone: tzinfo) -> Iterator[Entry]:
    """Who is to be in no group, in the time that the list states: a person's own time is that of being a member."""
    for item in listed.items if isinstance(listed, Seq) else ():
        period = period_of(item, zone) if isinstance(item, Map) else ALWAYS
        for entry in names.recognised(tuple(_meant(item, names, zone))):
            yield replace(entry, period=period)


def _group(group: Map, outer: Guards, listed: "Everybody") -> DesiredGroup:
    plain, reasons, entries = listed
    return DesiredGroup(
        source=group.source,
        id=text(group.get("id")),
        match=match_of(group) if "match" in group.entries else None,
        fields=_fields(group) if "name" in group.entries else None,
        membership=Membership(text(group.get("membership")) or Membership.EXACT),
        members=plain,
        reasons=reasons,
        guards=guards_of(group, outer),
        field_sources={name: group.entries[name].key for name in FIELD_NAMES if name in group.entries},
        entries=entries,
    )


def _fields(group: Map) -> dict[str, Any]:
    """The definition that the file manages; the userType always, with the service's default (iam.openapi.yml)."""
    given: dict[str, Any] = {name: plain(group.entries[name].node) for name in FIELD_NAMES if name in group.entries}
    return {"userType": UserType.EMPLOYEE.value, **given}


Everybody = tuple[Mapping[str, Source] | None, Mapping[str, str], tuple[Entry, ...]]
"""Plain ids with their places, reasons by id, and the entries that say more."""


def _all_listed(group: Map, names: Roster, zone: tzinfo, lists: Lists) -> Everybody:
    """The members of a group and those of its list; what only the list has is shared by all groups that name it."""
    plain, reasons, entries = _listed(group.get("members"), names, zone)
    node = group.get("membersFrom")
    if node is None:
        return plain, reasons, entries
    more = lists[id(node)]
    return (
        {**plain, **more.plain} if plain else more.plain,
        {**reasons, **more.reasons},
        (*entries, *more.more.values()),
    )


def _recognised(everybody: Everybody, names: Roster) -> Everybody:
    """The same with people known by their bare ids and e-mails; a plain id with dates is an entry that says more."""
    plain, reasons, entries = everybody
    dated = names.dated(plain or {})
    if plain is None or not (dated or entries):
        return everybody
    more = [Entry(Person(id=user), plain[user], reason=reasons.get(user, "")) for user in sorted(dated)]
    kept = {user: source for user, source in plain.items() if user not in dated} if dated else plain
    return kept, reasons, names.recognised((*entries, *more))


def _listed(node: Node | None, names: Roster, zone: tzinfo) -> Everybody:
    """A member list; an entry that says no more than an id is one like all others, however it is written."""
    if not isinstance(node, Members):
        return None if node is None else {}, {}, ()
    if not node.odd:
        return node.sources, node.reasons, ()
    entries = [entry for each in node.odd for entry in _meant(each, names, zone)]
    plain = {user: source for user, source in node.sources.items() if user not in node.apart}
    simple = {entry.person.id: entry for entry in entries if entry.person.id and _is_simple(entry)}
    plain |= {user: entry.source for user, entry in simple.items()}
    reasons = node.reasons | {user: entry.reason for user, entry in simple.items() if entry.reason}
    return plain, reasons, tuple(entry for entry in entries if not _is_simple(entry))


def _meant(node: Node, names: Roster, zone: tzinfo) -> Iterable[Entry]:
    said = text(node)
    return names.meant(node, zone) if said is None else (Entry(named_by(said), node.source),)


def _is_simple(entry: Entry) -> bool:
    return entry.person == Person(id=entry.person.id) and entry.period is ALWAYS and not entry.teams


def contradictions(found: Desired) -> Iterator[Diagnostic]:
    """What two lines of a tenant say against each other, as far as the files alone can tell.

    That is who is offboarded for good and a member for good, and groups that move and stay, or move to nowhere.
    """
    for tenant in found.tenants:
        yield from _moving(tenant)
        leaving = {_key(entry.person): entry for entry in tenant.offboarded if not entry.period.start}
        for group in tenant.groups if leaving else ():
            lasting = {_key(entry.person): entry.source for entry in group.entries if not entry.period.end}
            for user, source in {**(group.members or {}), **lasting}.items():
                if entry := leaving.get(user):
                    related = (("offboarded here", entry.source),)
                    label = group.id or f"{{{group.match}}}"
                    message = f"`{user}` is offboarded, and a member of {tenant.name}/{label}"
                    yield Diagnostic(message, source, "remove one of the two entries", related)


def _moving(tenant: DesiredTenant) -> Iterator[Diagnostic]:
    groups = {group.id: group for group in tenant.groups if group.id}
    for moved in tenant.moved:
        if moved.old in groups:
            message = f"`{moved.old}` is moved to `{moved.new}`, and still has an entry"
            yield Diagnostic(message, moved.source, "remove one of the two", (("its entry", groups[moved.old].source),))
        elif moved.new not in groups:
            message = f"`{moved.old}` is moved to `{moved.new}`, which has no entry"
            yield Diagnostic(message, moved.source, "add the group with its new id and a name, or correct `to`")


def _key(person: Person) -> str:
    return person.id or person.mail
