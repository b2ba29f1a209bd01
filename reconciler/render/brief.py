"""The changes of a group in few words: who, by what happens and why, where a line of its own for each is too much.

What gets lost is each one's own line and note; who it is, what happens and why stays.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from reconciler.core.plan import Action, Change, Reason
from reconciler.diagnostics import Source
from reconciler.render.layout import GroupPart
from reconciler.render.markup import cut
from reconciler.render.naming import member, nickname
from reconciler.render.text import columns, number, plural, safe

LONGEST_NAME: Final = 80
LONGEST_NICKNAME: Final = 40
GAP: Final = "  "


class Row(NamedTuple):
    """One line of names, and the line above it if it is the first for its reason."""

    sign: str
    says: str
    names: str
    size: int


def rows(part: GroupPart, phrase: Callable[[Action], tuple[str, str]], room: int) -> list[Change | Row]:
    """The definition's change as it is, then the members by action and reason, one of a kind in full.

    ``phrase`` gives an action's sign and words.
    """
    found: list[Change | Row] = [part.definition] if part.definition else []
    for action, changes in part.members:
        sign, says = phrase(action)
        by_reason: defaultdict[Reason, list[Change]] = defaultdict(list)
        for change in changes:
            by_reason[change.reason].append(change)
        for reason, together in by_reason.items():
            said = f"{plural(len(together), 'membership')} {says}: {reason.value}  {_places(together, room)}".rstrip()
            names = [_named(change) for change in together]
            found += together if len(together) == 1 else table(names, room, sign, said)
    return found


def table(names: Sequence[str], room: int, sign: str = "", says: str = "") -> list[Row]:
    """Names in columns, each as :func:`single` writes it."""
    widest = max(map(columns, names), default=0)
    each = max(1, room // (widest + len(GAP)))
    lines = [names[start : start + each] for start in range(0, len(names), each)]
    return [Row(sign, "" if at else says, GAP.join(line), len(line)) for at, line in enumerate(lines)]


def single(name: str) -> str:
    """A safe name for a table: one with a space in it stands in quotes, so that it is not read as two."""
    return cut(f'"{name}"' if " " in name else name, LONGEST_NAME)


def _named(change: Change) -> str:
    name = nickname(change)
    return single(member(change)) + (f" ({cut(name, LONGEST_NICKNAME)})" if name else "")


def _places(changes: Sequence[Change], room: int) -> str:
    """The lines that asked for them, from the first to the last where they are in one file."""
    sources = [change.source for change in changes if change.source and change.source.path]
    paths = {source.path for source in sources}
    if len(paths) > 1:
        return f"{number(len(paths))} files"
    return cut("".join(_span(sources)), room)


def _span(sources: Sequence[Source]) -> Iterator[str]:
    if sources:
        first, last = (bound(source.line for source in sources) for bound in (min, max))
        yield safe(f"{sources[0].path}:{first}")
        yield f"-{last}" if last > first else ""
