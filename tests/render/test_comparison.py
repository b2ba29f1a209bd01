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


@settings(max_examples=50, deadline=None)
@given(plans(), plans(), TEXT, st.booleans(), st.booleans(), st.integers(0, 130))
def test_no_text_smuggles_anything(first: Plan, second: Plan, name: str, color: bool, full: bool, width: int) -> None:
    lines = comparison(compare(first, second), names=(name, "b"), color=color, width=width, full=full)
    for line in lines:
        text = OURS.sub("", line) if color else line
        assert text.isprintable()
        assert not INVISIBLE & set(text)
        assert not text.lstrip().startswith("::")
        assert not re.search(r"##\w*\[|# \S+ (?:will|must) be|Plan: \d", text)


@settings(max_examples=50, deadline=None)
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


def test_long_lists_are_folded_unless_shown_in_full() -> None:
    """Every change is counted, and with ``full`` every one has its line."""
    plan = plan_of(next(case for case in cases() if case.name == "folded"))
    for full, shown in ((False, 50), (True, len(plan.changes))):
        found = compare(plan, Plan())
        lines = list(comparison(found, names=("a", "b"), color=False, width=100, full=full))
        assert lines[0] == f"Only in a: {len(plan.changes)} changes"
        assert sum(bool(re.match(r"  [-+=.~]\S* acmeprod/", line)) for line in lines) == shown
        assert [line for line in lines if "--full" in line] == (
            [] if full else [f"  {len(plan.changes) - 50} more; --full shows all"]
        )
