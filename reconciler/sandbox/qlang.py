"""The vendor's `q` language, read into conditions (spec: trait_q_query_param; standard practices: q-param).

`field:value` pairs separated by spaces, all of which must match. A value is a word, a "quoted string", a list
`(a,b)` or `in(a,b)`, a regex `~word` or `(~two words)`, `null`, `exists`, `missing`, or a comparison: `>=1`,
`(>="2021-05-18T07:27:27.455Z" AND <"2021-05-20T07:27:27.455Z")`.
"""

import re
from dataclasses import dataclass
from typing import Literal

from reconciler.sandbox.errors import Refusal, bad_request
from reconciler.sandbox.patterns import compiled

Operator = Literal["in", "regex", "null", "exists", "missing", "<", "<=", ">", ">="]

PRESENCE: dict[str, Operator] = {"null": "null", "exists": "exists", "missing": "missing"}
FIELD = re.compile(r"[A-Za-z_][\w-]*(?:\.[\w-]+)*")
WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s()"]+')
REGEX = re.compile(r'"(?:[^"\\]|\\.)*"|\S+')
ITEM = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^,"()]+)\s*')
COMPARISON = re.compile(r'\s*(>=|<=|>|<)\s*("(?:[^"\\]|\\.)*"|[^\s()"]+)\s*')


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that a document must satisfy; `values` are alternatives, empty for null and exists."""

    field: str
    operator: Operator
    values: tuple[str, ...] = ()


def malformed(detail: str) -> Refusal:
    """400 for a query that cannot be read, saying where."""
    return bad_request("Query parameter validation failed", detail)


def parse(text: str) -> list[Condition]:
    """All conditions of a query; a word without a field is refused, because it would match nothing safely."""
    conditions: list[Condition] = []
    rest = text.strip()
    while rest:
        field = FIELD.match(rest)
        if field is None or not rest.startswith(":", field.end()):
            raise malformed(f"Expected field:value at '{rest}'")
        found, rest = _value(field.group(), rest[field.end() + 1 :])
        conditions += found
        if rest and not rest[0].isspace():
            raise malformed(f"Expected a space before '{rest}'")
        rest = rest.lstrip()
    return conditions


def _value(field: str, text: str) -> tuple[list[Condition], str]:
    for opening in ("in(", "("):
        if text.startswith(opening):
            inner, rest = _bracketed(text[len(opening) :])
            return _inside(field, inner), rest
    if text.startswith("~"):
        word, rest = _word(field, text[1:], REGEX)
        return [_regex(field, word)], rest
    comparison = COMPARISON.match(text)
    if comparison is not None:
        return [_comparison(field, comparison)], text[comparison.end(2) :]
    word, rest = _word(field, text)
    presence = None if text.startswith('"') else PRESENCE.get(word)
    return [Condition(field, presence) if presence else Condition(field, "in", (word,))], rest


def _bracketed(text: str) -> tuple[str, str]:
    """Split at the closing bracket that is not inside quotes or inner brackets (a regex may have them)."""
    depth, quoted, escaped = 1, False, False
    for position, character in enumerate(text):
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == '"':
            quoted = not quoted
        elif not quoted:
            depth += {"(": 1, ")": -1}.get(character, 0)
            if depth == 0:
                return text[:position], text[position + 1 :]
    raise malformed(f"A bracket is not closed: '({text}'")


def _inside(field: str, inner: str) -> list[Condition]:
    if inner.startswith("~"):
        return [_regex(field, inner[1:])]
    if COMPARISON.match(inner):
        return [_range_end(field, part) for part in re.split(r"\s+AND\s+", inner)]
    values, position = [], 0
    while True:
        item = ITEM.match(inner, position)
        if item is None or not item.group(1).strip():
            raise malformed(f"'{field}' has an empty or broken list: '({inner})'")
        values.append(_unquoted(item.group(1).strip()))
        position = item.end()
        if position == len(inner):
            return [Condition(field, "in", tuple(values))]
        if inner[position] != ",":
            raise malformed(f"Expected a comma at '{inner[position:]}'")
        position += 1


def _range_end(field: str, text: str) -> Condition:
    comparison = COMPARISON.fullmatch(text)
    if comparison is None:
        raise malformed(f"Expected a comparison at '{text}'")
    return _comparison(field, comparison)


def _comparison(field: str, found: re.Match[str]) -> Condition:
    operator: Operator = found.group(1)  # type: ignore[assignment]
    return Condition(field, operator, (_unquoted(found.group(2)),))


def _regex(field: str, pattern: str) -> Condition:
    pattern = _unquoted(pattern)
    compiled(pattern)
    return Condition(field, "regex", (pattern,))


def _word(field: str, text: str, form: re.Pattern[str] = WORD) -> tuple[str, str]:
    word = form.match(text)
    if word is None:
        raise malformed(f"'{field}' has no value at '{text}'")
    return _unquoted(word.group()), text[word.end() :]


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text
