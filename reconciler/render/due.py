"""What is due when, as text, JSON and iCalendar: for people, for schedulers and for calendars."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from reconciler.core.due import Due
from reconciler.render.dates import distance, stamp
from reconciler.render.naming import called
from reconciler.render.text import place, safe

FORMAT: Final = 1


def text(items: Sequence[Due], at: datetime) -> Iterator[str]:
    """A line for each instant and one for each thing that changes then."""
    if not items:
        yield "Nothing is due."
        return
    last = None
    for item in items:
        if item.when != last:
            yield f"{stamp(item.when)}, {distance(item.when, at)}"
            last = item.when
        where = f"{item.tenant}/{item.group}" if item.group else f"{item.tenant}, from all groups"
        reason = f"  ({safe(item.reason)})" if item.reason else ""
        yield f"  {called(item.person)} {item.what}: {safe(where)}  {place(item.source)}{reason}"


def document(items: Iterable[Due], at: datetime) -> str:
    """The same for machines; times are RFC 3339 in UTC."""
    dates = [_entry(item) for item in items]
    found = {"format": FORMAT, "kind": "due", "at": _utc(at), "dates": dates}
    return json.dumps(found, indent=2, ensure_ascii=False)


def _entry(item: Due) -> dict[str, Any]:
    person = {"handle": item.person.handle, "id": item.person.id, "email": item.person.email, "name": item.person.name}
    return {
        "when": _utc(item.when),
        "tenant": item.tenant,
        **({"group": item.group} if item.group else {}),
        "what": item.what.value,
        "person": {key: value for key, value in person.items() if value},
        "source": {"file": item.source.path, "line": item.source.line, "column": item.source.column},
        **({"reason": item.reason} if item.reason else {}),
    }


def _utc(when: datetime) -> str:
    return when.astimezone(UTC).isoformat().replace("+00:00", "Z")


def calendar(items: Iterable[Due], at: datetime) -> str:
    """The same as iCalendar (RFC 5545): an event has the same identity each time, so that a calendar updates it."""
    from icalendar import Calendar, Event

    found = Calendar()
    found.add("prodid", "-//reconciler//due//EN")
    found.add("version", "2.0")
    for item in items:
        where = f"{item.tenant}/{item.group}" if item.group else item.tenant
        event = Event()
        event.add("uid", hashlib.sha256(repr((item.when, where, item.person, item.what)).encode()).hexdigest()[:32])
        event.add("dtstamp", at.astimezone(UTC))
        event.add("dtstart", item.when.astimezone(UTC))
        event.add("summary", f"{called(item.person)} {item.what}: {safe(where)}")
        event.add("description", "\n".join(filter(None, (safe(item.reason), place(item.source)))))
        found.add_component(event)
    ical: bytes = found.to_ical()
    return ical.decode()
