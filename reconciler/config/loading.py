"""All files of the configuration, read and checked together: one run shows every problem."""

import gc
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from reconciler.config.document import Reader, Shape
from reconciler.config.events import Events, Unreadable
from reconciler.config.files import checked, find, read
from reconciler.config.lists import read_lists
from reconciler.config.members import read_members
from reconciler.config.nodes import Map, Node, Scalar, Seq, maps, plain, text
from reconciler.config.ownership import trespasses
from reconciler.config.resolve import contradictions, desired
from reconciler.config.roster_rules import misnamed
from reconciler.config.rules import violations
from reconciler.config.syntax import explain
from reconciler.config.wording import objections
from reconciler.core.model import Desired
from reconciler.diagnostics import ConfigurationError, Diagnostic, Severity, Source

_GROUP: Final = Shape({"members": Shape(sequence=read_members), "mixins": Shape(typed=True)})
_TENANT: Final = Shape({"groups": Shape(items=_GROUP)})
_FILE: Final = Shape({"tenants": Shape(items=_TENANT)})


@dataclass(frozen=True)
class Loaded:
    """The configuration: what is desired, the files that say so, and the policy's files and folders."""

    desired: Desired
    files: tuple[Path, ...]
    warnings: tuple[Diagnostic, ...]
    policy: tuple[Path, ...] = ()


def load(paths: Sequence[Path], edited: Mapping[Path, bytes] | None = None, *, growing: bool = False) -> Loaded:
    """Read files and folders as one configuration. Raises ConfigurationError with every problem of every file.

    ``edited`` has what some of the files are about to say instead, and what files that are about to be there will say,
    so that an edit is judged before it is written. A ``growing`` configuration may have no tenants yet.
    """
    problems: list[Diagnostic] = []
    files = find([path for path in paths if path not in (edited or {}) or path.exists()], problems)
    files += tuple(path for path in edited or {} if path not in files)
    with _garbage_collector_off():
        roots = {file: root for file in files if (root := _read(file, problems, (edited or {}).get(file))) is not None}
        problems += violations(list(roots.values()))
        problems += misnamed(list(roots.values()))
        problems += trespasses(roots)
        lists = read_lists(roots, problems)
        state = _state(roots, problems)
        policy = _policy(roots, problems)
        problems += () if growing else _nothing(files, roots, problems)
        problems = _in_order(problems, files)
        _refuse(problems)
        found = desired([root for root in roots.values() if isinstance(root, Map)], state, lists)
        problems = _in_order((*problems, *contradictions(found)), files)
        _refuse(problems)
        return Loaded(found, files, tuple(problems), policy)


def readable(paths: Sequence[Path]) -> tuple[Path, ...]:
    """The files that paths name, all of them well-formed; raises ConfigurationError. What they say is not judged."""
    problems: list[Diagnostic] = []
    files = find(paths, problems)
    for file in files:
        try:
            _document(file, read(file), problems)
        except Unreadable as end:
            problems.append(end.diagnostic)
    _refuse(problems)
    return files


def policy_of(paths: Sequence[Path]) -> tuple[Path, ...]:
    """The policy that a configuration names, without reading more of it than that needs.

    A saved plan is applied without its configuration, which may have moved on, but not without its policy.
    """
    problems: list[Diagnostic] = []
    files = find(paths, problems)
    with _garbage_collector_off():
        is_named = any(_names_policy(file) for file in files)
    return load(paths).policy if problems or is_named else ()


def _names_policy(file: Path) -> bool:
    """Whether a file has the key; one that can't be read may have it.

    It is written with its letters or with escapes, so that a file that has neither need not be parsed.
    """
    try:
        data = read(file)
        if not any(part in data for part in (b"policy", b"\\")):
            return False
        root = _document(file, data, [])
    except Unreadable:
        return True
    return isinstance(root, Map) and "policy" in root.entries


@contextmanager
def _garbage_collector_off() -> Iterator[None]:
    """The collector would walk a million positions again and again and find nothing, as none of them is in a cycle.

    With it, long member lists take about twice the time (PERFORMANCE, "YAML").
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _read(file: Path, problems: list[Diagnostic], edited: bytes | None) -> Node | None:
    """A file's document with its form checked; None if there is nothing in it that could be checked."""
    try:
        root = _document(file, read(file) if edited is None else checked(file, edited), problems)
    except Unreadable as end:
        problems.append(end.diagnostic)
        return None
    if root is None or root == Scalar(None, root.source):
        empty = Diagnostic("this file is empty", Source(str(file), 1, 1), severity=Severity.WARNING)
        problems.append(empty)
        return None
    problems += objections(root, plain(root))
    return root


def _document(file: Path, data: bytes, problems: list[Diagnostic]) -> Node | None:
    events = Events(str(file), data, problems)
    try:
        return Reader(events).document(_FILE)
    except (yaml.reader.ReaderError, yaml.MarkedYAMLError) as error:
        raise Unreadable(explain(str(file), data, error)) from error


def _state(roots: Mapping[Path, Node], problems: list[Diagnostic]) -> str | None:
    """The lockfile's URL, which all files that name one have to agree on."""
    first: tuple[str, Source] | None = None
    for file, root in roots.items():
        part = root.get("state") if isinstance(root, Map) else None
        node = part.get("url") if isinstance(part, Map) else None
        if node is None or (said := text(node)) is None:
            continue
        url = _absolute(said, file)
        first = first or (url, node.source)
        if url != first[0]:
            problems.append(
                Diagnostic(
                    "two files name different places for the lockfile",
                    node.source,
                    "name it in one file only",
                    (("the other is here", first[1]),),
                )
            )
    return first[0] if first else None


def _policy(roots: Mapping[Path, Node], problems: list[Diagnostic]) -> tuple[Path, ...]:
    """The policy of all files together; one that is missing is a problem where it is named."""
    found: dict[Path, None] = {}
    for file, root in roots.items():
        named = root.get("policy") if isinstance(root, Map) else None
        for node in named.items if isinstance(named, Seq) else ():
            if said := text(node):
                path = file.parent / said
                found[path] = None
                if not (path.is_file() or path.is_dir()):
                    problems.append(
                        Diagnostic(
                            f"the policy `{said}` does not exist", node.source, "a path starts at this file's folder"
                        )
                    )
    return tuple(found)


_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")


def _absolute(url: str, file: Path) -> str:
    """The URL with a relative path made absolute, because it starts at the file that says it."""
    path = url.removeprefix("file:")
    if path.startswith("/") or (path == url and _SCHEME.match(url)):
        return url
    return f"file:{(file.parent / path).absolute()}"


def _nothing(files: Sequence[Path], roots: Mapping[Path, Node], problems: Sequence[Diagnostic]) -> Iterator[Diagnostic]:
    """A configuration without tenants, unless something worse was found: an empty wish must never look like success."""
    if any(problem.severity is Severity.ERROR for problem in problems):
        return
    if not any(True for root in roots.values() for _ in maps(root, "tenants")):
        place = Source(str(files[0]), 1, 1) if files else None
        yield Diagnostic(
            "the configuration has no tenants", place, "add `tenants:`, or let `reconciler init` write them"
        )


def _in_order(problems: Iterable[Diagnostic], files: Sequence[Path]) -> list[Diagnostic]:
    """Problems by file, line and column, lists last, each once: what aliases bring in twice is one problem."""
    ranks = {str(file): rank for rank, file in enumerate(files)}

    def rank(problem: Diagnostic) -> tuple[int, Source]:
        source = problem.source
        return (ranks.get(source.path, len(ranks)), source) if source else (-1, Source("", 0, 0))

    return sorted(dict.fromkeys(problems), key=rank)


def _refuse(problems: Sequence[Diagnostic]) -> None:
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if errors:
        places = {problem.source.path if problem.source else problem.message for problem in errors}
        raise ConfigurationError(
            f"{_counted(len(errors), 'problem')} in {_counted(len(places), 'file')}", diagnostics=problems
        )


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
