"""Somebody leaves: a date on the person, or an entry among a tenant's offboarded users, and entries that go with it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from reconciler.config.dates import end_of, start_of
from reconciler.config.edit.edits import Edit, by_hand
from reconciler.config.edit.entries import entry_text, fact_of, indices_of, naming, period_of, teams_of, values_of
from reconciler.config.edit.facts import stated, ways
from reconciler.config.edit.members import take_out, with_values
from reconciler.config.edit.pieces import ALIAS, LIST, Piece
from reconciler.config.edit.splices import append, insert, remove, set_value
from reconciler.config.edit.whom import Target, Who, refuse_part
from reconciler.core.model import DesiredTenant, Entry, Period
from reconciler.diagnostics import ConfigurationError, Source


@dataclass(frozen=True, slots=True)
class Leave:
    """From when on (a date or timestamp as it is written; today if None) and why."""

    day: str | None = None
    reason: str = ""


def offboard(edit: Edit, whom: Who, leave: Leave, tenants: Sequence[DesiredTenant], *, all_: bool, clean: bool) -> None:
    """Let somebody leave: ``all_`` tenants at once by a date on the person, if the files have a name for them."""
    names = {"", *(tenant.name for tenant in tenants)}
    edit.allowed = lambda fact: whom.is_(fact.person) and fact.tenant in names
    by_name = bool(whom.person.handle) and all_
    if by_name:
        _date(edit, whom, leave, tenants, clean=clean)
    every = {Target(tenant, group).address for tenant in tenants for group in tenant.groups}
    for tenant in tenants:
        if not by_name:
            _list(edit, whom, leave, tenant, names)
        for group in tenant.groups:
            target = Target(tenant, group)
            if clean or not by_name:
                _refuse_teams(whom, target, all_=all_)
                _out_of_group(edit, whom, leave, target, every, by_name=by_name)
            else:
                edit.told += _left_over(whom, target)
    if all_ and (clean or not by_name):
        _out_of_teams(edit, whom, leave, by_name=by_name)
    if not by_name and not whom.person.id and any(group.members for tenant in tenants for group in tenant.groups):
        edit.told.append(f"Whether an id in the lists is that of {whom.given}, the files can't tell: the plan will.")


def _date(edit: Edit, whom: Who, leave: Leave, tenants: Sequence[DesiredTenant], *, clean: bool) -> None:
    """``left`` on the person, beside whatever else is said there; one that has passed stays unless one is given."""
    entry = next(entry for entry in edit.desired.people if entry.person.handle == whom.person.handle)
    path, person = entry.source.path, _person(edit, whom, entry.source)
    before = values_of(person)
    zone = edit.zone(path)
    day = leave.day or _passed(edit, before.get("left"), zone) or _today(edit.at, zone)
    if clean and _is_ahead(edit, day, zone):
        raise ConfigurationError(
            f"{whom.given} leaves on {day} only, and --clean would take the access away now",
            remedy=f"leave --clean out, because entries end by that date; from then on"
            f" `reconciler offboard {whom.given} --clean` takes them out",
            source=entry.source,
        )
    details = {"left": day} | ({"reason": leave.reason} if leave.reason else {})
    if {**before, **details} == before:
        edit.told.append(f"{whom.given} leaves on {day} already ({entry.source}).")
    edit.splice(path, with_values(edit.text(path), person, before, details))
    reason = leave.reason or before.get("reason", "")
    since = Period(start=start_of(day, zone))
    edit.effect = since.start
    for tenant in tenants:
        edit.gained.add(stated(tenant.name, "", Entry(entry.person, entry.source, since, reason=reason)))


def _person(edit: Edit, whom: Who, source: Source) -> Piece:
    root = edit.text(source.path).root
    people = root.get("people") if root else None
    found = people.get(whom.person.handle) if people and people.kind != ALIAS else None
    if found is None or found.kind == ALIAS:
        raise by_hand(f"{whom.person.handle} comes from an alias or a merge", source)
    return found


def _passed(edit: Edit, left: str | None, zone: tzinfo) -> str | None:
    return left if left and not _is_ahead(edit, left, zone) else None


def _today(at: datetime, zone: tzinfo) -> str:
    return at.astimezone(zone).date().isoformat()


def _list(edit: Edit, whom: Who, leave: Leave, tenant: DesiredTenant, meant: Collection[str]) -> None:
    """An entry among the tenant's offboarded users; one with a day to come begins then."""
    source, mapping = _home(edit, tenant, meant)
    zone = edit.zone(source.path)
    ahead = {"from": leave.day} if leave.day and _is_ahead(edit, leave.day, zone) else {}
    begins = start_of(ahead["from"], zone) if ahead else None
    edit.effect = max(edit.effect or edit.at, begins or edit.at)
    for entry in tenant.offboarded:
        if whom.is_(entry.person) and entry.period.has_begun(begins or edit.at):
            edit.told.append(f"{whom.given} is offboarded in {tenant.name} already ({entry.source}).")
            return
    values = {**naming(whom), **ahead, **({"reason": leave.reason} if leave.reason else {})}
    item, list_, file = entry_text(values), mapping.get("offboarded"), edit.text(source.path)
    if list_ is None:
        edit.splice(source.path, insert(file, mapping, "offboarded", f"[{item}]"))
    elif list_.kind == ALIAS:
        raise by_hand(f"the offboarded users of {tenant.name} are an alias of another list", source)
    elif list_.kind == LIST:
        edit.splice(source.path, append(file, list_, [item]))
    else:
        edit.splice(source.path, [set_value(file, mapping.key("offboarded"), list_, f"[{item}]")])
    edit.gained.add(fact_of(edit.desired, (tenant.name, ""), values, zone))


def _home(edit: Edit, tenant: DesiredTenant, meant: Collection[str]) -> tuple[Source, Piece]:
    """The part of the configuration that speaks of the tenant, and has such a list already if any does.

    What it shares with tenants that are not ``meant`` is no such part.
    """
    found: list[tuple[Source, Piece]] = []
    shared: list[tuple[Source, Piece]] = []
    for path, file in edit.texts():
        listed = file.root.get("tenants") if file.root else None
        for item in listed.items if listed else ():
            names = _names(item)
            if tenant.name in names:
                place = Source(path, item.line, item.column), item
                (found if names <= set(meant) else shared).append(place)
    if shared and not found:
        raise ConfigurationError(
            f"{tenant.name} has only an entry that it shares with other tenants",
            remedy=f"give it an entry of its own (`- tenant: {tenant.name}`) first, or name all of them with --tenant",
            source=shared[0][0],
        )
    if not found:
        raise ConfigurationError(f"the tenant {tenant.name} comes from an alias", remedy="edit it by hand")
    return next((each for each in found if each[1].get("offboarded")), found[0])


def _names(tenant: Piece) -> set[str]:
    """The tenants of an entry: one, or those that share it."""
    named = tenant.get("tenant")
    scalars = named.items or [named] if named else []
    return {each.value for each in scalars if each.value}


def _is_ahead(edit: Edit, day: str, zone: tzinfo) -> bool:
    start = start_of(day, zone)
    return start is not None and start > edit.at


def _refuse_teams(whom: Who, target: Target, *, all_: bool) -> None:
    """A team may lead into groups of other tenants, so it stays as it is for somebody who leaves only some."""
    through = [entry for entry in ways(target.group) if whom.is_(entry.person) and entry.teams]
    if through and not all_:
        raise ConfigurationError(
            f"{whom.given} comes into {target.address} through team {through[0].teams[-1]}",
            remedy="nothing was written: leave --tenant out, so that the person leaves all tenants and teams,"
            " or take the line out of the team",
            source=through[0].source,
        )


def _out_of_group(
    edit: Edit, whom: Who, leave: Leave, target: Target, meant: Collection[str], *, by_name: bool
) -> None:
    """Entries in a group's list go, or end when the person leaves."""
    path = target.group.source.path
    if not any(whom.is_(entry.person) and not entry.teams for entry in ways(target.group)):
        return
    refuse_part(edit.desired, target, meant)
    zone = edit.zone(path)
    if leave.day and not by_name and _is_ahead(edit, leave.day, zone):
        list_ = edit.mapping(target.group.source).get("members")
        _until(edit, path, list_, whom, _last_before(leave.day), zone)
        if not indices_of(edit.desired, list_, whom):
            edit.told += _left_over(whom, target)
    else:
        take_out(edit, whom, target)


def _out_of_teams(edit: Edit, whom: Who, leave: Leave, *, by_name: bool) -> None:
    for path, file in edit.texts():
        for name, list_ in teams_of(file.root):
            found = indices_of(edit.desired, list_, whom, in_team=True)
            if not found:
                continue
            if leave.day and not by_name and _is_ahead(edit, leave.day, edit.zone(path)):
                _until(edit, path, list_, whom, _last_before(leave.day), edit.zone(path))
            else:
                edit.splice(path, remove(file, list_, found, name))


def _until(edit: Edit, path: str, list_: Piece | None, whom: Who, last: str, zone: tzinfo) -> None:
    """The entries end with the last day, unless they end before."""
    items = [list_.items[index] for index in indices_of(edit.desired, list_, whom)] if list_ else []
    for item in items:
        before = values_of(item)
        end, wanted = period_of(before, zone).end, end_of(last, zone)
        if end is None or (wanted is not None and end > wanted):
            edit.splice(path, with_values(edit.text(path), item, before, {"until": last}))


def _last_before(day: str) -> str:
    """What ``until`` says of somebody who is nowhere from a day on: the day before; of an instant, the instant."""
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat() if len(day) == len("2026-12-31") else day


def _left_over(whom: Who, target: Target) -> Iterator[str]:
    for entry in ways(target.group):
        if whom.is_(entry.person):
            how = f"team {entry.teams[-1]}" if entry.teams else target.address
            clean = "; --clean takes it out" if whom.person.handle else ""
            yield f"The entry in {how} ends by that date ({entry.source}){clean}."
