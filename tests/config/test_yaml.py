"""The corners of YAML: what is allowed, what is refused, and that nothing of it is slow."""

from pathlib import Path

import pytest

from reconciler.config import load
from reconciler.diagnostics import Source
from tests.config.world import of_groups, one_group, read, refusal


def test_lists_are_shared_by_alias(file: Path) -> None:
    """An anchored member list can be used in other groups; its members stand where they are written."""
    text = "- id: a\n  members: &staff [00u1, {id: 00u2, reason: &why OPS}, &third 00u3]\n- id: b\n  members: *staff\n"
    first, second = read(file, of_groups(text)).desired.tenants[0].groups
    assert first.members == second.members
    assert first.reasons == second.reasons == {"00u2": "OPS"}
    assert list(second.members or {}) == ["00u1", "00u2", "00u3"]


def test_a_list_is_read_in_the_way_of_the_place_where_it_is_used(file: Path) -> None:
    """Text shared between mixins and members is typed there and text here."""
    group = one_group(file, "- id: a\n  name: A\n  accessControls: &x [007, no]\n  mixins: {a: *x}\n  members: *x\n")
    assert group.fields is not None
    assert group.fields["accessControls"] == ["007", "no"]
    assert group.fields["mixins"] == {"a": [7, "no"]}
    assert list(group.members or {}) == ["007", "no"]


def test_anchors_within_anchors(file: Path) -> None:
    """An alias may stand inside of what another alias stands for."""
    text = (
        (
            "- &a\n  id: &id a\n  name: &name {en: *id}\n  mixins: &m [*name, {x: *name}]\n"
            "- id: b\n  name: *name\n  mixins: {all: *m}\n"
        )
        .replace("mixins: &m [", "mixins: {list: &m [")
        .replace("{x: *name}]", "{x: *name}]}")
    )
    _, second = read(file, of_groups(text)).desired.tenants[0].groups
    assert second.fields == {
        "userType": "EMPLOYEE",
        "name": {"en": "a"},
        "mixins": {"all": [{"en": "a"}, {"x": {"en": "a"}}]},
    }


def test_whole_groups_are_shared_by_alias(file: Path) -> None:
    """A group used by alias stands where the alias stands."""
    text = """\
tenants:
  - tenant: acmeprod
    groups:
      - &buyers {id: buyers, members: [00u1]}
  - tenant: acmestage
    groups:
      - *buyers
"""
    first, second = (tenant.groups[0] for tenant in read(file, text).desired.tenants)
    assert (first.source, second.source) == (Source("a.yaml", 4, 9), Source("a.yaml", 7, 9))
    assert (second.id, second.members) == ("buyers", {"00u1": Source("a.yaml", 4, 40)})


def test_explicit_keys_win_over_merged_ones(file: Path) -> None:
    """`<<` fills in what a mapping does not say itself; of several merged mappings the first wins."""
    text = """\
- &base
  id: a
  name: A
  mixins: {x: 1}
  members: [00u1]
- <<: *base
  id: b
- id: c
  <<: [{description: C}, *base, {description: D, vendorId: acme}]
- <<: {id: d}
  members:
    - <<: {reason: OPS}
      id: 00u2
    - {<<: {id: 00u3}}
"""
    _, b, c, d = read(file, of_groups(text)).desired.tenants[0].groups
    assert b.fields == {"userType": "EMPLOYEE", "name": "A", "mixins": {"x": 1}}
    assert (b.id, list(b.members or {})) == ("b", ["00u1"])
    assert c.fields == {**b.fields, "description": "C", "vendorId": "acme"}
    assert (d.id, list(d.members or {}), d.reasons) == ("d", ["00u2", "00u3"], {"00u2": "OPS"})


def test_mixins_can_merge(file: Path) -> None:
    """Merge keys work in free data too, with its types."""
    fields = one_group(
        file, "- id: a\n  name: A\n  mixins: {a: &a {x: 1, y: 2}, b: {<<: *a, y: 3}, c: {'<<': 1}}"
    ).fields
    assert fields is not None
    assert fields["mixins"] == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}, "c": {"<<": 1}}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_all_line_ends_count(file: Path, end: str) -> None:
    """Windows' and old Macintosh's line ends are line ends."""
    text = "# one\n\ntenants:\n  - tenant: acmeprod\n    groups:\n      - id: a\n        members:\n          - 00u1\n"
    (group,) = read(file, text.replace("\n", end)).desired.tenants[0].groups
    assert group.members == {"00u1": Source("a.yaml", 8, 13)}


def test_a_byte_order_mark_is_skipped(file: Path) -> None:
    """Some editors write one; it does not move the first line's columns."""
    (tenant,) = read(file, b"\xef\xbb\xbftenants: [{tenant: acmeprod}]\n").desired.tenants
    assert tenant.source == Source("a.yaml", 1, 11)


def test_long_texts_may_have_lines(file: Path) -> None:
    """Translations and reasons may be block scalars with line breaks."""
    group = one_group(
        file,
        "- id: a\n  name: A\n  description: |\n    one\n    two\n"
        "  members:\n    - id: x\n      reason: |\n        a\n        b\n"
        "    - {id: y, reason: }\n    - {id: z, reason: .}\n",
    )
    assert group.fields is not None
    assert group.fields["description"] == "one\ntwo\n"
    assert group.reasons == {"x": "a\nb\n", "z": "."}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            b"tenants:\n  - tenant: \xff\n",
            "a.yaml:2:13: this is not UTF-8: byte 0xff at offset 21\n    save the file as UTF-8\n",
        ),
        (
            "tenants: [{tenant: ünï}]".encode("latin-1"),
            "a.yaml:1:20: this is not UTF-8: byte 0xfc at offset 19\n    save the file as UTF-8\n",
        ),
        ("tenants: []".encode("utf-16"), "a.yaml:1:1: this is UTF-16, not UTF-8\n    save the file as UTF-8\n"),
        (b"t\0e\0", "a.yaml:1:2: the character U+0000 is not allowed\n    remove it\n"),
        (b"# \xc3\xa9\r\ntenants: \x1b[0m", "a.yaml:2:10: the character U+001B is not allowed\n    remove it\n"),
        ("tenants: \u0084".encode(), "a.yaml:1:10: the character U+0084 is not allowed\n    remove it\n"),
        (
            "# é\ntenants: a\u2028b".encode(),
            "a.yaml:2:11: the character U+2028 breaks lines in some versions of YAML and not in others\n"
            "    remove it\n",
        ),
        (
            "tenants: a\u0085b".encode(),
            "a.yaml:1:11: the character U+0085 breaks lines in some versions of YAML and not in others\n"
            "    remove it\n",
        ),
    ],
)
def test_what_is_no_text(file: Path, data: bytes, said: str) -> None:
    """Bytes that are no UTF-8 text are refused with the place of the first of them."""
    file.write_bytes(data)
    assert refusal(file) == said


def test_a_syntax_error_does_not_hide_other_files(file: Path) -> None:
    """Each file that can't be read is one problem; the others are checked all the same."""
    file.write_text("[")
    Path("b.yaml").write_bytes(b"\xff")
    Path("c.yaml").write_text("guards: 5\n")
    assert [line.split(": ")[0] for line in refusal(Path()).splitlines() if line.startswith(("a", "b", "c"))] == [
        "a.yaml:2:1",
        "b.yaml:1:1",
        "c.yaml:1:9",
    ]


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)


def test_an_alias_bomb_is_refused(file: Path) -> None:
    """A few lines that stand for billions are refused before they are followed."""
    file.write_text(BOMB)
    assert refusal(file).splitlines()[-2:] == [
        "a.yaml:6:16: aliases bring in more than 1,000,000 parts",
        "    write out what is needed, or split the configuration into several files",
    ]


def test_an_alias_bomb_inside_of_an_anchor_is_refused(file: Path) -> None:
    """It makes no difference whether the bomb is built within one anchored part."""
    file.write_text("all: &all {" + BOMB.replace("\n", ", ") + "}\n")
    assert "aliases bring in more than 1,000,000 parts" in refusal(file)


def test_a_large_list_may_be_shared_by_many(file: Path) -> None:
    """The limit leaves room for what people write: 1,000 members in 500 groups."""
    members = ", ".join(f"00u{number}" for number in range(1000))
    groups = "".join(f"- {{id: g{number}, members: *all}}\n" for number in range(1, 500))
    tenant = read(file, of_groups(f"- id: g\n  members: &all [{members}]\n{groups}")).desired.tenants[0]
    assert {len(group.members or {}) for group in tenant.groups} == {1000}


@pytest.mark.parametrize("start", ["[", "- ", "{a: ", "? ", "&a [", "- - &a\n  - [", "[&a [", "*"])
def test_endless_nesting_is_refused(file: Path, start: str) -> None:
    """Nesting without an end gives a message, and soon."""
    file.write_text(start * 50_000)
    assert refusal(file)


@pytest.mark.parametrize("anchor", ["", "&a "])
def test_nesting_has_a_limit(file: Path, anchor: str) -> None:
    """A hundred levels are fine, one more is not."""
    head = "tenants:\n  - tenant: acmeprod\n    groups:\n      - id: a\n        name: A\n        mixins: "
    deep = f"{{a: {anchor}" + "[" * 94 + "]" * 94 + "}\n"
    assert load([_written(file, head + deep)])
    _written(file, head + deep.replace("[]", "[[]]"))
    assert refusal(file) == (
        f"a.yaml:6:{115 + len(anchor)}: this is nested more than 100 levels deep\n"
        "    a configuration needs six levels\n"
    )


def _written(file: Path, text: str) -> Path:
    file.write_text(text)
    return file


def test_a_member_list_too_deep(file: Path) -> None:
    """An anchored part counts its own levels, before it is built."""
    file.write_text("&a " + "[" * 101 + "]" * 101)
    assert "nested more than 100 levels deep" in refusal(file)
