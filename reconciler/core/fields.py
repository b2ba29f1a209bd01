"""A group's definition: what it becomes when the managed fields are laid over the live ones, and what differs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.core.model import LOCALIZED, UNORDERED, Fields, normalise


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that changes: its dotted path, and its value before and after (None: not there)."""

    path: str
    before: Any
    after: Any


def needs_language(managed: Fields) -> bool:
    """Whether a text is given as a plain string, which only the tenant's default language gives a meaning."""
    return any(isinstance(managed.get(name), str) for name in LOCALIZED)


def overlay(managed: Fields, live: Fields, language: str | None) -> dict[str, Any]:
    """The whole definition to be sent: live values carried along, managed ones laid over them.

    The service's PUT replaces the document, so a field left out of the file must be sent as it is (DESIGN section 5). A
    plain string sets the text of the tenant's default language and leaves the other translations alone.
    """
    merged = dict(live)
    for name, value in managed.items():
        if name in LOCALIZED and isinstance(value, str):
            merged[name] = {**live.get(name, {}), language: value}
        else:
            merged[name] = value
    return normalise(merged)


def same(before: Any, after: Any) -> bool:
    """Whether two values are the same in a document, where ``1`` and ``true`` differ, which are equal to Python."""
    if isinstance(before, bool) or isinstance(after, bool):
        return before is after
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return before.keys() == after.keys() and all(same(value, after[name]) for name, value in before.items())
    if isinstance(before, list | tuple) and isinstance(after, list | tuple):
        return len(before) == len(after) and all(map(same, before, after))
    return bool(before == after)


def differences(before: Fields | None, after: Fields | None) -> list[Difference]:
    """What differs between two definitions, field by field, sorted by path and removals first.

    deepdiff looks into localized maps and mixins; it is imported here because it costs more to import than a whole plan
    of ten thousand members takes, and most plans change no definition (PERFORMANCE, "Start-up").
    """
    from deepdiff import DeepDiff

    found = DeepDiff(
        dict(before or {}), dict(after or {}), ignore_order_func=_is_set, view="tree", threshold_to_diff_deeper=0
    )
    told = list(_differences(found))
    return sorted([*told, *_untold(before or {}, after or {}, told)], key=_removals_first)


def _untold(before: Fields, after: Fields, told: list[Difference]) -> Iterator[Difference]:
    """Fields that differ though the comparison takes their parts for equal, such as a 1 for a true within a list."""
    roots = {difference.path.partition(".")[0] for difference in told}
    for name in {**before, **after}:
        if name not in roots and not same(before.get(name), after.get(name)):
            yield Difference(name, before.get(name), after.get(name))


def _is_set(level: Any) -> bool:
    """Whether a list is one whose order means nothing; in mixins it may."""
    path = level.path(output_format="list")
    return bool(path) and path[0] in UNORDERED


def _removals_first(difference: Difference) -> tuple[str, bool, str]:
    return difference.path, difference.after is not None, repr(difference.after)


def _differences(found: Mapping[str, Any]) -> Iterator[Difference]:
    for kind, levels in found.items():
        for level in levels:
            path = level.path(output_format="list")
            if kind.startswith("iterable_item"):
                path = path[:-1]
            gone = kind.endswith("_removed")
            new = kind.endswith("_added")
            yield Difference(".".join(map(str, path)), None if new else level.t1, None if gone else level.t2)
