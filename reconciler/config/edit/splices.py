"""Edits of lists and mappings as splices of the text: an entry comes or goes, and every other byte stays.

::

    file = Text(path.read_bytes())
    list_ = group.get("members")                                   # a Piece of file.root
    data = file.changed(append(file, list_, ["00u…", mapping_of({"id": "00u…", "reason": "OPS-42"})]))

Whoever writes the result loads it first (:class:`reconciler.config.edit.Edit`): a splice is good at the usual ways of
writing, and a file can be written in unusual ones.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import yaml

from reconciler.config.edit.pieces import SCALAR, Piece, pieces

BOM: Final = "\ufeff"
_BREAK: Final = re.compile("\r\n|\r|\n")
_GAP: Final = re.compile(r"(?:[ \t]|#[^\r\n]*|\r\n|\r|\n)*")
"""What may stand between two parts of a file: blanks, breaks and comments."""


@dataclass(frozen=True, slots=True)
class Splice:
    """``text[start:end]`` becomes ``new``."""

    start: int
    end: int
    new: str


@dataclass(slots=True)
class Text:
    """A file's text, without its byte order mark, and its pieces: a list (``membersFrom``) has lines only."""

    data: bytes
    is_list: bool = False
    text: str = field(init=False)
    root: Piece | None = field(init=False)
    newline: str = field(init=False)

    def __post_init__(self) -> None:
        self.text = self.data.decode().removeprefix(BOM)
        self.root = None if self.is_list else pieces(self.text)
        found = _BREAK.search(self.text)
        self.newline = found.group() if found else "\n"

    def changed(self, splices: Iterable[Splice]) -> bytes:
        """The file's bytes after all splices, which must not overlap."""
        mark = BOM if self.data.startswith(BOM.encode()) else ""
        return (mark + spliced(self.text, splices)).encode()

    def line_start(self, at: int) -> int:
        """Where the line of an offset begins."""
        return max(self.text.rfind("\n", 0, at), self.text.rfind("\r", 0, at)) + 1

    def line_end(self, at: int) -> int:
        """Where the line of an offset ends, before its break."""
        found = _BREAK.search(self.text, at)
        return found.start() if found else len(self.text)

    def after_break(self, at: int) -> int:
        """Where the next line begins; the end of the text if there is none."""
        found = _BREAK.search(self.text, at)
        return found.end() if found else len(self.text)

    def rest_is_blank(self, at: int) -> bool:
        """Whether only blanks and a comment follow on the line."""
        rest = self.text[at : self.line_end(at)]
        return not rest.strip() or (rest[0] in " \t" and rest.strip().startswith("#"))

    def starts_line(self, at: int) -> bool:
        """Whether only blanks stand before an offset on its line."""
        return not self.text[self.line_start(at) : at].strip()

    def content(self, at: int) -> int:
        """The next offset that is no blank, break or comment."""
        found = _GAP.match(self.text, at)
        return found.end() if found else at


def spliced(text: str, splices: Iterable[Splice]) -> str:
    """The text after all splices, which must not overlap; those at one place come in the order given."""
    parts, at = [], 0
    for splice in sorted(splices, key=lambda each: (each.start, each.end)):
        if splice.start < at:
            raise ValueError("two edits touch the same place")
        parts += [text[at : splice.start], splice.new]
        at = splice.end
    return "".join([*parts, text[at:]])


def written(value: str) -> str:
    """A text as it is written anywhere in YAML: plain if it reads back as itself, in quotes otherwise."""
    return value if _reads_back(value) else json.dumps(value, ensure_ascii=False)


def _reads_back(value: str) -> bool:
    try:
        root = pieces(f"- {{a: {value}, b: c}}\n- {value}\n")
    except (yaml.YAMLError, UnicodeEncodeError):
        return False
    if root is None or len(root.items) != 2 or len(root.items[0].pairs) != 2:
        return False
    found = (root.items[0].get("a"), root.items[1])
    return all(
        each is not None and each.kind == SCALAR and not each.anchored and each.value == value
        and each.end - each.start == len(value)
        for each in found
    )  # fmt: skip


def mapping_of(values: Mapping[str, str]) -> str:
    """A mapping on one line, such as ``{id: 00u…, reason: OPS-42}``."""
    return "{" + ", ".join(f"{key}: {written(value)}" for key, value in values.items()) + "}"


def append(file: Text, list_: Piece, items: Sequence[str]) -> list[Splice]:
    """Put items, written as YAML, at the end of a list that has items, or is written as ``[…]``.

    An item of several lines, such as a group, comes without indentation, and only into a block list.
    """
    if list_.flow:
        return _append_flow(file, list_, items)
    dash = dashes(file, list_)[-1]
    start = file.line_start(dash)
    lead = file.text[start:dash]
    gap = file.text[dash + 1 : list_.items[-1].start]
    between = gap if gap and not gap.strip(" ") else " "
    # An item that shares its line with the list's key or another dash can't lend its indentation.
    indent = lead if not lead.strip(" ") else " " * len(lead)
    deeper = "\n" + " " * (len(indent) + 1 + len(between))
    at = past_comments(file, list_.end, len(lead) + 2)
    return [_below(file, at, [f"{indent}-{between}{item}".replace("\n", deeper) for item in items])]


def _below(file: Text, at: int, lines: Sequence[str]) -> Splice:
    """New lines below the line of an offset: a splice that goes well with one that takes out that line."""
    start = file.after_break(at)
    new = file.newline.join("\n".join(lines).split("\n"))
    return Splice(start, start, file.newline + new if start == file.line_end(at) else new + file.newline)


def _append_flow(file: Text, part: Piece, items: Sequence[str]) -> list[Splice]:
    """Into ``[…]`` or ``{…}``: in the line, or on lines of their own if the last one there has its own."""
    close = part.end - 1
    inner = [*part.items, *(value for _, value in part.pairs)]
    if not inner:
        opened = _opening(file, part) + 1
        if not file.text[opened:close].strip(" \t"):
            return [Splice(opened, close, ", ".join(items))]
        return [Splice(close, close, ", ".join(items))]
    last = inner[-1]
    first = part.pairs[-1][0] if part.pairs else last
    trailing = _comma(file, last)
    if file.starts_line(first.start) and file.rest_is_blank((trailing or last.end - 1) + 1):
        lead = file.newline + file.text[file.line_start(first.start) : first.start]
        end = file.line_end(last.end if trailing is None else trailing)
        more = ",".join(lead + item for item in items) + ("" if trailing is None else ",")
        return [*([Splice(last.end, last.end, ",")] if trailing is None else []), Splice(end, end, more)]
    if trailing is not None:
        return [Splice(trailing + 1, trailing + 1, "".join(f" {item}," for item in items))]
    return [Splice(last.end, last.end, "".join(f", {item}" for item in items))]


def _opening(file: Text, part: Piece) -> int:
    """Where the ``[`` or ``{`` of a part stands: after its anchor, if it has one."""
    return file.content(_after_anchor(file, part))


def dashes(file: Text, list_: Piece) -> list[int]:
    """Where the dash of each item of a block list stands."""
    found, at = [], _after_anchor(file, list_)
    for item in list_.items:
        dash = file.content(at)
        found.append(dash)
        at = item.end
    return found


def remove(file: Text, list_: Piece, gone: Iterable[int], key: Piece) -> list[Splice]:
    """Take items out of a list, each with the comment on its line; ``key`` is the list's own key.

    A block list that loses all becomes ``[]``, because an empty one would be null.
    """
    places = sorted(set(gone))
    if list_.flow:
        return _remove_flow(file, list_.items, places)
    starts = dashes(file, list_)
    splices = without_lines(file, [(starts[place], list_.items[place].end) for place in places])
    if len(places) == len(list_.items):
        at = _after_anchor(file, list_) if list_.anchored else colon(file, key) + 1
        splices.append(Splice(at, at, " []"))
    return splices


def _after_anchor(file: Text, part: Piece) -> int:
    """Where a part begins that may have an anchor in front of it."""
    at = part.start
    while part.anchored and file.text[at] not in " \t\r\n":
        at += 1
    return at


def colon(file: Text, key: Piece) -> int:
    """Where the colon after a key stands."""
    return file.content(key.end)


def without_lines(file: Text, spans: Iterable[tuple[int, int]]) -> list[Splice]:
    """Take out all lines of each span; at the end of a text without a last break, the break before them instead."""
    splices: list[Splice] = []
    for start, end in spans:
        begin, stop = file.line_start(start), file.after_break(end)
        if splices and splices[-1].end == begin:
            begin = splices.pop().start
        splices.append(Splice(begin, stop, ""))
    last = splices[-1]
    if last.end == len(file.text) and last.start > 0 and file.line_end(last.end - 1) == last.end:
        width = 2 if file.text.endswith("\r\n", 0, last.start) else 1
        splices[-1] = Splice(last.start - width, last.end, "")
    return splices


def _remove_flow(file: Text, items: Sequence[Piece], places: Sequence[int]) -> list[Splice]:
    """Each item goes with the comma after it; if the list ends without a comma, so does what is left."""
    kept = max((place for place in range(len(items)) if place not in places), default=-1)
    splices = []
    if 0 <= kept < len(items) - 1 and _comma(file, items[-1]) is None:
        joint = _left(file, items[kept])
        splices.append(Splice(joint - 1, joint, ""))
    for place in places:
        item, comma = items[place], _comma(file, items[place])
        end = item.end if comma is None else comma + 1
        line = _from_line(file, item.start, end)
        at_end = 0 <= kept < place
        left = _left(file, items[place - 1]) if at_end else item.start
        start = item.start if file.text[left : item.start].strip(" \t") else left
        splices.append(line or Splice(start, end if at_end else _skip(file, end), ""))
    return splices


def _left(file: Text, item: Piece) -> int:
    """Where what follows an item that is not the last begins: after its comma."""
    return file.content(item.end) + 1


def _comma(file: Text, item: Piece) -> int | None:
    """Where the comma after an item of a flow list stands, if there is one."""
    at = file.content(item.end)
    return at if file.text[at] == "," else None


def _from_line(file: Text, start: int, end: int) -> Splice | None:
    """The whole line, if nothing else but a comment is on it."""
    if file.starts_line(start) and file.rest_is_blank(end):
        return Splice(file.line_start(start), file.after_break(end), "")
    return None


def _skip(file: Text, at: int) -> int:
    while file.text[at] in " \t":
        at += 1
    return at


def replace(part: Piece, new: str) -> Splice:
    """Write something else where a scalar, or anything in ``[…]`` or ``{…}``, stands."""
    return Splice(part.start, part.end, new)


def set_value(file: Text, key: Piece, value: Piece, new: str) -> Splice:
    """Give a key another value on its line; an empty value gets its blank."""
    if value.start == value.end:
        at = colon(file, key) + 1
        return Splice(at, at, f" {new}")
    return replace(value, new)


def insert(file: Text, mapping: Piece, key: str, value: str) -> list[Splice]:
    """Put a key, its value written as YAML, at the end of a mapping that lacks it.

    A block as the value starts with a line feed and is indented from the key on, and comes only into a block mapping.
    """
    if mapping.flow:
        return _append_flow(file, mapping, [f"{key}: {value}"])
    first = mapping.pairs[0][0]
    indent = " " * (first.column - 1)
    pair = f"{indent}{key}:{value}" if value.startswith("\n") else f"{indent}{key}: {value}"
    end = past_comments(file, mapping.end, first.column)
    return [_below(file, end, [pair.replace("\n", f"\n{indent}")])]


def past_comments(file: Text, at: int, column: int) -> int:
    """The end of the line, or of the last comment below it that begins in a column or after it: it belongs there."""
    end = file.line_end(at)
    while (start := file.after_break(end)) > end:
        line = file.text[start : file.line_end(start)]
        if not (line.strip().startswith("#") and len(line) - len(line.lstrip()) >= column - 1):
            break
        end = file.line_end(start)
    return end
