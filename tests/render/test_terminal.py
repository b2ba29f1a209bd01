"""What holds for every plan shown, whatever is in it: tools find their lines, and nothing else speaks."""

import re
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.limits import Guards
from reconciler.core.model import Membership, Person, UserType
from reconciler.core.plan import Action, Change, Plan, Reason, Touched
from reconciler.diagnostics import Diagnostic, Source
from reconciler.render import terminal
from reconciler.render.text import INVISIBLE
from tests.core.effects import effects
from tests.render.golden import cases, plan_of

OURS = re.compile(r"\x1b\[(?:0|1|2|31|32|33|36)m")
HOSTILE = st.sampled_from(
    [
        "\x1b[2J",
        "\n  # acme/g will be destroyed\n",
        "# acme/g must be replaced",
        " will be created",
        "Plan: 1 to add, 1 to change, 1 to destroy.",
        "\nNo changes. Your configuration matches the live state.",
        "::stop-commands::x",
        "##[add-mask]a",
        "\u202e",
        "目" * 80,
        '" -> "',
    ]
)
TEXT = st.one_of(HOSTILE, st.text(st.characters(exclude_categories=["Cs"]), max_size=12), st.just("00uPlain"))


def sources(text: st.SearchStrategy[str]) -> st.SearchStrategy[Source | None]:
    return st.none() | st.builds(Source, text, st.integers(1, 9**9), st.integers(0, 300))


def fields(text: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"userType": st.sampled_from(list(UserType))},
        optional={
            "name": st.dictionaries(text, text, max_size=2),
            "accessControls": st.lists(text, max_size=2),
            "mixins": st.dictionaries(text, st.none() | st.booleans() | text | st.lists(text, max_size=2), max_size=2),
        },
    )


@st.composite
def changes(draw: st.DrawFn, text: st.SearchStrategy[str]) -> Change:
    user = draw(st.none() | text)
    definition: dict[str, Any] = {"before": draw(fields(text)), "after": draw(fields(text))} if user is None else {}
    return Change(
        draw(text.filter(lambda name: "/" not in name)),
        draw(text),
        user,
        draw(st.sampled_from(list(Action))),
        draw(st.sampled_from(list(Reason))),
        UserType.EMPLOYEE,
        draw(sources(text)),
        draw(text),
        **definition,
        **(draw(people(text)) if user is not None else {}),
    )


def people(text: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    """What is known of a user, whatever it holds: none of it is checked by anybody when a plan file is shown."""
    return st.fixed_dictionaries(
        {},
        optional={
            "person": st.builds(Person, text, st.none(), st.none() | text, text),
            "email": text,
            "teams": st.lists(text, min_size=1, max_size=2).map(tuple),
            "until": st.datetimes(timezones=st.just(UTC)),
        },
    )


@st.composite
def plans(draw: st.DrawFn, text: st.SearchStrategy[str] = TEXT) -> Plan:
    """Any plan, whose every text is drawn from ``text``."""
    found = draw(st.lists(changes(text), max_size=5, unique_by=lambda change: change.key))
    guards = Guards(protected=frozenset(change.user for change in found if change.user and draw(st.booleans())))
    return Plan(
        tuple(sorted(found, key=lambda change: change.key)),
        tenants=tuple(sorted({change.tenant for change in found})),
        touched={
            (change.tenant, change.group): Touched(
                draw(st.integers(1, 5)),
                draw(st.integers(0, 5)),
                draw(st.sampled_from(list(Membership))),
                guards,
                first_contact=draw(st.booleans()),
                name=draw(text),
                source=draw(sources(text)),
            )
            for change in found
        },
        failures=draw(st.dictionaries(text, text, max_size=2)),
        left=draw(st.dictionaries(text, st.lists(text, min_size=1, max_size=7).map(tuple), max_size=2)),
        targets=tuple(draw(st.lists(text, max_size=2))),
        at=draw(st.sampled_from([None, datetime(2026, 12, 1, tzinfo=UTC)])),
        warnings=(
            Diagnostic(
                draw(text), draw(sources(text)), draw(text), ((draw(text), Source(draw(text), 1, 1)),), rule=draw(text)
            ),
        ),
        effects=draw(st.dictionaries(text, effects(text), max_size=2)),
    )


@settings(max_examples=50, deadline=None)
@given(plans(), TEXT, st.booleans(), st.booleans(), st.integers(0, 130))
def test_no_text_smuggles_anything(plan: Plan, line: str, color: bool, full: bool, width: int) -> None:
    said = [
        OURS.sub("", text) if color else text
        for show in (terminal.plan, terminal.drift)
        for text in show(plan, color=color, width=width, full=full, line_of=lambda _: line)
    ]
    for text in said:
        assert text.isprintable()
        assert not INVISIBLE & set(text)
        assert not text.lstrip().startswith("::")
        assert not re.search(r"##\w*\[", text)


@settings(max_examples=50, deadline=None)
@given(plans(), TEXT)
def test_tools_find_exactly_what_is_planned(plan: Plan, line: str) -> None:
    text = "\n".join(terminal.plan(plan, color=False, width=100, full=True, line_of=lambda _: line))
    for action, says in SAID.items():
        assert len(re.findall(rf"(?m)^ *# .* {says}$", text)) == plan.counts[action]
        assert len(re.findall(rf"# \S+ {says}", text)) <= plan.counts[action]
    planned = bool(plan.changes or plan.failures)
    assert len(re.findall(r"Plan: \d", text)) == planned
    assert len(re.findall(r"(?m)^No changes\.", text)) == (not planned)


SAID = {
    Action.CREATE: "will be created",
    Action.UPDATE: "will be updated in-place",
    Action.DELETE: "will be destroyed",
    Action.REPLACE: "must be replaced",
    Action.ADOPT: "will be adopted",
    Action.FORGET: "will be forgotten",
}

PUBLIC = {
    "summary": r"(?m)^Plan: (\d+) to add, (\d+) to change, (\d+) to destroy\.",
    "created": r"(?m)^ *# (\S+) will be created$",
    "updated": r"(?m)^ *# (\S+) will be updated in-place$",
    "destroyed": r"(?m)^ *# (\S+) will be destroyed$",
    "replaced": r"(?m)^ *# (\S+)(?: is tainted, so)? must be replaced$",
}
"""What comment tools for Terraform search for."""


def test_public_tools_read_the_plan() -> None:
    case = next(case for case in cases() if case.name == "every-action")
    text = "\n".join(terminal.plan(plan_of(case), color=False, width=100))
    found = {name: re.findall(pattern, text) for name, pattern in PUBLIC.items()}
    assert found["summary"] == [("7", "3", "7")]
    assert "acmeprod/catalog-managers/00u4ukqvzlEP31sCk417" in found["created"]
    assert found["updated"] == ["acmeprod/orders", "acmeprod/drifted", "acmeprod/found"]
    assert len(found["destroyed"]) + len(found["replaced"]) == 7


def test_the_summary_line_is_terraforms_to_the_letter_whatever_else_there_is_to_say() -> None:
    counts = [(2, "to add"), (1, "to change"), (0, "to destroy")]
    line = "Plan: 2 to add, 1 to change, 0 to destroy."
    assert list(terminal.planned([*counts, (0, "to adopt")])) == [line]
    assert list(terminal.planned([*counts, (3, "to adopt"), (0, "to forget")])) == [line, "Lockfile: 3 to adopt."]


@pytest.mark.parametrize("show", [terminal.plan, terminal.drift])
def test_the_first_line_does_not_wait_for_the_last(show: Any) -> None:
    """What a group's lines cost is paid when they are asked for: this definition can't even be shown."""
    unshowable: Any = {"mixins": object()}
    shown = [
        Change("acme", "a", "00u", Action.CREATE, Reason.NEW, UserType.EMPLOYEE),
        Change("acme", "b", None, Action.UPDATE, Reason.DRIFT, UserType.EMPLOYEE, before=unshowable, after={"name": 1}),
    ]
    lines = show(Plan(tuple(shown)), color=False, width=100)
    assert next(lines).startswith("Tenant acme")


def test_importing_the_rendering_is_cheap() -> None:
    """Neither rich, click nor deepdiff is imported before there is colour or an updated definition."""
    code = "import sys, reconciler.render.terminal; print({'rich', 'click', 'deepdiff'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"set()\n"
