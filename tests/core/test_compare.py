"""Two plans held against each other: exactly what differs is found, and nothing that is no difference."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.compare import DEEDS, REMARKS, Aspect, Twins, compare, encode_comparison, missing
from reconciler.core.document import decode, encode
from reconciler.core.limits import Guards
from reconciler.core.model import Membership, Person, UserType
from reconciler.core.plan import Action, Change, Plan, Reason, Touched
from reconciler.diagnostics import Source

GROUP = Change(
    "acme", "g", None, Action.UPDATE, Reason.DIFFERS, UserType.EMPLOYEE, Source("a.yaml", 1, 1),
    before={"name": {"en": "Old"}}, after={"name": {"en": "New"}}, version=3, owned=True,
)  # fmt: skip
MEMBER = Change("acme", "g", "u", Action.CREATE, Reason.NEW, UserType.EMPLOYEE)
TOUCHED = {("acme", "g"): Touched(2, 3, Membership.EXACT, Guards())}
PLAN = Plan((GROUP, MEMBER), ("acme",), TOUCHED, service="s", lineage="l", serial=7, state="file:a.lock")

WHEN = datetime(2027, 2, 1, tzinfo=UTC)

CHANGES = st.builds(
    Change,
    st.just("acme"),
    st.sampled_from(["g", "h"]),
    st.sampled_from([None, "u", "v"]),
    st.sampled_from([Action.CREATE, Action.DELETE]),
    st.sampled_from([Reason.NEW, Reason.DRIFT_REMOVED]),
    st.sampled_from(list(UserType)),
    st.sampled_from([None, Source("a.yaml", 1, 1)]),
    before=st.sampled_from([None, {"name": {"en": "Old"}}]),
    after=st.sampled_from([None, {"name": {"en": "New"}}]),
    version=st.sampled_from([None, 1, 2]),
    owned=st.booleans(),
    email=st.sampled_from(["", "u@acme.example", "U@acme.example"]),
)
PLANS = st.lists(CHANGES, max_size=6, unique_by=lambda change: change.key).map(
    lambda found: Plan(tuple(found), touched={("acme", name): TOUCHED["acme", "g"] for name in "gh"})
)


@given(PLANS, PLANS)
def test_plans_are_the_same_exactly_when_no_deed_differs(first: Plan, second: Plan) -> None:
    """What the comparison lists and what the fingerprint says never contradict each other."""
    found = compare(first, second)
    otherwise = [twins for twins in found.twins if set(twins.parts) & set(DEEDS)]
    assert found.same is not bool(found.only_first or found.only_second or otherwise)
    assert found.same is (first.fingerprint == second.fingerprint)


@given(PLANS, PLANS)
def test_the_other_way_round_the_sides_are_exchanged(first: Plan, second: Plan) -> None:
    """Nothing is found from one side only, and both plans can be told from their differences."""
    one, other = compare(first, second), compare(second, first)
    assert (one.only_first, one.only_second) == (other.only_second, other.only_first)
    assert [twins.parts for twins in one.twins] == [twins.parts for twins in other.twins]
    assert [(twins.first, twins.second) for twins in one.twins] == [(t.second, t.first) for t in other.twins]
    shared = {change.key for change in first.changes} - {change.key for change in one.only_first}
    assert shared == {change.key for change in second.changes} - {change.key for change in one.only_second}


@given(PLANS, st.randoms())
def test_order_and_places_are_no_difference(plan: Plan, chance: Any) -> None:
    """The same changes in another order, from another file, with the lockfile in another folder."""
    moved = [replace(change, source=Source("elsewhere.yaml", 9, 9)) for change in plan.changes]
    chance.shuffle(moved)
    found = compare(plan, replace(plan, changes=tuple(moved), state="file:../elsewhere.lock", unchanged=5))
    assert found.same
    assert (found.only_first, found.only_second, found.twins, found.aspects) == ((), (), (), ())


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({"action": Action.REPLACE}, ("action",)),
        ({"user_type": UserType.CUSTOMER}, ("user_type",)),
        ({"before": None}, ("before",)),
        ({"after": {"name": {"en": "Newer"}}, "version": 4}, ("after", "version")),
        ({"owned": False}, ("owned",)),
        ({"email": "u@acme.example"}, ("email",)),
        ({"reason": Reason.DRIFT, "note": "OPS-42"}, ("reason", "note")),
        ({"person": Person("ana"), "teams": ("ops",), "until": WHEN}, ("person", "teams", "until")),
    ],
)
def test_each_part_of_a_change_is_named(changed: dict[str, Any], parts: tuple[str, ...]) -> None:
    """Both sides are kept; a reason and a note are told although they do not make it another plan."""
    other = replace(GROUP, **changed)
    found = compare(PLAN, replace(PLAN, changes=(other, MEMBER)))
    assert found.twins == (Twins(GROUP, other, parts),)
    assert found.same is set(parts).issubset(REMARKS)


@pytest.mark.parametrize(
    ("changed", "aspect"),
    [
        ({"service": "t"}, Aspect("service", ("s",), ("t",))),
        ({"offline": True}, Aspect("offline", (), ("yes",))),
        ({"lineage": ""}, Aspect("lineage", ("l",), ())),
        ({"serial": 8}, Aspect("serial", ("7",), ("8",))),
        ({"tenants": ("b", "acme")}, Aspect("tenants", ("acme",), ("acme", "b"))),
        ({"failures": {"b": "why"}}, Aspect("not planned", (), ("b: why",))),
        ({"orphaned": ("acme",)}, Aspect("orphaned", (), ("acme",))),
        ({"targets": ("acme/g",)}, Aspect("targets", (), ("acme/g",))),
        ({"take_over": True}, Aspect("take-over", (), ("yes",))),
        (
            {"touched": {("acme", "g"): replace(TOUCHED["acme", "g"], guards=Guards(min_members=9))}},
            Aspect("refused", (), ("acme/g would have 3 members, fewer than minMembers 9",)),
        ),
    ],
)
def test_what_the_plans_are_for_is_compared_too(changed: dict[str, Any], aspect: Aspect) -> None:
    """Service, lockfile, tenants, targets and what guards say: told, and yet the fingerprints are equal."""
    found = compare(PLAN, replace(PLAN, **changed))
    assert aspect in found.aspects
    assert found.same


def test_the_document_tells_all_of_it() -> None:
    """In the words of the plan document, so that a machine needs to know one kind of change only."""
    other = replace(PLAN, changes=(replace(GROUP, user_type=UserType.CUSTOMER), replace(MEMBER, user="v")), serial=8)
    document = json.loads(encode_comparison(compare(PLAN, other)))
    assert (document["format"], document["kind"], document["same"]) == (1, "comparison", False)
    assert document["first"]["fingerprint"] == PLAN.fingerprint
    assert document["second"]["summary"]["update"] == 1
    in_plan = {change["address"]: change for change in json.loads(encode(PLAN))["changes"]}
    assert document["onlyFirst"] == [in_plan["acme/g/u"]]
    assert [change["address"] for change in document["onlySecond"]] == ["acme/g/v"]
    [twins] = document["different"]
    assert (twins["address"], twins["parts"], twins["first"]) == ("acme/g", ["userType"], in_plan["acme/g"])
    assert document["aspects"] == [{"name": "serial", "first": ["7"], "second": ["8"]}]


def test_a_saved_plan_compares_as_the_same_with_itself() -> None:
    """Saving loses nothing that a comparison looks at: whether the plan was made offline, and who somebody is."""
    known = replace(MEMBER, person=Person("ana", None, "Ana@acme.example", "Ana"), teams=("ops",), until=WHEN)
    plan = replace(PLAN, changes=(GROUP, known), offline=True, at=WHEN)
    found = compare(plan, decode(encode(plan), "x.plan"))
    assert (found.same, found.twins, found.aspects) == (True, (), ())


@given(PLANS, st.data())
def test_a_part_of_a_plan_lacks_the_rest_and_no_other_plan_is_a_part(plan: Plan, data: st.DataObject) -> None:
    """Some of the changes as they are, in any order; one that does anything else is no part."""
    part = replace(plan, changes=tuple(data.draw(st.permutations(plan.changes).map(lambda found: found[1:]))))
    assert missing(part, plan) == tuple(change for change in plan.changes if change not in part.changes)
    for index, change in enumerate(part.changes):
        others = part.changes[:index] + part.changes[index + 1 :]
        assert missing(replace(part, changes=(*others, replace(change, owned=not change.owned))), plan) is None
        assert missing(replace(part, changes=(*others, replace(change, group="other"))), plan) is None
