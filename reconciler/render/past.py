"""Since when a membership is there, in words and for machines, and why that is not known of all."""

from collections.abc import Iterable, Iterator
from datetime import UTC
from typing import Any

from reconciler.core.past import Event, Trail
from reconciler.core.review import Held
from reconciler.render.access import utc
from reconciler.render.dates import stamp
from reconciler.render.text import plural, safe


def since(held: Held) -> str:
    """The day since which it is there, or before which it was; empty if nobody knows."""
    if held.event is None:
        return ""
    return f"{'before ' if held.event.is_bound else ''}{held.event.at.astimezone(UTC):%Y-%m-%d}"


def exactly(event: Event | None) -> str:
    """The same to the second, as machines read it."""
    return f"{'before ' if event.is_bound else ''}{utc(event.at)}" if event else ""


def cause(held: Held) -> str:
    """The apply behind it: who ran it, the commit and the CI job; empty if nobody knows."""
    event = held.event
    if event is None or not event.who:
        return ""
    told = (f"by {safe(event.who)}", event.commit and f"commit {safe(event.commit)}", safe(event.job))
    return ", ".join(filter(None, told))


def record(event: Event) -> dict[str, Any]:
    """The same for machines: ``at``, or ``before`` where it was there already."""
    told = {"who": event.who, "commit": event.commit, "job": event.job}
    return {"before" if event.is_bound else "at": utc(event.at), **{key: value for key, value in told.items() if value}}


def silence(trail: Trail, held: Iterable[Held]) -> Iterator[str]:
    """Why it is not said of all since when they are there, and whether what is said can be relied on."""
    if not all(each.event for each in held):
        yield _unsaid(trail)
    if trail.flaws:
        yield (
            f"{safe(trail.place)} has {plural(trail.flaws, 'flaw')}, so since when may be wrong: "
            "`reconciler log --verify` names them."
        )


def _unsaid(trail: Trail) -> str:
    if not trail.place:
        return "Since when is not known: the configuration names no audit file, in which applies would record it."
    if trail.begins is None:
        return f"Since when is not known: no apply has written to {safe(trail.place)} yet."
    begins = f"{safe(trail.place)}, which begin {stamp(trail.begins)}"
    return f"Where no day stands under Since, the records in {begins}, do not tell."
