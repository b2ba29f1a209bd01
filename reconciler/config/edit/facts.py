"""What a configuration says, as a set of facts without positions: two sets tell exactly what an edit changes."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from reconciler.core.limits import AccessGuards, Guards, Keep
from reconciler.core.model import ALWAYS, Desired, DesiredGroup, DesiredTenant, Entry, Person

NOBODY: Final = Person()


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that the configuration says: of somebody, or else ``said`` of a place.

    ``group`` is empty for what is said of a tenant, and both are for what is said of everything.
    """

    tenant: str = ""
    group: str = ""
    person: Person = NOBODY
    start: datetime | None = None
    end: datetime | None = None
    teams: tuple[str, ...] = ()
    reason: str = ""
    said: str = ""

    def __str__(self) -> str:
        where = f"{self.tenant}/{self.group}".strip("/") or "the configuration"
        who = self.person.handle or self.person.id or self.person.email
        return f"{who} in {where}" if who else where


def facts(desired: Desired) -> frozenset[Fact]:
    """Everything that a configuration says."""
    return frozenset(_facts(desired))


def _facts(desired: Desired) -> Iterator[Fact]:
    yield Fact(said=_told(desired.state, desired.guards, desired.access))
    for entry in desired.people:
        yield stated("", "", entry)
    for tenant in desired.tenants:
        moved = [(each.old, each.new) for each in tenant.moved]
        yield Fact(tenant.name, said=_told(moved, tenant.guards, tenant.access))
        for entry in tenant.offboarded:
            yield stated(tenant.name, "", entry)
        for group in tenant.groups:
            yield definition(tenant.name, group)
            for entry in ways(group):
                yield stated(tenant.name, label(group), entry)


def stated(tenant: str, group: str, entry: Entry) -> Fact:
    """The fact that an entry states of a group, of a tenant's offboarded users, or of the people."""
    period = entry.period
    return Fact(tenant, group, entry.person, period.start, period.end, entry.teams, entry.reason)


def ways(group: DesiredGroup) -> Iterator[Entry]:
    """Every way in which the configuration makes somebody a member of a group."""
    for user, source in (group.members or {}).items():
        yield Entry(Person(id=user), source, ALWAYS, reason=group.reasons.get(user, ""))
    yield from group.entries


def label(group: DesiredGroup) -> str:
    """What a group is called on the command line: its id, or what it is matched by, such as ``code:BO_MANAGER``."""
    known_as = group.id or (group.match.id if group.match else None)
    return known_as or str(group.match).replace(": ", ":").replace(", ", ",")


def definition(tenant: str, group: DesiredGroup) -> Fact:
    """Everything that is said of a group but its members, whether they are managed included."""
    match = group.match and asdict(group.match)
    said = _told(group.fields, group.membership, group.guards, match, group.members is not None)
    return Fact(tenant, label(group), said=said)


def _told(*parts: object) -> str:
    return json.dumps(parts, default=_plain, sort_keys=True)


def _plain(value: Guards | AccessGuards | Keep | frozenset[str]) -> object:
    match value:
        case Guards():
            return [str(value.max_removals), value.min_members, value.protected]
        case AccessGuards():
            return [value.sensitive, value.requires, value.separation, value.keep]
        case Keep():
            return [value.min_members, value.protected]
        case _:
            return sorted(value)


def key(person: Person) -> str:
    """What tells one person from another, as far as the files know."""
    return person.id or person.mail


def offboarded_at(tenant: DesiredTenant, at: datetime) -> set[str]:
    """Who is to be in no group of a tenant at an instant."""
    return {key(entry.person) for entry in tenant.offboarded if entry.period.holds(at)}


def members_at(desired: Desired, at: datetime) -> dict[tuple[str, str], frozenset[str]]:
    """Who is in each group at an instant, as far as the configuration says."""
    found = {}
    for tenant in desired.tenants:
        gone = offboarded_at(tenant, at)
        apart = {key(entry.person) for entry in desired.people if not entry.period.holds(at)}
        for group in tenant.groups:
            inside = {key(entry.person) for entry in ways(group) if entry.period.holds(at)}
            found[tenant.name, label(group)] = frozenset(inside - gone - apart)
    return found
