"""A list of members in JSON, with the place of every entry and value: what programs write.

The standard library checks the form and says what is wrong with it; it keeps no places, so the tokens of the text,
which is good by then, are read once more.
"""

import json
import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from reconciler.config.events import Unreadable
from reconciler.config.listed import COLUMNS, Collector
from reconciler.config.wording import suggestion
from reconciler.diagnostics import Diagnostic, Source

_TOKEN: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{}]|[^\s\[\]{},:"]++')
_HALF: Final = re.compile("[\ud800-\udfff]")
_KINDS: Final = {"[": "a list", "{": "an object", "t": "true", "f": "false", "n": "nothing", '"': "text"}
_BREAK: Final = re.compile("\n")
_QUOTES: Final = "put it in quotes, so that it stays as it is written"
_FORM: Final = 'write a list of ids and e-mails in quotes, or of objects such as `{"id": …, "until": …}`'

_Token = re.Match[str]


def read_json(text: str, collector: Collector) -> None:
    """Take the members of a JSON file: a list of texts and objects."""
    _check(text, collector.path)
    _Reader(text, collector).read()


def _check(text: str, path: str) -> None:
    try:
        # Numbers stay text: a long one would be another error than a wrong form.
        json.loads(text, parse_int=str, parse_float=str)
    except json.JSONDecodeError as error:
        place = Source(path, error.lineno, error.colno)
        raise Unreadable(Diagnostic(f"this is not valid JSON: {error.msg}", place)) from error
    except RecursionError as error:
        raise Unreadable(Diagnostic("this is nested too deeply", Source(path, 1, 1), _FORM)) from error


class _Reader:
    """Reads good JSON token by token, without commas and colons; places are made when asked."""

    def __init__(self, text: str, collector: Collector) -> None:
        self.collector = collector
        self.tokens: Iterator[_Token] = _TOKEN.finditer(text)
        self.breaks = [-1, *(found.start() for found in _BREAK.finditer(text))]

    def read(self) -> None:
        """Take everybody."""
        first = next(self.tokens)
        if first[0] != "[":
            raise Unreadable(Diagnostic(f"this must be a list, not {_kind(first)}", self.place(first), _FORM))
        for token in self.tokens:
            if token[0][0] == '"':
                self.collector.name(self._text(token), self.place(token))
            elif token[0] == "{":
                self._object(token)
            elif token[0] != "]":
                message = f"an entry must be text or an object, not {_kind(token)}"
                self.collector.complain(message, self.place(token), _FORM)
                self._pass_over(token)

    def place(self, token: _Token) -> Source:
        """Where a token starts."""
        line = bisect_left(self.breaks, token.start())
        return tuple.__new__(Source, (self.collector.path, line, token.start() - self.breaks[line - 1]))

    def _object(self, start: _Token) -> None:
        row: dict[str, str] = {}
        places: dict[str, _Token] = {}
        is_good = True
        while (key := next(self.tokens))[0] != "}":
            name, value = self._text(key), next(self.tokens)
            if name not in COLUMNS:
                remedy = suggestion(name.casefold(), COLUMNS)
                self.collector.complain(f"unknown key `{name}`", self.place(key), remedy)
                self._pass_over(value)
            elif name in places:
                first = ("first here", self.place(places[name]))
                self.collector.complain(
                    f"the key `{name}` stands here twice", self.place(key), "keep one of them", first
                )
                self._pass_over(value)
            elif (said := self._value(name, value)) is not None:
                row[name], places[name] = said, value
                continue
            is_good = False
        if is_good:
            self.collector.row(row, lambda column: self.place(places.get(column, start)))

    def _value(self, name: str, token: _Token) -> str | None:
        """What a key's value says, nothing for null; None if it is no text, which is complained about."""
        if token[0][0] == '"':
            return self._text(token)
        if token[0] == "null":
            return ""
        self.collector.complain(f"`{name}` must be text, not {_kind(token)}", self.place(token), _QUOTES)
        self._pass_over(token)
        return None

    def _text(self, token: _Token) -> str:
        """A text without its quotes; half characters go, with a complaint, because nothing can write them."""
        if "\\" not in token[0]:
            return token[0][1:-1]
        said: str = json.loads(token[0])
        if half := _HALF.search(said):
            message = f"U+{ord(half[0]):04X} is half of a character"
            self.collector.complain(message, self.place(token), "write the whole character")
        return _HALF.sub("\N{REPLACEMENT CHARACTER}", said)

    def _pass_over(self, token: _Token) -> None:
        """Leave the list or object that a token opens."""
        depth: int = token[0] in "[{"
        while depth:
            following = next(self.tokens)[0]
            depth += (following in "[{") - (following in "]}")


def _kind(token: _Token) -> str:
    return _KINDS.get(token[0][0], "a number")
