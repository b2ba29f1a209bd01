"""What the YAML parser objects to, in words that say what to do.

The parser names the token that it stumbled over; a reader wants to know what is usually wrong there.
"""

import re
from typing import Any, Final

import yaml

from reconciler.config.files import place
from reconciler.diagnostics import Diagnostic, Source

_TAB: Final = "indent with blanks: YAML allows no tab there"
_INDENT: Final = "look at the indentation here and above, and for a missing `:` or `- `"
_QUOTE: Final = "put the text in quotes if it has `: ` in it, otherwise look at the indentation"
_FILLED: Final = "put the text in quotes: between `{}` or `[]`, one with `${…}` needs them"
_NO_START: Final = "found character that cannot start any token"

_REMEDIES: Final = {
    "found a tab character that violates indentation": _TAB,
    "mapping values are not allowed in this context": _QUOTE,
    "did not find expected key": _INDENT,
    "did not find expected '-' indicator": _INDENT,
    "could not find expected ':'": _INDENT,
    "block sequence entries are not allowed in this context": _INDENT,
    "did not find expected <document start>": _INDENT,
    "did not find expected ',' or '}'": "close the `{`",
    "did not find expected ',' or ']'": "close the `[`",
    "found unexpected end of stream": "close the quotes",
    _NO_START: "put the text in quotes",
    "did not find expected alphabetic or numeric character": "put the text in quotes if it begins with `*` or `&`",
}

ParserError = yaml.reader.ReaderError | yaml.MarkedYAMLError
"""What the parser can raise: about characters, and about everything else."""


def explain(path: str, data: bytes, error: ParserError) -> Diagnostic:
    """The diagnostic for an error of the parser."""
    if isinstance(error, yaml.reader.ReaderError):
        source = place(path, data, error.position)
        return Diagnostic(f"the character U+{error.character:04X} is not allowed", source, "remove it")
    source = _source(path, error.problem_mark)
    line, at = _line(data, source), source.column - 1
    remedy = _REMEDIES.get(error.problem or "", "")
    if error.problem == _NO_START and line[at:].startswith("\t"):
        remedy = _TAB
    elif line[:at].endswith("$") and line[at:].startswith("{"):
        remedy = _FILLED
    begin = _source(path, error.context_mark) if error.context_mark else source
    related = () if begin == source else (("what it belongs to starts here", begin),)
    return Diagnostic(f"this is not valid YAML: {error.problem}", source, remedy, related)


def _source(path: str, mark: Any) -> Source:
    return Source(path, mark.line + 1, mark.column + 1)


def _line(data: bytes, source: Source) -> str:
    lines = re.split("\r\n|\r|\n", data.decode())
    return lines[source.line - 1] if source.line <= len(lines) else ""
