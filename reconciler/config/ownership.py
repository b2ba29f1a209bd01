"""Who may touch what: the rule list that says which files may have entries for which groups.

Whoever can change one file must gain nothing beyond what its rule grants: so what is not known to be
harmless is refused, and the list stands in one file, which is trusted because changing it means changing the rules.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from reconciler.config.nodes import Map, Node, Seq, maps, text
from reconciler.config.rules import identity_of
from reconciler.config.values import SETTINGS
from reconciler.diagnostics import Diagnostic, Source

EVERY: Final = "*"
_ITS_OWN: Final = frozenset({"defaults", "tenants", "timezone"})
_HARMLESS: Final = frozenset({"tenant", "groups"})
_OUTSIDE: Final = ".."


@dataclass(frozen=True, slots=True)
class _Rule:
    """What the files that it fits may touch and set; ``source`` is where the rule stands, or the list if none fits."""

    source: Source
    files: str = ""
    may: tuple[tuple[str, str], ...] = ()
    settings: frozenset[str] = frozenset()

    def knows(self, tenant: str) -> bool:
        """Whether there is anything in the tenant that may be touched."""
        return any(fnmatchcase(tenant, pattern) for pattern, _ in self.may)

    def allows(self, tenant: str, group: str | None) -> bool:
        """Whether the group may be touched; None is any group of the tenant."""
        return any(
            fnmatchcase(tenant, one) and (not other.strip(EVERY) if group is None else fnmatchcase(group, other))
            for one, other in self.may
        )


def trespasses(roots: Mapping[Path, Node]) -> Iterator[Diagnostic]:
    """What files say that they may not; nothing where no file states ownership."""
    stated = {file: root for file, root in roots.items() if isinstance(root, Map) and "ownership" in root.entries}
    if not stated:
        return
    (home, list_), *others = ((file, root.entries["ownership"]) for file, root in stated.items())
    for _, other in others:
        yield Diagnostic(
            "a second file states `ownership`",
            other.key,
            "keep the list in one file: otherwise each could grant itself what the other denies",
            (("the other is here", list_.key),),
        )
    rules = list(_rules(stated[home]))
    for file, root in roots.items():
        if file not in stated and isinstance(root, Map):
            names = _names(file, home)
            mine = dict.fromkeys(_rule_of(name, rules) or _Rule(list_.key) for name in names)
            for rule in mine:
                yield from _beyond(root, rule)


def _rules(root: Map) -> Iterator[_Rule]:
    for rule in maps(root, "ownership"):
        yield _Rule(
            rule.source,
            text(rule.get("files")) or "",
            tuple((one, other) for one, _, other in (said.partition("/") for said in _texts(rule.get("may")))),
            frozenset(_texts(rule.get("settings"))),
        )


def _texts(node: Node | None) -> Iterator[str]:
    for item in node.items if isinstance(node, Seq) else ():
        if said := text(item):
            yield said


def _names(file: Path, home: Path) -> tuple[str, ...]:
    """The file's path from the list's folder, as it is named and as it really is.

    Both must be allowed: a link in a trusted folder to somebody's file does not make that file trusted.
    """
    named = os.path.relpath(file.absolute(), home.absolute().parent)
    real = os.path.relpath(file.resolve(), home.resolve().parent)
    return tuple(dict.fromkeys(Path(each).as_posix() for each in (named, real)))


def _rule_of(name: str, rules: Iterable[_Rule]) -> _Rule | None:
    """The first rule that fits: read from the top, as people read, with "everything else" at the end."""
    return next((rule for rule in rules if fits(name.split("/"), rule.files.split("/"))), None)


def fits(path: list[str], pattern: list[str]) -> bool:
    """Whether a pattern fits a path segment by segment; ``**`` is any number of segments, none leads out by itself."""
    if not pattern or not path:
        return not path and all(part == "**" for part in pattern)
    if pattern[0] == "**":
        return fits(path, pattern[1:]) or (path[0] != _OUTSIDE and fits(path[1:], pattern))
    if path[0] == _OUTSIDE or pattern[0] == _OUTSIDE:
        return path[0] == pattern[0] and fits(path[1:], pattern[1:])
    return fnmatchcase(path[0], pattern[0]) and fits(path[1:], pattern[1:])


def _beyond(root: Map, rule: _Rule) -> Iterator[Diagnostic]:
    for key, entry in root.entries.items():
        if key not in _ITS_OWN and key not in rule.settings:
            remedy = f"add `{key}` to the rule's `settings`" if key in SETTINGS else "say it in the list's own file"
            yield _refused(f"this file may not state `{key}`", entry.key, rule, remedy)
    for tenant in maps(root, "tenants"):
        if (name := text(tenant.get("tenant"))) is not None:
            yield from _beyond_in(name, tenant, rule)


def _beyond_in(name: str, tenant: Map, rule: _Rule) -> Iterator[Diagnostic]:
    if not rule.knows(name):
        yield _refused(f"this file may not touch the tenant {name}", tenant.source, rule)
        return
    for key, entry in tenant.entries.items():
        allowed = key in _HARMLESS or (key in rule.settings if key in SETTINGS else rule.allows(name, None))
        if not allowed:
            remedy = (
                f"add `{key}` to the rule's `settings`" if key in SETTINGS else f"add `{name}/*` to the rule's `may`"
            )
            yield _refused(f"this file may not state `{key}` for the tenant {name}", entry.key, rule, remedy)
    for group in maps(tenant, "groups"):
        identity = identity_of(group)
        if isinstance(identity, str) and not rule.allows(name, identity):
            yield _refused(f"this file may not touch {name}/{identity}", group.source, rule)
        elif not isinstance(identity, str) and not rule.allows(name, None):
            yield _refused(
                f"this file may touch only some groups of {name}, and what `match` finds can't be told here",
                group.source,
                rule,
                f"give the group's id (`match: {{id: …}}`), or add `{name}/*` to the rule's `may`",
            )


def _refused(message: str, source: Source, rule: _Rule, remedy: str = "") -> Diagnostic:
    told = "this is its rule" if rule.files else "no rule here fits this file"
    remedy = remedy or "move the entry to a file that may, or widen the rule's `may`"
    return Diagnostic(message, source, remedy, ((told, rule.source),))
