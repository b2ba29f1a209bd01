"""The past of memberships in words and for machines: since when, what came and went, and what is not known of it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any, Final

from reconciler.core.past import Event, Past, Trail, Turn
from reconciler.core.review import Held
from reconciler.render.access import utc
from reconciler.render.dates import stamp
from reconciler.render.text import plural, safe

_KEYS: Final[Mapping[Turn, str]] = {
    Turn.ADDED: "added",
    Turn.ADOPTED: "adopted",
    Turn.UNCLEAR: "perhapsAdded",
    Turn.REMOVED: "removed",
    Turn.SAME: "unchanged",
}
"""What machines call the turns."""


def since(held: Held) -> str:
    """What became of it, and the day since which it is so, or before which it was; empty if nobody knows."""
    event = held.event
    day = f"{'before ' if event.is_bound else ''}{event.at.astimezone(UTC):%Y-%m-%d}" if event else ""
    return " ".join(filter(None, (held.turn, day)))


def exactly(event: Event | None) -> str:
    """The same to the second, as machines read it."""
    return f"{'before ' if event.is_bound else ''}{utc(event.at)}" if event else ""


def cause(held: Held) -> str:
    """The apply behind it: who ran it and started its CI job, the commit, and the job; empty if nobody knows."""
    event = held.event
    if event is None or not event.who:
        return ""
    actor = event.actor and f"started by {safe(event.actor)}"
    told = (f"by {safe(event.who)}", actor, event.commit and f"commit {safe(event.commit)}", safe(event.job))
    return ", ".join(filter(None, told))


def record(event: Event) -> dict[str, Any]:
    """The same for machines: ``at``, or ``before`` where it was there already."""
    told = {"who": event.who, "actor": event.actor, "commit": event.commit, "job": event.job}
    return {"before" if event.is_bound else "at": utc(event.at), **{key: value for key, value in told.items() if value}}


def earlier(past: Past, held: Iterable[Held]) -> dict[str, Any]:
    """What was compared with, for machines, and how many memberships took which turn."""
    counts = turns(held)
    return {
        "lockfile": past.name,
        "serial": past.serial,
        **({"written": utc(past.at)} if past.at else {}),
        **{_KEYS[turn]: counts[turn] for turn in Turn},
    }


def turns(held: Iterable[Held]) -> Counter[Turn]:
    """How many memberships took which turn."""
    return Counter(each.turn for each in held)


def tallied(held: Iterable[Held]) -> str:
    """The same in words; what is never certain is told only where it occurs."""
    counts = turns(held)
    told = (turn for turn in Turn if counts[turn] or turn in {Turn.ADDED, Turn.REMOVED, Turn.SAME})
    return ", ".join(f"{counts[turn]:,} {turn or 'unchanged'}" for turn in told)


def difference(past: Past, held: Sequence[Held]) -> Iterator[str]:
    """What has come and gone, and how far a lockfile can tell."""
    when = f", {stamp(past.at)}" if past.at else ""
    yield f"Since {safe(past.name)} (serial {past.serial}{when}): {tallied(held)}."
    if any(each.turn is Turn.UNCLEAR for each in held):
        yield (
            "A lockfile knows only memberships that are ours: one that is not ours, and was not then, is perhaps added "
            "and perhaps older."
        )
    if any(each.turn is Turn.ADDED and each.event is None for each in held):
        yield (
            "What became ours since counts as added where no record says since when: what an apply adopted was there "
            "before."
        )
    if past.absent:
        yield (
            f"Not compared: {', '.join(map(safe, past.absent))}, of which neither the configuration nor today's "
            "lockfile knows."
        )
    if past.pending:
        yield f"An apply was under way then: {plural(past.pending, 'change')} may have been done already."
    if past.unsealed:
        yield "That lockfile is not sealed, as today's is: anybody who had it could have changed it."


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
