"""Dates: what begins and ends when, told from the configuration alone, so that a scheduler knows when to run.

Entries overlap, and only what follows from them counts: who is in a team until May and in the group without end does
not leave it in May.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from reconciler.core.model import ALWAYS, Desired, DesiredGroup, DesiredTenant, Entry, Period, Person
from reconciler.diagnostics import Source

FEW: Final = 3


class What(StrEnum):
    """What comes of a date."""

    JOINS = "joins"
    LEAVES = "leaves"
    OFFBOARDED = "is offboarded"


@dataclass(frozen=True, slots=True)
class Due:
    """One thing that changes at an instant; ``group`` is empty for who leaves all groups of the tenant.

    ``source`` is the line that says so.
    """

    when: datetime
    tenant: str
    group: str
    person: Person
    what: What
    source: Source
    reason: str = ""


def due(desired: Desired, after: datetime, until: datetime | None = None) -> tuple[Due, ...]:
    """Everything that changes after one instant and, if given, not after another: by date and group, losses first."""
    found = (item for tenant in desired.tenants for item in _in_tenant(tenant, after))
    kept = (item for item in found if until is None or item.when <= until)
    return tuple(
        sorted(kept, key=lambda item: (item.when, item.tenant, item.group, item.what is What.JOINS, item.source))
    )


def next_date(tenants: Sequence[DesiredTenant], after: datetime) -> datetime | None:
    """The first instant after another at which anything changes.

    The first few bounds are tried by themselves, because nearly always one of them is it, and a list may have a
    million.
    """
    bounds = sorted(_bounds(tenants, after))
    first = next((when for when in bounds[:FEW] if _changes(tenants, after, when)), None)
    if first is not None or len(bounds) <= FEW:
        return first
    return min((item.when for tenant in tenants for item in _in_tenant(tenant, after)), default=None)


def _bounds(tenants: Sequence[DesiredTenant], after: datetime) -> set[datetime]:
    entries = (entry for tenant in tenants for entry in (*tenant.offboarded, *_of_groups(tenant)))
    periods = {id(entry.period): entry.period for entry in entries if entry.period is not ALWAYS}
    found = {bound for period in periods.values() for bound in (period.start, period.end) if bound is not None}
    return {bound for bound in found if bound > after}


def _of_groups(tenant: DesiredTenant) -> Iterator[Entry]:
    return (entry for group in tenant.groups for entry in group.entries)


def _changes(tenants: Sequence[DesiredTenant], after: datetime, when: datetime) -> bool:
    """Whether anything is due at a bound."""
    return any(item.when == when for tenant in tenants for item in _in_tenant(tenant, after, when))


def has_dates(tenants: Iterable[DesiredTenant]) -> bool:
    """Whether anything depends on when it is: if not, a plan is the same whenever it is made."""
    return any(
        entry.period is not ALWAYS
        for tenant in tenants
        for entries in (tenant.offboarded, *(group.entries for group in tenant.groups))
        for entry in entries
    )


def _in_tenant(tenant: DesiredTenant, after: datetime, when: datetime | None = None) -> Iterator[Due]:
    """What is due in a tenant; with ``when`` only of people who have that bound."""
    for group in tenant.groups:
        for entries in _by_person(group, when):
            yield from _turns(tenant.name, _label(group), entries, after)
    for entry in tenant.offboarded:
        start = entry.period.start
        if start is not None and start > after:
            yield Due(start, tenant.name, "", entry.person, What.OFFBOARDED, entry.source, entry.reason)


def _label(group: DesiredGroup) -> str:
    return group.id or f"{{{group.match}}}"


def _by_person(group: DesiredGroup, when: datetime | None) -> Iterator[list[Entry]]:
    """Entries with a time, together with all others of the same person; who is listed by id for good is left out."""
    timed = {_key(entry.person) for entry in group.entries if _is_bounded(entry.period, when)}
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in group.entries if timed else ():
        if (key := _key(entry.person)) in timed:
            found[key].append(entry)
    lasting = group.members or {}
    yield from (entries for entries in found.values() if entries[0].person.id not in lasting)


def _is_bounded(period: Period, when: datetime | None) -> bool:
    return when in {period.start, period.end} if when else period is not ALWAYS


def _key(person: Person) -> str:
    return person.id or person.mail


def _turns(tenant: str, group: str, entries: Sequence[Entry], after: datetime) -> Iterator[Due]:
    """The instants at which somebody comes or goes: bounds at which another entry holds on change nothing."""
    bounds = {bound for entry in entries for bound in (entry.period.start, entry.period.end) if bound and bound > after}
    before = any(entry.period.holds(after) for entry in entries)
    for when in sorted(bounds):
        holding = [entry for entry in entries if entry.period.holds(when)]
        if bool(holding) is not before:
            cause = holding[0] if holding else next(entry for entry in entries if entry.period.end == when)
            source = cause.source if holding else cause.period.bound or cause.source
            what = What.JOINS if holding else What.LEAVES
            yield Due(when, tenant, group, cause.person, what, source, cause.reason)
        before = bool(holding)
