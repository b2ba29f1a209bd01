"""One edit of several files: what it changes of the text, what it is to change of the meaning, and whether it does.

Nothing is written here. The edited files are loaded together first, and what they say then has to differ from before in
exactly what was wanted: an alias, a merge key or a list that is used twice must never change somebody else's access.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Final

from reconciler.config.dates import zone
from reconciler.config.edit.facts import Fact, facts
from reconciler.config.edit.foresight import Counted, coming_and_going, objections
from reconciler.config.edit.pieces import MAPPING, Piece
from reconciler.config.edit.splices import Splice, Text
from reconciler.config.loading import Loaded, load
from reconciler.config.values import LIST_ENDINGS
from reconciler.core.model import Desired
from reconciler.diagnostics import ConfigurationError, Severity, Source

MOST_TOLD: Final = 5


@dataclass(frozen=True, slots=True)
class Edited:
    """The files that change, each with its bytes before and after; and what there is to say about it.

    ``joined`` and ``left`` count members per ``(tenant, group)`` at the instant of the edit.
    """

    files: dict[Path, tuple[bytes, bytes]]
    told: tuple[str, ...]
    joined: Counted = field(default_factory=dict)
    left: Counted = field(default_factory=dict)


@dataclass(slots=True)
class Edit:
    """Collects splices, and the facts that they are to add and take away.

    ``allowed`` says of further facts whether they may change as well, where naming each would only repeat the rules
    that :mod:`reconciler.config.resolve` has. ``effect`` is the day to come from which on all of it holds, if any.
    """

    paths: Sequence[Path]
    loaded: Loaded
    at: datetime
    lost: set[Fact] = field(default_factory=set)
    gained: set[Fact] = field(default_factory=set)
    told: list[str] = field(default_factory=list)
    allowed: Callable[[Fact], bool] | None = None
    effect: datetime | None = None
    _texts: dict[str, Text] = field(default_factory=dict)
    _places: dict[str, dict[tuple[int, int], Piece]] = field(default_factory=dict)
    _splices: dict[str, list[Splice]] = field(default_factory=dict)

    @property
    def desired(self) -> Desired:
        """What the configuration says before the edit."""
        return self.loaded.desired

    def text(self, path: str) -> Text:
        """A file's text."""
        if path not in self._texts:
            self._texts[path] = Text(Path(path).read_bytes(), path.endswith(LIST_ENDINGS))
        return self._texts[path]

    def texts(self) -> Iterable[tuple[str, Text]]:
        """All files' texts, in their order."""
        return [(str(file), self.text(str(file))) for file in self.loaded.files]

    def teams(self) -> list[str]:
        """The names of all teams."""
        roots = [file.root for _, file in self.texts()]
        parts = [part for root in roots if root and (part := root.get("teams"))]
        return [name.value for part in parts for name, _ in part.pairs if name.value]

    def zone(self, path: str) -> tzinfo:
        """The time zone of a file."""
        root = self.text(path).root
        named = root.get("timezone") if root else None
        return (zone(named.value) if named and named.value else None) or UTC

    def mapping(self, source: Source) -> Piece:
        """The tenant or group that stands at a place."""
        if source.path not in self._places:
            self._places[source.path] = _places(self.text(source.path).root)
        found = self._places[source.path].get((source.line, source.column))
        if found is None:
            raise by_hand("this comes from an alias, so its text stands elsewhere too", source)
        return found

    def splice(self, path: str, splices: Iterable[Splice]) -> None:
        """Change a file's text; what several tenants share is changed once."""
        there = self._splices.setdefault(path, [])
        there += [splice for splice in splices if splice not in there]

    def done(self) -> Edited:
        """The files after the edit. Raises ConfigurationError if they would say anything else than was wanted."""
        after = {Path(path): self._changed(path, splices) for path, splices in self._splices.items()}
        files = {
            path: (self.text(str(path)).data, data) for path, data in after.items() if data != self.text(str(path)).data
        }
        if not files:
            return Edited({}, tuple(self.told))
        found = self._loaded(after).desired
        self._compare(facts(self.desired), facts(found))
        joined, left = coming_and_going(self.desired, found, self.at)
        then = max(self.at, self.effect or self.at)
        when = f" from {then:%Y-%m-%d %H:%M} UTC on" if then > self.at else ""
        objected = objections(self.desired, found, then, when)
        return Edited(files, (*self.told, *objected), joined, left)

    def _changed(self, path: str, splices: Iterable[Splice]) -> bytes:
        try:
            return self.text(path).changed(splices)
        except ValueError as error:
            raise ConfigurationError(f"nothing was written: {error} of {path}", remedy="edit it by hand") from error

    def _loaded(self, after: dict[Path, bytes]) -> Loaded:
        try:
            return load(self.paths, self.loaded.given, after)
        except ConfigurationError as error:
            wrong = [each for each in error.diagnostics if each.severity is Severity.ERROR]
            place = wrong[0].source
            where = f" ({place.path})" if place else ""
            raise ConfigurationError(
                f"nothing was written, because the edited configuration would be wrong: {wrong[0].message}{where}",
                remedy=wrong[0].remedy or "correct what was asked for, or edit the file by hand",
            ) from error

    def _compare(self, before: frozenset[Fact], after: frozenset[Fact]) -> None:
        lost, gained = before - after, after - before
        wrong = [fact for fact in (lost - self.lost) | (gained - self.gained) if not self._allows(fact)]
        wrong += ((self.lost - self.gained) & after) | (self.gained - after)
        if wrong:
            named = sorted({str(fact) for fact in wrong})
            more = f" and {len(named) - MOST_TOLD} more" if len(named) > MOST_TOLD else ""
            raise ConfigurationError(
                f"nothing was written, because the edit would change something else too: "
                f"{', '.join(named[:MOST_TOLD])}{more}",
                remedy="the lists are probably shared by an alias, a template, a file of members or several tenants:"
                f" edit {', '.join(dict.fromkeys(self._splices))} by hand",
            )

    def _allows(self, fact: Fact) -> bool:
        return self.allowed is not None and self.allowed(fact)


def _places(root: Piece | None) -> dict[tuple[int, int], Piece]:
    tenants = _items(root, "tenants")
    mappings = [*tenants, *(group for tenant in tenants for group in _items(tenant, "groups"))]
    return {(piece.line, piece.column): piece for piece in mappings}


def _items(piece: Piece | None, key: str) -> list[Piece]:
    listed = piece.get(key) if piece else None
    return [item for item in listed.items if item.kind == MAPPING] if listed else []


def by_hand(message: str, source: Source, remedy: str = "edit it by hand") -> ConfigurationError:
    """The refusal of an edit that has to be made in an editor."""
    return ConfigurationError(message, remedy=f"nothing was written: {remedy}", source=source)
