"""Lists of members in files of their own (``membersFrom``): which groups name them, and who is in them.

A list adds nothing to what the file that names it may do, so ownership does not speak of lists: who names a list trusts
whoever can write it.
"""

import stat
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Final

from reconciler.config.events import Unreadable
from reconciler.config.files import checked, contents, place, real
from reconciler.config.list_csv import read_csv
from reconciler.config.list_json import read_json
from reconciler.config.list_lines import read_lines
from reconciler.config.listed import Collector, Listed, listed_twice
from reconciler.config.nodes import Map, Members, Node, maps, text
from reconciler.config.roster import zone_of
from reconciler.config.values import LIST_ENDINGS
from reconciler.diagnostics import Diagnostic

_FORMATS: Final[Mapping[str, Callable[[str, Collector], None]]] = {
    ".csv": read_csv,
    ".json": read_json,
    ".txt": read_lines,
}
_NUL: Final = b"\0"

Lists = Mapping[int, Listed]
"""The members of each list, by the identity of the node that names it: one place may name a list for each tenant."""


def read_lists(roots: Mapping[Path, Node], problems: list[Diagnostic], edited: Mapping[Path, bytes]) -> Lists:
    """All lists that groups name, each read once in the time zone of the file that names it.

    ``edited`` is what some are about to say instead.
    """
    drafts = {real(path): data for path, data in edited.items()}
    named: dict[int, Listed] = {}
    known: dict[tuple[Path, tzinfo], Listed] = {}
    for root in roots.values():
        zone = zone_of(root) if isinstance(root, Map) else UTC
        for group, node, said in _naming(root):
            path = Path(node.source.path).parent / said
            if obstacle := _obstacle(path):
                remedy = "a path starts at this file's folder"
                problems.append(Diagnostic(f"the list `{said}` {obstacle}", node.source, remedy))
                continue
            key = real(path), zone
            if key not in known:
                known[key] = _read(path, zone, problems, drafts.get(key[0]))
            named[id(node)] = known[key]
            problems += _twice(group.get("members"), known[key])
    return named


def _naming(root: Node) -> Iterator[tuple[Map, Node, str]]:
    """The groups of a file that name a list, and the name; one of an unknown format is left to the schema."""
    for tenant in maps(root, "tenants"):
        for group in maps(tenant, "groups"):
            node = group.get("membersFrom")
            if node and (said := text(node)) and said.endswith(LIST_ENDINGS):
                yield group, node, said


def _obstacle(path: Path) -> str:
    """Why a path can't be read, if that can be told: a pipe is refused before it is opened and waited for."""
    try:
        return "" if stat.S_ISREG(path.stat().st_mode) else "is not a regular file"
    except FileNotFoundError:
        return "does not exist"
    except (OSError, ValueError) as error:
        return f"can't be read: {error.strerror if isinstance(error, OSError) else error}"


def _read(path: Path, zone: tzinfo, problems: list[Diagnostic], draft: bytes | None) -> Listed:
    """A list's members; what is wrong beyond reading further ends it, after what came before."""
    collector = Collector(str(path), zone, problems)
    try:
        _FORMATS[path.suffix](_text(path, contents(path) if draft is None else checked(path, draft)), collector)
    except Unreadable as end:
        problems.append(end.diagnostic)
    return collector.finish()


def _text(path: Path, data: bytes) -> str:
    """The file's text with line breaks of one kind: lines are counted as editors do."""
    if (at := data.find(_NUL)) >= 0:
        raise Unreadable(Diagnostic("this is not text: a byte is 0", place(path, data, at), "save the file as UTF-8"))
    said = data.decode()
    return said.replace("\r\n", "\n").replace("\r", "\n") if "\r" in said else said


def _twice(members: Node | None, listed: Listed) -> Iterator[Diagnostic]:
    """Who stands in the group's ``members`` and in its list."""
    for name, first in members.sources.items() if isinstance(members, Members) else ():
        if again := listed.place_of(name):
            yield listed_twice(name, again, first)
