"""A definition's values, one a line: what was and what will be, and where two long texts part."""

from reconciler.render.fields import ABSENT, Leaf, changed, created, folded, told


def lines(before: object, after: object, room: int = 40, path: str = "name.en") -> list[tuple[str, str]]:
    return list(told(Leaf(path, before, after), room))


def test_a_definition_is_taken_apart() -> None:
    fields = {"name": {"en": "A"}, "accessControls": ["x", "y"], "mixins": {"a": {"b": [{"c": 1}], "d": {}, "e": []}}}
    assert [(leaf.path, leaf.after) for leaf in created(fields)] == [
        ("accessControls", "x"),
        ("accessControls", "y"),
        ("name.en", "A"),
        ("mixins.a.b", {"c": 1}),
        ("mixins.a.d", {}),
        ("mixins.a.e", []),
    ]


def test_a_key_with_a_dot_is_no_path() -> None:
    """What is shown of two different places is never the same."""
    leaves = created({"mixins": {"a": {"b": 1}, "a.b": 2}})
    assert [(leaf.path, leaf.after) for leaf in leaves] == [("mixins.a.b", 1), ('mixins."a.b"', 2)]


def test_what_grants_is_never_folded_behind_texts() -> None:
    """However many translations stand beside it: who reviews a plan must not miss what members may do by it."""
    fields = {"name": {f"x{number}": "A" for number in range(200)}, "templates": ["admin"], "accessControls": ["all"]}
    for leaves in (list(created(fields)), list(changed({}, fields))):
        shown, hidden = folded(leaves, full=False)
        assert {leaf.after for leaf in shown[:2]} == {"admin", "all"}
        assert hidden == len(leaves) - len(shown) > 0


def test_a_very_deep_value_is_shown_as_json() -> None:
    deep: object = 1
    for _ in range(12):
        deep = {"a": deep}
    (leaf,) = created({"mixins": deep})
    assert leaf.path == "mixins" + ".a" * 8
    assert lines(ABSENT, leaf.after, path=leaf.path) == [("+", '{"a": {"a": {"a": {"a": 1}}}}')]


def test_an_id_of_a_set_goes_and_another_comes() -> None:
    assert list(changed({"accessControls": ["a", "b"]}, {"accessControls": ["a", "c"]})) == [
        Leaf("accessControls", "b", ABSENT),
        Leaf("accessControls", ABSENT, "c"),
    ]


def test_null_is_a_value() -> None:
    assert lines(ABSENT, None) == [("+", "null")]
    assert lines(None, 1) == [("", "null -> 1")]


def test_long_values_stand_below_each_other_where_they_part() -> None:
    assert lines("a" * 20, "b" * 20) == [("-", f'"{"a" * 20}"'), ("+", f'"{"b" * 20}"')]
    assert lines("a" * 90 + "old", "a" * 90 + "new", 20) == [("-", '…aaaaaaaaaaaold"'), ("+", '…aaaaaaaaaaanew"')]
    assert lines("a" * 90, "b" * 90, 20) == [("-", '"' + "a" * 18 + "…"), ("+", '"' + "b" * 18 + "…")]


def test_texts_that_look_alike_are_told_apart() -> None:
    assert lines("\u00fc", "u\u0308") == [("", '"\\xfc" -> "u\\u0308"')]
