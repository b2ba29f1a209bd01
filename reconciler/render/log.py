"""The records of applies as text for people: who, when, under which plan, and what became of each change."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Final

from reconciler.core.document_access import to_effects
from reconciler.core.effects import Effects
from reconciler.core.history import IN_PLACE, Deed, Fate, Record
from reconciler.core.plan import Change
from reconciler.render.dates import stamp
from reconciler.render.effects import SENSITIVE, already, asides, is_long, lines, totals, who
from reconciler.render.fields import changed, folded, told
from reconciler.render.naming import about, subject
from reconciler.render.style import Look, Paint, painter
from reconciler.render.text import number, place, plural, safe
from reconciler.render.words import APPLIED

ROOM: Final = 160
"""Columns for one value of a definition: the audit file has the rest."""

SO: Final = frozenset({Fate.DONE, Fate.SATISFIED})
LEFT: Final = {
    Fate.SATISFIED: "so already",
    Fate.FAILED: "failed",
    Fate.UNSURE: "unsure",
    Fate.SKIPPED: "skipped",
}
"""How what an apply did not do is counted."""


def text(answers: Iterable[tuple[Record, Record]], color: bool) -> Iterator[str]:
    """Each record, and of it what was asked for, as a paragraph, in the order in which they were written."""
    paint, is_first = painter(color), True
    for record, asked in answers:
        if not is_first:
            yield ""
        is_first = False
        yield from _record(record, asked, paint)


def nothing(what: str | None, tenants: Iterable[str], since: datetime | None) -> str:
    """What is said where no record fits."""
    about = f"No record mentions {safe(what)}" if what else "There is no record"
    where = f" in {', '.join(map(safe, tenants))}" if tenants else ""
    return f"{about}{where}{f' since {stamp(since)}' if since else ''}."


def _record(record: Record, asked: Record, paint: Paint) -> Iterator[str]:
    yield paint(f"{stamp(record.time)}  {safe(record.who)}  record {record.number}", Look.STRONG)
    commit = record.commit and f"commit {safe(record.commit)}"
    actor = record.actor and f"started by {safe(record.actor)}"
    if origin := "  ".join(filter(None, (safe(record.job), commit, actor))):
        yield f"  {origin}"
    yield f"  plan {safe(record.fingerprint)} for {safe(record.service)}: {_did(record)}"
    yield from (f"  {told}" for told in _remarks(record))
    for deed in asked.changes:
        yield from _deed(deed, paint)
    if asked.settled:
        yield f"  Left open by an earlier run, and looked at by this one: {plural(len(asked.settled), 'change')}"
        for deed in asked.settled:
            yield from _deed(deed, paint)
    for part in asked.access:
        yield f"  {_foreseen(part.tenant, record)}:"
        yield from (f"    {line}" for line in _effects(to_effects([part])[part.tenant], paint))


def _did(record: Record) -> str:
    """What became of all changes of the record, in numbers."""
    done = Counter(deed.action for deed in record.changes if deed.outcome is Fate.DONE)
    fates = Counter(deed.outcome for deed in record.changes)
    told = [*APPLIED.tally(done), *((fates[fate], word) for fate, word in LEFT.items())]
    return ", ".join(f"{number(count)} {word}" for count, word in told if count) or "nothing to do"


def _foreseen(tenant: str, record: Record) -> str:
    """What stands above the scopes of users: the plan knew them beforehand, whatever became of it."""
    mine = [deed for deed in record.changes if deed.tenant == tenant]
    done = sum(deed.outcome in SO for deed in mine)
    rest = "" if done == len(mine) else f" (known to be done: {number(done)} of {plural(len(mine), 'change')})"
    return f"Scopes of users in {safe(tenant)}, as foreseen by the plan{rest}"


def _effects(effects: Effects, paint: Paint) -> Iterator[str]:
    """Users and their scopes, or only numbers where there are too many."""
    if is_long(effects):
        for total in totals(effects):
            yield "  ".join(filter(None, (total.scope, *total.numbers, SENSITIVE if total.is_sensitive else "")))
        yield from asides(effects)
    else:
        for effect in effects.effects:
            yield who(effect.users)
            for line in (*lines(effect, effects), *already(effect, effects)[0]):
                yield f"  {paint(line.sign, line.look)} {line.scope} {line.told}"
    if effects.uncounted:
        yield f"not computed for {plural(effects.uncounted, 'user')}"


def _remarks(record: Record) -> Iterator[str]:
    if record.expected:
        rest = "" if record.expected == record.fingerprint else f", as the rest of plan {safe(record.expected)}"
        yield f"expected by its fingerprint{rest}"
    for each in record.accepted:
        yield f"accepted in spite of: {': '.join(filter(None, (safe(each.rule), safe(each.message))))}"
    if record.targets:
        yield f"limited to {', '.join(map(safe, record.targets))}"
    if record.interrupted:
        yield "interrupted"
    if record.doubt:
        yield f"not verified: {safe(record.doubt)}"
    if record.unrecorded:
        yield f"not recorded in the lockfile: {safe(record.unrecorded)}"
    for tenant, why in record.failures.items():
        yield f"{safe(tenant)} was not planned: {safe(why)}"


def _deed(deed: Deed, paint: Paint) -> Iterator[str]:
    change = deed.change
    phrase = APPLIED.phrases[change.action]
    outcome = deed.outcome.value if deed.outcome in SO else paint(deed.outcome, Look.REMOVE)
    ended = f"{outcome}: {safe(deed.message)}" if deed.message else outcome
    yield f"  {paint(phrase.sign, phrase.look)} {subject(change)}  {ended}"
    yield from (f"      {line}" for line in (*about(change, None), *_definition(change)))
    why = ", ".join(filter(None, (change.reason.value, safe(change.note))))
    source = place(change.source)
    yield "  ".join(filter(None, (f"      {why}", source and paint(source, Look.DIM))))


def _definition(change: Change) -> Iterator[str]:
    """Each field of a definition that became another; of a new or removed one those that grant something."""
    if not (change.before or change.after):
        return
    found = changed(change.before, change.after)
    shown, hidden = folded([leaf for leaf in found if leaf.grants or change.action in IN_PLACE], full=False)
    for path, values in groupby(shown, key=attrgetter("path")):
        parts = (f"{sign} {value}".strip() for leaf in values for sign, value in told(leaf, ROOM))
        yield safe(f"{path} {', '.join(parts)}")
    if hidden:
        yield f"{plural(hidden, 'more value')}; --format json shows all"
