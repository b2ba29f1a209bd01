"""A plan as a comment on a pull request: what a reviewer must not miss is open and first, the rest is folded.

A comment has an end (65,536 characters at GitHub). What hurts least gives way, and the comment says so.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from reconciler.core.guards import refusals
from reconciler.core.plan import Action, Plan
from reconciler.render.boxes import boxes
from reconciler.render.fitting import LONGEST, SHORTEST, Part, fit, size
from reconciler.render.markup import cell, code, link, marker
from reconciler.render.sections import changes
from reconciler.render.terminal import nothing, planned
from reconciler.render.text import plural
from reconciler.render.words import PLANNED

__all__ = ["LONGEST", "SHORTEST", "marker", "plan"]

NAMED: Final = 3
NOTICE: Final = 500


def plan(plan: Plan, *, key: str, max_chars: int = LONGEST, url: str = "", command: str = "") -> Iterator[str]:
    """The comment line by line, begun by the hidden marker for ``key`` and never longer than ``max_chars``.

    ``url`` and ``command`` say where the whole plan is if there is no room for it. The same plan gives the same bytes.
    """
    before = "".join((*_heading(plan, key), *_table(plan, max_chars // 4), *_summary(plan)))
    whole = _whole(url, command)
    room = max_chars - size(before) - size(whole) - NOTICE
    said = boxes(plan, room)
    done = changes(plan, room - sum(size(box.text) for box in said))
    missing = [section.missing for section in (*said, *done) if section.missing]
    notice = f"\n**Cut to {max_chars:,} characters.** Not shown: {', '.join(missing)}.{whole}\n" if missing else ""
    if url and not missing:
        notice = f"\n{link('The plan', url)}\n"
    yield from "".join((before, notice, *(section.text for section in (*said, *done)))).splitlines()


def _heading(plan: Plan, key: str) -> Iterator[str]:
    names = [code(name, 40) for name in sorted({*plan.tenants, *plan.failures})]
    few = ", ".join(names) if 0 < len(names) <= NAMED else plural(len(names), "tenant")
    yield f"{marker(key)}\n### Plan for {few}{_verdict(plan)}\n"


def _verdict(plan: Plan) -> str:
    """What a reader must know before anything else, also of the mail in which only the title is read."""
    said = (("refused by guards", refusals(plan)), ("incomplete", plan.failures))
    found = ", ".join(text for text, holds in said if holds)
    return f": {found}" if found else ""


class _Row(NamedTuple):
    """One tenant of the table; ``counts`` is None where nobody knows."""

    name: str
    counts: Mapping[Action, int] | None
    remark: str = ""


def _table(plan: Plan, room: int) -> Iterator[str]:
    """The numbers of each tenant that has any, and those of which nobody knows; nothing if there is neither."""
    rows = _rows(plan)
    if not rows:
        return
    words = [word for _, word in PLANNED.tally({})]
    yield f"\n| tenant | {' | '.join(words)} |\n| :-- |{' --: |' * len(words)}\n"
    fitted = fit([Part(rows, _row, str, _more_rows)], room)
    yield fitted.text or _more_rows(len(rows))


def _rows(plan: Plan) -> Sequence[_Row]:
    counts: defaultdict[str, Counter[Action]] = defaultdict(Counter)
    for change in plan.changes:
        counts[change.tenant][change.action] += 1
    unknown = [_Row(name, None, "could not be planned") for name in sorted(plan.failures)]
    orphaned = dict.fromkeys(plan.orphaned, "no longer in the configuration")
    return [*unknown, *(_Row(name, counts[name], orphaned.get(name, "")) for name in sorted(counts))]


def _row(row: _Row) -> str:
    tenant = f"{cell(row.name)} {row.remark}".rstrip()
    numbers = [""] * len(PLANNED.numbers)
    if row.counts is not None:
        numbers = [f"{count:,}" if count else "" for count, _ in PLANNED.tally(row.counts)]
    return f"| {tenant} | {' | '.join(numbers)} |\n"


def _more_rows(hidden: int) -> str:
    return f"| and {plural(hidden, 'more tenant')} |{' |' * len(PLANNED.numbers)}\n"


def _summary(plan: Plan) -> Iterator[str]:
    """Terraform's line, for which tools look; what is as it should be; and by which name to apply this plan."""
    if plan.changes or plan.failures:
        for line in planned(PLANNED.tally(plan.counts)):
            yield f"\n{line}\n"
    else:
        yield f"\n{nothing(plan)}\n"
    if plan.unchanged:
        yield f"\nUnchanged: {plan.unchanged:,}.\n"
    if plan.targets:
        named = ", ".join(code(target) for target in plan.targets[:NAMED])
        more = f" and {len(plan.targets) - NAMED:,} more" if len(plan.targets) > NAMED else ""
        yield f"\nLimited to {named}{more}.\n"
    yield f"\nFingerprint: `{plan.fingerprint}`\n"


def _whole(url: str, command: str) -> str:
    """Where the rest is."""
    ways = ([link("here", url)] if url else []) + ([f"with {code(command, 300)}"] if command else [])
    return f" See the whole plan {' or '.join(ways)}." if ways else ""
