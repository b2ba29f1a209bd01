"""The end of an apply: what was done, what was not and why, and how to go on.

What an apply that failed half-way did do is what its user needs most and what other tools never print.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from reconciler.core.plan import Change
from reconciler.render.layout import fold
from reconciler.render.naming import subject, who
from reconciler.render.style import Look, Paint, painter
from reconciler.render.text import head, number, place, plural, safe
from reconciler.render.words import PLANNED

WHO: Final = 72
"""Columns of who somebody is, unless all is to be shown: the address says which change it is."""

Reasoned = Sequence[tuple[Change, str]]
"""Changes, each with why it is where it is."""


def outcome(
    *,
    added: int,
    changed: int,
    destroyed: int,
    adopted: int,
    forgotten: int,
    verified: tuple[int, int] | None,
    done: Sequence[Change],
    failed: Reasoned,
    unsure: Reasoned,
    skipped: Reasoned,
    interrupted: bool,
    color: bool,
    full: bool,
    unplanned: Sequence[str] = (),
    unrecorded: str = "",
    unaudited: str = "",
) -> Iterator[str]:
    """Terraform's ``Apply complete! Resources: …``, or everything that a person needs to go on from a part.

    ``verified`` is how many changes, of how many, were found in place when read again; None if nobody looked. Complete
    is said only if nothing failed, is unsure, was skipped or was found otherwise, no tenant was ``unplanned``, and
    nothing stood in the way of the lockfile and the audit file (``unrecorded`` and ``unaudited`` say what did).
    """
    page = _Page(painter(color), full)
    is_found = verified is None or verified[0] == verified[1]
    is_whole = is_found and not (failed or unsure or skipped or interrupted or unplanned or unrecorded)
    complete = is_whole and not unaudited
    if not complete:
        yield from page.done(done)
        yield from page.reasoned("Failed", failed, Look.REMOVE)
        yield from page.reasoned("May or may not have happened", unsure, Look.CHANGE)
        yield from page.reasoned("Not tried", skipped, Look.CHANGE)
    if unrecorded:
        yield page.paint(f"What was done can't be recorded in the lockfile: {safe(unrecorded)}", Look.REMOVE)
        yield ""
    if unaudited:
        yield page.paint(f"This run left no record in the audit file: {safe(unaudited)}", Look.REMOVE)
        yield ""
    resources = f"Resources: {added} added, {changed} changed, {destroyed} destroyed."
    extra = ", ".join(
        f"{number(count)} {word}" for count, word in ((adopted, "adopted"), (forgotten, "forgotten")) if count
    )
    fate, look = ("Apply complete!", Look.ADD) if complete else ("Apply incomplete.", Look.REMOVE)
    yield page.paint(f"{fate} {resources}", look)
    if extra:
        yield f"Lockfile: {extra}."
    if verified is not None:
        yield f"Verified {number(verified[0])} of {number(verified[1])} changes."
    if not complete:
        yield ""
        if unplanned:
            yield f"Not planned, because of the errors told: {', '.join(map(safe, unplanned))}."
        if unaudited:
            yield "No later run adds what the audit file lacks: keep this output."
    if not is_whole:
        yield from _ways_on(bool(failed or unplanned), bool(unsure), is_found, interrupted, bool(unrecorded))


class _Page:
    """How lists are written: colours, and whether long ones are folded."""

    def __init__(self, paint: Paint, full: bool) -> None:
        self.paint, self.full = paint, full

    def done(self, changes: Sequence[Change]) -> Iterator[str]:
        if not changes:
            return
        yield self.paint(f"Done: {plural(len(changes), 'change')}", Look.STRONG)
        yield from self.changes(changes, indent="  ")
        yield ""

    def reasoned(self, title: str, items: Reasoned, look: Look) -> Iterator[str]:
        """Changes under their reasons: one missing scope that stops a thousand of them is one thing to be read."""
        if not items:
            return
        by_reason: defaultdict[str, list[Change]] = defaultdict(list)
        for change, reason in items:
            by_reason[reason].append(change)
        yield self.paint(f"{title}: {plural(len(items), 'change')}", look)
        reasons, hidden = fold(list(by_reason), self.full)
        for reason in reasons:
            yield f"  {safe(reason)}"
            yield from self.changes(by_reason[reason], indent="    ")
        if hidden:
            yield f"  {plural(hidden, 'more reason')}; --full shows all"
        yield ""

    def changes(self, changes: Sequence[Change], indent: str) -> Iterator[str]:
        shown, hidden = fold(changes, self.full)
        for change in shown:
            phrase = PLANNED.phrases[change.action]
            line = f"{indent}{self.paint(phrase.sign, phrase.look)} {subject(change)}"
            known = who(change) if self.full else head(who(change), WHO)
            source = place(change.source)
            yield "  ".join(filter(None, (line, known, self.paint(source, Look.DIM) if source else "")))
        if hidden:
            yield f"{indent}{number(hidden)} more; --full shows all"


def _ways_on(failed: bool, unsure: bool, is_found: bool, interrupted: bool, unrecorded: bool) -> Iterator[str]:
    if interrupted:
        yield "It was interrupted: no new request was sent, and the lock is released."
    if not is_found:
        yield "Reading again did not show all of it as planned; `reconciler plan` shows how it is."
    if unsure:
        yield "What may or may not have happened is recorded as pending; the next run asks the service which it is."
    if unrecorded:
        yield "It stays pending in the lockfile: the next run, on any machine, asks the service about it and goes on."
        return
    remedy = "Remove the cause, then run" if failed else "Run"
    yield f"{remedy} `reconciler apply` again: what was done is recorded, and it does only what is left."
