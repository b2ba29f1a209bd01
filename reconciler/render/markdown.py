"""A plan as a comment on a pull request: what a reviewer must not miss is open and first, the rest is folded.

A comment has an end (65,536 characters at GitHub). What hurts least gives way, and the comment says so.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from reconciler.core.guards import refusals
from reconciler.core.model import address
from reconciler.core.plan import Action, Plan
from reconciler.render.boxes import boxes, gains_box
from reconciler.render.dates import instants
from reconciler.render.fitting import LONGEST, SHORTEST, Part, fit, size
from reconciler.render.layout import takes
from reconciler.render.markup import cell, code, link, marker
from reconciler.render.sections import Section, changes
from reconciler.render.terminal import nothing, planned
from reconciler.render.text import number, plural
from reconciler.render.words import PLANNED

__all__ = ["LONGEST", "SHORTEST", "marker", "plan"]

NAMED: Final = 3
NOTICE: Final = 800
FEW: Final = 12
"""Up to so many groups their table is open: a longer one would push what is removed out of sight."""


def plan(plan: Plan, *, key: str, max_chars: int = LONGEST, url: str = "", command: str = "") -> Iterator[str]:
    """The comment line by line, begun by the hidden marker for ``key`` and never longer than ``max_chars``.

    ``url`` and ``command`` say where the whole plan is if there is no room for it. The same plan gives the same bytes.
    """
    heading = "".join(_heading(plan, key))
    summary = "".join((*_table("tenant", _tenants(plan), max_chars // 4), *_summary(plan)))
    whole = _whole(url, command)
    room = max_chars - size(heading) - size(summary) - size(whole) - NOTICE
    gained = gains_box(plan, room // 2)
    said = boxes(plan, room - _size(gained))
    room -= _size(gained) + _size(said)
    done, overview = changes(plan, room), ""
    if any(section.is_cut for section in done):
        overview = "".join(_overview(plan, room // 4))
        done = changes(plan, room - size(overview), briefly=True)
    notice = _notice((*gained, *said, *done), max_chars, whole) or (f"\n{link('The plan', url)}\n" if url else "")
    first, boxed, listed = ("".join(section.text for section in sections) for sections in (gained, said, done))
    yield from "".join((heading, first, summary, notice, boxed, overview, listed)).splitlines()


def _size(sections: Sequence[Section]) -> int:
    return sum(size(section.text) for section in sections)


def _notice(sections: Sequence[Section], max_chars: int, whole: str) -> str:
    """What is not shown, and where it is; empty if nothing is missing."""
    missing = [section.missing for section in sections if section.is_cut]
    if words := [section.brief for section in sections if section.brief]:
        missing.append(f"the single lines and notes of {' and '.join(words)}")
    cut = f"**Cut to {number(max_chars)} characters.**"
    return f"\n{cut} Not shown: {', '.join(missing)}.{whole}\n" if missing else ""


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
    """One tenant or group of a table; ``counts`` is None where nobody knows."""

    name: str
    counts: Mapping[Action, int] | None
    remark: str = ""


def _table(word: str, rows: Sequence[_Row], room: int) -> Iterator[str]:
    """The numbers of each tenant or group, as far as there is room; nothing if there is none."""
    if not rows:
        return
    words = [number_word for _, number_word in PLANNED.tally({})]
    yield f"\n| {word} | {' | '.join(words)} |\n| :-- |{' --: |' * len(words)}\n"
    more = partial(_more_rows, word)
    yield fit([Part(rows, _row, str, more)], room).text or more(len(rows))


def _tenants(plan: Plan) -> Sequence[_Row]:
    """The tenants that have changes, and those of which nobody knows."""
    counts: defaultdict[str, Counter[Action]] = defaultdict(Counter)
    for change in plan.changes:
        counts[change.tenant][change.action] += 1
    unknown = [_Row(name, None, "could not be planned") for name in sorted(plan.failures)]
    orphaned = dict.fromkeys(plan.orphaned, "no longer in the configuration")
    return [*unknown, *(_Row(name, counts[name], orphaned.get(name, "")) for name in sorted(counts))]


def _overview(plan: Plan, room: int) -> Iterator[str]:
    """Each group in one line, whose members there may be no room for: who loses something first."""
    counts: defaultdict[tuple[str, str], Counter[Action]] = defaultdict(Counter)
    losing = {change.key[:2] for change in plan.changes if takes(change)}
    for change in plan.changes:
        counts[change.key[:2]][change.action] += 1
    ordered = sorted(counts, key=lambda group: (group not in losing, group))
    rows = [_Row(address(*group), counts[group]) for group in ordered]
    if len(rows) < 2:
        return
    title = f"<b>Groups ({number(len(rows))})</b>"
    yield f"\n<details{' open' if len(rows) <= FEW else ''}><summary>{title}</summary>\n"
    yield from _table("group", rows, room)
    yield "\n</details>\n"


def _row(row: _Row) -> str:
    name = f"{cell(row.name)} {row.remark}".rstrip()
    numbers = [""] * len(PLANNED.numbers)
    if row.counts is not None:
        numbers = [number(count) if count else "" for count, _ in PLANNED.tally(row.counts)]
    return f"| {name} | {' | '.join(numbers)} |\n"


def _more_rows(word: str, hidden: int) -> str:
    return f"| and {plural(hidden, f'more {word}')} |{' |' * len(PLANNED.numbers)}\n"


def _summary(plan: Plan) -> Iterator[str]:
    """Terraform's line, for which tools look; what is as it should be; and by which name to apply this plan."""
    if plan.changes or plan.failures:
        for line in planned(PLANNED.tally(plan.counts)):
            yield f"\n{line}\n"
    else:
        yield f"\n{nothing(plan)}\n"
    if plan.unchanged:
        yield f"\nUnchanged: {number(plan.unchanged)}.\n"
    if plan.targets:
        named = ", ".join(code(target) for target in plan.targets[:NAMED])
        more = f" and {number(len(plan.targets) - NAMED)} more" if len(plan.targets) > NAMED else ""
        yield f"\nLimited to {named}{more}.\n"
    if count := sum(effects.uncounted for effects in plan.effects.values()):
        yield f"\nAccess not computed for {plural(count, 'user')}; `--access-limit N` asks for more.\n"
    for name, told in instants(plan):
        yield f"\n{name}: {code(told)}\n"
    yield f"\nFingerprint: `{plan.fingerprint}`\n"


def _whole(url: str, command: str) -> str:
    """Where the rest is."""
    ways = ([link("here", url)] if url else []) + ([f"with {code(command, 300)}"] if command else [])
    return f" See the whole plan {' or '.join(ways)}." if ways else ""
