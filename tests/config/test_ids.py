"""Ids and texts are taken as written, whatever YAML would make of them, and messages point at them."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.config import load
from reconciler.diagnostics import ConfigurationError, Source
from tests.config.world import of_groups, one_group

LOOKALIKES = [
    "34751075",
    "00123",
    "00012345",
    "1e5",
    "123e4567",
    "no",
    "NO",
    "off",
    "y",
    "true",
    "2026-12-31",
    "2026-12-31T10:00:00Z",
    "12:30",
    "1_000",
    "0x1F",
    "0o17",
    "0b1",
    ".5",
    "+1",
    "-1",
    ".inf",
    "=",
    "<<",
    "1.",
    "5ac869fc-d548-4ec8-8e06-c01491314101",
    "a:b",
    "a#b",
    "Ünïcode",
    "漢字",
    "😀",
]
OUT_OF_THE_WAY = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True, max_examples=150
)
IDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"]), min_size=1
).filter(lambda text: not set(text) & {"/", "@"} and text not in {".", ".."} and "${" not in text)
PLAIN = st.from_regex(r"[A-Za-z0-9_.+~=-]{1,12}", fullmatch=True).filter(
    lambda text: text not in {"~", "null", "Null", "NULL", "-", "---", "...", ".", "..", "="}
)
STYLES = {
    "plain": "{}",
    "single": "'{}'",
    "double": '"{}"',
    "literal": "|-\n          {}",
    "folded": ">-\n          {}",
}


def quoted(style: str, text: str) -> str:
    if style == "double":
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    if style == "single":
        text = text.replace("'", "''")
    return STYLES[style].format(text)


@pytest.mark.parametrize("written", LOOKALIKES)
def test_nothing_is_reinterpreted(file: Path, written: str) -> None:
    """What looks like a number, a boolean or a date stays text wherever an id or a code may stand."""
    group = one_group(
        file,
        f"- id: {written}\n  name: A\n  vendorId: {written}\n  accessControls: [{written}]\n"
        f"  b2b: {{legalEntityId: {written}}}\n"
        f"  guards: {{protected: [{written}]}}\n"
        f"  members:\n  - {written}\n  - {{id: x{written}, reason: {written}}}\n",
    )
    assert group.id == written
    assert group.fields is not None
    assert (group.fields["vendorId"], group.fields["accessControls"]) == (written, [written])
    assert group.fields["b2b"] == {"legalEntityId": written}
    assert group.guards.protected == {written}
    assert list(group.members or {}) == [written, f"x{written}"]
    assert group.reasons == {f"x{written}": written}


@pytest.mark.parametrize("language", ["no", "en", "de-AT", "pt_BR", "on", "true", "yes"])
def test_languages_are_keys_as_written(file: Path, language: str) -> None:
    """Norwegian is not false."""
    fields = one_group(file, f"- id: a\n  name: {{{language}: 2024}}\n").fields
    assert fields == {"userType": "EMPLOYEE", "name": {language: "2024"}}


@pytest.mark.parametrize("style", ["single", "double", "literal", "folded"])
@OUT_OF_THE_WAY
@given(user=IDS)
def test_quoted_ids_survive(file: Path, style: str, user: str) -> None:
    """Every id that is allowed comes out of every quoted style unchanged, even `null` and `~`."""
    group = one_group(
        file, f"- id: a\n  members:\n    - {quoted(style, user)}\n    - id: {quoted(style, 'x' + user)}\n"
    )
    assert set(group.members or {}) == {user, f"x{user}"}


@OUT_OF_THE_WAY
@given(user=st.text(min_size=1, max_size=4) | st.sampled_from(["a b", " a", "a/b", "a@b", "..", "\u200b", "null", "~"]))
def test_the_fast_path_is_no_laxer_than_the_schema(file: Path, user: str) -> None:
    """Member lists do not meet the schema, but what it refuses of other user ids is refused of members too."""

    def accepted(text: str) -> bool:
        file.write_text(of_groups(text), encoding="utf-8")
        try:
            return bool(load([file]))
        except ConfigurationError:
            return False

    written = json.dumps(user)
    elsewhere = f"members: [{{email: {written}}}]" if "@" in user else f"guards: {{protected: [{written}]}}"
    by_schema = accepted(f"- {{id: a, {elsewhere}}}")
    assert accepted(f"- {{id: a, members: [{written}]}}") is by_schema
    assert accepted(f"- {{id: a, members: [{{id: {written}, reason: x}}]}}") is (by_schema and "@" not in user)


@OUT_OF_THE_WAY
@given(users=st.lists(PLAIN, unique=True, min_size=1), blanks=st.integers(0, 4), flow=st.booleans())
def test_positions_point_at_the_text(file: Path, users: list[str], blanks: int, flow: bool) -> None:
    """Line and column of a member are where its id is written, so that an editor can jump there."""
    pad = " " * blanks
    listed = (
        f" [{', '.join(pad + user for user in users)}]\n" if flow else "".join(f"\n    -{pad} {user}" for user in users)
    )
    group = one_group(file, f"- id: Ü\n  members:{listed}\n")
    lines = file.read_text(encoding="utf-8").splitlines()
    assert list(group.members or {}) == users
    for user, source in (group.members or {}).items():
        assert lines[source.line - 1][source.column - 1 :].startswith(user)


def test_columns_count_characters(file: Path) -> None:
    """A column is a number of characters, not of bytes, as in editors."""
    group = one_group(file, "- {id: a, name: 'Ünïcode 漢字 😀', members: [00u1]}\n")
    assert group.members == {"00u1": Source("a.yaml", 4, 49)}


def test_a_member_used_by_alias_stands_where_the_alias_stands(file: Path) -> None:
    """The line to change is the one with the alias; what is inside an aliased list stands where it was written."""
    group = one_group(
        file, "- id: &ana a\n  accessControls: &all [x, y]\n  name: A\n  members: [*ana, {id: b}]\n  templates: *all\n"
    )
    assert (group.members or {})["a"] == Source("a.yaml", 7, 19)
    assert group.fields is not None
    assert group.fields["templates"] == group.fields["accessControls"] == ["x", "y"]
