"""The JSON Schema: current, valid, and never stricter than the reader."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.config import json_schema, load
from reconciler.diagnostics import ConfigurationError
from tests.config.editor import as_editors_read
from tests.config.test_anything import JSON, MANY, as_json
from tests.config.test_ids import LOOKALIKES
from tests.config.world import of_groups, read

ROOT = Path(__file__).parents[2]
SCHEMA = json_schema()
VALIDATOR = Draft202012Validator(SCHEMA)


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    """The schema and all schemas within."""
    if isinstance(schema, dict):
        yield schema
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from parts(inner)


def test_the_file_is_current() -> None:
    """``schema.json`` is what the models say; ``reconciler schema`` writes it anew."""
    assert (ROOT / "schema.json").read_text(encoding="utf-8") == json.dumps(SCHEMA, indent=2, ensure_ascii=False) + "\n"


def test_it_is_a_json_schema() -> None:
    """It is valid against the metaschema of the draft that it names."""
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["$id"].startswith("urn:")
    Draft202012Validator.check_schema(SCHEMA)


def test_every_key_is_documented() -> None:
    """Editors show a title, a description and an example at every key."""
    described = [key for part in parts(SCHEMA) for key in part.get("properties", {}).values()]
    assert len(described) > 25
    for key in described:
        assert key["title"]
        assert key["description"].endswith(".")
        assert key["examples"]
        assert "default" not in key


def test_examples_are_valid() -> None:
    """What the schema shows as an example is what it accepts."""
    for part in parts(SCHEMA):
        for example in part.get("examples", []):
            Draft202012Validator({**part, "$defs": SCHEMA["$defs"]}).validate(example)


@pytest.mark.parametrize("written", LOOKALIKES)
def test_editors_may_type_ids(file: Path, written: str) -> None:
    """What is text to the reader may be a number or a boolean to an editor, and neither of them complains."""
    text = of_groups(
        f"- id: {written}\n  name: {{no: {written}}}\n  vendorId: {written}\n  accessControls: [{written}]\n"
        f"  members:\n  - {written}\n  - {{id: x{written}, reason: {written}}}\n"
        f"- match: {{code: {written}}}\n  guards: {{minMembers: '1', maxRemovals: 10, protected: [{written}]}}\n"
    )
    read(file, text)
    VALIDATOR.validate(as_editors_read(text))


@MANY
@given(data=st.lists(JSON, max_size=3))
def test_it_accepts_what_the_reader_accepts(file: Path, data: list[object]) -> None:
    """No editor marks as wrong what the reader takes."""
    text = f"tenants: [{{tenant: acmeprod, groups: {as_json(data)}}}]\n"
    try:
        read(file, text)
    except ConfigurationError:
        return
    VALIDATOR.validate(as_editors_read(text))


@pytest.mark.parametrize("case", ["good", "empty_beside_good", "reuse_good"])
def test_it_accepts_the_good_cases(case: str) -> None:
    """The schema and the reader agree on what is good."""
    folder = Path(__file__).parent / "cases" / case
    for file in load([folder]).files:
        VALIDATOR.validate(as_editors_read(file.read_text(encoding="utf-8")) or {})


@pytest.mark.parametrize(
    "wrong",
    [
        {"persons": {}},
        {"tenants": {}},
        {"tenants": [{"tenant": "Acme"}]},
        {"tenants": [{"groups": []}]},
        {"state": {"url": None}},
        {"policy": "access.rego"},
        {"policy": [None]},
        {"ownership": [{"may": []}]},
        {"ownership": [{"files": "**", "may": ["acmeprod"]}]},
        {"ownership": [{"files": "**", "settings": ["ownership"]}]},
        {"guards": {"maxRemovals": "25 %"}},
        {"guards": {"minMembers": -1}},
        {"guards": {"sensitive": ["iam. *"]}},
        {"guards": {"sensitive": {"scopes": ["iam.*"], "requires": "nothing"}}},
        {"guards": {"separation": [["a"]]}},
        {"guards": {"keep": {"iam.*": 2}}},
        {"guards": {"keep": {"iam.x": 0}}},
        {"guards": {"keep": {"iam.x": {}}}},
        {"vars": {"1st": "a"}},
        {"vars": {"a": None}},
        {"templates": {"a": {"naem": "A"}}},
        {"templates": {"a": None}},
        {"defaults": {"members": []}},
        {"defaults": {"membership": "exakt"}},
        {"tenants": [{"tenant": ["Acme"]}]},
        *(
            {"tenants": [{"tenant": "acmeprod", "groups": [group]}]}
            for group in (
                {},
                {"id": "a", "match": {"code": "A"}},
                {"extends": "x", "id": "a", "match": {"code": "A"}},
                {"extends": None, "id": "a"},
                {"match": {}},
                {"match": {"code": "A"}, "name": "A"},
                {"match": {"code": "A"}, "description": "A"},
                {"id": "a", "description": "A"},
                {"id": "a", "userType": "CUSTOMER"},
                {"id": "a b"},
                {"id": None},
                {"id": "a", "name": None},
                {"id": "a", "name": {}},
                {"id": "a", "name": "A", "userType": "ROBOT"},
                {"id": "a", "name": {"not a language": "A"}},
                {"id": "a", "membership": None},
                {"id": "a", "members": [{"email": "ana"}]},
                {"id": "a", "members": [{"id": "ana", "team": "b"}]},
                {"id": "a", "members": [{"reason": "A"}]},
                {"id": "a", "members": [None]},
                {"id": "a", "guards": {"keep": {"iam.x": 2}}},
            )
        ),
    ],
    ids=str,
)
def test_it_knows_what_is_wrong(wrong: object) -> None:
    """The schema marks in the editor what the reader would refuse."""
    assert not VALIDATOR.is_valid(wrong)
