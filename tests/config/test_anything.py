"""Whatever a file holds, the answer is a configuration or a refusal with places, never another exception."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.config import load
from reconciler.diagnostics import ConfigurationError

MANY = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True, max_examples=400
)
PIECES = [
    *("tenants:", "- tenant: acmeprod", "groups:", "- id: a", "- match:", "members:", "guards:", "state:", "mixins:"),
    *("name:", "b2b:", "<<:", "&a ", "*a", "!!str ", "? ", ": ", "- ", "- 00u1", "{", "}", "[", "]", ",", "'", '"'),
    *(
        "|",
        ">",
        "#",
        "---",
        "...",
        "\n",
        "\n  ",
        "\n    ",
        "\n      ",
        "\t",
        "~",
        "null",
        "25%",
        "1",
        "id: x",
        "templates:",
        "extends: a",
        "defaults:",
        "vars: {a: b}",
        "${tenant}",
        "'${var.a}'",
        "id: ${",
        "sensitive: [*a",
        "separation: [[a, b]]",
        "keep: {a: 1}",
        "\x00",
        "\r",
    ),
]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["a", "00u1", "25%"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "name", "match", "members", "guards", "code", "b2b", "mixins", "maxRemovals", "x"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


def answer(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    try:
        load([file])
    except ConfigurationError as error:
        lines = data.count(b"\n") + data.count(b"\r") + 1
        assert error.diagnostics
        for diagnostic in error.diagnostics:
            assert diagnostic.source is not None
            assert 1 <= diagnostic.source.line <= lines + 1
            assert diagnostic.source.column >= 1


@MANY
@given(data=st.binary(max_size=200))
def test_any_bytes(file: Path, data: bytes) -> None:
    """Arbitrary bytes are answered."""
    answer(file, data)


@MANY
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=30))
def test_any_pieces_of_yaml(file: Path, pieces: list[str]) -> None:
    """Scraps of YAML in any order are answered."""
    answer(file, "".join(pieces).encode())


@MANY
@given(data=st.lists(JSON, max_size=3))
def test_any_groups(file: Path, data: list[object]) -> None:
    """Any data where groups should be is answered: JSON is YAML."""
    answer(file, f"tenants: [{{tenant: acmeprod, groups: {as_json(data)}}}]\n".encode())


def as_json(data: object) -> str:
    import json

    return json.dumps(data, ensure_ascii=True)
