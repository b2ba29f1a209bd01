"""Planning from the lockfile alone: the same plan if nothing has drifted, and a warning for whatever is not known."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.diff import diff
from reconciler.core.limits import AccessGuards, Keep
from reconciler.core.model import (
    DesiredGroup,
    DesiredTenant,
    Entry,
    KnownGroup,
    Match,
    Membership,
    Person,
    Snapshot,
    UserType,
)
from reconciler.core.offline import basis, doubts, language, remembered, sure, unjudged
from reconciler.core.plan import Action, Change, Plan, Reason
from reconciler.diagnostics import Severity, Source
from tests.core.world import EMPLOYEES, HERE, desired, group, known, live, plan_of, tenant_states

STATES = tenant_states("gh", "ab")


def offline(want: DesiredTenant, ours: Mapping[str, KnownGroup]) -> Plan:
    part = sure(want, ours)
    return plan_of(part.desired, Snapshot("acme", remembered(ours)), ours)


@pytest.mark.parametrize("membership", list(Membership))
def test_without_drift_it_is_the_plan_that_the_service_would_give(membership: Membership) -> None:
    """Every wish over every small world that is as the lockfile says: the same changes, and so the same fingerprint."""
    for wish in STATES:
        for state in STATES:
            want, ours = desired(wish, membership), known(state)
            online = plan_of(want, live(state), ours)
            assert offline(want, ours).changes == online.changes
            assert offline(want, ours).fingerprint == online.fingerprint


def test_without_drift_the_members_of_others_groups_are_planned_alike() -> None:
    """As long as each group that the file names is in the lockfile; only what is let go differs in its before."""
    for wish in STATES:
        for state in STATES:
            if wish.keys() <= state.keys():
                want, ours = desired(wish, owned=False), known(state, owned=False)
                online = [replace(change, before=None) for change in plan_of(want, live(state), ours).changes]
                assert [replace(change, before=None) for change in offline(want, ours).changes] == online


DEFINITIONS = st.fixed_dictionaries(
    {"userType": st.just("EMPLOYEE"), "name": st.dictionaries(st.sampled_from(["en", "de"]), st.just("G"), min_size=1)},
    optional={
        "description": st.dictionaries(st.sampled_from(["en", "de"]), st.sampled_from("xy"), min_size=1),
        "accessControls": st.lists(st.sampled_from(["orders", "carts"]), min_size=1, max_size=2, unique=True).map(
            sorted
        ),
    },
)
MEMBERS = st.frozensets(st.sampled_from("abc"))
KNOWN = st.builds(KnownGroup, st.just(True), st.just(UserType.EMPLOYEE), MEMBERS, DEFINITIONS, st.integers(1, 9))
ENTRIES = st.builds(
    lambda members, fields, membership: group("", members or (), fields, membership=membership),
    MEMBERS, DEFINITIONS, st.sampled_from(list(Membership)),
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(st.sampled_from("ghi"), KNOWN), st.dictionaries(st.sampled_from("ghij"), ENTRIES))
def test_definitions_and_versions_come_from_the_lockfile(
    ours: dict[str, KnownGroup], wish: dict[str, DesiredGroup]
) -> None:
    """At random, with definitions that differ: before-values and versions are those of an undrifted service."""
    want = DesiredTenant("acme", HERE, tuple(replace(entry, id=name) for name, entry in sorted(wish.items())))
    service = Snapshot("acme", remembered(ours))
    found = diff(want, service, ours)
    assert offline(want, ours).fingerprint == Plan(tuple(found.changes)).fingerprint
    for change in offline(want, ours).changes:
        if change.user is None and change.group in ours:
            assert (change.before, change.version) == (ours[change.group].fields, ours[change.group].version)


def theirs(*members: str) -> KnownGroup:
    return KnownGroup(False, UserType.EMPLOYEE, frozenset(members))


def ours_named(name: str, **more: Any) -> KnownGroup:
    return KnownGroup(True, UserType.EMPLOYEE, frozenset("a"), {**EMPLOYEES, "name": {"en": name}, **more}, 1)


def matching(members: str = "b", **criteria: str) -> DesiredGroup:
    return DesiredGroup(HERE, match=Match(**criteria), members=dict.fromkeys(members, HERE))


def wanting(*entries: DesiredGroup) -> DesiredTenant:
    return DesiredTenant("acme", HERE, entries)


def told(want: DesiredTenant, ours: Mapping[str, KnownGroup]) -> list[str]:
    warnings = sure(want, ours).warnings
    assert all((item.severity, item.rule) == (Severity.WARNING, "offline") for item in warnings)
    return [item.message for item in warnings]


def test_a_match_by_id_is_resolved_and_the_others_are_told() -> None:
    """The lockfile has ids, and neither codes nor the names of groups that are not ours."""
    plan = offline(wanting(matching("ab", id="g")), {"g": theirs("a")})
    assert [(change.address, change.action) for change in plan.changes] == [("acme/g/b", Action.CREATE)]
    assert told(wanting(matching("ab", id="g")), {"g": theirs("a")}) == []


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (
            matching("ab", code="BO_MANAGER"),
            "acme: match {code: BO_MANAGER} is somebody else's group that the lockfile can't find:"
            " its 2 members are not compared",
        ),
        (
            matching("a", name="Buyer", legal_entity_id="X"),
            "acme: match {name: Buyer, legalEntityId: X} is somebody else's group that the lockfile can't find:"
            " its member is not compared",
        ),
        (
            DesiredGroup(HERE, id="clerks"),
            "acme: {id: clerks} is somebody else's group that the lockfile can't find: it is not compared",
        ),
    ],
)
def test_what_can_not_be_resolved_is_left_out_and_told(entry: DesiredGroup, said: str) -> None:
    """Also if the lockfile knows a group of somebody else: it is not guessed that this is the one."""
    assert told(wanting(entry), {}) == [said]
    assert offline(wanting(entry), {}).changes == ()


def test_a_group_that_a_match_may_mean_stays_as_it_is() -> None:
    """It would otherwise look as if it had left the configuration, and its members be removed."""
    want, ours = wanting(matching("b", code="BO_MANAGER")), {"g": theirs("a")}
    assert offline(want, ours).changes == ()
    assert told(want, ours)[1:] == [
        "acme/g: somebody else's group, and only the service can tell whether an entry still means it;"
        " its members are taken as they are"
    ]
    other = wanting(matching("b", id="elsewhere"))
    assert [change.reason for change in offline(other, ours).changes] == [Reason.LET_GO, Reason.REMOVED]


def test_without_any_open_match_a_group_of_somebody_else_is_let_go() -> None:
    """Then it is certain that no entry means it."""
    changes = offline(wanting(), {"g": theirs("a")}).changes
    assert [(change.address, change.reason) for change in changes] == [
        ("acme/g", Reason.LET_GO), ("acme/g/a", Reason.REMOVED),
    ]  # fmt: skip
    [warning] = doubts("acme", changes)
    assert warning.message.startswith("acme/g: its definition is not ours and not in the lockfile")


@pytest.mark.parametrize(
    ("criteria", "may"),
    [
        ({"code": "X"}, True),
        ({"name": "Desk"}, True),
        ({"name": "Other"}, False),
        ({"name": "Desk", "legal_entity_id": "le"}, True),
        ({"legal_entity_id": "other"}, False),
        ({"vendor_id": "v"}, True),
        ({"vendor_id": "w"}, False),
        ({"id": "elsewhere"}, False),
    ],
)
def test_a_group_of_ours_that_an_open_match_may_mean_is_told(criteria: dict[str, str], may: bool) -> None:
    """It is shown as destroyed, which is the worst that can be, unless the match can't mean it."""
    ours = {"g": ours_named("Desk", b2b={"legalEntityId": "le"}, vendorId="v")}
    want = wanting(matching(**criteria))
    assert Action.DELETE in {change.action for change in offline(want, ours).changes}
    assert any(message.startswith("acme/g: shown as destroyed") for message in told(want, ours)) is may


def test_a_group_of_ours_is_not_doubted_when_another_accounts_for_the_match() -> None:
    """As many groups of others in the lockfile as open matches: the one that left is ours to delete."""
    messages = told(wanting(matching(code="X")), {"g": ours_named("Desk"), "their": theirs("a")})
    assert not any("shown as destroyed" in message for message in messages)


def test_a_definition_that_was_never_ours_is_not_compared() -> None:
    """Neither an update nor a replacement is invented; its members are planned as ever."""
    want = wanting(group("g", "ab", {**EMPLOYEES, "vendorId": "v"}))
    assert [change.address for change in offline(want, {"g": theirs("a")}).changes] == ["acme/g/b"]
    assert told(want, {"g": theirs("a")}) == [
        "acme/g: its definition was not ours and is not in the lockfile: only its members are compared"
    ]


def test_new_groups_are_told_because_the_service_may_have_them() -> None:
    """All in one warning, and not all of many by name."""
    [message] = told(wanting(*(group(name, "") for name in "abcdefg")), {})
    assert message.startswith("acme: a, b, c, d, e and 2 more are not in the lockfile and so shown as new;")
    [message] = told(wanting(group("a", "")), {})
    assert message.startswith("acme: a is not in the lockfile")


def test_the_language_of_plain_texts_is_taken_from_the_lockfile_and_told() -> None:
    """Only if all texts of our groups have exactly one language in common."""
    ours = {"g": ours_named("Desk", description={"en": "x", "de": "y"}), "h": theirs()}
    assert language(ours) == "en"
    assert language({}) is None
    assert language({"g": replace(ours["g"], fields={"name": {"en": "x", "de": "y"}})}) is None
    assert language({"g": ours["g"], "h": replace(ours["g"], fields={"name": {"de": "y"}})}) is None
    want = wanting(group("g", "a", {"userType": "EMPLOYEE", "name": "Desk"}))
    assert [message.partition(",")[0] for message in told(want, ours)] == ["acme: plain texts are taken for en"]
    assert told(wanting(group("g", "a")), {"g": ours["g"]}) == []


def test_what_the_service_would_have_been_asked_is_told() -> None:
    """Whether newcomers exist and may join, and whether what a definition refers to exists and fits."""
    kinds = (UserType.EMPLOYEE,)
    joins = [Change("acme", "g", user, Action.CREATE, Reason.NEW, *kinds) for user in "ab"]
    fields = {"accessControls": ["orders"]}
    writes = Change("acme", "g", None, Action.UPDATE, Reason.DIFFERS, *kinds, before=fields, after=fields)
    other = Change("other", "g", "z", Action.CREATE, Reason.NEW, *kinds)
    assert [item.message for item in doubts("acme", [writes, *joins, other])] == [
        "acme: whether new members exist and may join, by their other groups, is not checked: a, b"
    ]
    for more in ({"accessControls": ["carts", "orders"]}, {**fields, "templates": ["t"]}):
        [warning] = doubts("acme", [replace(writes, after=more)])
        assert warning.message.startswith("acme: whether access controls and templates exist and fit")
    assert list(doubts("acme", [replace(joins[0], action=Action.DELETE)])) == []


def test_who_left_and_is_not_ours_is_no_news() -> None:
    """Whether an e-mail has an account only the service knows: of one that never led to anybody nothing is said."""
    ours = {"g": KnownGroup(False, UserType.EMPLOYEE, frozenset("b"), emails={"b": "ben@acme.example"})}
    entries = [
        Entry(person, HERE)
        for person in (Person(email="ana@acme.example"), Person(email="Ben@acme.example"), Person(id="c"))
    ]
    told = sure(DesiredTenant("acme", HERE, offboarded=tuple(entries)), ours).desired
    assert told.offboarded == tuple(entries[1:])


def test_guards_that_say_nothing_are_named() -> None:
    """Who relies on them must know that they were not asked; with nothing to judge there is nothing to say."""
    change = Change("acme", "g", "a", Action.CREATE, Reason.NEW, UserType.EMPLOYEE)
    guarded = DesiredTenant("acme", access=AccessGuards(keep={"iam.group_manage": Keep(2)}))
    [warning] = unjudged(guarded, [change])
    assert warning.message == "acme: guards on access are not judged: what groups grant is not known"
    assert list(unjudged(guarded, [replace(change, tenant="other")])) == []
    assert list(unjudged(DesiredTenant("acme"), [change])) == []


def test_which_lockfile_it_rests_on_is_told() -> None:
    """Serial and time, that there is none, and what an unfinished run left open."""
    pending = [Change("acme", "g", user, Action.CREATE, Reason.NEW, UserType.EMPLOYEE) for user in "ab"]
    assert [item.message.partition(";")[0] for item in basis("file:x.lock", 7, "2026-11-24T07:00:00Z", pending)] == [
        "planned offline against the lockfile of serial 7, written 2026-11-24T07:00:00Z",
        "acme: 2 changes of an unfinished run may or may not have been done",
    ]
    [warning] = basis("file:x.lock", 7, "", ())
    assert warning.message.startswith("planned offline against the lockfile of serial 7;")
    [warning] = basis("file:x.lock", 0, "", ())
    assert warning.message == "planned offline, and there is no lockfile at file:x.lock yet: everything is shown as new"
    *_, single = basis("", 1, "", pending[:1])
    assert single.message.startswith("acme: 1 change of an unfinished run")


def test_whom_an_e_mail_leads_to_is_known_once_it_was_applied() -> None:
    """A pinned one stays to be compared; any other is left out with one warning for all of them."""
    known = {"g": KnownGroup(False, UserType.EMPLOYEE, frozenset({"00uM"}), emails={"00uM": "marta@x.y"})}
    people = (Person(email="Marta@x.y"), Person(id="a"), Person(email="b@x.y"), Person(email="c@x.y"))
    entries = tuple(Entry(person, Source("a.yaml", line, 1)) for line, person in enumerate(people))
    desired = DesiredTenant("acme", HERE, (DesiredGroup(HERE, id="g", members={}, entries=entries),))
    found = sure(desired, known)
    assert found.desired.groups[0].entries == entries[:2]
    (warning,) = found.warnings
    assert "not in the lockfile yet, so these members are not compared: b@x.y, c@x.y" in warning.message
    assert warning.source == Source("a.yaml", 2, 1)
