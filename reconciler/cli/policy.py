"""The policy's way into a plan: which rules judge it, what they are told, and what becomes of their answer."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from reconciler.cli.formats import FORMATS, View
from reconciler.cli.output import show_diagnostics, talk
from reconciler.cli.session import DEFAULT_FILE, Session
from reconciler.core.plan import Plan
from reconciler.diagnostics import Diagnostic

if TYPE_CHECKING:
    from reconciler.config import Places

policy_option = click.option(
    "--policy", "policies", multiple=True, type=click.Path(path_type=Path), metavar="PATH",
    help="Let these rules in Rego judge the plan too, a file or a folder; may be repeated.",
)  # fmt: skip


INPUTS: Final[Mapping[str, str]] = {
    "plan": "json",
    "terraform": "terraform",
}
"""The forms of a plan that rules see, by their names in ``input``: ``plan`` always, others if a rule mentions them."""


def judged(plan: Plan, paths: Sequence[Path]) -> Plan:
    """The plan with what the rules say to it, once; raises ConfigurationError if they can't be asked.

    What a saved plan says already stays: that a rule has changed meanwhile is no reason to let the old plan pass.
    """
    if not paths:
        return plan
    from reconciler.cli.durations import seconds_in
    from reconciler.policy import TIME, TIME_VARIABLE, find, judge

    given = os.environ.get(TIME_VARIABLE)
    seconds = seconds_in(TIME_VARIABLE, given, least=1) if given else TIME
    files = find(paths)
    wanted = [name for name in INPUTS if name == "plan" or any(name in file.text for file in files)]
    documents = {name: "".join(FORMATS[INPUTS[name]](plan, View())).encode() for name in wanted}
    verdict = judge(plan, files, documents, seconds)
    return replace(
        plan,
        denials=_together(plan.denials, verdict.denials),
        warnings=_together(plan.warnings, verdict.warnings),
    )


def check(paths: Sequence[Path]) -> None:
    """Have the rules judge a plan that does nothing: what they say to it does not matter, but that they can be asked.

    Raises ConfigurationError for what is wrong with them; without the interpreter only their files are read.
    """
    from reconciler.policy import can_judge, find

    find(paths)
    if can_judge():
        show_diagnostics([each for each in judged(Plan(), paths).warnings if not each.rule])
    else:
        talk(["The policy's files were read, but its rules not tried: `pip install 'emporix-reconciler[policy]'`."])


def _together(told: tuple[Diagnostic, ...], new: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """What was told already, and then what is new, whatever the path of the rule's file is called from here."""
    known = {(each.rule, each.address, each.message) for each in told}
    return (*told, *(each for each in new if (each.rule, each.address, each.message) not in known))


def configured_rules(session: Session) -> "Places":
    """The policy and the audit file that the configuration names, for a saved plan, which is applied without it."""
    from reconciler.config import Places, rules_of

    return rules_of(session.paths) if session.files or DEFAULT_FILE.exists() else Places()
