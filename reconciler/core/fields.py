"""A group's definition: what it becomes when the managed fields are laid over the live ones, and what differs."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

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


def title(fields: Fields) -> str:
    """A group's name for readers, in English if there is one; empty if it has none."""
    given = fields.get("name") or ""
    if isinstance(given, str):
        return given
    return str(given.get("en") or next(iter(given.values()), ""))


GRANTED: Final = ("accessControls", "templates")


def takes_rights(before: Fields, after: Fields) -> bool:
    """Whether members of a group lose something by its new definition, though nobody is removed.

    Restrictions narrow what is granted, and a group without any is not narrowed; a company group's rights are those at
    its company (FACTS, "Scopes").
    """
    was, will = (set(fields.get("restrictions", ())) for fields in (before, after))
    is_narrowed = bool(will) and not (was and was <= will)
    is_elsewhere = bool(before.get("b2b")) and before["b2b"] != after.get("b2b")
    return is_narrowed or is_elsewhere or any(set(before.get(it, ())) - set(after.get(it, ())) for it in GRANTED)


def dotted(*parts: object) -> str:
    """The path of a value; a key that holds a dot or a quote stands in quotes, so that no two places share a path."""
    return ".".join(_key(str(part)) for part in parts)


def _key(part: str) -> str:
    is_plain = part and not {".", '"'} & set(part)
    return part if is_plain else json.dumps(part, ensure_ascii=False)


def differences(before: Fields | None, after: Fields | None) -> list[Difference]:
    """What differs between two definitions, field by field, sorted by path and removals first.

    deepdiff looks into localized maps and mixins; it is imported here because it costs more to import than a whole plan
    of ten thousand members takes, and most plans change no definition (PERFORMANCE, "Start-up").
    """
    from deepdiff import DeepDiff

    found = DeepDiff(
        _marked(before or {}), _marked(after or {}), ignore_order_func=_is_set, view="tree", threshold_to_diff_deeper=0
    )
    return sorted(_differences(found), key=_removals_first)


_MARKS: Final = {True: b"true", False: b"false"}
_TRUTHS: Final = {mark: truth for truth, mark in _MARKS.items()}


def _marked(value: Any) -> Any:
    """The value with truth values as bytes, which no document has: within lists deepdiff takes ``1`` for ``true``."""
    return _MARKS[value] if isinstance(value, bool) else _within(value, _marked)


def _unmarked(value: Any) -> Any:
    return _TRUTHS[value] if isinstance(value, bytes) else _within(value, _unmarked)


def _within(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, Mapping):
        return {key: change(part) for key, part in value.items()}
    return [change(part) for part in value] if isinstance(value, list | tuple) else value


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
            before, after = _unmarked(level.t1), _unmarked(level.t2)
            gone = kind.endswith("_removed")
            new = kind.endswith("_added")
            yield Difference(dotted(*path), None if new else before, None if gone else after)
