"""A plan, or the same value read as drift, as lines for a terminal.

Tools that read Terraform's output read this one too: ``# ADDRESS will be created`` stands alone on its line and the
summary is the last thing said. Lines come one by one, so that a hundred thousand changes need no memory and no wait.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from reconciler.core.effects import Effect, Effects
from reconciler.core.guards import refusals
from reconciler.core.plan import Action, Change, Plan
from reconciler.diagnostics import Diagnostic, Severity
from reconciler.render import effects as access
from reconciler.render.dates import instants
from reconciler.render.fields import Leaf, changed, created, folded, told
from reconciler.render.layout import GroupPart, TenantPart, facts_of, fold, takes, tenants, was_taken
from reconciler.render.messages import LineOf, diagnostic, no_line
from reconciler.render.naming import UNBOUNDED, about, called, subject, user
from reconciler.render.style import Look, Paint, painter
from reconciler.render.text import columns, head, number, place, plural, quoted, safe, safe_address
from reconciler.render.words import DRIFTED, PLANNED, Reading

NOTHING_PLANNED: Final = "No changes. Your configuration matches the live state."
NOTHING_OFFLINE: Final = "No changes against the lockfile. The live state was not read."
NOTHING_DRIFTED: Final = "No drift. The live state matches the lockfile."

NARROWEST: Final = 40
LEAST: Final = 32
LABEL: Final = 32
INDENT: Final = " " * 6
MOST_NAMED: Final = 5
FIELD_LOOKS: Final = {"+": Look.ADD, "-": Look.REMOVE, "": Look.CHANGE}


def plan(
    plan: Plan,
    *,
    color: bool,
    width: int,
    full: bool = False,
    line_of: LineOf = no_line,
    accepted: bool = False,
    told: bool = False,
    apply: str = "reconciler apply",
) -> Iterator[str]:
    """The plan line by line, ended by ``Plan: …`` and its fingerprint, or by ``No changes. …``.

    ``full`` shows folded lists; ``line_of`` reads source lines for warnings and refusals; ``accepted`` says that the
    refusals are known and overruled, ``apply`` how to say that, ``told`` that stderr tells errors in full. "No changes"
    is never said while a tenant could not be planned.
    """
    page = Page(painter(color), max(width, NARROWEST), full, PLANNED, plan.at)
    yield from page.gains(access.gains(plan))
    yield from page.parts(plan)
    for tenant, effects in sorted(plan.effects.items()):
        yield from page.access(tenant, effects)
    yield from page.remarks(plan.warnings, line_of, Severity.WARNING)
    yield from page.failures(plan, told)
    if objections := refusals(plan):
        yield from page.objections(objections, line_of, f"{safe(apply)} --accept {plan.fingerprint}", accepted)
    if plan.targets:
        yield f"Limited to {', '.join(map(safe_address, plan.targets))}."
    yield from (f"{name}: {when}" for name, when in instants(plan))
    if not plan.changes and not plan.failures:
        yield nothing(plan)
        return
    yield from planned(page.reading.tally(plan.counts))
    yield f"Fingerprint: {plan.fingerprint}"


def nothing(plan: Plan) -> str:
    """What is said of a plan without changes: of the live state only if it was read."""
    return NOTHING_OFFLINE if plan.offline else NOTHING_PLANNED


def drift(plan: Plan, *, color: bool, width: int, full: bool = False, line_of: LineOf = no_line) -> Iterator[str]:
    """What moved outside since the last apply: a plan made with desired := known, told from the other side.

    Guards have no say, because nothing is about to be done.
    """
    page = Page(painter(color), max(width, NARROWEST), full, DRIFTED)
    yield from page.parts(plan)
    yield from page.remarks(plan.warnings, line_of, Severity.WARNING)
    yield from page.failures(plan, told=True)
    counts = page.reading.tally(plan.counts)
    if plan.failures or any(count for count, _ in counts):
        yield f"Drift: {', '.join(f'{count} {word}' for count, word in counts)} outside."
    else:
        yield NOTHING_DRIFTED


def planned(counts: Sequence[tuple[int, str]]) -> Iterator[str]:
    """Terraform's summary line, to the letter because tools match it whole; then what changes only the lockfile."""
    yield f"Plan: {', '.join(f'{count} {word}' for count, word in counts[:3])}."
    if extra := [f"{number(count)} {word}" for count, word in counts[3:] if count]:
        yield f"Lockfile: {', '.join(extra)}."


class Page:
    """How everything on one page is written: colours, width, folding, the words of one reading, and the instant."""

    def __init__(self, paint: Paint, width: int, full: bool, reading: Reading, at: datetime | None = None) -> None:
        self.paint, self.width, self.full, self.reading, self.at = paint, width, full, reading, at

    def parts(self, plan: Plan) -> Iterator[str]:
        """All tenants that have something to show."""
        shown = (change for change in plan.changes if change.action in self.reading.phrases)
        for part in tenants(plan, shown, was_taken if self.reading.backwards else takes):
            yield from self.tenant(part)

    def tenant(self, part: TenantPart) -> Iterator[str]:
        """One tenant, counted in its first line, and its groups."""
        counts = ", ".join(f"{number(count)} {word}" for count, word in self.reading.tally(part.counts) if count)
        orphaned = "no longer in the configuration" if part.orphaned else ""
        yield "  ".join(filter(None, (self.paint(f"Tenant {safe(part.name)}", Look.STRONG), counts, orphaned)))
        yield ""
        for group in part.groups:
            yield from self.group(part.name, group)
            yield ""

    def group(self, tenant: str, part: GroupPart) -> Iterator[str]:
        """One group: its definition, then its members by action."""
        yield self.heading(part)
        if part.definition:
            yield from self.change(part.definition)
            yield from self.definition(part.definition)
        for action, changes in part.members:
            shown, hidden = fold(changes, self.full)
            for change in shown:
                yield from self.change(change)
            if hidden:
                phrase = self.reading.phrases[action]
                yield f"  {self.paint(phrase.sign, phrase.look)} {number(hidden)} more {phrase.says}; --full shows all"
        if part.left:
            yield from self.left(tenant, part)

    def heading(self, part: GroupPart) -> str:
        """A group's id, its name as far as there is room, and its facts."""
        group = safe_address(part.id)
        if part.touched is None:
            return f"  {self.paint(group, Look.STRONG)}"
        facts = facts_of(part.touched, self.reading.backwards)
        room = self.room(self.width - columns(group) - columns(facts) - 6)
        name = head(quoted(part.touched.name), room) if part.touched.name else ""
        return "  " + "  ".join(filter(None, (self.paint(group, Look.STRONG), name, facts)))

    def room(self, columns_left: int) -> int:
        """How far a text may go on: all is shown in full, and something is shown on the narrowest page."""
        return UNBOUNDED if self.full else max(columns_left, LEAST)

    def change(self, change: Change) -> Iterator[str]:
        """The line that tools read; why, from where and for what; and what is known of the user, if anything is."""
        phrase = self.reading.phrases[change.action]
        yield "  " + self.paint(f"# {subject(change)} {phrase.says}", Look.STRONG)
        why = f"{phrase.sign} {phrase.why or change.reason}"
        source = place(change.source)
        line = "  " + self.paint(phrase.sign, phrase.look) + why[len(phrase.sign) :]
        if source:
            line += "  " + self.paint(source, Look.DIM)
        if change.note:
            room = self.room(self.width - columns(why) - columns(source) - 8)
            line += f"  ({head(safe(change.note), room)})"
        yield line
        yield from (INDENT + known for known in about(change, self.at, self.room(self.width - len(INDENT))))

    def definition(self, change: Change) -> Iterator[str]:
        """The fields of a new group, or those that differ; otherwise nothing, because nothing in them changes."""
        if change.action is Action.CREATE and not self.reading.backwards:
            yield from self.fields(list(created(change.after or {})), signed=False)
        elif change.action in {Action.UPDATE, Action.REPLACE}:
            sides = (change.after, change.before) if self.reading.backwards else (change.before, change.after)
            yield from self.fields(list(changed(*sides)), signed=True)

    def fields(self, leaves: Sequence[Leaf], *, signed: bool) -> Iterator[str]:
        """Values below each other, what happens to each beside it; ``signed`` where some come and some go."""
        shown, hidden = folded(leaves, self.full)
        paths = [head(safe(leaf.path), self.room(LABEL)) for leaf in shown]
        label = max(map(columns, paths), default=0)
        for leaf, path in zip(shown, paths, strict=True):
            for sign, text in told(leaf, self.room(self.width - label - 10)):
                mark = f"{sign} " if sign and signed else ""
                value = self.paint(f"{mark}{text}", FIELD_LOOKS[sign])
                yield f"      {path}{' ' * (label - columns(path))}  {value}"
        if hidden:
            yield f"      {plural(hidden, 'more field')}; --full shows all"

    def left(self, tenant: str, part: GroupPart) -> Iterator[str]:
        """Foreign members of an additive group: nothing happens to them, and that is what is to be known."""
        if self.full:
            group = safe_address(f"{tenant}/{part.id}")
            yield f"    {plural(len(part.left), 'member')} left alone, not in the configuration:"
            yield from (f"      {group}/{user(each)}" for each in part.left)
            return
        more = len(part.left) - MOST_NAMED
        named = ", ".join(map(user, part.left[:MOST_NAMED])) + (f" and {number(more)} more" if more > 0 else "")
        yield f"    {plural(len(part.left), 'member')} left alone, not in the configuration: {named}"

    def gains(self, found: Sequence[access.Gain]) -> Iterator[str]:
        """Who gains what is sensitive, in full each user alone; if that is too long, one line for each scope."""
        if not found:
            return
        told = [alone for gain in found for alone in gain.apart()] if self.full else access.summed(found)
        shown, hidden = fold(told, self.full)
        yield self.paint(access.gained(found), Look.CHANGE)
        for gain in shown:
            sentence = gain.sentence(head(access.who(gain.users), self.room(self.width)), self.full)
            yield f"  {self.paint('+', Look.ADD)} {sentence}"
        if hidden:
            yield f"  {self.paint('+', Look.ADD)} {plural(hidden, 'more scope')}; --full shows all"
        yield ""

    def access(self, tenant: str, effects: Effects) -> Iterator[str]:
        """What the changes come to for the users of a tenant: block by block, or scope by scope."""
        if effects.is_empty:
            return
        yield self.paint(f"Access in {safe(tenant)}", Look.STRONG)
        if access.is_long(effects) and not self.full:
            yield from self.totals(effects)
        else:
            for effect in effects.effects:
                yield from self.effect(effect, effects)
        if unknown := access.uncounted(effects):
            yield f"  {unknown}"
        yield ""

    def totals(self, effects: Effects) -> Iterator[str]:
        """How many users gain and lose each scope."""
        shown, hidden = fold(access.totals(effects), self.full)
        for total in shown:
            numbers = zip(total.numbers, (Look.ADD, Look.REMOVE), strict=True)
            told = ", ".join(self.paint(text, look) for text, look in numbers if text)
            yield f"  {total.scope}: {told}{f'  {access.SENSITIVE}' if total.is_sensitive else ''}"
        more = f"{plural(hidden, 'more scope')} and " if hidden else ""
        yield from (f"  {told}" for told in (*access.asides(effects), f"--full shows {more}the users"))

    def effect(self, effect: Effect, effects: Effects) -> Iterator[str]:
        """Users with the same difference, and their scopes below each other."""
        if self.full and len(effect.users) > 1:
            yield f"  {plural(len(effect.users), 'user')}:"
            yield from (INDENT + safe(called(user)) for user in effect.users)
        else:
            yield f"  {head(access.who(effect.users), self.room(self.width - 2))}"
        shown, hidden = access.few_lines(effect, effects, self.full)
        label = min(max((columns(line.scope) for line in shown), default=0), LABEL)
        for line in shown:
            gap = " " * (label - columns(line.scope))
            told = head(safe(line.told), self.room(self.width - label - 8))
            yield f"    {self.paint(safe(f'{line.sign} {line.scope}'), line.look)}{gap}  {told}"
        if hidden:
            yield f"    {plural(hidden, 'more scope')}; --full shows all"

    def remarks(self, items: Iterable[Diagnostic], line_of: LineOf, severity: Severity) -> Iterator[str]:
        """Diagnostics, indented: a file's name must not begin a line that a tool could take for the summary."""
        for item in items:
            for line in diagnostic(replace(item, severity=severity), line_of, self.paint, self.width - 2):
                yield f"  {line}"
            yield ""

    def failures(self, plan: Plan, told: bool) -> Iterator[str]:
        """Each tenant that could not be planned, and why, unless the same run has told it on stderr."""
        word = self.paint("Error:", Look.REMOVE)
        for tenant, reason in sorted(plan.failures.items()):
            why = "; stderr says why" if told else f": {safe(reason)}"
            yield f"{word} tenant {safe(tenant)} is left out{why}"
            yield ""

    def objections(self, found: Sequence[Diagnostic], line_of: LineOf, again: str, accepted: bool) -> Iterator[str]:
        """What guards say to the plan, and how to go on with it all the same."""
        shown, hidden = fold(found, self.full)
        fate = "accepted all the same" if accepted else "nothing of this plan will be applied"
        yield self.paint(f"Refused by guards for {plural(len(found), 'reason')}; {fate}", Look.REMOVE)
        yield ""
        yield from self.remarks(shown, line_of, Severity.ERROR)
        if hidden:
            yield f"  {number(hidden)} more; --full shows all"
            yield ""
        if not accepted:
            yield f"  If this is right as it is: {again}"
            yield ""
