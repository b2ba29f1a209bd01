"""Who has what and why, as text and JSON: one line for each way to a scope, from the scope to the configuration."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from reconciler.core.access import Listing, Origin, Seat, Way
from reconciler.core.answer import Access, Answer
from reconciler.core.model import LiveGroup, Person
from reconciler.diagnostics import Diagnostic, Source
from reconciler.render import conflicts
from reconciler.render.dates import stamp
from reconciler.render.naming import called, titled
from reconciler.render.text import place, plural, safe

FORMAT: Final = 1
FROM: Final = " <- "


def missing(tenants: Collection[str]) -> Iterator[str]:
    """Which tenants are left out, so that an answer without them does not look complete."""
    if tenants:
        yield f"Incomplete: {', '.join(map(safe, tenants))} could not be read."


def explained(tenants: Mapping[str, Answer], asked: str) -> Iterator[str]:
    """What a user has in each tenant; ``asked`` is the pattern of scopes, empty for all."""
    for tenant, answer in tenants.items():
        for one in answer.users:
            yield f"{safe(tenant)}: {_user(one)}: {_count(one, asked)}"
            yield from (f"  {conflicts.holds_both(each)}" for each in one.conflicts)
            yield from (f"  {_way(way, answer)}" for way in one.ways)
            nothing = "no scope" if one.resolved else "nothing known"
            yield from (f"  {nothing}{FROM}{_seat(seat)}" for seat in one.idle)
            if one.said is not None:
                yield from _compared(one)


def _count(one: Access, asked: str) -> str:
    scopes = plural(len(one.scopes), "scope")
    if asked:
        return f"{scopes} like {safe(asked)}"
    groups = plural(len({way.seat.group.id for way in one.ways} | {seat.group.id for seat in one.idle}), "group")
    return f"{scopes}, {groups}" if one.resolved else groups


def _compared(one: Access) -> Iterator[str]:
    if not (one.ours_only or one.theirs_only):
        yield f"  the service says the same ({plural(len(one.said or ()), 'scope')})"
    yield from (f"  differs: the service does not name {safe(scope)}" for scope in one.ours_only)
    yield from (f"  differs: only the service names {safe(scope)}" for scope in one.theirs_only)


def holders(tenants: Mapping[str, Answer], asked: str) -> Iterator[str]:
    """Who is in the group, or has the scopes, in each tenant that has such."""
    for tenant, answer in tenants.items():
        if answer.choices is not None:
            yield f"{safe(tenant)}: no such group, and no group that grants such a scope"
        elif answer.group:
            yield f"{safe(tenant)}: group {safe(answer.group)}: {plural(len(answer.users), 'member')}"
            yield from (f"  {_user(one)}{FROM}{_reason(seat)}" for one in answer.users for seat in one.idle)
        else:
            yield f"{safe(tenant)}: {safe(asked)}: {plural(len(answer.users), 'holder')}"
            for one in answer.users:
                yield f"  {_user(one)}"
                yield from (f"    {_way(way, answer)}" for way in one.ways)


def _user(one: Access) -> str:
    if one.account is None and one.resolved:
        return f"{called(one.person)}, of whom there is no account"
    problem = one.account.problem if one.account else ""
    return f"{called(one.person)}, whose account {problem}" if problem else called(one.person)


def _way(way: Way, answer: Answer) -> str:
    scope = _marked(way.scope, answer.sensitive)
    return FROM.join([*([scope] if scope else []), through(way.origin), _seat(way.seat)])


def _marked(scope: str, sensitive: Collection[str]) -> str:
    """A scope, and beside it whether it is sensitive."""
    return f"{safe(scope)} ({conflicts.MARK})" if scope in sensitive else safe(scope)


def through(origin: Origin) -> str:
    """How a group comes by a scope: the access control, and the template that brought it."""
    control = [f"access control {titled(origin.control, origin.name)}"] if origin.control else []
    template = [f"template {safe(origin.template)}"] if origin.template else []
    return FROM.join([*control, *template])


def _seat(seat: Seat) -> str:
    return f"group {group_called(seat.group)}{FROM}{_reason(seat)}"


def group_called(group: LiveGroup) -> str:
    """A group by its id and the first of its names."""
    return titled(group.id, title(group))


def title(group: LiveGroup) -> str:
    """The first of a group's names; empty if it has none."""
    return str(next(iter(group.fields.get("name", {}).values()), ""))


def _reason(seat: Seat) -> str:
    """The line that asked for the membership with all that it says, or what the configuration says instead."""
    told = [
        "" if seat.listing is Listing.LISTED else seat.listing.value,
        f"team {teams(seat)}" if seat.teams else "",
        f"until {stamp(seat.until)}" if seat.until else "",
        safe(seat.reason),
    ]
    where, said = place(seat.source), "; ".join(filter(None, told))
    if where and said:
        return f"{where} ({said})"
    return where or said or "the lockfile"


def teams(seat: Seat) -> str:
    """The teams through which somebody came, outermost first."""
    return " > ".join(map(safe, seat.teams))


def document(
    kind: str, asked: str, tenants: Mapping[str, Answer], warnings: Iterable[Diagnostic], failures: Mapping[str, str]
) -> str:
    """The same for machines; ``kind`` is ``explain`` or ``who``, times are RFC 3339 in UTC.

    ``warnings`` hold for all tenants, ``failures`` say why a tenant is not there.
    """
    found = {
        "format": FORMAT,
        "kind": kind,
        "asked": asked,
        "tenants": [_tenant(*each) for each in tenants.items()],
        "warnings": [warning.message for warning in warnings],
        "failures": dict(failures),
    }
    return json.dumps(found, indent=2, ensure_ascii=False)


def _tenant(name: str, answer: Answer) -> dict[str, Any]:
    return {
        "tenant": name,
        **({"group": answer.group} if answer.group else {}),
        "users": [_access(one, answer) for one in answer.users],
        "warnings": [warning.message for warning in answer.warnings],
    }


def _access(one: Access, answer: Answer) -> dict[str, Any]:
    same = not (one.ours_only or one.theirs_only)
    compared = {"sameAsService": same, "onlyHere": one.ours_only, "onlyService": one.theirs_only}
    return {
        "user": person(one.person),
        **({"problem": one.account.problem} if one.account and one.account.problem else {}),
        **({"exists": one.account is not None, "scopes": sorted(one.scopes)} if one.resolved else {}),
        **({"conflicts": list(map(conflicts.document, one.conflicts))} if one.conflicts else {}),
        "ways": [_step(way, answer) for way in one.ways],
        "otherGroups": list(map(membership, one.idle)),
        **(compared if one.said is not None else {}),
    }


def person(found: Person) -> dict[str, str]:
    """All that is known of a person."""
    told = {"id": found.id, "handle": found.handle, "email": found.email, "name": found.name}
    return {key: value for key, value in told.items() if value}


def _step(way: Way, answer: Answer) -> dict[str, Any]:
    mark = {"sensitive": True} if way.scope in answer.sensitive else {}
    return {**({"scope": way.scope} if way.scope else {}), **mark, **origin(way.origin), **membership(way.seat)}


def origin(found: Origin) -> dict[str, str]:
    """Access control and template as far as they are known."""
    told = {"accessControl": found.control, "template": found.template}
    return {key: value for key, value in told.items() if value}


def membership(seat: Seat) -> dict[str, Any]:
    """The group, and what the configuration says of the membership."""
    return {
        "group": seat.group.id,
        "listed": seat.listing is Listing.LISTED,
        **({} if seat.listing is Listing.LISTED else {"why": seat.listing.value}),
        **_source(seat.source),
        **({"teams": list(seat.teams)} if seat.teams else {}),
        **({"reason": seat.reason} if seat.reason else {}),
        **({"until": utc(seat.until)} if seat.until else {}),
    }


def utc(when: datetime) -> str:
    """An instant as machines read it (RFC 3339)."""
    return when.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _source(source: Source | None) -> dict[str, Any]:
    if source is None or not source.path:
        return {}
    return {"source": {"file": source.path, "line": source.line, "column": source.column}}
