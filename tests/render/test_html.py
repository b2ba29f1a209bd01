"""The page holds what the terminal shows, as markup that no foreign text can become a part of."""

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.guards import refusals
from reconciler.core.model import UserType
from reconciler.core.plan import Action, Change, Plan, Reason
from reconciler.diagnostics import Diagnostic
from reconciler.render import html, terminal
from reconciler.render.html_text import foreign, prose
from reconciler.render.layout import facts_of
from reconciler.render.text import safe
from tests.core.effects import effects
from tests.render.golden import _line_of, cases, plan_of
from tests.render.test_terminal import TEXT, people, plans

ELEMENTS = re.compile(
    "html|head|meta|link|title|style|script|body|a|header|main|section|nav|h[1-4]|p|ul|li|dl|div|dt|dd|b|i|q|em|small"
    "|code|samp|pre|span|bdi|ins|del|details|summary|table|thead|tbody|tr|th|td"
    "|form|label|input|select|option|fieldset|legend|button|output"
)
ATTRIBUTES = {
    "lang": "en", "charset": "utf-8", "name": "action", "rel": "icon", "href": "data:,|#t[0-9]+|#changes",
    "class": "[a-z ]+", "id": "[a-z]+|t[0-9]+", "aria-labelledby": "[a-z]+|t[0-9]+", "type": "button|search|checkbox",
    "value": "|" + "|".join(Action), "role": "search", "scope": "row", "open": "", "hidden": "", "autocomplete": "off",
    "spellcheck": "false", "placeholder": "press /", "aria-label": "Tenants|Search and filter the changes",
    "aria-keyshortcuts": "/", "aria-pressed": "false", "aria-live": "polite",
}  # fmt: skip
"""All attributes of all pages and what they may say, besides those of a meta element."""

FRAME = {"->", "Error", "error", "warning", "Plan", "Lockfile"}
"""Words of the terminal's for which a page has headings and places."""

HOSTILE = st.sampled_from(
    [
        "</script><script>alert(1)</script>", "</style><img src=x onerror=alert(1)>", "<!--", "-->", "]]>", "&lt;b&gt;",
        "&#x3c;script&#x3e;", '" onmouseover="alert(1)', "' autofocus onfocus=alert(1) '", "javascript:alert(1)",
        "</li></ul></div></details>", "<base href=//evil.example>", "</title><meta http-equiv=refresh>",
        "<svg/onload=x>",
        "\x00<b>", "</pre>", "${alert(1)}", "עברית", "العربية", "<\u202e>", "&", "`",
    ]
)  # fmt: skip


def parsed(page: str) -> Element:
    """The tree of a page; a page that is not HTML to the letter is an error."""
    tree: Element = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)
    return tree


def page_of(plan: Plan, **options: Any) -> str:
    return "".join(f"{line}\n" for line in html.plan(plan, **options))


def tree_of(case: Path) -> Element:
    return parsed(page_of(plan_of(case), line_of=_line_of(case)))


def text(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def one(root: Element, path: str) -> Element:
    (found,) = root.iterfind(path)
    return found


def with_class(root: Element, name: str) -> Iterator[Element]:
    return (element for element in root.iter() if name in element.get("class", "").split())


def case_named(name: str) -> Path:
    return next(case for case in cases() if case.name == name)


def entries(root: Element) -> list[tuple[str, str, str, str]]:
    """Every change of a page: its tenant, its group, its action and its user, none for the group itself."""
    found = []
    for tenant in with_class(root, "tenant"):
        name = text(one(tenant, "./h2/span"))
        for group in with_class(tenant, "group"):
            heading = text(one(group, "./details/summary/h3"))
            for block in group.iterfind("./details/div"):
                action = block.get("class", "").split()[0]
                found += [(name, heading, action, item.findtext("code") or "") for item in block.iterfind("./ul/li")]
    return found


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_the_page_says_what_the_terminal_says(case: Path) -> None:
    """Word for word, whatever stands around the words: fields, reasons, notes, places, counts and remarks."""
    plan = plan_of(case)
    said = text(tree_of(case))
    lines = terminal.plan(plan, color=False, width=10**6, full=True, line_of=_line_of(case))
    told = [re.sub(r"^ *# .*", "", line) for line in lines if not line.startswith("Refused")]
    words = {word.strip("(),.:[]") for line in told for word in line.split()} - FRAME
    assert [word for word in sorted(words) if word.rpartition("/")[2] not in said] == []


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_every_change_stands_once_in_its_group(case: Path) -> None:
    plan = plan_of(case)
    found = entries(tree_of(case))
    assert len(found) == len(plan.changes)
    assert sorted(action for _, _, action, _ in found) == sorted(change.action.value for change in plan.changes)


def test_removals_come_first_and_the_group_before_its_members() -> None:
    found = [entry for entry in entries(tree_of(case_named("every-action"))) if entry[1] == "orders"]
    assert found == [
        ("acmeprod", "orders", "update", ""),
        ("acmeprod", "orders", "delete", "00uLeft"),
        ("acmeprod", "orders", "delete", "00uStranger"),
        ("acmeprod", "orders", "create", "00uBack"),
        ("acmeprod", "orders", "replace", "00uTyped"),
        ("acmeprod", "orders", "adopt", "00uThere"),
        ("acmeprod", "orders", "forget", "00uGone"),
    ]


def test_a_definition_is_told_field_by_field() -> None:
    table = next(tree_of(case_named("fields")).iter("table"))
    rows = {
        text(one(row, "th")): [(cell[0].tag, text(cell)) for cell in row.iterfind("td") if len(cell)]
        for row in table.iterfind("tbody/tr")
    }
    assert rows["name.en"] == [("del", '"Orders"'), ("ins", '"Order desk"')]
    assert rows["name.de"] == [("del", '"Bestellungen"')]
    assert rows["name.fr"] == [("ins", '"Commandes"')]
    groups = with_class(tree_of(case_named("every-action")), "group")
    created = next(next(group for group in groups if "Catalog managers" in text(group)).iter("table"))
    assert [text(cell) for cell in created.iterfind("thead/tr/th")] == ["Field", "Value"]


def test_what_differs_in_long_values_is_stressed() -> None:
    values = [
        (value.tag, text(value), [text(part) for part in value.iterfind("b")])
        for value in next(tree_of(case_named("wide-and-long")).iter("table")).iter()
        if value.tag in {"ins", "del"}
    ]
    common = "The people who maintain the catalog of the northern region, who are also on call at night"
    assert values[:2] == [("del", f'"{common} until May"', ["May"]), ("ins", f'"{common} until June"', ["June"])]
    assert [stressed for _, _, stressed in values[2:]] == [[]] * (len(values) - 2)


def test_many_refusals_do_not_hide_the_changes() -> None:
    case = case_named("refused-folded")
    refused = next(with_class(tree_of(case), "refusals"))
    assert len(one(refused, "ul")) == 50
    rest = one(refused, "details")
    assert text(one(rest, "summary")) == f"{len(refusals(plan_of(case))) - 50} more"
    assert len(one(rest, "ul")) == len(refusals(plan_of(case))) - 50


def test_the_verdict_comes_first_and_then_what_stands_in_the_way() -> None:
    case = case_named("refused")
    tree = tree_of(case)
    body = one(tree, "body")
    assert [child.tag for child in body] == ["a", "header", "main", "script"]
    verdict = "Refused by guards for 4 reasons; nothing of this plan will be applied"
    assert text(next(with_class(body, "verdict"))) == verdict
    assert tree.findtext("head/title") == "Refused. Plan: 0 to add, 0 to change, 2 to destroy."
    main = one(body, "main")
    assert [child.get("class") or child.get("id") for child in main] == ["remarks refusals", "filters", "changes"]
    said = text(main[0])
    assert said.startswith("4 refusals")
    assert (
        "acmeprod/admins/00uBREAKGLASS is protected and would be removed (removed from configuration) protected" in said
    )
    assert "reconciler.yaml:4:11" in said and "4 | - id: admins" in said
    assert said.endswith(f"If this is right as it is: reconciler apply --accept {plan_of(case).fingerprint}")


def test_what_is_accepted_needs_no_command() -> None:
    page = page_of(plan_of(case_named("refused")), accepted=True)
    assert "Refused by guards for 4 reasons; accepted all the same" in page
    assert "--accept" not in page


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("no-changes", "No changes. Your configuration matches the live state."),
        ("failed-tenants", "Incomplete: 2 tenants could not be planned"),
        ("failed-and-nothing-else", "Incomplete: 2 tenants could not be planned"),
        ("every-action", "14 changes in 7 groups of 1 tenant"),
        ("only-lockfile", "Only the lockfile changes"),
    ],
)
def test_the_verdict_is_one_sentence(name: str, verdict: str) -> None:
    assert text(next(with_class(tree_of(case_named(name)), "verdict"))) == verdict


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("failed-tenants", "Incomplete. Plan: "),
        ("failed-and-nothing-else", "Incomplete. Plan: "),
        ("refused", "Refused. Plan: "),
        ("every-action", "Plan: 7 to add"),
    ],
)
def test_the_title_says_whether_the_plan_can_be_trusted(name: str, begins: str) -> None:
    """Tabs and bookmarks show nothing else."""
    assert text(next(tree_of(case_named(name)).iter("title"))).startswith(begins)


def test_a_plan_that_is_refused_and_incomplete_says_both() -> None:
    page = page_of(replace(plan_of(case_named("refused")), failures={"betashop": "no token"}))
    assert "<title>Refused. Incomplete. Plan: " in page
    assert "nothing of this plan will be applied. 1 tenant could not be planned</p>" in page


def test_groups_that_lose_something_come_first() -> None:
    """As in the terminal: then by name, and what only the lockfile learns never stands before a removal."""
    acme = next(with_class(tree_of(case_named("every-action")), "tenant"))
    names = [text(one(group, "details/summary/h3")) for group in with_class(acme, "group")]
    assert names == ["old", "orders", "retyped", "vendor", "catalog-managers", "drifted", "found"]


def test_a_page_without_changes_has_nothing_to_filter() -> None:
    tree = tree_of(case_named("no-changes"))
    assert [*tree.iter("form"), *with_class(tree, "tenant"), *with_class(tree, "numbers")] == []


def test_a_group_says_how_many_it_has_and_what_is_left_alone() -> None:
    case = case_named("left-alone-full")
    groups = {text(one(group, "details/summary/h3")): group for group in with_class(tree_of(case), "group")}
    touched = plan_of(case).touched["acmeprod", "support"]
    assert facts_of(touched) in text(one(groups["support"], "details/summary"))
    left = next(with_class(groups["support"], "left"))
    assert text(one(left, "h4")) == "9 members left alone, not in the configuration"
    assert [text(code) for code in left.iter("code")] == [f"00uS{number}" for number in range(9)]
    assert next(with_class(groups["admins"], "left")) is not None


def test_the_page_tells_what_the_plan_was_made_from() -> None:
    plan = Plan(service="api.emporix.io", state="file:reconciler.lock", serial=7, unchanged=41, targets=("acme",))
    facts = one(parsed(page_of(plan)), "body/header/dl")
    assert text(facts) == (
        f"Fingerprint {plan.fingerprint} Limited to acme Service api.emporix.io"
        " Lockfile file:reconciler.lock, serial 7 Unchanged 41"
    )


def many(count: int) -> Plan:
    case = plan_of(case_named("left-alone"))
    changes = [
        Change("acmeprod", "support", f"00u{number:04}", Action.CREATE, Reason.NEW, UserType.EMPLOYEE)
        for number in range(count)
    ]
    return Plan(tuple(changes), touched=case.touched)


@pytest.mark.parametrize(("count", "size"), [(8, "short"), (40, "middle"), (250, "long")])
def test_a_long_list_is_whole_and_cut_into_lists_that_a_browser_can_leave_out(count: int, size: str) -> None:
    tree = parsed(page_of(many(count)))
    (group,) = with_class(tree, "group")
    assert group.get("class") == f"group {size}"
    assert [(item.get("class"), len(item)) for item in group.iterfind("details/div/ul")] == (
        [("full", 100), ("full", 100), (None, 50)] if size == "long" else [(None, count)]
    )
    assert [user for _, _, _, user in entries(tree)] == [f"00u{number:04}" for number in range(count)]


@pytest.mark.parametrize("name", ["every-action", "refused", "no-changes", "hostile"])
def test_the_policy_names_exactly_the_style_and_the_script_of_the_page(name: str) -> None:
    tree = tree_of(case_named(name))
    policy = next(meta.get("content") for meta in tree.iter("meta") if meta.get("http-equiv"))
    hashes = {
        element.tag: b64encode(sha256((element.text or "").encode()).digest()).decode()
        for element in (*tree.iter("style"), *tree.iter("script"))
    }
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{hashes['style']}'; script-src 'sha256-{hashes['script']}';"
        " img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert [len([*tree.iter(tag)]) for tag in ("style", "script")] == [1, 1]


def test_style_and_script_ask_for_nothing() -> None:
    for name in ("page.css", "page.js", "review.css", "review.js"):
        content = files("reconciler.render").joinpath(name).read_text(encoding="ascii")
        assert not re.search(r"url\(|@import|</|<!--|fetch|XMLHttp|innerHTML|eval|import\(|https?:", content), name


@st.composite
def hostile_plans(draw: st.DrawFn) -> Plan:
    """A plan in which names, notes and reasons are whatever breaks pages."""
    plan = draw(plans())
    text = st.one_of(HOSTILE, TEXT)
    changes = [
        replace(
            change, group=draw(text), user=draw(text), before=None, after=None, note=draw(text), **draw(people(text))
        )
        for change in plan.changes
    ]
    touched = next(iter(plan.touched.values()), None)
    return Plan(
        (*plan.changes, *{change.key: change for change in changes if change.key not in _keys(plan)}.values()),
        touched={**{change.key[:2]: touched for change in changes if touched}, **plan.touched},
        failures={draw(text): draw(text)},
        left={f"{draw(text)}/{draw(text)}": (draw(text),)},
        targets=(draw(text),),
        warnings=plan.warnings,
        service=draw(text),
        state=draw(text),
        effects=draw(
            st.dictionaries(
                st.sampled_from([change.tenant for change in plan.changes]) if plan.changes else text,
                effects(text),
                max_size=2,
            )
        ),
    )


def _keys(plan: Plan) -> set[tuple[str, str, str]]:
    return {change.key for change in plan.changes}


@settings(max_examples=50, deadline=None)
@given(hostile_plans(), st.one_of(HOSTILE, TEXT))
def test_foreign_text_is_text_and_nothing_else(plan: Plan, line: str) -> None:
    """The parser finds our elements, our attributes and our values, our style and our script, and no comment."""
    page = page_of(plan, line_of=lambda _: line)
    assert page.isascii() and page.replace("\n", "").isprintable()
    tree = parsed(page)
    for element in tree.iter():
        assert ELEMENTS.fullmatch(str(element.tag))
        if element.tag != "meta":
            for name, value in element.attrib.items():
                assert re.fullmatch(ATTRIBUTES[name], value), (name, value)
    for tag, name in (("style", "page.css"), ("script", "page.js")):
        assert one(tree, f".//{tag}").text == files("reconciler.render").joinpath(name).read_text(encoding="ascii")
    assert len(entries(tree)) == len(plan.changes)
    assert len([*next(with_class(tree, "failures")).iter("li")]) == len(plan.failures)
    assert bool([*with_class(tree, "refusals")]) == bool(refusals(plan))


@given(st.one_of(HOSTILE, st.text(st.characters(exclude_categories=["Cs"]))))
def test_text_comes_back_as_it_is_shown_elsewhere(anything: str) -> None:
    tree = parsed(f"<!doctype html><title>x</title><p>{foreign(anything)}</p>")
    assert "".join(one(tree, "body/p").itertext()) == safe(anything)


@given(st.one_of(HOSTILE, st.text(st.sampled_from("`` (.<&\u202ea\u05d0"))))
def test_quoted_pieces_of_messages_are_code_and_everything_else_stays(anything: str) -> None:
    """Backticks in a name change how it looks, and nothing else."""
    paragraph = one(parsed(f"<!doctype html><title>x</title><p>{prose(anything)}</p>"), "body/p")
    assert {element.tag for element in paragraph.iter()} <= {"p", "code", "bdi"}
    assert "".join(paragraph.itertext()).replace("`", "") == safe(anything).replace("`", "")


def test_a_field_in_a_message_is_code() -> None:
    warning = Diagnostic("dan has no `reason` (`a`b), see `x y`.", remedy="write `reason: …` there")
    (warnings,) = with_class(parsed(page_of(Plan(warnings=(warning,)))), "warnings")
    assert [text(code) for code in warnings.iter("code")] == ["reason", "x y", "reason: …"]
    assert "dan has no reason (`a`b), see x y." in text(warnings)


def test_the_same_plan_is_the_same_page() -> None:
    case = case_named("every-action")
    assert page_of(plan_of(case)) == page_of(plan_of(case))


def test_the_first_line_does_not_wait_for_the_last() -> None:
    """What a group's lines cost is paid when they are asked for: this definition can't even be shown."""
    change = Change("acme", "b", None, Action.CREATE, Reason.NEW, UserType.EMPLOYEE, after={"no such field": 1})
    touched = next(iter(plan_of(case_named("every-action")).touched.values()))
    plan = Plan((change,), touched={("acme", "b"): touched})
    lines = html.plan(plan)
    assert any("The group will be created" in line for line in lines)
    with pytest.raises(ValueError, match="not in tuple"):
        list(lines)
