"""What the models object to, in the words and with the places of the file."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel, ValidationError

from reconciler.config.nodes import Entry, Map, Node, Scalar, Traced, described, locate, plain, text
from reconciler.config.schema import FilePart
from reconciler.config.values import LIST, MAPPING, MARK, TEXT
from reconciler.diagnostics import Diagnostic, Source

_EXPECTED: Final = {"list_type": "a list", "model_type": "a mapping", "dict_type": "a mapping"}
_KEY: Final = "[key]"
_FILLED: Final = frozenset({"tenants", "templates", "defaults"})
_AS_WRITTEN: Final = (["tenants", "tenant"], ["tenants", "vars"])

Location = Sequence[str | int]
Said = tuple[str, str]


def objections(root: Node, data: Any) -> Iterator[Diagnostic]:
    """What is wrong with a file's data as a whole, and with each of its keys and values.

    What a broken node would add is left out, and so is a missing key that is there misspelt: both were said already.
    Texts that are still to be filled in are judged once they are.
    """
    yield from _objections(root, data, whole=False)


def objections_to_filled(tenants: Node) -> Iterator[Diagnostic]:
    """What is wrong with a file's tenants now that their texts are filled in."""
    root = Map({"tenants": Entry(tenants.source, tenants)}, tenants.source)
    yield from _objections(root, plain(root), whole=True)


def _objections(root: Node, data: Any, *, whole: bool) -> Iterator[Diagnostic]:
    try:
        FilePart.model_validate(data)
    except ValidationError as failure:
        for error in failure.errors(include_url=False):
            if (whole or not _is_unfilled(root, error)) and (found := _diagnostic(root, error)):
                yield found


def suggestion(word: str, known: Sequence[str]) -> str:
    """What an unknown word was probably meant to be, or else all that is known."""
    close = nearest(word, known)
    return f"did you mean `{close}`?" if close else f"known here: {_listed(known)}"


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The known word that an unknown one was probably meant to be, if there is one."""
    return next(iter(_close(word, known)), None)


def _is_unfilled(root: Node, error: Mapping[str, Any]) -> bool:
    """Whether an error is about the value of a text that is to be filled in, and so not about what it will be."""
    location = [part for part in error["loc"] if isinstance(part, str)]
    if error["type"] not in {"rule", "enum"} or location[-1] == _KEY or location[0] not in _FILLED:
        return False
    said = text(locate(root, error["loc"])[0])
    return said is not None and MARK in said and location[:2] not in _AS_WRITTEN


def explained(problems: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Each problem once, with what leads to its place: of several groups that use a template, the first is shown."""
    trails: dict[Diagnostic, dict[str, list[Source]]] = {}
    for problem in problems:
        trail = trails.setdefault(problem, {})
        for told, source in problem.source.trail if isinstance(problem.source, Traced) else ():
            if source not in trail.setdefault(told, []):
                trail[told].append(source)
    for problem, trail in trails.items():
        related = ((f"{told}, and {len(more)} more" if more else told, first) for told, (first, *more) in trail.items())
        yield replace(problem, related=tuple(dict.fromkeys((*problem.related, *related)))) if trail else problem


def misspelt(node: Map, part: type[BaseModel]) -> frozenset[str]:
    """The keys that the unknown keys of a mapping were probably meant to be."""
    known = _keys(part)
    return frozenset(meant for key in node.entries if key not in known for meant in _close(key, known))


def _diagnostic(root: Node, error: Mapping[str, Any]) -> Diagnostic | None:
    location: Location = [part for part in error["loc"] if part not in {TEXT, MAPPING, LIST}]
    node, source = locate(root, location)
    if isinstance(node, Scalar) and node.broken:
        return None
    match error["type"]:
        case "extra_forbidden":
            return _unknown(root, location)
        case "missing":
            return _missing(node, source, location)
        case "enum":
            message, remedy = _choice(_subject(location), error["input"], error["ctx"]["expected"])
        case "rule" | "never":
            message, remedy = f"{_subject(location)} {error['ctx']['predicate']}", error["ctx"]["remedy"]
        case other:
            message, remedy = f"{_subject(location)} must be {_EXPECTED[other]}, not {described(error['input'])}", ""
    return Diagnostic(message, _key_place(root, location) or source, remedy)


def _unknown(root: Node, location: Location) -> Diagnostic:
    *parent, key = location
    node, source = locate(root, parent)
    part = _part(parent)
    remedy = suggestion(str(key), _keys(part))
    place = node.entries[str(key)].key if isinstance(node, Map) else source
    return Diagnostic(f"unknown key `{key}` in {_subject(parent)}", place, remedy)


def _missing(node: Node, source: Source, location: Location) -> Diagnostic | None:
    *parent, key = location
    part = _part(parent)
    if isinstance(node, Map) and key in misspelt(node, part):
        return None
    return Diagnostic(f"`{key}` is missing in {_subject(parent)}", source, f"add `{key}: …`")


def _choice(subject: str, given: Any, expected: str) -> Said:
    choices = re.findall("'(.+?)'", expected)
    if not isinstance(given, str):
        return f"{subject} must be {_listed(choices, 'or')}, not {described(given)}", ""
    close = [choice for choice in choices if choice.lower() == given.lower()] or _close(given, choices)
    remedy = f"did you mean `{close[0]}`?" if close else f"write {_listed(choices, 'or')}"
    return f"{subject} can't be `{given}`", remedy


def _subject(location: Location) -> str:
    """What a message is about: the key of a value, or the list that an entry stands in."""
    if not location:
        return "the file"
    last = location[-1]
    if last == _KEY:
        return f"the key `{location[-2]}`"
    if isinstance(last, int):
        return f"an entry of `{next(part for part in reversed(location) if isinstance(part, str))}`"
    return f"`{last}`"


def _key_place(root: Node, location: Location) -> Source | None:
    """The place of a key, if the key itself is what is wrong."""
    if not location or location[-1] != _KEY:
        return None
    node, _ = locate(root, location[:-2])
    return node.entries[str(location[-2])].key if isinstance(node, Map) else None


def _part(location: Location) -> type[BaseModel]:
    """The model that describes the mapping at a location."""
    annotation: Any = FilePart
    for key in location:
        if isinstance(key, int):
            continue
        if (value := _value_type(annotation)) is not None:
            annotation = value
        else:
            fields = {field.alias: field.annotation for field in next(_models(annotation)).model_fields.values()}
            annotation = fields[key]
    return next(_models(annotation))


def _value_type(annotation: Any) -> Any:
    """What stands behind each key of a mapping with keys of the author's own; None for any other annotation."""
    if get_origin(annotation) is dict:
        return get_args(annotation)[1]
    inner = get_args(annotation) if get_origin(annotation) is not list else ()
    return next((value for each in inner if (value := _value_type(each)) is not None), None)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _keys(part: type[BaseModel]) -> list[str]:
    """The keys that a mapping can have; those that are known only to be refused would mislead."""
    return [field.alias or name for name, field in part.model_fields.items() if field.annotation is not Any]


def _close(word: str, possible: Sequence[str]) -> list[str]:
    return get_close_matches(word, possible, n=1, cutoff=0.6)


def _listed(words: Sequence[str], conjunction: str = "and") -> str:
    quoted = [f"`{word}`" for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} {conjunction} {quoted[-1]}"
