"""``${tenant}`` and ``${var.NAME}`` in texts: what they mean for each tenant, and the texts that come of it.

Nothing comes from the environment: what a configuration means must be told by its files and its command line.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, NamedTuple

from reconciler.config.nodes import Map, Node, Scalar, Trail, maps, scalars, text, traced
from reconciler.config.values import MARK
from reconciler.diagnostics import Diagnostic, Source

_PLACE: Final = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
_PREFIX: Final = "var."
_FORMS: Final = "write `${tenant}`, `${var.NAME}`, or `$${` for the text `${`"


@dataclass(frozen=True, slots=True)
class Given:
    """Variables of the command line, which win over those of the configuration: single ones, and files of them."""

    values: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()


NOTHING_GIVEN: Final = Given()


class Value(NamedTuple):
    """A variable's text, and where it was set; nowhere if on the command line."""

    text: str
    source: Source | None = None


def literal(data: Any) -> Any:
    """Data as a file has to say it, so that nothing in its texts is taken for a variable."""
    match data:
        case str():
            return data.replace("${", "$${")
        case dict():
            return {key: literal(value) for key, value in data.items()}
        case list() | tuple():
            return [literal(item) for item in data]
        case _:
            return data


Values = dict[str, Value]


@dataclass(slots=True)
class Variables:
    """What the variables mean: in general, for a tenant, and by the command line, each winning over those before.

    What can't be filled in is noted in ``problems``; ``filled`` counts the texts that were, and ``wanted`` has the
    variables that they name.
    """

    problems: list[Diagnostic]
    given: Values = field(default_factory=dict)
    general: Values = field(default_factory=dict)
    tenants: dict[str, Values] = field(default_factory=dict)
    wanted: set[str] = field(default_factory=set)
    filled: int = 0

    def learn(self, root: Node) -> None:
        """Take the variables that a file sets in general and for its tenants."""
        if isinstance(root, Map):
            set_all(self.general, root.get("vars"), self.problems)
        for tenant in maps(root, "tenants"):
            for name in map(text, scalars(tenant.get("tenant"))):
                set_all(self.tenants.setdefault(name or "", {}), tenant.get("vars"), self.problems)

    def fill(self, scalar: Scalar, tenant: str, trail: Trail) -> Scalar:
        """A text with the tenant's values in it; its place then leads to where they are set as well."""
        source, said = traced(scalar.source, trail), text(scalar)
        if said is None or MARK not in said:
            return Scalar(scalar.value, source, scalar.broken)
        self.filled += 1
        values = {found[0]: self._value(found, tenant, source) for found in _PLACE.finditer(said)}
        known = {place: value for place, value in values.items() if value is not None}
        if len(known) < len(values):
            return Scalar(None, source, broken=True)
        set_at = tuple((f"`{place}` is set here", value.source) for place, value in known.items() if value.source)
        return Scalar(_PLACE.sub(lambda found: known[found[0]].text, said), traced(scalar.source, (*trail, *set_at)))

    def unused(self) -> Iterator[Diagnostic]:
        """Variables of the command line that nothing knows: most likely a slip, which must not pass silently."""
        known = self.wanted.union(self.general, *self.tenants.values())
        for name, value in self.given.items():
            if value.source is None and name not in known:
                yield Diagnostic(f"`--var {name}=…`: no text has `${{var.{name}}}` in it", remedy=_meant(name, known))

    def _value(self, found: re.Match[str], tenant: str, source: Source) -> Value | None:
        whole, name = found[0], found[1]
        if name is None:
            return Value(MARK)
        if name == "tenant" and found[2]:
            return Value(tenant)
        if name.startswith(_PREFIX) and name != _PREFIX and found[2]:
            return self._variable(name.removeprefix(_PREFIX), tenant, source)
        message = f"`{whole}` means nothing" if found[2] else f"`{whole}` has no `}}`"
        options = {"tenant": "tenant"} | {known: f"{_PREFIX}{known}" for known in self._visible(tenant)}
        close = get_close_matches(name, options, n=1, cutoff=0.6) if found[2] else []
        remedy = f"did you mean `${{{options[close[0]]}}}`?" if close else _FORMS
        self.problems.append(Diagnostic(message, source, remedy))
        return None

    def _variable(self, name: str, tenant: str, source: Source) -> Value | None:
        self.wanted.add(name)
        visible = self._visible(tenant)
        if name in visible:
            return visible[name]
        for other, known in self.tenants.items():
            if name in known and (place := known[name].source):
                message, remedy = f"the variable `{name}` is not set for {tenant}", "set it for this tenant as well"
                related = ((f"it is set for {other} here", place),)
                self.problems.append(Diagnostic(message, source, remedy, related))
                return None
        remedy = _meant(name, visible) or f"set it under `vars`, or with `--var {name}=…`"
        self.problems.append(Diagnostic(f"the variable `{name}` is not set", source, remedy))
        return None

    def _visible(self, tenant: str) -> Mapping[str, Value]:
        return {**self.general, **self.tenants.get(tenant, {}), **self.given}


def set_all(values: Values, node: Node | None, problems: list[Diagnostic]) -> None:
    """Add what a mapping sets; what is set already may be set again only to the same."""
    for name, entry in node.entries.items() if isinstance(node, Map) else ():
        said = text(entry.node)
        first = values.setdefault(name, Value(said or "", entry.node.source))
        if said is not None and first.text != said and first.source:
            related = (("the other is here", first.source),)
            problems.append(
                Diagnostic(f"the variable `{name}` is set twice, and differently", entry.key, "keep one", related)
            )


def _meant(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean `{close[0]}`?" if close else ""
