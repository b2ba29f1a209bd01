"""Rules asked about a plan: what they deny and warn of, as diagnostics that name the rule and its file."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import msgspec

from reconciler.core.plan import POLICY, Plan
from reconciler.diagnostics import ConfigurationError, Diagnostic, Severity, Source
from reconciler.extras import required
from reconciler.policy.files import RuleFile

EVALUATOR: Final = Path(__file__).with_name("evaluator.py")
WARNS: Final = "warn"
FORMS: Final = "rules give texts, or objects with `msg` and perhaps `address` and `remedy`"
FROM_THE_SYSTEM: Final = ("LD_LIBRARY_PATH", "SYSTEMROOT")
"""All that the evaluator's process gets of our environment: what the loader of libraries may need, and no secret."""

Rule = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say to a plan."""

    denials: tuple[Diagnostic, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()


TIME_VARIABLE: Final = "RECONCILER_POLICY_TIMEOUT"
"""The variable of the environment that says how long the rules may take."""

TIME: Final = 60.0
"""Seconds that the rules have by default: fifty thousand changes take a simple rule a few."""


def can_judge() -> bool:
    """Whether the interpreter is installed; to read rules it need not be."""
    try:
        import_module("regopy")
    except ImportError:
        return False
    return True


def judge(plan: Plan, files: Sequence[RuleFile], documents: Mapping[str, bytes], seconds: float = TIME) -> Verdict:
    """Ask every rule of every file once; ``documents`` are JSON, each under its name in ``input``.

    Raises ConfigurationError for whatever is wrong with the rules: what can't be evaluated is never a pass.
    """
    rules = _rules(files)
    values = _values(files, rules, documents, seconds)
    sources = _sources(plan)
    said = [item for rule, places in rules.items() for item in _said(rule, places, values[rule], sources)]
    said.sort(key=_rank)  # sets have an order of their own
    denials = tuple(item for item in said if item.severity is Severity.ERROR)
    warnings = tuple(item for item in said if item.severity is Severity.WARNING)
    return Verdict(denials, (*(_idle(file) for file in files if not file.rules), *warnings))


def _rules(files: Iterable[RuleFile]) -> dict[Rule, list[Source]]:
    """Every rule that judges, with all places where it stands: those of one package and name are one rule."""
    rules: dict[Rule, list[Source]] = {}
    for file in files:
        for name, source in file.rules.items():
            rules.setdefault((file.package, name), []).append(source)
    return rules


def _sources(plan: Plan) -> dict[str, Source | None]:
    """The line behind each address that a rule may name: of a change, or else of the group that it is in."""
    groups = {f"{tenant}/{group}": touched.source for (tenant, group), touched in plan.touched.items()}
    return groups | {change.address: change.source for change in plan.changes}


def _rank(item: Diagnostic) -> tuple[str, str, str, str]:
    return (item.address, item.rule, item.message, item.remedy)


def _idle(file: RuleFile) -> Diagnostic:
    return Diagnostic(
        "this policy file has neither `deny` nor `warn`: it judges nothing by itself",
        file.place(0),
        "add a rule, or check the spelling of its name",
        severity=Severity.WARNING,
    )


_HUGE: Final = re.compile(rb"[:\[,]\s*-?\d{19}")
"""Whole numbers that may not fit into 64 bits: the interpreter of Rego wraps them around without a word."""


def _values(
    files: Sequence[RuleFile], rules: Mapping[Rule, Sequence[Source]], documents: Mapping[str, bytes], seconds: float
) -> Mapping[Rule, list[Any]]:
    if any(_HUGE.search(document) for document in documents.values()):
        raise ConfigurationError(
            "the policy can't be evaluated: the plan has a whole number of 19 digits or more, which is misread there",
            remedy="write it as text, or take it out of the mixins; nothing passes unjudged",
        )
    package = required("regopy", "policy", "policy in Rego", ConfigurationError)
    defined = {name for file in files for name in file.functions}
    calls = sorted({name for file in files for name, _ in file.calls()} - defined)
    question = {
        "packages": str(Path(package.__file__).parents[1]),
        "modules": [file.text for file in files],
        "calls": calls,
        "queries": [f"data.{package}.{name}" for package, name in rules],
        "input": {name: msgspec.Raw(document) for name, document in documents.items()},
    }
    answer = _evaluate(msgspec.json.encode(question), seconds)
    if problems := (*_unknown(files, answer.get("unknown", ())), *_errors(files, rules, answer.get("errors", ()))):
        raise ConfigurationError("the policy can't be evaluated", diagnostics=problems)
    return dict(zip(rules, answer["values"], strict=True))


def _evaluate(question: bytes, seconds: float) -> Any:
    """The evaluator's answer, from a process of its own; its end without one, or none in time, is an error."""
    environment = {name: os.environ[name] for name in FROM_THE_SYSTEM if name in os.environ}
    command = [sys.executable, "-I", str(EVALUATOR)]
    try:
        done = subprocess.run(  # noqa: S603 - our own script, by our own Python
            command, input=question, capture_output=True, check=False, env=environment, timeout=seconds
        )
    except subprocess.TimeoutExpired as error:
        raise ConfigurationError(
            f"the policy can't be evaluated: its rules came to no end within {seconds:g} s",
            remedy=f"simplify the rules, or give them more time with {TIME_VARIABLE}=5m; nothing passes unjudged",
        ) from error
    try:
        if done.returncode == 0:
            return msgspec.json.decode(done.stdout)
        said = done.stderr.decode(errors="replace").strip().splitlines()
        why = said[-1] if said and done.returncode > 0 else f"it was ended by signal {-done.returncode}"
    except ValueError as error:
        why = f"its answer makes no sense ({error})"
    raise ConfigurationError(
        f"the policy can't be evaluated: the interpreter of Rego failed: {why}",
        remedy="simplify the rules; nothing passes unjudged",
    )


def _unknown(files: Sequence[RuleFile], names: Iterable[str]) -> Iterator[Diagnostic]:
    missing = frozenset(names)
    for file in files:
        for name, source in file.calls():
            if name in missing:
                yield Diagnostic(
                    f"there is no function `{name}`", source, "the interpreter lacks some of OPA's: do without it"
                )


def _errors(
    files: Sequence[RuleFile], rules: Mapping[Rule, Sequence[Source]], errors: Iterable[Mapping[str, Any]]
) -> Iterator[Diagnostic]:
    places = {f"data.{package}.{name}": found for (package, name), found in rules.items()}
    for error in errors:
        message = f"the rules can't be evaluated: {error['message']}"
        if "module" in error:
            file = files[error["module"]]
            before = file.text.encode()[: error.get("offset", 0)].decode(errors="ignore")
            yield Diagnostic(message, file.place(len(before)))
        else:
            first = places.get(error.get("query", ""), [None])[0]
            yield Diagnostic(message, first or files[0].place(0))


def _said(
    rule: Rule, places: Sequence[Source], values: Sequence[Any], sources: Mapping[str, Source | None]
) -> Iterator[Diagnostic]:
    package, name = rule
    severity = Severity.WARNING if name.startswith(WARNS) else Severity.ERROR
    related = tuple((f"`{name}` of package {package} says so", place) for place in places)
    for value in _entries(values, rule, places[0]):
        entry = {"msg": value} if isinstance(value, str) else value
        if not _is_entry(entry):
            raise _odd(rule, places[0])
        address = entry.get("address") or ""
        yield Diagnostic(
            entry["msg"],
            sources.get(address),
            entry.get("remedy") or "",
            related,
            address,
            f"{POLICY}{package}.{name}",
            severity,
        )


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("msg"), str)
        and all(isinstance(entry.get(key) or "", str) for key in ("address", "remedy"))
    )


def _entries(values: Sequence[Any], rule: Rule, place: Source) -> Iterator[Any]:
    """What a rule gave, whatever its form: nothing, a set, a list, or the keys of an object in which all are true.

    The last is what the interpreter makes of the older ``deny[msg] { … }``; keys that are objects come as their JSON.
    """
    for value in values:
        if isinstance(value, list):
            yield from value
        elif isinstance(value, dict) and all(said is True for said in value.values()):
            yield from map(_key, value)
        elif value is not False:
            raise _odd(rule, place)


def _key(text: str) -> Any:
    try:
        found = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
    return found if isinstance(found, dict) else text


def _odd(rule: Rule, place: Source) -> ConfigurationError:
    problem = Diagnostic(f"`{rule[1]}` of package {rule[0]} gives something else than messages", place, FORMS)
    return ConfigurationError("the policy can't be evaluated", diagnostics=[problem])
