"""Rules asked about a plan: what they may give, what they are told, and that nothing wrong with them is ever a pass."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.guards import refusals
from reconciler.core.plan import Plan
from reconciler.diagnostics import ConfigurationError, Diagnostic, Severity, Source
from reconciler.policy import Verdict, find, judge
from tests.core.world import desired, known, live, plan_of

V1 = "package main\nimport rego.v1\n"
PLAN = plan_of(desired({"g": frozenset("ab")}), live({"g": frozenset("ac")}), known({"g": frozenset("ac")}))


def asked(folder: Path, *texts: str, about: Any = None, plan: Plan = PLAN) -> Verdict:
    """What rules say, each text a file ``0.rego``, ``1.rego`` …; ``about`` is ``input.plan``."""
    paths = [folder / f"{number}.rego" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, encoding="utf-8")
    return judge(plan, find(paths), {"plan": json.dumps(about or {}).encode()})


def said(items: Sequence[Diagnostic]) -> list[str]:
    return [item.message for item in items]


def wrong(folder: Path, *texts: str, about: Any = None) -> list[str]:
    """What is wrong with rules, each with its place."""
    with pytest.raises(ConfigurationError) as caught:
        asked(folder, *texts, about=about)
    assert caught.value.exit_code == 1
    return [f"{_place(item.source)} {item.message}" for item in caught.value.diagnostics]


def _place(source: Source | None) -> str:
    assert source is not None
    return f"{Path(source.path).name}:{source.line}:{source.column}"


FORMS = {
    "a set": V1 + 'deny contains "no"\n',
    "a set with a condition": V1 + 'deny contains msg if {\n  input.plan.x == 1\n  msg := "no"\n}\n',
    "without the import": 'package main\ndeny contains msg if { msg := "no" }\n',
    "a list": V1 + 'deny := ["no"]\n',
    "the older syntax": 'package main\ndeny[msg] {\n  input.plan.x == 1\n  msg := "no"\n}\n',
    "an object": V1 + 'deny contains {"msg": "no"}\n',
    "an object in the older syntax": 'package main\ndeny[{"msg": "no"}] { true }\n',
    "another package": 'package acme.access["a-b"]\nimport rego.v1\ndeny contains "no"\n',
    "a name with more": V1 + 'deny_at_night contains "no"\n',
    "the other name": V1 + 'violation contains "no"\n',
    "a mark in front and line ends of Windows": "\ufeff" + V1.replace("\n", "\r\n") + 'deny contains "no"\r\n',
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_every_form_of_a_message_refuses(tmp_path: Path, text: str) -> None:
    """Sets, lists and objects, in the syntax of OPA 1 and of OPA 0, in any package."""
    assert said(asked(tmp_path, text, about={"x": 1}).denials) == ["no"]


SILENT = {
    "a set": V1 + "deny contains msg if {\n  input.plan.x == 2\n  msg := 1\n}\n",
    "the older syntax": 'package main\ndeny[msg] {\n  input.plan.x == 2\n  msg := "no"\n}\n',
    "undefined": V1 + 'deny := ["no"] if input.plan.x == 2\n',
    "false": V1 + "default deny := false\n",
}


@pytest.mark.parametrize("text", SILENT.values(), ids=SILENT)
def test_a_rule_that_does_not_apply_says_nothing(tmp_path: Path, text: str) -> None:
    assert asked(tmp_path, text, about={"x": 1}) == Verdict()


def test_a_denial_names_the_change_the_rule_and_its_file(tmp_path: Path) -> None:
    """The line of the change at the rule's address, the remedy, and where the rule stands; the plan is then refused."""
    rule = 'deny contains {"msg": "no", "address": "acme/g/b", "remedy": "ask"}\n'
    (denial,) = asked(tmp_path, V1 + rule).denials
    (change,) = (change for change in PLAN.changes if change.address == "acme/g/b")
    assert change.source is not None
    assert denial == Diagnostic(
        "no", change.source, "ask", (("`deny` of package main says so", Source(str(tmp_path / "0.rego"), 3, 1)),),
        "acme/g/b", "policy main.deny",
    )  # fmt: skip
    assert refusals(Plan(denials=(denial,))) == (denial,)


def test_an_address_may_be_a_group_without_a_change_of_its_own(tmp_path: Path) -> None:
    (denial,) = asked(tmp_path, V1 + 'deny contains {"msg": "no", "address": "acme/g"}\n').denials
    assert denial.source == PLAN.touched["acme", "g"].source
    (other,) = asked(tmp_path, V1 + 'deny contains {"msg": "no", "address": "nowhere"}\n').denials
    assert (other.source, other.address) == (None, "nowhere")


def test_warnings_are_warnings(tmp_path: Path) -> None:
    verdict = asked(tmp_path, V1 + 'warn contains "hm"\nwarn_too contains {"msg": "hm too"}\n')
    assert verdict.denials == ()
    assert said(verdict.warnings) == ["hm", "hm too"]
    assert {warning.severity for warning in verdict.warnings} == {Severity.WARNING}


def test_files_of_one_package_are_one_and_share_functions(tmp_path: Path) -> None:
    """What several files say adds up in an order that depends on nothing else, and each place is named."""
    one, two = V1 + "deny contains name(1)\n", V1 + 'name(_) := "b"\ndeny contains "a"\n'
    verdict = asked(tmp_path, one, two)
    assert said(verdict.denials) == ["a", "b"]
    assert [_place(source) for _, source in verdict.denials[0].related] == ["0.rego:3:1", "1.rego:4:1"]
    assert said(asked(tmp_path, two, one).denials) == ["a", "b"]


def test_a_file_that_judges_nothing_is_remarked_on(tmp_path: Path) -> None:
    """A misspelt rule would otherwise be a pass for ever; comments and strings are no rules."""
    (warning,) = asked(tmp_path, V1 + '# deny\nx := "\\\ndeny"\ndenies contains "no"\n'.replace("\\\n", "")).warnings
    assert "neither `deny` nor `warn`" in warning.message
    assert warning.severity is Severity.WARNING


BROKEN = {
    "syntax": ("deny contains msg if {\n  x := \n}\n", "0.rego:4:5 the rules can't be evaluated: Invalid assignment"),
    "unclosed": ("deny contains msg if {\n", "0.rego:3:22 the rules can't be evaluated: this is unclosed"),
    "no such function": ('deny contains nosuch("x")\n', "0.rego:3:15 there is no function `nosuch`"),
    "a function in a branch that is not reached": (
        'deny contains msg if {\n  input.nothing\n  msg := nosuch("x")\n}\n',
        "0.rego:5:10 there is no function `nosuch`",
    ),
    "no network": ('deny contains http.send({"url": "http://x"})\n', "0.rego:3:15 there is no function `http.send`"),
    "a function of another file": (
        "import data.lib\ndeny contains lib.f(1)\n", "0.rego:4:1 the rules can't be evaluated: Function not found",
    ),
    "division by zero": ("deny contains msg if { msg := 1 / 0 }\n", "0.rego:3:1 the rules can't be evaluated: divide"),
    "a function that fails": (
        'deny contains msg if {\n  to_number("x")\n  msg := "no"\n}\n', "0.rego:4:13 the rules can't be evaluated: ",
    ),
    "two values": (
        'deny := ["a"] if true\ndeny := ["b"] if true\n', "0.rego:3:1 the rules can't be evaluated: complete rules",
    ),
    "recursion": (
        "f(x) := f(x)\ndeny contains f(1)\n", "0.rego:4:1 the rules can't be evaluated: Recursion",
    ),
    "a number": ("deny := 3\n", "0.rego:3:1 `deny` of package main gives something else"),
    "a set of numbers": ("deny contains 3\n", "0.rego:3:1 `deny` of package main gives something else"),
    "true": ("deny if { true }\n", "0.rego:3:1 `deny` of package main gives something else"),
    "an object without a message": ('deny contains {"m": ""}\n', "0.rego:3:1 `deny` of package main gives something"),
    "an address that is none": ('deny contains {"msg": "", "address": [1]}\n', "0.rego:3:1 `deny` of package main"),
    "another object": ('deny := {"msg": "no"}\n', "0.rego:3:1 `deny` of package main gives something else"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_what_is_wrong_with_rules_is_an_error_at_its_place(tmp_path: Path, text: str, message: str) -> None:
    """Whether it is found by reading or by evaluating, in a branch that was reached or not: it is never a pass."""
    assert any(each.startswith(message) for each in wrong(tmp_path, V1 + text)), wrong(tmp_path, V1 + text)


def test_the_end_of_the_interpreter_is_an_error(tmp_path: Path) -> None:
    """It is native code that runs out of stack; that ends its own process and no other, and nothing passes."""
    deep = "[" * 200_000 + "]" * 200_000
    path = tmp_path / "0.rego"
    path.write_text(f"{V1}deny contains {deep}\n")
    with pytest.raises(ConfigurationError) as caught:
        judge(PLAN, find([path]), {"plan": b"{}"})
    assert "can't be evaluated" in caught.value.message


def test_rules_see_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment, which has the credentials, is not the rules' to read, whatever the interpreter offers."""
    monkeypatch.setenv("EMPORIX_CLIENT_SECRET", "s3cret")
    monkeypatch.setitem(os.environ, "LD_LIBRARY_PATH", "")
    verdict = asked(tmp_path, V1 + 'deny contains sprintf("%v", [opa.runtime()])\n')
    assert "s3cret" not in "".join(said(verdict.denials))


def test_what_rules_print_is_no_answer(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    verdict = asked(tmp_path, V1 + 'deny contains "no" if print("{}")\n')
    assert said(verdict.denials) == ["no"]
    assert capfd.readouterr() == ("", "")


@given(text=st.text(st.characters(codec="utf-8"), max_size=12))
@settings(max_examples=20, deadline=None)
def test_any_text_comes_back_as_it_went(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Names and notes are foreign: no text of a plan can end the input and go on as Rego."""
    folder = tmp_path_factory.mktemp("rules")
    rules = (
        'deny contains {"msg": input.plan.text}\ndeny_key contains key if some key, _ in input.plan.keys\n'
        'deny_built contains msg if msg := sprintf("<%s>", [input.plan.text])\ndeny_old[input.plan.text]\n'
        'deny_joined contains concat("", ["<", input.plan.text, ">"])\n'
    )
    verdict = asked(folder, V1 + rules, about={"text": text, "keys": {text: 1}})
    assert {item.rule: item.message for item in verdict.denials} == {
        "policy main.deny": text,
        "policy main.deny_built": f"<{text}>",
        "policy main.deny_joined": f"<{text}>",
        "policy main.deny_key": text,
        "policy main.deny_old": text,
    }


HOSTILE = [
    '"',
    "\\",
    '\\"',
    "\x00after",
    '"}]], "1": [[]], "0": [["',
    '"]], "0": [], "x": [["',
    "\n\t\x1f\x7f\u2028",
    "`",
    '\\u0041"',
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    "made", ["{}", 'sprintf("%s", [{}])', 'concat("", ["", {}])', "json.unmarshal(json.marshal({}))"]
)
def test_no_text_can_take_a_denial_away(tmp_path: Path, text: str, made: str) -> None:
    """A text with quotes, however a rule brings it into its message, is either shown or an error, and never a pass."""
    rule = f'warn contains {{"msg": {made.replace("{}", "input.plan.text")}}}\ndeny contains "no"\n'
    try:
        verdict = asked(tmp_path, V1 + rule, about={"text": text})
    except ConfigurationError:
        return
    assert said(verdict.denials) == ["no"]
    assert said(verdict.warnings) == [text]
