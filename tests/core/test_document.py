"""The plan as a document: what is written is what is read, and whatever is damaged is refused in words."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.document import decode, encode
from reconciler.core.effects import Effect, Effects, Grant, Right
from reconciler.core.guards import refusals
from reconciler.core.limits import AccessGuards, Guards, Keep, Limit, Requirement
from reconciler.core.model import Membership, Person, UserType, normalise
from reconciler.core.plan import CARRIED, POLICY, Action, Change, Plan, Reason, Touched
from reconciler.diagnostics import Diagnostic, PlanError, Severity, Source

from .effects import effects
from .world import desired, known, live, plan_of

NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
COUNTS = st.integers(0, 10**6)
SOURCES = st.none() | st.builds(Source, NAMES, COUNTS, COUNTS)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.none() | st.fixed_dictionaries(
    {"userType": st.sampled_from(UserType).map(str), "name": st.dictionaries(NAMES, NAMES, max_size=2)},
    optional={"mixins": st.dictionaries(NAMES, JSON, max_size=2), "accessControls": st.lists(NAMES, max_size=3)},
).map(normalise)
INSTANTS = st.none() | st.datetimes(timezones=st.just(UTC))
CHANGES = st.builds(
    Change,
    tenant=NAMES,
    group=NAMES,
    user=st.none() | NAMES,
    action=st.sampled_from(Action),
    reason=st.sampled_from(Reason),
    user_type=st.sampled_from(UserType),
    source=SOURCES,
    note=st.text(max_size=5),
    before=FIELDS,
    after=FIELDS,
    version=st.none() | COUNTS,
    owned=st.booleans(),
    email=st.text(max_size=5),
    person=st.none() | st.builds(Person, NAMES, st.none(), st.none() | NAMES, NAMES),
    teams=st.lists(NAMES, max_size=2).map(tuple),
    until=INSTANTS,
).map(lambda change: replace(change, person=change.person and replace(change.person, id=change.user)))
AMOUNTS = st.floats(0, 1e9) | st.sampled_from([0.0, 12.5, 33.3, 1234567.0])
GUARDS = st.builds(
    Guards,
    max_removals=st.lists(st.builds(Limit, AMOUNTS, st.booleans()), max_size=3).map(Limit.strictest),
    min_members=st.none() | COUNTS,
    protected=st.frozensets(NAMES, max_size=2),
)
TOUCHED = st.builds(
    Touched,
    live=st.integers(4, 50),
    desired=COUNTS,
    membership=st.sampled_from(Membership),
    guards=GUARDS,
    name=NAMES,
    moved_to=NAMES,
)
WARNINGS = st.builds(
    Diagnostic,
    message=NAMES,
    source=SOURCES,
    remedy=NAMES,
    related=st.lists(st.tuples(NAMES, SOURCES.filter(bool)), max_size=2).map(tuple),
    address=NAMES,
    rule=NAMES,
    severity=st.just(Severity.WARNING),
)
DENIALS = st.builds(
    Diagnostic,
    message=NAMES,
    source=SOURCES,
    remedy=NAMES,
    address=NAMES,
    rule=NAMES.map(lambda name: POLICY + name) | st.sampled_from(sorted(CARRIED)),
)
NAME_TUPLES = st.lists(NAMES, max_size=2).map(tuple)
KEEPS = st.builds(Keep, st.none() | st.integers(1, 9), st.frozensets(NAMES, max_size=2))
ACCESS_GUARDS = st.builds(
    AccessGuards,
    sensitive=NAME_TUPLES,
    requires=st.none() | st.sampled_from(Requirement),
    separation=st.lists(st.tuples(NAMES, NAMES), max_size=2).map(tuple),
    keep=st.dictionaries(NAMES, KEEPS, max_size=2),
)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Any plan: as in those that are made, each group with a change is among the touched ones."""
    changes = tuple(draw(st.lists(CHANGES, max_size=4, unique_by=lambda change: change.key)))
    return Plan(
        changes=changes,
        tenants=draw(NAME_TUPLES),
        touched={(change.tenant, change.group): draw(TOUCHED) for change in changes},
        failures=draw(st.dictionaries(NAMES, NAMES, max_size=2)),
        unchanged=draw(COUNTS),
        left=draw(st.dictionaries(NAMES, NAME_TUPLES, max_size=2)),
        state=draw(st.text(max_size=5)),
        lineage=draw(NAMES),
        serial=draw(COUNTS),
        take_over=draw(st.booleans()),
        orphaned=draw(NAME_TUPLES),
        targets=draw(NAME_TUPLES),
        offline=draw(st.booleans()),
        warnings=tuple(draw(st.lists(WARNINGS, max_size=2))),
        denials=tuple(draw(st.lists(DENIALS, max_size=2))),
        at=draw(INSTANTS),
        next_date=draw(INSTANTS),
        effects=draw(st.dictionaries(NAMES, effects(NAMES), max_size=2)),
        access_limit=draw(COUNTS),
        access_guards=draw(st.dictionaries(NAMES, ACCESS_GUARDS, max_size=2)),
    )


@given(plan=plans())
@settings(max_examples=50, deadline=None)
def test_what_is_written_is_what_is_read(plan: Plan) -> None:
    """Every part of any plan survives, and equal plans give equal bytes."""
    data = encode(plan)
    again = decode(data, "plan.json")
    assert again == plan
    assert again.fingerprint == plan.fingerprint
    assert encode(again) == data


PLAN = replace(
    plan_of(
        desired({"g": frozenset("ab")}, guards=Guards(max_removals=Limit(12.5, percent=True))),
        live({"g": frozenset("ac")}),
        known({"g": frozenset("c")}),
    ),
    tenants=("acme",),
)
DATA = encode(PLAN)


@given(place=st.integers(0, len(DATA) - 1), byte=st.integers(0, 255))
@settings(max_examples=80, deadline=None)
def test_any_byte_that_changes_the_meaning_is_refused(place: int, byte: int) -> None:
    """A changed byte is refused in words, unless it only changes white space or how a number or letter is written."""
    damaged = DATA[:place] + bytes([byte]) + DATA[place + 1 :]
    try:
        assert decode(damaged, "plan.json") == PLAN
    except PlanError as error:
        assert error.message.startswith("plan.json ")
        assert "plan -o FILE" in error.remedy


@given(end=st.integers(0, len(DATA) - 2))
def test_a_plan_that_was_cut_off_is_refused(end: int) -> None:
    """A disk that was full leaves no half plan that could be applied."""
    with pytest.raises(PlanError, match="is not a plan file"):
        decode(DATA[:end], "plan.json")


@given(st.binary(max_size=50) | JSON.map(lambda value: json.dumps(value).encode()))
def test_anything_else_is_refused(data: bytes) -> None:
    """Whatever file is given by mistake, the answer is a sentence."""
    with pytest.raises(PlanError, match="is not a plan file"):
        decode(data, "plan.json")


def signed(**changed: Any) -> bytes:
    """The plan with other content and a checksum that fits it, as only somebody who knows the format would write."""
    document = json.loads(DATA) | changed
    content = json.dumps(document | {"checksum": ""}, separators=(",", ":"), ensure_ascii=False)
    return json.dumps(document | {"checksum": hashlib.sha256(content.encode()).hexdigest()}).encode()


def test_equal_plans_give_equal_bytes() -> None:
    """The order in which tenants answered or the service wrote a definition does not matter."""
    one, other = {"en": "One", "de": "Eins"}, {"de": "Eins", "en": "One"}
    plans = [
        replace(PLAN, failures=names, changes=tuple(replace(change, after={"name": names}) for change in PLAN.changes))
        for names in (one, other)
    ]
    assert plans[0] == plans[1]
    assert encode(plans[0]) == encode(plans[1])


FIRST, *REST = json.loads(DATA)["changes"]
GROUP = json.loads(DATA)["groups"][0]


def test_a_checksum_that_fits_is_accepted() -> None:
    """The checksum guards against accidents; it is no secret."""
    assert decode(signed(serial=7), "plan.json") == replace(PLAN, serial=7)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (signed(format=2), "plan.json has plan format 2; this version knows 1"),
        (
            DATA.replace(b'"user": "a"', b'"user": "x"'),
            "plan.json was changed after it was written: its checksum does not fit",
        ),
        (
            signed(groups=[GROUP | {"guards": {"maxRemovals": "many%"}}]),
            "could not convert string",
        ),
        (signed(kind="report"), "plan.json is a report document and no plan"),
        (signed(fingerprint="0" * 20), "its fingerprint is not that of its changes"),
        (signed(changes=[FIRST | {"address": "acme/g/z"}, *REST]), "the address acme/g/z is not that of its change"),
        (signed(groups=[]), "what it says of acme/g is not what it does there"),
        (signed(groups=[GROUP | {"live": 0}]), "what it says of acme/g is not what it does there"),
        (
            signed(changes=[FIRST | {"reason": "moved to another group"}, *REST]),
            "it does not say where acme/g/a moves to",
        ),
        (signed(access=[{"tenant": "acme"}] * 2), "it tells the access in acme more than once"),
        (signed(access=[{"tenant": "acme", "effects": [{"users": []}]}]), "Expected `array` of length >= 1"),
        (signed(surprise=1), "unknown field `surprise`"),
        (signed(at="2026-12-01T00:00:00"), "Expected `datetime` with a timezone component"),
        (signed(nextDate="9999-12-31T23:59:59-10:00"), "date value out of range"),
        (b'{"format": "1"}', "Expected `int`, got `str`"),
        (b'{"format": 1, "kind": "plan"}', "missing required field `fingerprint`"),
        (b"\xff", "is not a plan file"),
        (b'{"format": 1, "changes": ' + b"[" * 100_000, "is not a plan file"),
        (b"", "Input data was truncated"),
    ],
)
def test_what_is_wrong_with_a_plan_file_is_said(data: bytes, message: str) -> None:
    """A later format, an edit, a limit that is none, a foreign key, a wrong type, and what is no JSON at all."""
    with pytest.raises(PlanError) as refused:
        decode(data, "plan.json")
    assert message in refused.value.message
    assert refused.value.remedy == "make it anew with `reconciler plan -o FILE`"


def test_dates_are_in_utc_whatever_distance_a_document_gives() -> None:
    """Everything that is shown and compared may rely on it."""
    there = timezone(timedelta(hours=2))
    found = decode(signed(at="2026-12-01T02:00:00+02:00"), "plan.json").at
    assert found == datetime(2026, 12, 1, 2, tzinfo=there)
    assert found is not None and found.tzinfo is UTC


def test_the_document_is_readable_and_says_what_guards_refuse() -> None:
    """Reviewers and scripts read it: indented, with a summary, addresses and refusals."""
    document = json.loads(DATA)
    assert DATA.endswith(b"}\n")
    assert document["fingerprint"] == PLAN.fingerprint
    assert document["summary"] == {"create": 1, "update": 0, "delete": 1, "replace": 0, "adopt": 1, "forget": 0}
    assert [change["address"] for change in document["changes"]] == ["acme/g/a", "acme/g/b", "acme/g/c"]
    assert document["groups"][0]["guards"] == {"maxRemovals": "12.5%"}
    assert [refusal["rule"] for refusal in document["refusals"]] == ["maxRemovals"]


def test_what_a_plan_comes_to_for_users_can_be_read_from_it() -> None:
    """Who gains and loses what and through which groups, and how many of each scope; unknown names are left out."""
    order, price = Right("order.order_manage"), Right("price.price_manage", "B-1")
    told = Effects(
        (
            Effect((Person("ana", "00uA", "ana@acme.example", "Ana"),), (Grant(order, ("ops",)),)),
            Effect(
                (Person(id="00uB"), Person(id="00uC")), (), (Grant(price, ("old", "sales")),), (Grant(order, ("s",)),)
            ),
            Effect((Person(id="00uD"),), had=(Grant(order, ("s",)),)),
        ),
        frozenset({order}),
        uncounted=7,
        names={"ops": "Ops"},
    )
    (access,) = json.loads(encode(replace(PLAN, effects={"acme": told})))["access"]
    assert access == {
        "tenant": "acme",
        "summary": [
            {"scope": "order.order_manage", "gained": 1, "sensitive": True},
            {"scope": "price.price_manage", "company": "B-1", "lost": 2},
        ],
        "effects": [
            {
                "users": [{"user": "00uA", "person": {"handle": "ana", "email": "ana@acme.example", "name": "Ana"}}],
                "gained": [{"scope": "order.order_manage", "through": ["ops"], "sensitive": True}],
            },
            {
                "users": [{"user": "00uB"}, {"user": "00uC"}],
                "lost": [{"scope": "price.price_manage", "company": "B-1", "through": ["old", "sales"]}],
                "kept": [{"scope": "order.order_manage", "through": ["s"]}],
            },
            {"users": [{"user": "00uD"}], "had": [{"scope": "order.order_manage", "through": ["s"]}]},
        ],
        "uncounted": 7,
        "names": {"ops": "Ops"},
    }
    assert "access" not in json.loads(DATA)


@pytest.mark.parametrize("rule", [*sorted(CARRIED), "policy acme.deny"])
def test_what_cannot_be_asked_of_the_plan_alone_is_carried_by_it(rule: str) -> None:
    """A saved plan that guards on access or policy refuse is refused when it is applied, too."""
    denied = replace(PLAN, denials=(Diagnostic("not so", address="acme/g/a", rule=rule),))
    assert decode(encode(denied), "plan.json") == denied
    guarded = [item for item in refusals(decode(encode(denied), "plan.json")) if item.rule == "maxRemovals"]
    assert len(guarded) == 1


def test_no_address_is_there_twice() -> None:
    """Nobody could say which of the two would be done, nor a comparison which one it is about."""
    doubled = [FIRST, *REST, FIRST]
    with pytest.raises(PlanError, match="it has acme/g/a more than once"):
        decode(
            signed(changes=doubled, fingerprint=replace(PLAN, changes=(*PLAN.changes, PLAN.changes[0])).fingerprint),
            "plan.json",
        )
