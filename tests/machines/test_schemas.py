"""The schemas of what machines read: they say what every document is like, and explain each field of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from reconciler.cli import cli
from reconciler.cli.event_forms import json_schema as events_schema
from reconciler.core.document import encode
from reconciler.core.document_schema import MEANINGS, drift_schema, plan_schema
from reconciler.core.drift import encode_drift
from reconciler.core.plan import Plan
from tests.core.test_document import plans
from tests.render.golden import cases, plan_of

ROOT = Path(__file__).parents[2]
SCHEMAS = {"plan": plan_schema(), "drift": drift_schema(), "events": events_schema()}
PLAN, DRIFT = (Draft202012Validator(SCHEMAS[name]) for name in ("plan", "drift"))


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    """The schema and all schemas within."""
    if isinstance(schema, dict):
        yield schema
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from parts(inner)


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_copy_is_current(name: str) -> None:
    """``reconciler/schemas/NAME.json`` is what the command prints, and that is what the models say."""
    printed = CliRunner().invoke(cli, ["schema", f"--{name}"]).stdout
    assert json.loads(printed) == SCHEMAS[name]
    assert printed == (ROOT / "reconciler" / "schemas" / f"{name}.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SCHEMAS)
def test_it_is_a_json_schema_with_a_version(name: str) -> None:
    schema = SCHEMAS[name]
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:emporix-reconciler:{name}:1"
    assert "format 1" in schema["title"]


@pytest.mark.parametrize("name", ["plan", "drift"])
def test_every_part_and_every_field_is_explained(name: str) -> None:
    """In words meant for readers: none of them is a docstring that a struct happens to have."""
    schema = SCHEMAS[name]
    told = [*schema["properties"].values(), *schema["$defs"].values()]
    told += [field for part in schema["$defs"].values() for field in part.get("properties", {}).values()]
    assert [part for part in told if part.get("description") not in MEANINGS.values()] == []


def test_every_meaning_is_of_something() -> None:
    """What a field meant that is no longer there is taken away with it."""
    text = json.dumps([SCHEMAS["plan"], SCHEMAS["drift"]], ensure_ascii=False)
    assert [name for name, meaning in MEANINGS.items() if json.dumps(meaning, ensure_ascii=False) not in text] == []


def test_every_event_is_explained() -> None:
    for part in parts(SCHEMAS["events"]):
        if "properties" in part:
            assert part["description"].endswith(".")


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_every_golden_plan_is_valid(case: Path) -> None:
    PLAN.validate(json.loads((case / "plan.json").read_bytes()))
    DRIFT.validate(json.loads(encode_drift(plan_of(case))))


@given(plan=plans())
@settings(max_examples=80, deadline=None)
def test_any_plan_is_valid(plan: Plan) -> None:
    PLAN.validate(json.loads(encode(plan)))
    DRIFT.validate(json.loads(encode_drift(plan)))


@pytest.mark.parametrize(
    ("key", "value"),
    [("format", 2), ("kind", "drift"), ("surprise", 1), ("changes", [{}]), ("serial", "7"), ("fingerprint", None)],
)
def test_what_is_no_plan_is_not_valid(key: str, value: Any) -> None:
    document = json.loads((cases()[0] / "plan.json").read_bytes())
    assert PLAN.is_valid(document)
    assert not PLAN.is_valid(document | {key: value})


def test_a_definition_has_only_the_fields_of_the_api() -> None:
    document = json.loads(
        next(case for case in cases() if case.name == "every-action").joinpath("plan.json").read_bytes()
    )
    document["changes"][0]["after"]["surprise"] = 1
    assert not PLAN.is_valid(document)
