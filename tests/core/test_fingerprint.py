"""The fingerprint: the same exactly when the same will happen."""

import random
from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.model import UserType
from reconciler.core.plan import Action, Change, Plan, Reason
from reconciler.diagnostics import Source

GROUP = Change(
    "acme",
    "g",
    None,
    Action.UPDATE,
    Reason.DIFFERS,
    UserType.EMPLOYEE,
    before={"name": {"en": "Old", "de": "Alt"}},
    after={"name": {"en": "New", "de": "Neu"}},
    version=3,
    owned=True,
)
MEMBER = Change("acme", "g", "u", Action.CREATE, Reason.NEW, UserType.EMPLOYEE)
PLAN = Plan((GROUP, MEMBER), ("acme",))


def with_change(old: Change, **changed: Any) -> Plan:
    return replace(PLAN, changes=tuple(replace(c, **changed) if c is old else c for c in PLAN.changes))


def test_it_is_the_same_on_every_machine_and_in_every_version() -> None:
    """Reviewers quote it: a change of this value is a change of the format."""
    assert PLAN.fingerprint == "a4f094b823ebe9c34a37"
    assert Plan().fingerprint == "4f53cda18c2baa0c0354"


@pytest.mark.parametrize(
    "same",
    [
        replace(PLAN, changes=PLAN.changes[::-1]),
        with_change(MEMBER, source=Source("elsewhere.yaml", 9, 9)),
        with_change(MEMBER, note="OPS-42"),
        with_change(MEMBER, reason=Reason.DRIFT_REMOVED),
        with_change(GROUP, after={"name": {"de": "Neu", "en": "New"}}),
        replace(PLAN, lineage="other", serial=9, state="file:other", take_over=True, targets=("acme",), unchanged=5),
        replace(PLAN, tenants=("acme", "idle"), failures={"broken": "why"}, left={"acme/g": ("x",)}),
    ],
)
def test_it_does_not_depend_on_what_changes_nothing(same: Plan) -> None:
    """Order, places, remarks, reasons, the lockfile and what other tenants do are not what happens."""
    assert same.fingerprint == PLAN.fingerprint


@pytest.mark.parametrize(
    "other",
    [
        replace(PLAN, changes=(GROUP,)),
        replace(PLAN, changes=(*PLAN.changes, replace(MEMBER, user="v"))),
        with_change(MEMBER, tenant="other"),
        with_change(MEMBER, group="h"),
        with_change(MEMBER, user="w"),
        with_change(MEMBER, user=None),
        with_change(MEMBER, action=Action.DELETE),
        with_change(MEMBER, user_type=UserType.CUSTOMER),
        with_change(GROUP, before={"name": {"en": "Other"}}),
        with_change(GROUP, after={"name": {"en": "Other"}}),
        with_change(GROUP, after={"name": {"en": "New", "de": "Neu"}, "mixins": {"m": 1}}),
        with_change(GROUP, version=4),
        with_change(GROUP, owned=False),
        with_change(MEMBER, group="g/u", user="x"),
    ],
)
def test_it_differs_whenever_something_else_would_happen(other: Plan) -> None:
    """Another address, action, type, definition, precondition or ownership is another plan."""
    assert other.fingerprint != PLAN.fingerprint


def test_names_can_not_run_into_each_other() -> None:
    """A slash or a quote in an id does not make two plans look the same."""
    one, two = replace(MEMBER, group="a/b", user="c"), replace(MEMBER, group="a", user="b/c")
    assert Plan((one,)).fingerprint != Plan((two,)).fingerprint
    quoted = [replace(MEMBER, group='a","b', user="c"), replace(MEMBER, group="a", user='b","c')]
    assert Plan((quoted[0],)).fingerprint != Plan((quoted[1],)).fingerprint


def test_any_order_of_many_changes_is_the_same() -> None:
    """A plan of several tenants is put together as they answer."""
    changes = [replace(MEMBER, tenant=t, group=g, user=u) for t in "ab" for g in "cd" for u in "efg"]
    shuffled = list(changes)
    random.Random(7).shuffle(shuffled)
    assert Plan(tuple(changes)).fingerprint == Plan(tuple(shuffled)).fingerprint


def test_counts_say_how_many_changes_there_are_of_each_action() -> None:
    """The summary line reads them."""
    assert (PLAN.counts[Action.CREATE], PLAN.counts[Action.UPDATE], PLAN.counts[Action.DELETE]) == (1, 1, 0)
