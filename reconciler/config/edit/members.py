"""Somebody comes into groups, or out of them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace as changed

from reconciler.config.dates import first_day, last_day
from reconciler.config.edit.edits import Edit, by_hand
from reconciler.config.edit.elsewhere import elsewhere, is_row, template_of, without_row
from reconciler.config.edit.entries import Values, entry_text, fact_of, indices_of, naming, values_of
from reconciler.config.edit.facts import Fact, definition, label, stated, ways
from reconciler.config.edit.pieces import ALIAS, MAPPING, SCALAR, Piece
from reconciler.config.edit.splices import Splice, Text, append, insert, remove, replace, set_value, written
from reconciler.config.edit.whom import Target, Who
from reconciler.core.model import ALWAYS, Entry, Membership, Period
from reconciler.diagnostics import ConfigurationError, Source


def add(edit: Edit, whom: Who, targets: Iterable[Target], details: Values) -> None:
    """Make somebody a member of each group; ``details`` are ``from``, ``until`` and ``reason`` as far as given."""
    for target in targets:
        _refuse_offboarded(edit, whom, target)
        mapping = edit.mapping(target.group.source)
        list_ = mapping.get("members")
        found = indices_of(edit.desired, list_, whom)
        existing = [entry for entry in ways(target.group) if whom.is_(entry.person)]
        direct = [entry for entry in existing if not entry.teams]
        if found and list_:
            _update(edit, whom, target, list_.items[found[0]], details)
        elif direct and details:
            raise elsewhere(edit, whom, target, direct[0])
        elif existing and not details:
            edit.told.append(_already(edit, whom, target, existing))
        else:
            _append(edit, whom, target, mapping, {**naming(whom), **details})


def _refuse_offboarded(edit: Edit, whom: Who, target: Target) -> None:
    for entry in target.tenant.offboarded:
        if whom.is_(entry.person) and entry.period.holds(edit.at):
            raise ConfigurationError(
                f"{whom.given} is offboarded in {target.tenant.name}",
                remedy="take that out first, if it is over",
                source=entry.source,
            )


def _already(edit: Edit, whom: Who, target: Target, existing: Sequence[Entry]) -> str:
    """How somebody is a member already; an entry whose time is over makes nobody one."""
    holding = [entry for entry in existing if not entry.period.is_over(edit.at)]
    if not holding:
        raise ConfigurationError(
            f"the time of {whom.given} in {target.address} is over",
            remedy="give the new one with --until, or remove the entry first",
            source=existing[0].period.bound or existing[0].source,
        )
    entry = holding[0]
    period, zone = entry.period, edit.zone(target.group.source.path)
    how = f" through team {entry.teams[-1]}" if entry.teams else ""
    when = f" from {first_day(period.start, zone)} on" if period.start and not period.has_begun(edit.at) else ""
    when += f" until {last_day(period.end, zone)}" if period.end else ""
    return f"{whom.given} is a member of {target.address}{how} already{when} ({entry.source})."


def _update(edit: Edit, whom: Who, target: Target, item: Piece, details: Values) -> None:
    before = values_of(item)
    after = {**before, **details}
    if after == before:
        existing = [entry for entry in ways(target.group) if whom.is_(entry.person) and not entry.teams]
        edit.told.append(_already(edit, whom, target, existing))
        return
    file, zone = edit.text(target.group.source.path), edit.zone(target.group.source.path)
    edit.splice(target.group.source.path, with_values(file, item, before, details))
    place = target.tenant.name, label(target.group)
    edit.lost.add(fact_of(edit.desired, place, before, zone))
    gained = fact_of(edit.desired, place, after, zone)
    source = Source(target.group.source.path, item.line, item.column)
    _refuse_never(whom, target, gained, source)
    edit.gained.add(gained)
    said = ", ".join(f"{key} {value}" for key, value in details.items() if before.get(key) != value)
    edit.told.append(f"{whom.given} is a member of {target.address} already; the entry gets {said}.")


def with_values(file: Text, item: Piece, before: Values, details: Values) -> list[Splice]:
    """Give an entry more keys, or other values; plain text becomes a mapping."""
    if item.kind != MAPPING:
        return [replace(item, entry_text({**before, **details}))]
    splices = []
    for key, value in details.items():
        old = item.get(key)
        if old is None:
            splices += insert(file, item, key, written(value))
        elif before.get(key) != value:
            splices.append(set_value(file, item.key(key), old, written(value)))
    return splices


def _append(edit: Edit, whom: Who, target: Target, mapping: Piece, values: Values) -> None:
    group, path = target.group, target.group.source.path
    edit.splice(path, _in_list(edit, mapping, target, entry_text(values)))
    fact = fact_of(edit.desired, (target.tenant.name, label(group)), values, edit.zone(path))
    own = [each.source for each in edit.desired.people if each.person == whom.person and each.period is not ALWAYS]
    _refuse_never(whom, target, fact, own[0] if own else None)
    edit.gained.add(fact)
    if group.members is None:
        edit.lost.add(definition(target.tenant.name, group))
        edit.gained.add(definition(target.tenant.name, changed(group, members={})))
    if Period(fact.start, fact.end).is_over(edit.at):
        edit.told.append(f"The time of {whom.given} in {target.address} is over already: nothing comes of it.")


def _refuse_never(whom: Who, target: Target, fact: Fact, own: Source | None) -> None:
    """What ends before it begins, or before the person's own time does, would look like access and be none."""
    if fact.start and fact.end and fact.end <= fact.start:
        raise ConfigurationError(
            f"{whom.given} would never be a member of {target.address}: the time would end before it begins",
            remedy="nothing was written: correct --from or --until" + (", or the time in this line" if own else ""),
            source=own,
        )


def _in_list(edit: Edit, mapping: Piece, target: Target, item: str) -> list[Splice]:
    """The item at the end of the group's list, which may be empty, null or missing, as beside ``membersFrom``."""
    list_, group = mapping.get("members"), target.group
    file = edit.text(group.source.path)
    if list_ is None:
        _refuse_missing(edit, mapping, target)
        return insert(file, mapping, "members", f"[{item}]")
    if list_.kind == ALIAS:
        raise by_hand(f"the members of {target.address} are an alias of another list", group.source)
    if list_.kind == SCALAR:
        return [set_value(file, mapping.key("members"), list_, f"[{item}]")]
    return append(file, list_, [item])


def _refuse_missing(edit: Edit, mapping: Piece, target: Target) -> None:
    group = target.group
    if found := template_of(edit, mapping, "members"):
        name, place = found
        remedy = "edit it by hand there, for every group that extends the template"
        raise by_hand(f"the members of {target.address} come from the template `{name}`", place, remedy)
    if mapping.get("membersFrom") or template_of(edit, mapping, "membersFrom"):
        return
    if group.members is not None:
        raise by_hand(f"the members of {target.address} are not listed where the group stands", group.source)
    if group.membership is Membership.EXACT:
        raise ConfigurationError(
            f"the members of {target.address} are not managed here",
            remedy="a list would remove everybody else: write `members:` with all of them, or set"
            " `membership: additive` first",
            source=group.source,
        )


def remove_from(edit: Edit, whom: Who, targets: Iterable[Target]) -> None:
    """Take somebody's entries out of each group. Raises ConfigurationError if that would not take them out of it."""
    for target in targets:
        existing = [entry for entry in ways(target.group) if whom.is_(entry.person)]
        teams = [entry for entry in existing if entry.teams and not entry.period.is_over(edit.at)]
        if teams:
            team = teams[0].teams
            raise ConfigurationError(
                f"{whom.given} comes into {target.address} through team {team[-1]}",
                remedy=f"nothing was written: take the line out of the team, or `team: {team[0]}` out of the group",
                source=teams[0].source,
            )
        if not take_out(edit, whom, target):
            edit.told.append(_nobody(whom, target))


def _nobody(whom: Who, target: Target) -> str:
    """An e-mail may well be that of somebody who is listed by id."""
    if whom.person.id or not target.group.members:
        return f"{whom.given} is not a member of {target.address}."
    return f"No entry of {target.address} names {whom.given}; whether an id there is theirs, the files can't tell."


def take_out(edit: Edit, whom: Who, target: Target) -> bool:
    """Take all entries that name somebody out of a group's list, or of its file of members; False if there is none."""
    path = target.group.source.path
    mapping = edit.mapping(target.group.source)
    list_ = mapping.get("members")
    found = indices_of(edit.desired, list_, whom)
    direct = [entry for entry in ways(target.group) if whom.is_(entry.person) and not entry.teams]
    rows = [entry for entry in direct if is_row(entry.source)]
    if not found and not rows:
        if direct:
            raise elsewhere(edit, whom, target, direct[0])
        return False
    place = target.tenant.name, label(target.group)
    if found and list_:
        edit.splice(path, remove(edit.text(path), list_, found, mapping.key("members")))
        items = [list_.items[index] for index in found]
        edit.lost |= {fact_of(edit.desired, place, values_of(item), edit.zone(path)) for item in items}
    for entry in rows:
        edit.splice(entry.source.path, without_row(edit.text(entry.source.path), entry.source))
        edit.lost.add(stated(*place, entry))
    return True
