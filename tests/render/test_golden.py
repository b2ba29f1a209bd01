"""Every golden case is shown as its ``expected.txt`` says; see :mod:`tests.render.golden`."""

import re
from pathlib import Path

import pytest

from reconciler.core.plan import Action, Reason
from tests.render.golden import cases, comment, comment_cases, plan_of, rendered

COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_a_case_is_shown_as_expected(case: Path) -> None:
    assert rendered(case) == (case / "expected.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("case", comment_cases(), ids=lambda case: case.name)
def test_a_case_is_commented_as_expected(case: Path) -> None:
    assert comment(case) == (case / "expected.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_colour_adds_nothing_but_colour(case: Path) -> None:
    coloured = rendered(case, color=True)
    assert "\x1b[" in coloured or "No " in coloured
    assert COLOURS.sub("", coloured) == rendered(case)


def test_the_cases_have_every_action_and_every_reason() -> None:
    changes = [change for case in cases() for change in plan_of(case).changes]
    assert {change.action for change in changes} == set(Action)
    assert {change.reason for change in changes} == set(Reason)
