"""A plan's changes as ``diff`` blocks, one for each kind: removals and short access open, others folded with a count.

Such blocks are coloured wherever Markdown is shown, and nothing in them is interpreted: no mention, link or formatting.
"""

from collections import defaultdict
from collections.abc import Container, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Final, NamedTuple

from reconciler.core.effects import Effect, Effects
from reconciler.core.plan import Action, Change, Plan
from reconciler.render.brief import Row, rows, single, table
from reconciler.render.effects import SENSITIVE, asides, concerned, few_lines, is_long, totals, who
from reconciler.render.fields import Leaf, changed, created, folded, told
from reconciler.render.fitting import Fitted, Part, fit, size
from reconciler.render.layout import GroupPart, facts_of, fold, takes, tenants
from reconciler.render.markup import at_line, cut
from reconciler.render.naming import about, subject, user
from reconciler.render.terminal import LABEL
from reconciler.render.text import columns, number, plural, quoted, safe, safe_address
from reconciler.render.words import PLANNED

SHELL: Final = 120
"""Characters that a section takes besides its entries, at most."""

ROOM: Final = 120
"""Columns of a field's value, and of a note: beyond them a reader would have to scroll sideways."""

FEW_LINES: Final = 20
"""Up to so many lines on access are open: more would push other things out of sight."""

NAME: Final = 60
LONGEST_ADDRESS: Final = 300
LONGEST_DEFINITION: Final = 2_000
"""Characters: nobody shall be able to keep a removal out of sight by giving it more text than there is room for."""

INDENT: Final = " " * 6
"""Before what says more of a change: no line of a block begins with anything foreign, so that none can end it."""

SIGNS: Final = {**{action: phrase.sign for action, phrase in PLANNED.phrases.items()}, Action.UPDATE: "!"}
"""As in a terminal, but for updates: ``!`` is a diff's own sign for changed lines, and so gets their colour."""


class Kind(NamedTuple):
    """One kind of changes: its title, how it is counted, and whether it is folded away."""

    title: str
    word: str
    is_folded: bool = True


REMOVALS: Final = Kind("Removals", "removals", is_folded=False)
"""All by which anybody loses access: an update that takes rights from a group is one for each of its members."""

ADDITIONS: Final = Kind("Additions", "additions")
CHANGES: Final = Kind("Changes", "changes")
ACCESS: Final = Kind("Access", "effects on access")
LOCKFILE: Final = Kind("Only in the lockfile", "entries of the lockfile")
LEFT: Final = Kind("Left alone, because not in the configuration", "members left alone")
KINDS: Final = (REMOVALS, ACCESS, ADDITIONS, CHANGES, LOCKFILE, LEFT)
KIND_OF: Final = {
    Action.DELETE: REMOVALS,
    Action.REPLACE: REMOVALS,
    Action.CREATE: ADDITIONS,
    Action.UPDATE: CHANGES,
    Action.ADOPT: LOCKFILE,
    Action.FORGET: LOCKFILE,
}
BY_WEIGHT: Final = (REMOVALS, ACCESS, CHANGES, ADDITIONS, LOCKFILE, LEFT)
"""Who comes first gets room first, so that what a reviewer must not miss is cut last."""


class Section(NamedTuple):
    """What is shown of some things of one kind, how many that are, and how many there are.

    ``brief`` is of what only the numbers or names are told, but not each one's own line and note.
    """

    text: str
    shown: int
    total: int
    word: str
    brief: str = ""

    @property
    def missing(self) -> str:
        """What to tell of a section that was cut; empty if it was not."""
        return f"{number(self.total - self.shown)} of {number(self.total)} {self.word}" if self.is_cut else ""

    @property
    def is_cut(self) -> bool:
        """Whether some things are not shown at all."""
        return self.shown < self.total


def changes(plan: Plan, room: int, *, briefly: bool = False) -> tuple[Section, ...]:
    """All changes and what they come to within so many characters, one section a kind; those without any are left out.

    ``briefly``: a kind that takes more than half of the room only tells who it is and why, so that more of it is seen;
    access is summed up by scope.
    """
    by_kind = _by_kind(plan)
    totals = {kind: len(found) for kind, found in by_kind.items()}
    totals[LEFT] = sum(map(len, plan.left.values()))
    totals[ACCESS] = sum(map(concerned, plan.effects.values()))
    room -= SHELL * sum(map(bool, totals.values()))
    found = {}
    for kind in (kind for kind in BY_WEIGHT if totals.get(kind)):
        if kind is ACCESS:
            found[kind] = _access(plan, totals[kind], room, briefly)
            room -= size(found[kind].text)
            continue
        told = fit(_parts(plan, kind, by_kind[kind]), room // 2 if briefly else room)
        if briefly and told.shown < totals[kind]:
            told = fit(_parts(plan, kind, by_kind[kind], briefly=True), room)
        room -= size(told.text)
        brief = kind.word if kind is not LEFT and told.items < told.shown else ""
        shown = f", {number(told.shown)} shown" if told.shown < totals[kind] else ""
        text = _block(f"{kind.title} ({number(totals[kind])}{shown})", told, kind.is_folded)
        found[kind] = Section(text, told.shown, totals[kind], kind.word, brief)
    return tuple(found[kind] for kind in KINDS if kind in found)


def _by_kind(plan: Plan) -> defaultdict[Kind, list[Change]]:
    found: defaultdict[Kind, list[Change]] = defaultdict(list)
    for change in plan.changes:
        found[REMOVALS if takes(change) else KIND_OF[change.action]].append(change)
    return found


def _block(title: str, fitted: Fitted, is_folded: bool) -> str:
    if not fitted.shown:
        return f"\n**{title}**\n"
    text = fitted.text.removeprefix("\n")
    block = f"\n```diff\n{text}```\n"
    if is_folded:
        return f"\n<details><summary><b>{title}</b></summary>\n{block}\n</details>\n"
    return f"\n#### {title}\n{block}"


Items = Sequence[Change | Row]
"""What a group has to tell: changes on lines of their own, or rows of names."""


def _parts(plan: Plan, kind: Kind, found: Sequence[Change], *, briefly: bool = False) -> Iterator[Part]:
    if kind is LEFT:
        for address, users in sorted(plan.left.items()):
            heading = f"\n@@ {_address(address)} @@\n"
            names = [single(user(each)) for each in users]
            yield Part(table(names, ROOM), _item, partial(str, heading), _more, _count)
        return
    write, items = partial(_item, at=plan.at), _briefly if briefly else _fully
    for tenant in tenants(plan, found):
        for group in tenant.groups:
            if group.definition or group.members:
                yield Part(items(group), write, partial(_heading, tenant.name, group), _more, _count)


def _access(plan: Plan, users: int, room: int, briefly: bool) -> Section:
    """What changes for users; ``briefly`` by scope where that is long, and everywhere if there is no room else."""
    told, total = _fitted(plan, room, [tenant for tenant, each in plan.effects.items() if briefly and is_long(each)])
    if briefly and told.shown < total:
        told, total = _fitted(plan, room, plan.effects)
    missing = f", {number(told.shown)} of {number(total)} entries shown" if told.shown < total else ""
    title = f"{ACCESS.title} ({plural(users, 'user')}{missing if told.shown else ', not shown'})"
    text = _block(title, told, told.text.count("\n") > FEW_LINES)
    word = f"entries on the access of {plural(users, 'user')}"
    return Section(text, told.shown, total, word, ACCESS.word if briefly and told.shown else "")


def _fitted(plan: Plan, room: int, by_scope: Container[str]) -> tuple[Fitted, int]:
    """What there is room for, and how many entries there are."""
    found = {tenant: effects for tenant, effects in sorted(plan.effects.items()) if effects.effects}
    parts = [_scopes(name, each) if name in by_scope else _effects(name, each) for name, each in found.items()]
    return fit(parts, room), sum(len(part.items) for part in parts)


def _effects(tenant: str, effects: Effects) -> Part:
    """Each difference, after a summary by scope if they are many."""
    heading = f"\n@@ {_address(tenant)} @@\n"
    summary = f"{''.join(_totals(effects))}\n" if is_long(effects) else ""
    return Part(effects.effects, partial(_effect, effects), partial(str, heading + summary), _more)


def _scopes(tenant: str, effects: Effects) -> Part:
    return Part(list(_totals(effects, full=True)), str, partial(str, f"\n@@ {_address(tenant)} @@\n"), _more)


def _totals(effects: Effects, full: bool = False) -> Iterator[str]:
    """One line a scope: how many users gain and lose it."""
    shown, hidden = fold(totals(effects), full)
    for total in shown:
        sign = "!" if total.gained and total.lost else "+" if total.gained else "-"
        sensitive = f", {SENSITIVE}" if total.is_sensitive else ""
        numbers = ", ".join(filter(None, total.numbers))
        yield safe(f"{sign}{INDENT[1:]}{cut(total.scope, ROOM)}: {numbers}{sensitive}") + "\n"
    if hidden:
        yield f"{INDENT}... and {plural(hidden, 'more scope')}\n"
    yield from (f"{INDENT}{aside}\n" for aside in asides(effects))


def _effect(effects: Effects, effect: Effect) -> str:
    """Users with the same difference, and below them their scopes."""
    shown, hidden = few_lines(effect, effects, full=False)
    label = min(max((columns(line.scope) for line in shown), default=0), LABEL)
    told = [f"{INDENT}{cut(who(effect.users), ROOM)}"]
    for line in shown:
        gap = " " * (label - columns(line.scope))
        told.append(f"{line.sign}{INDENT}  {cut(line.scope, ROOM)}{gap}  {cut(line.told, ROOM)}")
    told += [f"{INDENT}  ... and {plural(hidden, 'more scope')}"] if hidden else []
    return "".join(f"{safe(line)}\n" for line in told)


def _fully(group: GroupPart) -> Items:
    definition = [group.definition] if group.definition else []
    return [*definition, *(change for _, members in group.members for change in members)]


def _briefly(group: GroupPart) -> Items:
    return rows(group, lambda action: (SIGNS[action], PLANNED.phrases[action].says), ROOM)


def _count(item: Change | Row) -> int:
    return item.size if isinstance(item, Row) else 1


def _item(item: Change | Row, at: datetime | None = None) -> str:
    if isinstance(item, Change):
        return _entry(item, at)
    says = f"{item.sign} {item.says}\n" if item.says else ""
    return f"{says}{item.sign:{len(INDENT)}}{item.names}\n"


def _more(hidden: int) -> str:
    return f"{INDENT}... and {number(hidden)} more\n"


def _heading(tenant: str, group: GroupPart) -> str:
    """A group as the heading of a hunk, which is what a diff has between its parts."""
    said = [_address(f"{tenant}/{group.id}")]
    if group.touched:
        said += [cut(quoted(group.touched.name), NAME)] if group.touched.name else []
        said += [facts_of(group.touched, backwards=False)]
    return f"\n@@ {'  '.join(said)} @@\n"


def _entry(change: Change, at: datetime | None) -> str:
    """The line that tools read, coloured by its sign; why, from where and for what; who it is; and what differs."""
    phrase = PLANNED.phrases[change.action]
    place = cut(at_line(change.source), ROOM)
    note = f"({cut(safe(change.note), ROOM)})" if change.note else ""
    lines = [f"{SIGNS[change.action]} # {cut(subject(change), LONGEST_ADDRESS)} {phrase.says}"]
    lines += [INDENT + "  ".join(filter(None, (change.reason.value, place, note)))]
    lines += [INDENT + known for known in about(change, at, ROOM, cut)]
    lines += _fields(_leaves(change)) if change.user is None else ()
    return "".join(f"{line}\n" for line in lines)


def _address(address: str) -> str:
    return cut(safe_address(address), LONGEST_ADDRESS)


def _leaves(change: Change) -> list[Leaf]:
    if change.action is Action.CREATE:
        return list(created(change.after or {}))
    return list(changed(change.before, change.after)) if change.action in {Action.UPDATE, Action.REPLACE} else []


def _fields(leaves: Sequence[Leaf]) -> Iterator[str]:
    """One value a line, coloured as added, removed or changed; a definition never takes more than its share."""
    shown, hidden = folded(leaves, full=False)
    paths = [cut(safe(leaf.path), LABEL) for leaf in shown]
    label = max(map(columns, paths), default=0)
    room = LONGEST_DEFINITION
    for at, (leaf, path) in enumerate(zip(shown, paths, strict=True)):
        for sign, text in told(leaf, ROOM):
            line = f"{sign or '!'}{INDENT[1:]}{path}{' ' * (label - columns(path))}  {cut(text, 2 * ROOM)}"
            room -= len(line)
            yield line
        if room < 0 and not leaf.grants:
            hidden += len(shown) - at - 1
            break
    if hidden:
        yield f"{INDENT}... and {plural(hidden, 'more field')}"
