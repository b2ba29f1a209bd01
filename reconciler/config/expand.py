"""Templates, defaults, tenants that share an entry, and variables: files to files that say the same without them.

What comes from a template or a default keeps its own place there, and the place leads on to the group that uses it, so
that a message shows both. Everything after this knows only plain tenants and groups.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reconciler.config.members import filled
from reconciler.config.nodes import Entry, Map, Members, Node, Scalar, Seq, Trail, scalars, text, traced
from reconciler.config.templates import Entries, flattened, unknown
from reconciler.config.variables import Variables
from reconciler.core.model import FIELD_NAMES
from reconciler.diagnostics import Diagnostic

_DEFINITION: Final = [name for name in FIELD_NAMES if name != "name"]


def expand(roots: Mapping[Path, Node], variables: Variables, problems: list[Diagnostic]) -> dict[Path, Node]:
    """The files with each tenant by itself, each group whole, and each text filled in.

    Groups whose template is missing are left out, because all that could be said about them rests on it.
    """
    templates = flattened(roots.values(), problems)
    return {
        path: _Expansion(variables, templates, root.get("defaults"), problems).file(root)
        if isinstance(root, Map)
        else root
        for path, root in roots.items()
    }


@dataclass(frozen=True, slots=True)
class _Expansion:
    """One file's: what its groups can take over."""

    variables: Variables
    templates: "Mapping[str, Entries | None]"
    defaults: Node | None
    problems: list[Diagnostic]

    def file(self, root: Map) -> Map:
        tenants = root.entries.get("tenants")
        if tenants is None or not isinstance(tenants.node, Seq):
            return root
        items = [each for item in tenants.node.items for each in self._tenants(item)]
        return Map({**root.entries, "tenants": Entry(tenants.key, Seq(items, tenants.node.source))}, root.source)

    def _tenants(self, item: Node) -> Iterator[Node]:
        if not isinstance(item, Map):
            yield item
            return
        named = item.entries.get("tenant")
        for name in scalars(named.node) if named else [Scalar("", item.source)]:
            here = _Filling(self.variables, text(name) or "", self.problems)
            entries = {key: Entry(entry.key, self._value(key, entry.node, here)) for key, entry in item.entries.items()}
            yield Map(entries | ({"tenant": Entry(named.key, name)} if named else {}), item.source)

    def _value(self, key: str, node: Node, here: "_Filling") -> Node:
        if key in {"tenant", "vars"}:
            return node
        if key != "groups" or not isinstance(node, Seq):
            return here.node(node)
        groups = (self._group(item, here) if isinstance(item, Map) else here.node(item) for item in node.items)
        return Seq([group for group in groups if group is not None], node.source)

    def _group(self, group: Map, here: "_Filling") -> Node | None:
        template = self._template(group)
        if template is None:
            return None
        lent = _Filling(here.variables, here.tenant, self.problems, (("used by this group", group.source),))
        own = {key: entry for key, entry in group.entries.items() if key != "extends"}
        taken = {key: entry for key, entry in template.items() if key not in group.entries}
        entries = lent.entries(taken) | here.entries(own)
        defaults = self.defaults.entries if isinstance(self.defaults, Map) else {}
        keys = [key for key in ("membership", *(_DEFINITION if "name" in entries else ())) if key not in entries]
        return Map(entries | lent.entries({key: defaults[key] for key in keys if key in defaults}), group.source)

    def _template(self, group: Map) -> Entries | None:
        """What the group takes over; None if that can't be told."""
        if (said := group.get("extends")) is None:
            return {}
        name = text(said)
        if name is not None and name not in self.templates:
            self.problems.append(unknown(name, said.source, self.templates))
        return self.templates.get(name or "")


@dataclass(frozen=True, slots=True)
class _Filling:
    """Copies nodes for a tenant, with its values in their texts; ``trail`` tells how they come to where they go."""

    variables: Variables
    tenant: str
    problems: list[Diagnostic]
    trail: Trail = ()

    def node(self, node: Node) -> Node:
        match node:
            case Scalar():
                return self.variables.fill(node, self.tenant, self.trail)
            case Seq():
                return Seq([self.node(item) for item in node.items], traced(node.source, self.trail))
            case Map():
                return Map(self.entries(node.entries), traced(node.source, self.trail))
            case Members():
                return filled(node, self.node, self.problems)

    def entries(self, entries: Entries) -> dict[str, Entry]:
        return {key: Entry(traced(entry.key, self.trail), self.node(entry.node)) for key, entry in entries.items()}
