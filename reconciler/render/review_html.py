"""An access review as one HTML page: no network, no server, and no script needed to read it."""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from reconciler.core.review import Held, Review, Standing
from reconciler.render.access import group_called
from reconciler.render.conflicts import MARK
from reconciler.render.dates import stamp
from reconciler.render.html import FIELD, MANY_TENANTS, closing, failures, opening, warnings
from reconciler.render.html_text import foreign, prose, shown
from reconciler.render.messages import LineOf, no_line
from reconciler.render.naming import names
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
from reconciler.render.text import number, place

OWN: Final = ("review.css", "review.js")
HEADINGS: Final = ("User", "Group", "Scopes", "Since", "Until", "Why")
LOOKS: Final = {
    Standing.REMOVED: "forget",
    Standing.OFFBOARDED: "destroy", Standing.DORMANT: "destroy", Standing.UNMANAGED: "change", Standing.LISTED: "add",
}  # fmt: skip
"""The colours: red and amber for what needs a look."""
LIVE: Final = tuple(standing for standing in Standing if standing is not Standing.REMOVED)


def page(report: Report, line_of: LineOf = no_line) -> Iterator[str]:
    """The page line by line: verdict and counts, what could not be read, then tenant by tenant."""
    yield from opening(f"Access review. {report.verdict}", *OWN)
    yield from _summary(report)
    yield "<main>"
    yield from failures(report.failures)
    yield from warnings([warning for review in report.tenants.values() for warning in review.warnings], line_of)
    yield from _contents(report)
    if report.held:
        yield '<form id="find" role="search" aria-label="Filter the memberships" hidden>'
        yield f'<label class="wide">Filter <input id="wanted" {FIELD} placeholder="name, group, scope, team"></label>'
        yield '</form><output id="count" aria-live="polite"></output>'
    for position, (name, review) in enumerate(report.tenants.items()):
        yield from _tenant(position, name, review)
    yield '<p id="nothing" hidden>No membership fits the filter.</p>'
    yield "</main>"
    yield from closing(*OWN)


def _summary(report: Report) -> Iterator[str]:
    look = "bad" if report.failures else "plain" if report.odd or report.conflicts else "good"
    yield "<header>"
    yield '<button type="button" id="theme" hidden>Dark</button>'
    yield "<h1>Access review</h1>"
    yield f'<p class="verdict {look}">{report.verdict}</p>'
    yield '<ul class="numbers">'
    for standing in Standing if report.past else LIVE:
        count = report.count(standing)
        yield f'<li class="{LOOKS[standing]}{"" if count else " none"}"><b>{number(count)}</b> {standing}</li>'
    yield "</ul>"
    yield '<dl class="facts">'
    yield f"<div><dt>As of</dt> <dd>{stamp(report.at)}</dd></div>"
    yield f"<div><dt>Service</dt> <dd>{foreign(report.service)}</dd></div>"
    yield "</dl>"
    yield from (f"<p>{prose(note)}</p>" for note in report.notes)
    yield "</header>"


def _contents(report: Report) -> Iterator[str]:
    if len(report.tenants) >= MANY_TENANTS:
        yield '<nav aria-label="Tenants"><ul>'
        for position, (name, review) in enumerate(report.tenants.items()):
            yield f'<li><a href="#t{position}">{foreign(name)}</a> {tally(review)}</li>'
        yield "</ul></nav>"


def _tenant(position: int, name: str, review: Review) -> Iterator[str]:
    yield f'<section class="tenant" aria-labelledby="t{position}">'
    yield f'<h2 id="t{position}"><small>Tenant</small> <span>{foreign(name)}</span></h2>'
    yield f'<p class="tally">{tally(review)}</p>'
    for each in findings(review):
        yield f'<section class="findings remarks {each.look}">'
        yield f"<h3>{each.title} ({number(len(each.lines))}) <small>{each.meaning}</small></h3><ul>"
        yield from (f"<li><b>{shown(subject)}</b> {shown(told)}</li>" for subject, told in each.lines)
        yield "</ul></section>"
    for standing, held in parts(review):
        yield from _part(standing, held, review)
    yield "</section>"


def _part(standing: Standing, found: Sequence[Held], review: Review) -> Iterator[str]:
    yield f'<section class="standing {LOOKS[standing]}">'
    yield f"<h3>{standing.capitalize()} ({number(len(found))}) <small>{MEANINGS[standing]}</small></h3>"
    yield "<table><thead><tr>"
    yield "".join(f'<th scope="col">{heading}</th>' for heading in HEADINGS)
    yield "</tr></thead><tbody>"
    for held in found:
        yield from _row(held, review.sensitive)
    yield "</tbody></table></section>"


def _row(held: Held, sensitive: Collection[str]) -> Iterator[str]:
    seat = held.seat
    first, *others = map(shown, names(held.person))
    yield f'<tr><th scope="row">{" ".join([first, *(f"<small>{name}</small>" for name in others)])}</th>'
    yield f"<td>{shown(group_called(seat.group))}</td>"
    yield f"<td>{_scopes(scopes(held, sensitive))}</td>"
    yield f"<td>{_since(held)}</td>"
    yield f"<td>{_unbroken(until(held))}</td>"
    line = place(seat.source)
    yield f"<td>{' '.join(filter(None, (shown(why(held)), line and f'<samp>{shown(line)}</samp>')))}</td></tr>"


def _since(held: Held) -> str:
    because = cause(held)
    return _unbroken(since(held)) + (f" <small>{shown(because)}</small>" if because else "")


def _unbroken(text: str) -> str:
    """Our own words, of which no day is broken in two."""
    return re.sub(r"\d+-\d+-\d+", r"<span>\g<0></span>", text)


def _scopes(granted: Sequence[Scope]) -> str:
    if not granted:
        return f"<small>{NO_SCOPE}</small>"
    items = (f"<li>{_scope(scope)} <small>{shown(scope.through)}</small></li>" for scope in granted)
    return f"<ul>{''.join(items)}</ul>"


def _scope(scope: Scope) -> str:
    return f"<code>{shown(scope.name)}</code>{f' <em>{MARK}</em>' if scope.is_sensitive else ''}"
