"""An access review for a wiki or an issue: a row for each membership."""

from collections.abc import Collection, Iterator
from itertools import groupby
from typing import Final

from reconciler.core.review import Held
from reconciler.render.access import group_called
from reconciler.render.conflicts import MARK
from reconciler.render.dates import stamp
from reconciler.render.markup import code, prose
from reconciler.render.naming import called
from reconciler.render.past import cause, since
from reconciler.render.review import (
    MEANINGS,
    NO_SCOPE,
    Report,
    Scope,
    findings,
    parts,
    scopes,
    tally,
    until,
    why,
)
from reconciler.render.text import place

HEADINGS: Final = ("User", "Group", "Scopes", "Since", "Until", "Why", "Line")


def markdown(report: Report) -> Iterator[str]:
    """The review line by line."""
    yield "## Access review"
    yield ""
    yield f"**{report.verdict}.** As of {stamp(report.at)}, {code(report.service)}."
    for note in report.notes:
        yield ""
        yield prose(note)
    for tenant, reason in sorted(report.failures.items()):
        yield ""
        yield f"Tenant {code(tenant)} could not be read: {prose(reason)}"
    for tenant, review in report.tenants.items():
        yield ""
        yield f"### {code(tenant)}: {tally(review)}"
        for found in findings(review):
            yield ""
            yield f"#### {found.title} ({len(found.lines):,}): {found.meaning}"
            yield ""
            yield from (f"- {code(subject, len(subject))} {prose(finding)}" for subject, finding in found.lines)
        for standing, held in parts(review):
            yield ""
            yield f"#### {standing.capitalize()} ({len(held):,}): {MEANINGS[standing]}"
            yield ""
            yield f"| {' | '.join(HEADINGS)} |"
            yield f"|{'---|' * len(HEADINGS)}"
            yield from (_row(each, review.sensitive) for each in held)


def _row(held: Held, sensitive: Collection[str]) -> str:
    seat = held.seat
    cells = (
        _cell(called(held.person)), _cell(group_called(seat.group)), _scopes(scopes(held, sensitive)),
        "<br>".join(filter(None, (since(held), _cell(cause(held))))), until(held), _cell(why(held)),
        _cell(place(seat.source)),
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _scopes(granted: list[Scope]) -> str:
    """All scopes that come through the same stand together, so that what they come through is said once."""
    together = (list(found) for _, found in groupby(granted, key=lambda scope: scope.through))
    return (
        "<br>".join(f"{', '.join(map(_scope, found))} through {_cell(found[0].through)}" for found in together)
        or NO_SCOPE
    )


def _scope(scope: Scope) -> str:
    return f"{_cell(scope.name)} **{MARK}**" if scope.is_sensitive else _cell(scope.name)


def _cell(text: str) -> str:
    """Code, between which a pipe stands by itself: in code it would end the cell, however it is escaped."""
    return "&#124;".join(code(part, len(part) * 4) if part else "" for part in text.split("|"))
