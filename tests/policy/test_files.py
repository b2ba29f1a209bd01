"""Which files are rules, and what is told of each without evaluating it."""

from pathlib import Path

import pytest

from reconciler.diagnostics import ConfigurationError
from reconciler.policy import find
from reconciler.policy.files import RuleFile

RULES = "package main\nimport rego.v1\ndeny contains 1\n"


def test_a_folder_is_all_its_rules_but_tests(tmp_path: Path) -> None:
    """In alphabetical order, folders within included, each file once however often it is named."""
    (tmp_path / "inner").mkdir()
    for name in ("b.rego", "a.rego", "a_test.rego", "inner/c.rego", "readme.md"):
        (tmp_path / name).write_text(RULES)
    found = find([tmp_path, tmp_path / "a.rego"])
    assert [Path(file.path).relative_to(tmp_path).as_posix() for file in found] == ["a.rego", "b.rego", "inner/c.rego"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.rego", None, "can't be read: there is no such file"),
        ("a.rego", b"\xff", "can't be read: it is not UTF-8"),
        ("a.rego", b"deny := 1\n", "this file has no package"),
        ("a.rego", b'# package main\nx := `\npackage main`\ny := "package z"\n', "this file has no package"),
        ("", None, "has no *.rego file"),
    ],
)
def test_what_is_no_rule_file_is_an_error(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    """A path that names nothing must not look like rules that have nothing against it."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        find([tmp_path / name])
    assert message in caught.value.diagnostics[0].message


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        find([tmp_path / "a.rego", tmp_path / "b.rego"])
    assert len(caught.value.diagnostics) == 2


def test_escapes_that_are_misread_are_errors_at_their_place(tmp_path: Path) -> None:
    """Such a text would equal nothing; in a raw string, a comment or after another backslash it is no escape."""
    good = 'x := `\\u0041` # "\\u0041"\ny := "\\\\u0041 \\\\/ \\" \\n"\n'
    (tmp_path / "a.rego").write_text(RULES + good)
    assert len(find([tmp_path])) == 1
    (tmp_path / "a.rego").write_text(RULES + good + 'z := "a\\u0041\\/"\n')
    with pytest.raises(ConfigurationError) as caught:
        find([tmp_path])
    told = [(item.message, item.source and (item.source.line, item.source.column)) for item in caught.value.diagnostics]
    ends = "in a text is misread by the interpreter of Rego"
    assert told == [(f"`\\u0041` {ends}", (6, 8)), (f"`\\/` {ends}", (6, 14))]


def test_rules_are_where_they_stand() -> None:
    """Neither in comments nor in strings, and a function of that name is no rule."""
    file = RuleFile("a.rego", RULES + '# deny\nx := `\nwarn := 1`\nwarn(x) := 1\n\tdefault warn_b := "warn_c"\n')
    assert {name: (place.line, place.column) for name, place in file.rules.items()} == {
        "deny": (3, 1),
        "warn_b": (8, 10),
    }


def test_calls_leave_out_what_is_imported_or_ours() -> None:
    """Functions of other packages are looked for by the interpreter; words of the language are none."""
    file = RuleFile(
        "a.rego",
        'package main\nimport data.lib\nimport data.more as m\ndeny contains f(x) if {\n  lib.a(1)\n  m.b(2)\n'
        '  data.c.d(3)\n  not(true)\n  count(x)\n  y := "no(1)" # no(2)\n}\nf(x) := x\n  g(x) if {\n  x\n}\n',
    )  # fmt: skip
    assert {name for name, _ in file.calls()} == {"f", "g", "count"}
    assert file.functions == {"f", "g"}
