"""Whatever a tenant has in it, an import of it is a configuration whose plan only adopts."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.sandbox import start
from tests.e2e.desk import Desk

LOOKALIKES = [
    "null",
    "~",
    "no",
    "Y",
    "on",
    "00123",
    "1e5",
    "0x1F",
    "0o17",
    "1_000",
    "12:30",
    "2026-12-31",
    ".5",
    "<<",
    "=",
]
IDS = st.one_of(
    st.sampled_from(
        [*LOOKALIKES, "a b", " a", "a/b", "a@b", ".", "..", "a?b", "a#b", "a%2Fb", "-", "- a", "&a", "*a", "!a"]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="/\x00"), min_size=1, max_size=8),
)
TEXTS = st.one_of(st.sampled_from([*LOOKALIKES, "a: b", "a #b", "- a", "'", '"', "%", "@", "`"]), st.text(max_size=20))
DATA = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**53), 2**53),
        st.floats(allow_nan=False, allow_infinity=False),
        TEXTS,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)  # fmt: skip
USERS = {"EMPLOYEE": "employees", "CUSTOMER": "customers"}


@st.composite
def worlds(draw: Callable[..., Any]) -> dict[str, Any]:
    """A tenant with groups and users of all sorts, in keeping with the service's own rules."""
    kinds = st.sampled_from(list(USERS))
    groups, assignments = [], []
    users = {kind: [{"id": f"{kind[0].lower()}{n}"} for n in range(3)] for kind in USERS}
    for user in draw(st.lists(IDS, max_size=4, unique=True)):
        users["EMPLOYEE"].append({"id": user, "contactEmail": draw(st.one_of(st.just("ana@acme.example"), TEXTS))})
    for name in draw(st.lists(IDS, min_size=1, max_size=5, unique=True)):
        kind = draw(kinds)
        group = {"id": name, "userType": kind, "name": draw(st.dictionaries(st.sampled_from(["en", "de-AT"]), TEXTS))}
        optional = {
            "code": st.sampled_from(["BO_USER", "CONTACT", "1e5"]),
            "description": st.fixed_dictionaries({"en": TEXTS}),
            "restrictions": st.lists(TEXTS, max_size=3),
            "accessControls": st.lists(st.sampled_from(LOOKALIKES), max_size=3),
            "b2b": st.fixed_dictionaries({"legalEntityId": st.sampled_from(["X", "no"])}),
            "mixins": st.dictionaries(TEXTS, DATA, max_size=3),
        }
        group |= {key: draw(values) for key, values in optional.items() if draw(st.booleans())}
        groups.append(group)
        members = draw(st.lists(st.sampled_from(users[kind]), max_size=5, unique_by=lambda user: user["id"]))
        assignments += [{"groupId": name, "userId": user["id"]} for user in members]
    return {
        "tenant": "acmeprod", "languages": ["en", "de-AT"], "groups": groups, "assignments": assignments,
        "accessControls": [{"id": name} for name in LOOKALIKES],
        **{key: users[kind] for kind, key in USERS.items()},
    }  # fmt: skip


@pytest.mark.parametrize("people", [(), ("--with-people",)], ids=["ids", "people"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tenant=worlds())
def test_an_import_is_adopted(tmp_path: Path, people: tuple[str, ...], tenant: dict[str, Any]) -> None:
    with ExitStack() as stack:
        desk = Desk(tmp_path, stack.enter_context(start(None, seed={"tenants": [tenant]})).url)
        done = desk.run("import", "--tenant", "acmeprod", *people)
        assert done.code == 0, done.err
        desk.configure(done.out)
        plan = json.loads(desk.run("plan", "--format", "json").out)
    assert {change["action"] for change in plan["changes"]} <= {"adopt"}
    left_out = sum(": left out: " in line for line in done.err.splitlines())
    assert len(tenant["groups"]) - left_out == sum(1 for change in plan["changes"] if "user" not in change)
