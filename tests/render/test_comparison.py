"""What holds for every comparison shown: nothing in a plan speaks for us, and nothing reads as about to be done."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.compare import compare
from reconciler.core.plan import Plan
from reconciler.render.comparison import comparison
from reconciler.render.text import INVISIBLE
from tests.render.golden import cases, plan_of
from tests.render.test_terminal import OURS, TEXT, plans


@settings(max_examples=100, deadline=None)
@given(plans(), plans(), TEXT, st.booleans(), st.booleans(), st.integers(0, 130))
def test_no_text_smuggles_anything(first: Plan, second: Plan, name: str, color: bool, full: bool, width: int) -> None:
    lines = comparison(compare(first, second), names=(name, "b"), color=color, width=width, full=full)
    for line in lines:
        text = OURS.sub("", line) if color else line
        assert text.isprintable()
        assert not INVISIBLE & set(text)
        assert not text.lstrip().startswith("::")
        assert not re.search(r"##\w*\[|# \S+ (?:will|must) be|Plan: \d", text)


@settings(max_examples=100, deadline=None)
@given(plans(), plans())
def test_the_last_lines_say_how_it_is(first: Plan, second: Plan) -> None:
    """The verdict is that of the fingerprints, and both are named where they differ."""
    *_, verdict, prints = comparison(compare(first, second), names=("a", "b"), color=False, width=100)
    if first.fingerprint == second.fingerprint:
        assert (verdict, prints) == ("Both plans do the same.", f"Fingerprint: {first.fingerprint}")
    else:
        assert verdict.startswith("The plans differ: ")
        assert prints == f"Fingerprints: {first.fingerprint} (a), {second.fingerprint} (b)."


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_a_plan_is_the_same_as_itself(case: Path) -> None:
    """Every plan that a golden case has."""
    plan = plan_of(case)
    lines = list(comparison(compare(plan, plan), names=("a", "b"), color=False, width=100))
    assert lines == ["Both plans do the same.", f"Fingerprint: {plan.fingerprint}"]


def test_full_shows_what_is_folded() -> None:
    """Every change has its line, however many there are."""
    case = next(case for case in cases() if case.name == "compared-folded")
    found = compare(plan_of(case), plan_of(case, "other.json"))
    lines = list(comparison(found, names=("a", "b"), color=False, width=100, full=True))
    assert sum(bool(re.match(r"  [-+=.~]\S* acmeprod/", line)) for line in lines) == 154
    assert not any("--full" in line for line in lines)
