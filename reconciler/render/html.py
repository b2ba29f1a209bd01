"""A plan as one HTML page for reviewers: no network, no server, and no script needed to read it.

The markup alone holds all that there is to say, in the terminal's order but with the verdict first; style and script
only make it pleasant and searchable. Servers of build artifacts often forbid one of them or both.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from reconciler.core.effects import Effects
from reconciler.core.guards import refusals
from reconciler.core.plan import Action, Plan
from reconciler.core.stale import WITHOUT_REQUEST
from reconciler.diagnostics import Diagnostic
from reconciler.render import html_effects
from reconciler.render.dates import instants
from reconciler.render.effects import gains
from reconciler.render.html_changes import tallied, tenant
from reconciler.render.html_text import EMPTY_ICON, assets, foreign, policy, prose, shown
from reconciler.render.layout import TenantPart, fold, tenants
from reconciler.render.messages import WIDTH, LineOf, excerpt, no_line, sentence
from reconciler.render.style import painter
from reconciler.render.terminal import nothing, planned
from reconciler.render.text import number, place, plural, safe_address
from reconciler.render.words import PLANNED

MANY_TENANTS: Final = 2
"""From so many on the page begins with a list of them."""

FIELD: Final = 'type="search" autocomplete="off" spellcheck="false"'


def plan(plan: Plan, *, line_of: LineOf = no_line, accepted: bool = False) -> Iterator[str]:
    """The page line by line: verdict, counts and what stands in the way, then tenant by tenant.

    ``line_of`` reads source lines for warnings and refusals; ``accepted`` says that the refusals are known and
    overruled. All lists are whole, because a page is searched and not scrolled by.
    """
    objections = refusals(plan)
    yield from _head(plan, objections)
    parts = _parts(plan)
    if parts:
        yield '<a class="skip" href="#changes">Skip to the changes</a>'
    yield from _summary(plan, objections, accepted)
    yield "<main>"
    yield from html_effects.gains(gains(plan))
    yield from _objections(objections, line_of, plan.fingerprint, accepted)
    yield from failures(plan.failures)
    yield from warnings(plan.warnings, line_of)
    if parts:
        yield from _contents(parts)
        yield from _filters(plan)
        yield '<div id="changes">'
        for position, part in enumerate(parts):
            yield from tenant(part, position, plan.at, plan.effects.get(part.name, Effects()))
        yield '<p id="nothing" hidden>No change fits the search and the filters.</p>'
        yield "</div>"
    yield "</main>"
    yield from closing()


def _parts(plan: Plan) -> list[TenantPart]:
    """The tenants that have something to show."""
    parts = list(tenants(plan, plan.changes))
    others = plan.effects.keys() - {part.name for part in parts}
    return [*parts, *(TenantPart(name, False, {}, ()) for name in sorted(others) if not plan.effects[name].is_empty)]


def _head(plan: Plan, objections: Sequence[Diagnostic]) -> Iterator[str]:
    summary = next(planned(PLANNED.tally(plan.counts))) if plan.changes or plan.failures else nothing(plan)
    said = (("Refused", objections), ("Incomplete", plan.failures))
    yield from opening(". ".join([*(word for word, holds in said if holds), summary]))


def opening(title: str, *more: str) -> Iterator[str]:
    """How every page begins; ``more`` are the styles and scripts that it has besides those of all pages."""
    style, script = assets(*more)
    yield "<!doctype html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy(style, script)}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark">'
    yield '<meta name="referrer" content="no-referrer">'
    yield EMPTY_ICON
    yield f"<title>{title}</title>"
    yield f"<style>{style.content}</style>"
    yield "</head>"
    yield "<body>"


def closing(*more: str) -> Iterator[str]:
    """How every page ends, its script included."""
    yield f"<script>{assets(*more)[1].content}</script>"
    yield "</body>"
    yield "</html>"


def _summary(plan: Plan, objections: Sequence[Diagnostic], accepted: bool) -> Iterator[str]:
    """What a reader who looks for ten seconds takes along: may it go on, how much is it, and which plan is it."""
    verdict, look = _verdict(plan, objections, accepted)
    yield "<header>"
    yield '<button type="button" id="theme" hidden>Dark</button>'
    yield "<h1>Access plan</h1>"
    yield f'<p class="verdict {look}">{verdict}</p>'
    if plan.changes or plan.failures:
        numbers = PLANNED.tally(plan.counts)
        yield '<ul class="numbers">'
        for count, word in (*numbers[:3], *(number for number in numbers[3:] if number[0])):
            yield f'<li class="{word.rpartition(" ")[2]}{"" if count else " none"}"><b>{number(count)}</b> {word}</li>'
        yield "</ul>"
    yield '<dl class="facts">'
    for term, fact in _facts(plan):
        yield f"<div><dt>{term}</dt> <dd>{fact}</dd></div>"
    yield "</dl>"
    yield "</header>"


def _verdict(plan: Plan, objections: Sequence[Diagnostic], accepted: bool) -> tuple[str, str]:
    """The one sentence to know, and whether it is good, bad or plain news."""
    incomplete = f"{plural(len(plan.failures), 'tenant')} could not be planned" if plan.failures else ""
    if objections:
        fate = "accepted all the same" if accepted else "nothing of this plan will be applied"
        refused = f"Refused by guards for {plural(len(objections), 'reason')}; {fate}"
        return ". ".join(filter(None, (refused, incomplete))), "bad"
    if incomplete:
        return f"Incomplete: {incomplete}", "bad"
    if not plan.changes:
        return nothing(plan), "good"
    return _extent(plan), "plain"


def _extent(plan: Plan) -> str:
    """How much changes in the service; what only the lockfile learns is no change of anybody's access."""
    groups = [change.key[:2] for change in plan.changes if change.action not in WITHOUT_REQUEST]
    if not groups:
        return "Only the lockfile changes"
    where = f"{plural(len(set(groups)), 'group')} of {plural(len({tenant for tenant, _ in groups}), 'tenant')}"
    return f"{plural(len(groups), 'change')} in {where}"


def _facts(plan: Plan) -> Iterator[tuple[str, str]]:
    """Which plan this is and what it was computed from."""
    yield "Fingerprint", f"<code>{plan.fingerprint}</code>"
    if plan.targets:
        yield "Limited to", ", ".join(shown(safe_address(target)) for target in plan.targets)
    if plan.service:
        yield "Service", foreign(plan.service)
    if plan.state:
        yield "Lockfile", f"{foreign(plan.state)}, serial {plan.serial}"
    if plan.unchanged:
        yield "Unchanged", number(plan.unchanged)
    yield from instants(plan)


def _objections(found: Sequence[Diagnostic], line_of: LineOf, fingerprint: str, accepted: bool) -> Iterator[str]:
    """What guards say to the plan, and how to go on with it all the same."""
    if not found:
        return
    yield '<section class="remarks refusals" aria-labelledby="refusals">'
    yield f'<h2 id="refusals">{plural(len(found), "refusal")}</h2>'
    yield from _remarks(found, line_of)
    if not accepted:
        yield f"<p>If this is right as it is: <code>reconciler apply --accept {fingerprint}</code></p>"
    yield "</section>"


def failures(found: Mapping[str, str]) -> Iterator[str]:
    """The tenants that the page does not have, and why."""
    if not found:
        return
    yield '<section class="remarks failures" aria-labelledby="failures">'
    yield f'<h2 id="failures">{plural(len(found), "error")}</h2>'
    yield "<ul>"
    for name, reason in sorted(found.items()):
        yield f"<li><p>tenant <b>{foreign(name)}</b> is left out: {prose(reason)}</p></li>"
    yield "</ul>"
    yield "</section>"


def warnings(found: Sequence[Diagnostic], line_of: LineOf) -> Iterator[str]:
    """What a reader has to know besides."""
    if not found:
        return
    yield '<section class="remarks warnings" aria-labelledby="warnings">'
    yield f'<h2 id="warnings">{plural(len(found), "warning")}</h2>'
    yield from _remarks(found, line_of)
    yield "</section>"


def _remarks(found: Sequence[Diagnostic], line_of: LineOf) -> Iterator[str]:
    """The first ones open to the eye, the rest a key away: the changes must not be miles below."""
    shown_first, hidden = fold(found, full=False)
    yield from _listed(shown_first, line_of)
    if hidden:
        yield f"<details><summary>{number(hidden)} more</summary>"
        yield from _listed(found[len(shown_first) :], line_of)
        yield "</details>"


def _listed(found: Iterable[Diagnostic], line_of: LineOf) -> Iterator[str]:
    yield "<ul>"
    for item in found:
        yield "<li>"
        yield from _remark(item, line_of)
        yield "</li>"
    yield "</ul>"


def _remark(item: Diagnostic, line_of: LineOf) -> Iterator[str]:
    """What is wrong, what would be right, where, and the line itself."""
    rule = f" <small>{foreign(item.rule)}</small>" if item.rule else ""
    yield f"<p><b>{prose(sentence(item))}</b>{rule}</p>"
    if item.remedy:
        yield f"<p>{prose(item.remedy)}</p>"
    if item.source:
        yield f"<p><samp>{shown(place(item.source))}</samp></p>"
        if lines := list(excerpt(item.source, line_of(item.source), painter(False), WIDTH)):
            yield f"<pre>{'&#10;'.join(map(shown, lines))}</pre>"
    for message, source in item.related:
        yield f"<p><samp>{shown(place(source))}</samp> {prose(message)}</p>"


def _contents(parts: Sequence[TenantPart]) -> Iterator[str]:
    """Where to go, and how much is there."""
    if len(parts) < MANY_TENANTS:
        return
    yield '<nav aria-label="Tenants">'
    yield "<ul>"
    for position, part in enumerate(parts):
        yield f'<li><a href="#t{position}">{foreign(part.name)}</a> {tallied(part.counts)}</li>'
    yield "</ul>"
    yield "</nav>"


def _filters(plan: Plan) -> Iterator[str]:
    """The form that only a script can answer: hidden until there is one."""
    yield '<form id="filters" role="search" aria-label="Search and filter the changes" hidden>'
    yield f'<label class="wide">Search <input id="search" {FIELD} aria-keyshortcuts="/" placeholder="press /"></label>'
    yield '<label>Tenant <select id="tenant"><option value="">all</option></select></label>'
    yield f'<label>Group <input id="group" {FIELD}></label>'
    yield f'<label>User <input id="user" {FIELD}></label>'
    yield '<div class="row"><fieldset><legend>Action</legend>'
    for action in (action for action in Action if plan.counts[action]):
        sign = PLANNED.phrases[action].sign
        yield f'<label class="{action}"><input type="checkbox" name="action" value="{action}"> {sign} {action}</label>'
    yield "</fieldset>"
    yield '<button type="button" id="fold" aria-pressed="false">Fold groups</button>'
    yield '<output id="count" aria-live="polite"></output></div>'
    yield "</form>"
