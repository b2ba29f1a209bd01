"""The changes of a page, tenant by tenant and group by group, in markup that stays compact for fifty thousand of them.

A group is a ``section``, each action in it a block with a heading, each change an ``li``. Long lists are cut into
lists of :data:`CHUNK`, because a browser leaves out the work on those that are not in view.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice, takewhile
from operator import eq
from typing import Final

from reconciler.core.effects import Effects
from reconciler.core.plan import Action, Change
from reconciler.render.fields import Leaf, changed, created, sides
from reconciler.render.html_effects import access
from reconciler.render.html_text import foreign, shown
from reconciler.render.layout import GroupPart, TenantPart, facts_of
from reconciler.render.naming import about, member, user
from reconciler.render.text import number, place, plural, quoted, safe_address
from reconciler.render.words import PLANNED

CHUNK: Final = 100
"""How many changes one list has: few enough to be drawn at once, enough to be few lists."""

SHORT: Final = 8
MIDDLE: Final = 40
"""Up to so many changes a group is short or middling: what the browser reckons with before it has drawn it."""

LONG: Final = 32
"""From so many characters on nobody sees at once what differs in two values."""


def tenant(part: TenantPart, number: int, at: datetime | None, effects: Effects) -> Iterator[str]:
    """One tenant with what its changes come to and its groups; ``number`` makes the names that the page itself uses.

    All is seen from the instant ``at``.
    """
    yield f'<section class="tenant" aria-labelledby="t{number}">'
    orphaned = ' <em class="note">no longer in the configuration</em>' if part.orphaned else ""
    yield f'<h2 id="t{number}"><small>Tenant</small> <span>{foreign(part.name)}</span></h2>'
    yield f'<p class="tally">{tallied(part.counts)}{orphaned}</p>'
    yield from access(effects)
    for group in part.groups:
        yield from _group(group, at)
    yield "</section>"


def tallied(counts: Mapping[Action, int]) -> str:
    """The numbers that are not zero, each with its colour."""
    return ", ".join(
        f'<b class="{word.rpartition(" ")[2]}">{number(count)} {word}</b>'
        for count, word in PLANNED.tally(counts)
        if count
    )


def _group(part: GroupPart, at: datetime | None) -> Iterator[str]:
    counts = _counts(part)
    yield f'<section class="group {_size(counts.total())}"><details open>'
    yield f"<summary>{_heading(part)} <span>{tallied(counts)}</span></summary>"
    if part.definition:
        yield from _definition(part.definition)
    for action, changes in part.members:
        yield from _members(action, changes, at)
    if part.left:
        yield from _left(part.left)
    yield "</details></section>"


def _counts(part: GroupPart) -> Counter[Action]:
    counts = Counter({action: len(changes) for action, changes in part.members})
    if part.definition:
        counts[part.definition.action] += 1
    return counts


def _size(count: int) -> str:
    return "short" if count <= SHORT else "middle" if count <= MIDDLE else "long"


def _heading(part: GroupPart) -> str:
    heading = f"<h3>{shown(safe_address(part.id))}</h3>"
    if part.touched is None:
        return heading
    name = f' <span class="name">{shown(quoted(part.touched.name))}</span>' if part.touched.name else ""
    return f"{heading}{name} <small>{facts_of(part.touched)}</small>"


def _members(action: Action, changes: Sequence[Change], at: datetime | None) -> Iterator[str]:
    phrase = PLANNED.phrases[action]
    told = f"{plural(len(changes), 'membership')} {phrase.says}"
    yield f'<div class="{action}"><h4><b>{phrase.sign}</b> {told}</h4>'
    remaining = iter(changes)
    while chunk := list(islice(remaining, CHUNK)):
        yield '<ul class="full">' if len(chunk) == CHUNK else "<ul>"
        for change in chunk:
            who = "".join(f" <small>{shown(known)}</small>" for known in about(change, at))
            yield f"<li><code>{shown(member(change))}</code> {_why(change)}{who}</li>"
        yield "</ul>"
    yield "</div>"


def _why(change: Change) -> str:
    """Why, what for and from where, on one line; the spaces are for whoever reads it without a style."""
    note = f" <q>{foreign(change.note)}</q>" if change.note else ""
    where = place(change.source)
    source = f" <samp>{shown(where)}</samp>" if where else ""
    return f"<i>{change.reason}</i>{note}{source}"


def _definition(change: Change) -> Iterator[str]:
    """What happens to the group itself, field by field where something in them changes."""
    phrase = PLANNED.phrases[change.action]
    yield f'<div class="{change.action} definition"><h4><b>{phrase.sign}</b> The group {phrase.says}</h4>'
    yield f"<ul><li>{_why(change)}"
    if change.action is Action.CREATE:
        yield from _fields(created(change.after or {}), "<th>Value</th>", has_before=False)
    elif change.action in {Action.UPDATE, Action.REPLACE}:
        yield from _fields(changed(change.before, change.after), "<th>Before</th><th>After</th>", has_before=True)
    yield "</li></ul></div>"


def _fields(leaves: Iterable[Leaf], titles: str, *, has_before: bool) -> Iterator[str]:
    found = list(leaves)
    if not found:
        return
    yield f"<table><thead><tr><th>Field</th>{titles}</tr></thead><tbody>"
    for leaf in found:
        before, after = sides(leaf)
        old = f"<td>{_value('del', before, after)}</td>" if has_before else ""
        yield f'<tr><th scope="row">{foreign(leaf.path)}</th>{old}<td>{_value("ins", after, before)}</td></tr>'
    yield "</tbody></table>"


def _value(element: str, text: str | None, other: str | None) -> str:
    """The value; the part in which a long one differs from one much like it is stressed, so that a reader finds it."""
    if text is None:
        return ""
    begin, end = _difference(text, other or "")
    if len(text) < LONG or not 0 < end - begin < len(text) / 2 or not text.isascii():
        return f"<{element}>{shown(text)}</{element}>"
    return f"<{element}>{shown(text[:begin])}<b>{shown(text[begin:end])}</b>{shown(text[end:])}</{element}>"


def _difference(text: str, other: str) -> tuple[int, int]:
    """Where the text begins to differ from the other, and where they are alike again up to their ends."""
    begin = _alike(text, other)
    return begin, len(text) - _alike(text[begin:][::-1], other[begin:][::-1])


def _alike(text: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    return sum(takewhile(bool, map(eq, text, other)))


def _left(users: Sequence[str]) -> Iterator[str]:
    """Foreign members of an additive group: nothing happens to them, and that is what is to be known."""
    yield f'<div class="left"><h4>{plural(len(users), "member")} left alone, not in the configuration</h4>'
    yield f"<p>{', '.join(f'<code>{shown(user(each))}</code>' for each in users)}</p></div>"
