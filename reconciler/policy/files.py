"""Files and folders to rule files, and what can be told of each without evaluating it.

The evaluator's own list of rules has no places, and a misspelt function in a branch that is not reached today would not
be noticed at all. So names are looked for in the text, with strings and comments blanked.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from reconciler.diagnostics import ConfigurationError, Diagnostic, Source

ENDING: Final = ".rego"

_NAME: Final = r"[A-Za-z_]\w*"
_OPAQUE: Final = re.compile(r'"(?:\\.|[^"\\\n])*"|`[^`]*`|#[^\n]*')
_ESCAPE: Final = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|.)")
_NOT_UNDONE: Final = frozenset("u/")
_PACKAGE: Final = re.compile(rf'^[ \t]*package[ \t]+({_NAME}(?:\.{_NAME}|\["[\w./-]+"\])*)', re.MULTILINE)
_RULE: Final = re.compile(r"^[ \t]*(?:default[ \t]+)?((?:deny|violation|warn)(?:_\w+)?)\b(?!\s*\()", re.MULTILINE)
_HEAD: Final = rf"(?:default[ \t]+)?({_NAME}(?:\.{_NAME})*)\("
_DEFINED: Final = re.compile(rf"^{_HEAD}|^[ \t]+{_HEAD}[^()\n]*\)\s*(?::=|=(?!=)|if\b|\{{)", re.MULTILINE)
_IMPORT: Final = re.compile(rf"^[ \t]*import[ \t]+(?:[\w.]+\.)?({_NAME})(?:[ \t]+as[ \t]+({_NAME}))?", re.MULTILINE)
_WORDS: Final = frozenset({"data", "else", "every", "if", "in", "input", "not", "print", "some", "with"})
"""What may stand before a parenthesis or a dot and is no function's name, and `print`, which says nothing."""

_CALL: Final = re.compile(rf"(?<![\w.])({_NAME}(?:\.{_NAME})*)\(")


@dataclass(frozen=True)
class RuleFile:
    """One file of rules: where it is and its text."""

    path: str
    text: str

    @cached_property
    def _bare(self) -> str:
        return _OPAQUE.sub(lambda found: _blank(found[0]), self.text)

    @cached_property
    def package(self) -> str:
        """The package's name, empty if the file has none."""
        found = _PACKAGE.search(self._bare)  # whose place is right, but whose strings are blank
        whole = _PACKAGE.match(self.text, found.start()) if found else None
        return whole[1] if whole else ""

    @cached_property
    def rules(self) -> dict[str, Source]:
        """The rules that judge, each with the place where it first stands."""
        return {found[1]: self.place(found.start(1)) for found in reversed([*_RULE.finditer(self._bare)])}

    @cached_property
    def functions(self) -> frozenset[str]:
        """The functions that the file defines, which begin a line; an indented line could be a call as well."""
        return frozenset(found[1] or found[2] for found in _DEFINED.finditer(self._bare))

    def calls(self) -> Iterator[tuple[str, Source]]:
        """What the file calls by a name that must be known everywhere: neither ``data.…`` nor something imported."""
        imported = {found[2] or found[1] for found in _IMPORT.finditer(self._bare)}
        for found in _CALL.finditer(self._bare):
            if found[1].split(".")[0] not in imported | _WORDS:
                yield found[1], self.place(found.start(1))

    def misread(self) -> Iterator[Diagnostic]:
        """Escapes that the interpreter does not undo before it compares: such a rule would silently never apply."""
        for literal in _OPAQUE.finditer(self.text):
            for found in _ESCAPE.finditer(literal[0]) if literal[0].startswith('"') else ():
                if found[0][1] in _NOT_UNDONE:
                    yield Diagnostic(
                        f"`{found[0]}` in a text is misread by the interpreter of Rego",
                        self.place(literal.start() + found.start()),
                        "write the character itself",
                    )

    def place(self, offset: int) -> Source:
        """Line and column of a character."""
        before = self.text[:offset]
        return Source(self.path, before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1)


def _blank(text: str) -> str:
    return "".join("\n" if character == "\n" else " " for character in text)


def find(paths: Iterable[Path]) -> tuple[RuleFile, ...]:
    """The rule files that paths name, each once; a folder's in alphabetical order, without tests (``*_test.rego``).

    Raises ConfigurationError with everything that can't be read: rules that are missing must not look like a yes.
    """
    problems: list[Diagnostic] = []
    found: dict[Path, RuleFile] = {}
    for path in paths:
        for file in _files(path, problems):
            if file.resolve() not in found and (read := _read(file, problems)):
                found[file.resolve()] = read
    if problems:
        raise ConfigurationError("the policy can't be read", diagnostics=problems)
    return tuple(found.values())


def _files(path: Path, problems: list[Diagnostic]) -> Sequence[Path]:
    if not path.is_dir():
        return [path]
    listed = sorted(file for file in path.rglob(f"*{ENDING}") if not file.name.endswith(f"_test{ENDING}"))
    if not listed:
        problems.append(Diagnostic(f"the folder `{path}` has no *{ENDING} file", remedy="name a folder with rules"))
    return listed


def _read(path: Path, problems: list[Diagnostic]) -> RuleFile | None:
    if {path.suffix, path.resolve().suffix} != {ENDING}:
        # The list comes from the change under review, and messages quote lines: of rules, never of any other file.
        problems.append(Diagnostic(f"`{path}` is no file of rules", remedy=f"its name has to end in {ENDING}"))
        return None
    try:
        if not path.is_file():
            raise FileNotFoundError(2, "there is no such file")
        file = RuleFile(str(path), path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n"))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        problems.append(Diagnostic(f"`{path}` can't be read: {why}", remedy="name a file of rules in Rego"))
        return None
    problems += file.misread()
    if not file.package:
        problems.append(Diagnostic("this file has no package", file.place(0), "begin it with `package main`"))
    return file
