"""The records of applies as text for people: who, when, under which plan, and what became of each change."""

from collections.abc import Iterable, Iterator

from reconciler.core.history import Deed, Fate, Record
from reconciler.core.plan import Action
from reconciler.render.dates import stamp
from reconciler.render.naming import about, subject
from reconciler.render.style import Look, Paint, painter
from reconciler.render.text import place, plural, safe
from reconciler.render.words import PLANNED


def text(records: Iterable[Record], color: bool) -> Iterator[str]:
    """Each record as a paragraph, in the order in which they were written."""
    paint, is_empty = painter(color), True
    for record in records:
        if not is_empty:
            yield ""
        is_empty = False
        yield from _record(record, paint)
    if is_empty:
        yield "No record says anything of that."


def _record(record: Record, paint: Paint) -> Iterator[str]:
    yield paint(f"{stamp(record.time)}  {safe(record.who)}  record {record.number}", Look.STRONG)
    if origin := "  ".join(filter(None, (safe(record.job), record.commit and f"commit {safe(record.commit)}"))):
        yield f"  {origin}"
    counts = {action: record.summary.get(action.value, 0) for action in Action}
    planned = ", ".join(f"{count} {word}" for count, word in PLANNED.tally(counts) if count) or "nothing to do"
    yield f"  plan {safe(record.fingerprint)} for {safe(record.service)}: {planned}"
    yield from (f"  {told}" for told in _remarks(record))
    for deed in record.changes:
        yield from _deed(deed, paint)
    if record.settled:
        yield f"  Left open by an earlier run, and looked at by this one: {plural(len(record.settled), 'change')}"
        for deed in record.settled:
            yield from _deed(deed, paint)


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
    phrase = PLANNED.phrases[change.action]
    outcome = deed.outcome.value if deed.outcome in {Fate.DONE, Fate.SATISFIED} else paint(deed.outcome, Look.REMOVE)
    told = f"{outcome}: {safe(deed.message)}" if deed.message else outcome
    yield f"  {paint(phrase.sign, phrase.look)} {subject(change)}  {told}"
    yield from (f"      {line}" for line in about(change, None))
    why = ", ".join(filter(None, (change.reason.value, safe(change.note))))
    source = place(change.source)
    yield "  ".join(filter(None, (f"      {why}", source and paint(source, Look.DIM))))
