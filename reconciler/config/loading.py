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
from reconciler.config.expand import expand
from reconciler.config.files import checked, find, read
from reconciler.config.lists import read_lists
from reconciler.config.members import read_members
from reconciler.config.nodes import Entry, Map, Node, Scalar, Seq, maps, plain, text
from reconciler.config.ownership import trespasses
from reconciler.config.resolve import contradictions, desired
from reconciler.config.roster import roster
from reconciler.config.roster_rules import misnamed
from reconciler.config.rules import tenants_once, violations
from reconciler.config.syntax import explain
from reconciler.config.values import LIST_ENDINGS
from reconciler.config.variables import NOTHING_GIVEN, Given, Value, Variables, set_all
from reconciler.config.wording import explained, objections, objections_to_filled
from reconciler.core.model import Desired
from reconciler.diagnostics import ConfigurationError, Diagnostic, Severity, Source

_GROUP: Final = Shape({"members": Shape(sequence=read_members), "mixins": Shape(typed=True)})
_TENANT: Final = Shape({"groups": Shape(items=_GROUP)})
_FILE: Final = Shape({"tenants": Shape(items=_TENANT), "templates": Shape(values=_GROUP), "defaults": _GROUP})


@dataclass(frozen=True)
class Loaded:
    """The configuration: what is desired, the files that say so, and the policy's files and folders.

    ``given`` are the variables that it was read with, so that an edit is judged with the same; ``audit`` is the URL of
    the audit file, or :data:`BESIDE`, if there is to be one.
    """

    desired: Desired
    files: tuple[Path, ...]
    warnings: tuple[Diagnostic, ...]
    policy: tuple[Path, ...] = ()
    given: Given = NOTHING_GIVEN
    audit: str | None = None


@dataclass(frozen=True)
class Places:
    """What a configuration says of places: the URLs of lockfile and audit file, and the policy's files and folders.

    Instead of a URL, ``audit`` may be :data:`BESIDE`.
    """

    state: str | None = None
    policy: tuple[Path, ...] = ()
    audit: str | None = None


Edited = Mapping[Path, bytes]
"""What files are about to say instead, so that an edit is judged before it is written."""


def load(
    paths: Sequence[Path], given: Given = NOTHING_GIVEN, edited: Edited | None = None, *, growing: bool = False
) -> Loaded:
    """Read files and folders as one configuration. Raises ConfigurationError with every problem of every file.

    ``edited`` may name files that are about to be there. A ``growing`` configuration may have no tenants yet.
    """
    problems: list[Diagnostic] = []
    files = find([path for path in paths if path not in (edited or {}) or path.exists()], problems)
    files += tuple(path for path in edited or {} if path not in files and path.suffix not in LIST_ENDINGS)
    with _garbage_collector_off():
        written = _read_all(files, problems, edited or {})
        roots = _expanded(written, given, problems)
        problems += violations(list(roots.values()))
        mappings = [root for root in roots.values() if isinstance(root, Map)]
        names = roster(mappings)
        problems += misnamed(mappings, names)
        problems += trespasses(roots)
        lists = read_lists(roots, problems, edited or {})
        state, audit = (_place(roots, key, problems) for key in _PLACES)
        policy = _policy(roots, problems)
        problems += () if growing else _nothing(files, roots, problems)
        _refuse(_in_order(problems, (*files, *given.files)))
        found = desired(mappings, state, lists, names)
        problems += contradictions(found)
        told = _in_order(problems, (*files, *given.files))
        _refuse(told)
        return Loaded(found, files, tuple(told), policy, given, audit)


def places_of(paths: Sequence[Path]) -> Places:
    """Where a configuration keeps its lockfile and its policy, whatever its groups and variables say.

    Who may name these places is checked all the same: whoever can change one file must not lead a run elsewhere.
    """
    problems: list[Diagnostic] = []
    files = find(paths, problems)
    with _garbage_collector_off():
        roots = _read_all(files, problems, {})
    problems += trespasses({file: _without_tenants(root) for file, root in roots.items()})
    state, audit = (_place(roots, key, problems) for key in _PLACES)
    found = Places(state, _policy(roots, problems), audit)
    _refuse(_in_order(problems, files))
    return found


def _without_tenants(root: Node) -> Node:
    """The file's own part: which groups its tenants have can't be told before templates and variables are known."""
    if not isinstance(root, Map):
        return root
    return Map({key: entry for key, entry in root.entries.items() if key != "tenants"}, root.source)


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


def rules_of(paths: Sequence[Path]) -> Places:
    """The policy and the audit file that a configuration names, without reading more of it than that needs.

    A saved plan is applied without its configuration, which may have moved on, but not without these.
    """
    problems: list[Diagnostic] = []
    files = find(paths, problems)
    with _garbage_collector_off():
        is_named = any(_names_rules(file) for file in files)
    return places_of(paths) if problems or is_named else Places()


_RULES: Final = ("policy", "audit")


def _names_rules(file: Path) -> bool:
    """Whether a file has one of the keys; one that can't be read may have it.

    They are written with their letters or with escapes, so that a file that has neither need not be parsed.
    """
    try:
        data = read(file)
        if not any(part in data for part in (b"\\", *(key.encode() for key in _RULES))):
            return False
        root = _document(file, data, [])
    except Unreadable:
        return True
    return isinstance(root, Map) and any(key in root.entries for key in _RULES)


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


def _read_all(files: Iterable[Path], problems: list[Diagnostic], edited: Edited) -> dict[Path, Node]:
    return {file: root for file in files if (root := _read(file, problems, edited.get(file))) is not None}


def _expanded(written: Mapping[Path, Node], given: Given, problems: list[Diagnostic]) -> dict[Path, Node]:
    """The files without templates and variables; what those made of them is checked if all was good before."""
    well_formed = not _any_error(problems)
    variables = Variables(problems)
    for file in given.files:
        if (root := _read_variables(file, problems)) is not None:
            set_all(variables.given, root, problems)
    variables.given |= {name: Value(said) for name, said in given.values.items()}
    for root in written.values():
        problems += tenants_once(root)
        variables.learn(root)
    roots = expand(written, variables, problems)
    for root in roots.values() if well_formed and variables.filled else ():
        if tenants := root.get("tenants") if isinstance(root, Map) else None:
            problems += objections_to_filled(tenants)
    if not _any_error(problems):
        problems += variables.unused()
    return roots


def _read_variables(file: Path, problems: list[Diagnostic]) -> Node | None:
    """A file of variables: one mapping, as under `vars`."""
    try:
        node = _document(file, read(file), problems)
    except Unreadable as end:
        problems.append(end.diagnostic)
        return None
    if node is not None:
        root = Map({"vars": Entry(node.source, node)}, node.source)
        problems += objections(root, plain(root))
    return node


def _document(file: Path, data: bytes, problems: list[Diagnostic]) -> Node | None:
    events = Events(str(file), data, problems)
    try:
        return Reader(events).document(_FILE)
    except (yaml.reader.ReaderError, yaml.MarkedYAMLError) as error:
        raise Unreadable(explain(str(file), data, error)) from error


_PLACES: Final = {"state": "the lockfile", "audit": "the audit file"}
"""What has a URL, by its key."""


def _place(roots: Mapping[Path, Node], key: str, problems: list[Diagnostic]) -> str | None:
    """The URL of a place, which all files that name one have to agree on."""
    first: tuple[str, Source] | None = None
    for file, root in roots.items():
        part = root.get(key) if isinstance(root, Map) else None
        node = part.get("url") if isinstance(part, Map) else part
        if node is None or (said := text(node)) is None:
            continue
        url = _absolute(said, file) if isinstance(part, Map) else said
        first = first or (url, node.source)
        if url != first[0]:
            problems.append(
                Diagnostic(
                    f"two files name different places for {_PLACES[key]}",
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
    if _any_error(problems):
        return
    if not any(True for root in roots.values() for _ in maps(root, "tenants")):
        place = Source(str(files[0]), 1, 1) if files else None
        yield Diagnostic(
            "the configuration has no tenants", place, "add `tenants:`, or let `reconciler init` write them"
        )


def _any_error(problems: Iterable[Diagnostic]) -> bool:
    return any(problem.severity is Severity.ERROR for problem in problems)


def _in_order(problems: Iterable[Diagnostic], files: Sequence[Path]) -> list[Diagnostic]:
    """Problems by file, line and column, lists last, each once: what aliases or templates bring in twice is one."""
    ranks = {str(file): rank for rank, file in enumerate(files)}

    def rank(problem: Diagnostic) -> tuple[int, Source]:
        source = problem.source
        return (ranks.get(source.path, len(ranks)), source) if source else (-1, Source("", 0, 0))

    return sorted(explained(problems), key=rank)


def _refuse(problems: Sequence[Diagnostic]) -> None:
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if errors:
        places = {problem.source.path if problem.source else problem.message for problem in errors}
        raise ConfigurationError(
            f"{_counted(len(errors), 'problem')} in {_counted(len(places), 'file')}", diagnostics=problems
        )


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
