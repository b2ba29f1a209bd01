"""Binding: each group of the configuration to the live group that it means."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from reconciler.core.model import DesiredGroup, DesiredTenant, LiveGroup, Match
from reconciler.diagnostics import Diagnostic, Source

MOST_CANDIDATES = 8


def bind(desired: DesiredTenant, live: Mapping[str, LiveGroup]) -> tuple[DesiredTenant, list[Diagnostic]]:
    """The tenant with every group's ``id`` filled in, and what stood in the way.

    A match must fit exactly one live group: with none or several, nobody can say whose members would be changed. Two
    entries that mean the same group are refused, because each would remove the other's members. With any problem the
    tenant must not be planned: a group that could not be bound would look as if it had left the configuration.
    """
    bound: dict[str, DesiredGroup] = {}
    problems: list[Diagnostic] = []
    for group in desired.groups:
        group_id = group.id or _only_match(group, live, problems)
        if group_id is None:
            continue
        if group.fields is None and group_id not in live:
            problems.append(_no_such_group(group, group_id, live))
        elif group_id in bound:
            problems.append(_same_group(group, group_id, bound[group_id].source))
        else:
            bound[group_id] = replace(group, id=group_id)
    return replace(desired, groups=tuple(bound.values())), problems


def _only_match(group: DesiredGroup, live: Mapping[str, LiveGroup], problems: list[Diagnostic]) -> str | None:
    match = group.match or Match()
    fitting = [candidate for candidate in live.values() if match != Match() and all(_fits(match, candidate))]
    if len(fitting) == 1:
        return fitting[0].id
    if fitting:
        message = f"{len(fitting)} groups fit match {{{match}}}: {_list(fitting)}"
        remedy = "add a criterion, or use match: {id: …}, so that exactly one group fits"
    else:
        near = [candidate for candidate in live.values() if any(_fits(match, candidate))]
        message = f"no group fits match {{{match}}}" + (f"; some fit in part: {_list(near)}" if near else "")
        remedy = "correct the criteria; to create a group give it an id and a name instead"
    problems.append(Diagnostic(message, group.source, remedy))
    return None


def _fits(match: Match, group: LiveGroup) -> Iterator[bool]:
    """One answer for each criterion given; names are compared in every language."""
    if match.id is not None:
        yield match.id == group.id
    if match.code is not None:
        yield match.code == group.code
    if match.name is not None:
        yield match.name in group.fields.get("name", {}).values()
    if match.legal_entity_id is not None:
        yield match.legal_entity_id == group.legal_entity_id
    if match.vendor_id is not None:
        yield match.vendor_id == group.vendor_id


def _no_such_group(group: DesiredGroup, group_id: str, live: Mapping[str, LiveGroup]) -> Diagnostic:
    near = [candidate for candidate in live.values() if candidate.id.lower() == group_id.lower()]
    hint = f"; ids are case-sensitive, there is {_list(near)}" if near else ""
    return Diagnostic(
        f"there is no group {group_id}{hint}",
        group.source,
        "give it a name to have it created, or correct the id",
    )


def _same_group(group: DesiredGroup, group_id: str, first: Source) -> Diagnostic:
    return Diagnostic(
        f"two entries mean the same group {group_id}",
        group.source,
        "keep one entry and list all members there",
        related=(("the other entry", first),),
    )


def _list(groups: Iterable[LiveGroup]) -> str:
    found = sorted(groups, key=lambda group: group.id)
    shown = ", ".join(describe(group) for group in found[:MOST_CANDIDATES])
    return shown + (f" and {len(found) - MOST_CANDIDATES} more" if len(found) > MOST_CANDIDATES else "")


def describe(group: LiveGroup) -> str:
    """A group as a reader recognises it: id, then name, code and company where it has them."""
    names = list(dict.fromkeys(group.fields.get("name", {}).values()))
    parts = [
        f'"{names[0]}"' if names else "",
        f"code {group.code}" if group.code else "",
        f"legalEntityId {group.legal_entity_id}" if group.legal_entity_id else "",
        f"vendorId {group.vendor_id}" if group.vendor_id else "",
    ]
    told = ", ".join(part for part in parts if part)
    return f"{group.id} ({told})" if told else group.id
