"""Entries of member lists and teams as they are written: whom each names, and what it states."""

from collections.abc import Iterator, Mapping
from datetime import tzinfo

from reconciler.config.dates import end_of, start_of
from reconciler.config.edit.facts import Fact, stated
from reconciler.config.edit.pieces import LIST, MAPPING, SCALAR, Piece
from reconciler.config.edit.splices import mapping_of, written
from reconciler.config.edit.whom import Who
from reconciler.core.model import Desired, Entry, Period, Person
from reconciler.diagnostics import Source

Values = Mapping[str, str]
"""An entry's keys and their texts; a plain text is an ``id`` or an ``email``."""


def values_of(item: Piece) -> Values:
    """What an entry says; nothing if it is an alias, because its text stands elsewhere."""
    if item.kind == SCALAR and item.value is not None:
        return {"email" if "@" in item.value else "id": item.value}
    if item.kind != MAPPING:
        return {}
    return {str(name.value): value.value or "" for name, value in item.pairs if value.kind == SCALAR}


def entry_text(values: Values) -> str:
    """An entry on one line: plain text if it says no more than an id or e-mail."""
    plain = [value for key, value in values.items() if key in {"id", "email"}]
    return written(plain[0]) if len(values) == 1 and plain else mapping_of(values)


def indices_of(desired: Desired, list_: Piece | None, whom: Who, *, in_team: bool = False) -> list[int]:
    """Which entries of a list name somebody, by whatever name."""
    people = {entry.person.handle: entry.person for entry in desired.people}
    items = list_.items if list_ and list_.kind == LIST else []
    return [place for place, item in enumerate(items) if whom.is_(_person(item, people, in_team))]


def _person(item: Piece, people: Mapping[str, Person], in_team: bool) -> Person:
    values = values_of(item)
    handle = values.get("person") or (values.get("id") if in_team and item.kind == SCALAR else None)
    if handle is not None:
        return people.get(handle, Person())
    return Person(id=values.get("id"), email=values.get("email"))


def fact_of(desired: Desired, address: tuple[str, str], values: Values, zone: tzinfo) -> Fact:
    """What an entry states of a group, in the time zone of its file."""
    period = period_of(values, zone)
    reason = values.get("reason", "")
    person, source = Person(id=values.get("id"), email=values.get("email")), Source("", 0, 0)
    for known in desired.people:
        if known.person.handle and known.person.handle == values.get("person"):
            person, period, reason = known.person, known.period.within(period), reason or known.reason
    return stated(*address, Entry(person, source, period, reason=reason))


def period_of(values: Values, zone: tzinfo) -> Period:
    """The time that an entry states."""
    first, last = values.get("from"), values.get("until")
    return Period(start_of(first, zone) if first else None, end_of(last, zone) if last else None)


def naming(whom: Who) -> dict[str, str]:
    """The key and text by which a new entry names somebody, as the command did."""
    return {whom.key: whom.given}


def teams_of(root: Piece | None) -> Iterator[tuple[Piece, Piece]]:
    """Names and lists of a file's teams."""
    part = root.get("teams") if root else None
    for name, list_ in part.pairs if part else ():
        if list_.kind == LIST:
            yield name, list_
