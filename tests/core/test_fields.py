"""Definitions: what is sent when the managed fields are laid over the live ones, and what is shown to differ."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.fields import Difference, differences, dotted, needs_language, overlay, same, takes_rights
from reconciler.core.limits import Limit
from reconciler.core.model import LiveGroup, Match, UserType, normalise

LIVE = {
    "userType": "EMPLOYEE",
    "name": {"de": "Alt", "en": "Old"},
    "accessControls": ["a", "b"],
    "mixins": {"m": {"x": 1}},
    "vendorId": "v",
}


@pytest.mark.parametrize(
    ("managed", "expected"),
    [
        ({}, LIVE),
        ({"name": "New"}, {**LIVE, "name": {"de": "Alt", "en": "New"}}),
        ({"name": {"en": "New"}}, {**LIVE, "name": {"en": "New"}}),
        ({"description": "Text"}, {**LIVE, "description": {"en": "Text"}}),
        ({"accessControls": ["b", "a", "b"]}, LIVE),
        ({"accessControls": []}, {name: value for name, value in LIVE.items() if name != "accessControls"}),
        ({"vendorId": None}, {name: value for name, value in LIVE.items() if name != "vendorId"}),
        ({"mixins": {"m": {"y": 2}}}, {**LIVE, "mixins": {"m": {"y": 2}}}),
        ({"b2b": {"legalEntityId": None}}, LIVE),
        ({"description": {"en": ""}}, LIVE),
    ],
)
def test_managed_fields_are_laid_over_live_ones(managed, expected) -> None:
    """What is left out is carried along, null and empty empties, a plain string is the default language's text."""
    assert overlay(managed, LIVE, "en") == expected


FIELDS = st.fixed_dictionaries(
    {"userType": st.sampled_from(["EMPLOYEE", "CUSTOMER"])},
    optional={
        "name": st.dictionaries(st.sampled_from(["en", "de"]), st.text(max_size=3)),
        "description": st.none() | st.dictionaries(st.just("en"), st.text(max_size=3)),
        "accessControls": st.lists(st.sampled_from("abc")),
        "templates": st.none() | st.lists(st.sampled_from("abc")),
        "b2b": st.none() | st.just({}) | st.just({"legalEntityId": "x"}) | st.just({"legalEntityId": ""}),
        "vendorId": st.none() | st.just("") | st.just("v"),
        "mixins": st.none() | st.just({}) | st.just({"m": {"x": [1]}}),
    },
)


@given(managed=FIELDS, live=FIELDS.map(normalise))
def test_laying_the_same_fields_over_twice_changes_nothing(managed, live) -> None:
    """Once applied, a definition has nothing to do any more: otherwise no plan would ever be empty."""
    once = overlay(managed, live, "en")
    assert overlay(managed, once, "en") == once == normalise(once)
    assert differences(once, once) == []
    assert bool(differences(live, once)) == (live != once)


def test_only_plain_texts_need_a_language() -> None:
    """Whoever writes maps never makes us ask for the tenant's default language."""
    assert needs_language({"description": "Text"})
    assert not needs_language({"name": {"en": "Text"}, "vendorId": "v"})


def test_differences_are_told_field_by_field() -> None:
    """Localized maps and mixins are looked into, lists are compared without order."""
    after = {
        **LIVE,
        "name": {"en": "New", "fr": "Nouveau"},
        "accessControls": ["c", "a"],
        "mixins": {"m": {"x": 2}, "n": 1},
    }
    del after["vendorId"]
    assert differences(LIVE, after) == [
        Difference("accessControls", "b", None),
        Difference("accessControls", None, "c"),
        Difference("mixins.m.x", 1, 2),
        Difference("mixins.n", None, 1),
        Difference("name.de", "Alt", None),
        Difference("name.en", "Old", "New"),
        Difference("name.fr", None, "Nouveau"),
        Difference("vendorId", "v", None),
    ]


def test_a_new_definition_differs_in_every_field() -> None:
    """Nothing before means that all of it is new, nothing after that all of it goes."""
    assert differences(None, {"vendorId": "v"}) == [Difference("vendorId", None, "v")]
    assert differences({"vendorId": "v"}, None) == [Difference("vendorId", "v", None)]
    assert differences({"accessControls": ["a"]}, {"accessControls": ["a", "b"]}) == [
        Difference("accessControls", None, "b")
    ]
    assert differences({"accessControls": ["a", "b"]}, {"accessControls": ["a"]}) == [
        Difference("accessControls", "b", None)
    ]


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        (Limit(3), "3"),
        (Limit(12.5, True), "12.5%"),
        (Limit(25, True), "25%"),
        (Limit(1234567.0), "1234567"),
        (Limit(0.1 + 0.2), "0.30000000000000004"),
        (Limit(33.3333333, True), "33.3333333%"),
    ],
)
def test_a_limit_is_shown_with_all_its_digits(limit: Limit, text: str) -> None:
    """A rounded limit would make a message contradict itself."""
    assert str(limit) == text


def test_a_match_is_shown_as_the_file_writes_it() -> None:
    """Only the criteria that are given, under the file's own names."""
    shown = str(Match(id="g", code="C", name="N", legal_entity_id="x", vendor_id="v"))
    assert shown == "id: g, code: C, name: N, legalEntityId: x, vendorId: v"
    assert str(Match(name="N")) == "name: N"


def test_a_live_group_knows_its_vendor_and_company() -> None:
    """Both are absent where the definition has none."""
    group = LiveGroup("g", {"vendorId": "v", "b2b": {"legalEntityId": "x"}}, UserType.EMPLOYEE)
    assert (group.vendor_id, group.legal_entity_id) == ("v", "x")
    assert (LiveGroup("g", {}, UserType.EMPLOYEE).vendor_id, LiveGroup("g", {}, UserType.EMPLOYEE).legal_entity_id) == (
        None,
        None,
    )


@pytest.mark.parametrize(
    ("before", "after", "are_same"),
    [
        ({"superuser": 0}, {"superuser": False}, False),
        ({"a": [1]}, {"a": [True]}, False),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": [1, 2]}, {"a": [2, 1]}, False),
        ({"a": [1]}, {"a": [1, 1]}, False),
        ({"a": 1}, {"b": 1}, False),
        ({"a": {"b": None}}, {"a": {"b": None}}, True),
    ],
)
def test_what_is_not_the_same_shows_a_difference(before: Any, after: Any, are_same: bool) -> None:
    """An update is made for exactly what differs in a document, and each shows at least one field."""
    assert same({"mixins": before}, {"mixins": after}) is are_same
    if not are_same:
        assert differences({"mixins": before}, {"mixins": after})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["", "a"]),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.sampled_from(["a", "a.b", "b"]), part, max_size=3),
    max_leaves=8,
)
MIXINS = st.dictionaries(st.sampled_from(["a", "b", "a.b", 'a"']), JSON, max_size=4)


@given(MIXINS, MIXINS)
def test_every_part_that_differs_is_told_whatever_else_does(before: dict[str, Any], after: dict[str, Any]) -> None:
    """A ``1`` that becomes ``true`` deep in a list must not hide behind another change of the same field."""
    told = [difference.path for difference in differences({"mixins": before}, {"mixins": after})]
    for key in before.keys() & after.keys():
        path = dotted("mixins", key)
        assert any(one == path or one.startswith(f"{path}.") for one in told) is not same(before[key], after[key])


def test_two_places_never_share_a_path() -> None:
    """A key with a dot in it stands in quotes; whoever reviews sees which of the two is meant."""
    nested, flat = {"mixins": {"a": {"b": 1}}}, {"mixins": {"a.b": 1, '"': 1, "": 1}}
    assert [difference.path for difference in differences(nested, flat)] == [
        'mixins.""',
        'mixins."\\""',
        'mixins."a.b"',
        "mixins.a",
    ]
    assert dotted("mixins", "a", "b") == "mixins.a.b"


@pytest.mark.parametrize(
    ("before", "after", "is_loss"),
    [
        ({"accessControls": ["a", "b"]}, {"accessControls": ["b"]}, True),
        ({"templates": ["a"]}, {}, True),
        ({"accessControls": ["a"]}, {"accessControls": ["a", "b"], "templates": ["t"]}, False),
        ({}, {"restrictions": ["DE"]}, True),
        ({"restrictions": ["AT", "DE"]}, {"restrictions": ["DE"]}, True),
        ({"restrictions": ["DE"]}, {"restrictions": ["AT", "DE"]}, False),
        ({"restrictions": ["DE"]}, {}, False),
        ({"b2b": {"legalEntityId": "x"}}, {"b2b": {"legalEntityId": "y"}}, True),
        ({}, {"b2b": {"legalEntityId": "y"}}, False),
        ({"name": {"en": "A"}}, {"name": {"en": "B"}}, False),
    ],
)
def test_a_definition_takes_rights(before: dict[str, Any], after: dict[str, Any], is_loss: bool) -> None:
    """Fewer grants, a narrower field or another company: members lose something though nobody is removed."""
    assert takes_rights(before, after) is is_loss
