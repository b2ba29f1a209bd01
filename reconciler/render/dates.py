"""Dates in words: an instant, how far it is from another, and what a plan says of both."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from reconciler.core.plan import Action, Change, Plan
from reconciler.render.text import plural

AS_OF: Final = "Planned as of"
NEXT: Final = "Next change by date"
_DAY: Final = timedelta(days=1)
_HOUR: Final = timedelta(hours=1)


def stamp(when: datetime) -> str:
    """An instant as people read it, to the minute, in UTC."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def distance(when: datetime, at: datetime) -> str:
    """How far an instant is from another: ``in 3 days``, ``5 hours ago``; whole units, rounded down."""
    gap = abs(when - at)
    unit, name = (_DAY, "day") if gap >= _DAY else (_HOUR, "hour")
    count = gap // unit
    told = plural(count, name) if count else "less than an hour"
    return f"in {told}" if when > at else f"{told} ago"


def lasts(change: Change, at: datetime | None) -> str:
    """How long a membership lasts, or since when it is over, seen from an instant; empty if it has no end.

    Of one that is taken away before its end only the end is told: it does not expire any more.
    """
    if change.until is None:
        return ""
    if at is None or (change.action is Action.DELETE and change.until > at):
        return f"until {stamp(change.until)}"
    word = "expires" if change.until > at else "ended"
    return f"{word} {distance(change.until, at)} ({stamp(change.until)})"


def instants(plan: Plan) -> Iterator[tuple[str, str]]:
    """The instant for which a plan with dates was made, and the next at which it would be another, each with its name.

    A plan that depends on no date has neither, because it is the same whenever it is made.
    """
    if plan.at:
        yield AS_OF, stamp(plan.at)
        if plan.next_date:
            yield NEXT, f"{stamp(plan.next_date)}, {distance(plan.next_date, plan.at)}"
