"""A list of members as plain text: an id or e-mail a line, with comments."""

import re
from typing import Final

from reconciler.config.listed import Collector
from reconciler.diagnostics import Source

_BLANKS: Final = " \t"
_COMMENT: Final = re.compile(rf"(^|[{_BLANKS}])#.*")


def read_lines(text: str, collector: Collector) -> None:
    """Take the members of a text file; what follows a blank and a ``#`` is for readers, as in YAML."""
    path = collector.path
    for number, line in enumerate(text.split("\n"), 1):
        said = _COMMENT.sub("", line) if "#" in line else line
        if name := said.strip(_BLANKS):
            column = 1 + len(said) - len(said.lstrip(_BLANKS))
            collector.name(name, tuple.__new__(Source, (path, number, column)))
