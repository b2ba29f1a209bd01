"""The past of memberships in words and for machines: since when, what came and went, and what is not known of it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any, Final

from reconciler.core.past import Event, Past, Regrant, Trail, Turn
from reconciler.core.review import Held
from reconciler.render.access import title, utc
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


SHORT: Final = 12
"""So much of a commit's hash is enough for readers."""


def since(held: Held) -> str:
    """What became of it, and the day since which it is so, or before which it was; empty if nobody knows."""
    event = held.event
    day = f"{'before ' if event.is_bound else ''}{event.at.astimezone(UTC):%Y-%m-%d}" if event else ""
    return " ".join(filter(None, (held.turn, day)))


def cause(held: Held) -> str:
    """The apply behind it: who ran it and started its CI job, commit, job and record; empty if nobody knows."""
    event = held.event
    if event is None:
        return ""
    commit = event.commit and f"commit {safe(event.commit[:SHORT])}"
    who, actor = event.who and f"by {safe(event.who)}", event.actor and f"started by {safe(event.actor)}"
    told = (who, actor, commit, safe(event.job), f"record {event.record}")
    return ", ".join(filter(None, told))


def record(event: Event) -> dict[str, Any]:
    """The same for machines: ``at``, or ``before`` where it was there already."""
    told = {"who": event.who, "actor": event.actor, "commit": event.commit, "job": event.job, "record": event.record}
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


WORDS: Final = {"accessControls": "", "templates": "template ", "restrictions": "restriction ", "company": "company "}
"""What stands before what is attached to a group; access controls are the usual."""


def attached(found: Mapping[str, tuple[str, ...]]) -> list[str]:
    """What is attached to a group, each by one word or two."""
    return [f"{WORDS[name]}{safe(value)}" for name, values in found.items() for value in values]


def grants_otherwise(regrant: Regrant) -> str:
    """The same as it is said of the group."""
    count = plural(len(regrant.group.members or ()), "member")
    told = [*(f"+ {each}" for each in attached(regrant.added)), *(f"- {each}" for each in attached(regrant.taken))]
    return f"grants otherwise since: {', '.join(told)} ({count})"


def regrant_document(regrant: Regrant) -> dict[str, Any]:
    """The same for machines."""
    name = title(regrant.group)
    lists = {
        key: {name: list(values) for name, values in found.items()}
        for key, found in (("added", regrant.added), ("removed", regrant.taken))
    }
    return {"group": regrant.group.id, **({"groupName": name} if name else {}), **lists}


def turns(held: Iterable[Held]) -> Counter[Turn]:
    """How many memberships took which turn."""
    return Counter(each.turn for each in held)


def tallied(held: Iterable[Held]) -> str:
    """The same in words; what is never certain is told only where it occurs."""
    counts = turns(held)
    told = (turn for turn in Turn if counts[turn] or turn in {Turn.ADDED, Turn.REMOVED, Turn.SAME})
    return ", ".join(f"{counts[turn]:,} {turn or 'unchanged'}" for turn in told)


def difference(past: Past, trail: Trail, held: Sequence[Held], otherwise: int) -> Iterator[str]:
    """What has come and gone, and how far a lockfile can tell; ``otherwise`` is for how many members groups changed."""
    when = f", {stamp(past.at)}" if past.at else ""
    yield f"Since {safe(past.name)} (serial {past.serial}{when}): {tallied(held)}."
    if otherwise:
        verb = "is in a group" if otherwise == 1 else "are in groups"
        yield f"Of the unchanged ones {otherwise:,} {verb} that may grant other scopes since."
    if any(each.turn is Turn.UNCLEAR for each in held):
        yield (
            "A lockfile knows only memberships that are ours: one that is not ours, and was not then, may be new or "
            "may be older."
        )
    if any(each.turn is Turn.REMOVED and not each.was_ours for each in held):
        yield "What was removed and not ours then is known from records of applies only: it may have come since, too."
    if not trail.place or past.at is None:
        why = "without an audit file" if past.at else "of a lockfile that does not say when it was written"
        yield f"Who was a member then without being ours, and is none any more, is not known {why}."
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
    return f"Empty Since: not in the records of {begins}."
