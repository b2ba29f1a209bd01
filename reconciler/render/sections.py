"""A plan's changes as ``diff`` blocks, one for each kind: removals open, all others folded away with their count.

Such blocks are coloured wherever Markdown is shown, and nothing in them is interpreted: no mention, link or formatting.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final, NamedTuple

from reconciler.core.plan import Action, Change, Plan
from reconciler.render.fields import Leaf, changed, created, folded, told
from reconciler.render.fitting import Fitted, Part, fit
from reconciler.render.layout import GroupPart, facts_of, tenants
from reconciler.render.markup import at_line, cut
from reconciler.render.terminal import LABEL
from reconciler.render.text import columns, plural, quoted, safe, safe_address
from reconciler.render.words import PLANNED

SHELL: Final = 120
"""Characters that a section takes besides its entries, at most."""

ROOM: Final = 120
"""Columns of a field's value, and of a note: beyond them a reader would have to scroll sideways."""

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
    actions: frozenset[Action]
    is_folded: bool = True


REMOVALS: Final = Kind("Removals", "removals", frozenset({Action.DELETE, Action.REPLACE}), is_folded=False)
ADDITIONS: Final = Kind("Additions", "additions", frozenset({Action.CREATE}))
CHANGES: Final = Kind("Changes", "changes", frozenset({Action.UPDATE}))
LOCKFILE: Final = Kind("Only in the lockfile", "entries of the lockfile", frozenset({Action.ADOPT, Action.FORGET}))
LEFT: Final = Kind("Left alone, because not in the configuration", "members left alone", frozenset())
KINDS: Final = (REMOVALS, ADDITIONS, CHANGES, LOCKFILE, LEFT)
BY_WEIGHT: Final = (REMOVALS, CHANGES, ADDITIONS, LOCKFILE, LEFT)
"""Who comes first gets room first, so that what a reviewer must not miss is cut last."""


class Section(NamedTuple):
    """What is shown of some things of one kind, how many that are, and how many there are."""

    text: str
    shown: int
    total: int
    word: str

    @property
    def missing(self) -> str:
        """What to tell of a section that was cut; empty if it was not."""
        return f"{self.total - self.shown:,} of {self.total:,} {self.word}" if self.shown < self.total else ""


def changes(plan: Plan, room: int) -> tuple[Section, ...]:
    """All changes within so many characters, one section a kind; those without any are left out."""
    found = {}
    totals = {kind: sum(plan.counts[action] for action in kind.actions) for kind in KINDS}
    totals[LEFT] = sum(map(len, plan.left.values()))
    room -= SHELL * sum(map(bool, totals.values()))
    for kind in BY_WEIGHT:
        if totals[kind]:
            fitted = fit(_left(plan) if kind is LEFT else _groups(plan, kind), room)
            room = fitted.room
            found[kind] = Section(_block(kind, fitted, totals[kind]), fitted.shown, totals[kind], kind.word)
    return tuple(found[kind] for kind in KINDS if kind in found)


def _block(kind: Kind, fitted: Fitted, total: int) -> str:
    title = f"{kind.title} ({total:,}{f', {fitted.shown:,} shown' if fitted.shown < total else ''})"
    if not fitted.shown:
        return f"\n**{title}**\n"
    text = fitted.text.removeprefix("\n")
    block = f"\n```diff\n{text}```\n"
    if kind.is_folded:
        return f"\n<details><summary><b>{title}</b></summary>\n{block}\n</details>\n"
    return f"\n#### {title}\n{block}"


def _groups(plan: Plan, kind: Kind) -> Iterator[Part]:
    for tenant in tenants(plan, kind.actions):
        for group in tenant.groups:
            items = [group.definition] if group.definition else []
            items += [change for _, members in group.members for change in members]
            if items:
                yield Part(items, _entry, partial(_heading, tenant.name, group), _more)


def _left(plan: Plan) -> Iterator[Part]:
    for group, users in sorted(plan.left.items()):
        yield Part(users, partial(_member, group), str, _more)


def _member(group: str, user: str) -> str:
    return f"{INDENT}{safe_address(f'{group}/{user}')}\n"


def _more(hidden: int) -> str:
    return f"{INDENT}... and {hidden:,} more\n"


def _heading(tenant: str, group: GroupPart) -> str:
    """A group as the heading of a hunk, which is what a diff has between its parts."""
    said = [_address(f"{tenant}/{group.id}")]
    if group.touched:
        said += [cut(quoted(group.touched.name), NAME)] if group.touched.name else []
        said += [facts_of(group.touched, backwards=False)]
    return f"\n@@ {'  '.join(said)} @@\n"


def _entry(change: Change) -> str:
    """The line that tools read, coloured by its sign; why, from where and for what; and what differs."""
    phrase = PLANNED.phrases[change.action]
    place = cut(at_line(change.source), ROOM)
    note = f"({cut(safe(change.note), ROOM)})" if change.note else ""
    lines = [f"{SIGNS[change.action]} # {_address(change.address)} {phrase.says}"]
    lines += [INDENT + "  ".join(filter(None, (change.reason.value, place, note)))]
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
