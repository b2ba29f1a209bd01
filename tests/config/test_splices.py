"""Splices: entries come and go in lists of every style, and every other byte stays."""

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.config.edit.splices import Text, append, insert, remove, set_value, written

COMMENTS = st.sampled_from(["", " # why", "   # [a, b]: - x", "\t# tab"])
ALONE = st.sampled_from(["", "{i}# alone\n", "# far left\n", "\n", "{i}    # - no item\n"])
ITEMS = st.sampled_from(
    ["00u1", "{id: 00u2, reason: a b}", "'00u3'", "{person: ana}", '"x, y"', "{ id: z , until: q }"]
)
NEW = ["00uNEW", "{id: 00uNEXT, reason: OPS-1}"]


@st.composite
def block_lists(draw: st.DrawFn) -> str:
    """A block list with comments in odd places, in a mapping that goes on or ends the file."""
    indent = " " * draw(st.integers(0, 6))
    dash = "-" + " " * draw(st.integers(1, 3))
    lines = "".join(
        draw(ALONE).format(i=indent) + indent + dash + draw(ITEMS | st.just("id: deep\n{i}{d}reason: x").map(
            lambda item: item.replace("{i}{d}", indent + " " * len(dash))
        )) + draw(COMMENTS) + "\n"
        for _ in range(draw(st.integers(1, 4)))
    )  # fmt: skip
    return "first: 1\nlist:" + draw(COMMENTS) + "\n" + lines + draw(ALONE).format(i=indent) + draw(TAIL)


TAIL = st.sampled_from(["", "last: [a]\n", "# end", "last:\n- b # c\n"])


@st.composite
def flow_lists(draw: st.DrawFn) -> str:
    """A flow list on one line or on several, with or without a last comma."""
    items = draw(st.lists(ITEMS, max_size=4))
    gap = draw(st.sampled_from([", ", ",", " , ", ",\n  ", ",  # why\n    ", "\n  ,"]))
    trailing = draw(st.sampled_from(["", ",", " ,"])) if items else ""
    opened, closed = draw(st.sampled_from([("[", "]"), ("[ ", " ]"), ("[\n  ", "\n]"), ("[ # c\n   ", " # d\n  ]")]))
    if not items:
        opened, closed = "[", "]"
    return f"first: 1\nlist: {opened}{gap.join(items)}{trailing}{closed}{draw(COMMENTS)}\n{draw(TAIL)}"


LISTS = st.one_of(block_lists(), flow_lists())
FORMS = st.sampled_from([
    lambda text: text.encode(),
    lambda text: text.replace("\n", "\r\n").encode(),
    lambda text: b"\xef\xbb\xbf" + text.encode(),
    lambda text: text.removesuffix("\n").encode(),
])  # fmt: skip


def read(data: bytes) -> object:
    return yaml.load(data.decode("utf-8-sig"), Loader=yaml.CBaseLoader)


@settings(max_examples=80, deadline=None)
@given(LISTS, FORMS)
def test_what_is_appended_and_removed_again_leaves_no_trace(text: str, form) -> None:
    """Two entries come, the list has them at its end, they go, and the bytes are those of before."""
    before = form(text)
    file = Text(before)
    after = file.changed(append(file, file.root.get("list"), NEW))
    old, new = read(before), read(after)
    assert new == {**old, "list": [*(old["list"] or []), "00uNEW", {"id": "00uNEXT", "reason": "OPS-1"}]}
    kept = [line for line in before.splitlines() if b"- " in line and line.endswith(b"why")]
    assert [line for line in after.splitlines() if line in kept] == kept
    again = Text(after)
    list_ = again.root.get("list")
    count = len(list_.items)
    assert again.changed(remove(again, list_, [count - 2, count - 1], again.root.key("list"))) == before


@settings(max_examples=80, deadline=None)
@given(LISTS, FORMS, st.sets(st.integers(0, 3), min_size=1))
def test_any_items_can_be_removed(text: str, form, gone: set[int]) -> None:
    """What is left is the list without them, and lines of others are as they were."""
    before = form(text)
    file = Text(before)
    list_ = file.root.get("list")
    gone = {place for place in gone if place < len(list_.items)}
    if not gone:
        return
    after = file.changed(remove(file, list_, gone, file.root.key("list")))
    old, new = read(before), read(after)
    assert new == {**old, "list": [item for place, item in enumerate(old["list"]) if place not in gone]}
    assert before.splitlines()[0] == after.splitlines()[0]
    assert before.count(b"# alone") == after.count(b"# alone")


@settings(max_examples=80, deadline=None)
@given(st.text(min_size=1).filter(str.isprintable))
def test_text_is_written_so_that_it_reads_back(value: str) -> None:
    """Whatever a reason says, in a flow mapping and in a block list."""
    for text in (f"{{a: {written(value)}, b: c}}", f"a: {written(value)}\nb: c\n"):
        assert yaml.load(text, Loader=yaml.CBaseLoader) == {"a": value, "b": "c"}
        assert Text(text.encode()).root.get("a").value == value


def test_keys_come_into_mappings_of_both_styles() -> None:
    """At the end of a block, after the comments that belong to it, and within the braces."""
    for before, after in (
        ("a:\n  b: 1 # c\n   # of b\n# of d\nd: 2\n", "a:\n  b: 1 # c\n   # of b\n  new: [x]\n# of d\nd: 2\n"),
        ("a: {b: 1} # c\n", "a: {b: 1, new: [x]} # c\n"),
        ("a: {}\n", "a: {new: [x]}\n"),
        ("a: &n {b: c}\n", "a: &n {b: c, new: [x]}\n"),
        ("a:\n    b:\n    - c\nd: 1", "a:\n    b:\n    - c\n    new: [x]\nd: 1"),
        ("a:\n  b: 1", "a:\n  b: 1\n  new: [x]"),
    ):
        file = Text(before.encode())
        assert file.changed(insert(file, file.root.get("a"), "new", "[x]")) == after.encode()


def test_an_empty_value_is_filled() -> None:
    """Nothing, a comment, or null in words."""
    for before, after in (("a:\nb: 1", "a: [x]\nb: 1"), ("a: # c\n", "a: [x] # c\n"), ("a: null # c", "a: [x] # c")):
        file = Text(before.encode())
        splice = set_value(file, file.root.key("a"), file.root.get("a"), "[x]")
        assert file.changed([splice]) == after.encode()


def test_a_list_with_an_anchor_keeps_it_when_it_loses_all() -> None:
    """The anchor stands before the empty list."""
    file = Text(b"a: &n # c\n  - x\nb: *n\n")
    assert file.changed(remove(file, file.root.get("a"), [0], file.root.key("a"))) == b"a: &n [] # c\nb: *n\n"


def test_whole_blocks_come_in_with_the_indentation_of_their_place() -> None:
    """A group in a list of groups, and a first list of groups, with the file's own line ends."""
    file = Text(b"a:\r\n  -  id: x\r\n     name: X # c\r\nb: 1\r\n")
    after = file.changed(append(file, file.root.get("a"), ["id: y\nmembers:\n  - z", "id: q"]))
    assert after == (
        b"a:\r\n  -  id: x\r\n     name: X # c\r\n  -  id: y\r\n     members:\r\n       - z\r\n  -  id: q\r\nb: 1\r\n"
    )
    file = Text(b"a:\n- t: x\n  # of t")
    tenant = file.root.get("a").items[0]
    assert file.changed(insert(file, tenant, "groups", "\n  - id: y\n    name: Y")) == (
        b"a:\n- t: x\n  # of t\n  groups:\n    - id: y\n      name: Y"
    )
