"""A comment on a pull request: it only shows what a plan holds, keeps to its limit, and cuts removals last."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import unquote

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reconciler.core.limits import Guards
from reconciler.core.model import Membership, UserType
from reconciler.core.plan import Action, Change, Plan, Reason, Touched
from reconciler.diagnostics import Diagnostic, Source
from reconciler.render.fitting import Part, fit, size
from reconciler.render.gitlab import report
from reconciler.render.markdown import LONGEST, SHORTEST, marker, plan
from reconciler.render.markup import cell, code, prose
from reconciler.render.sections import INDENT
from reconciler.render.text import INVISIBLE, safe
from tests.render.golden import cases, plan_of
from tests.render.test_terminal import SAID, plans

ATTACKS = [
    # Code and its ends
    "`", "``", "```", "~~~", "`" * 100, "` @acme `", "``a`b", "`x`.`@acme", "\n```\n\n@acme", "$`x`$",
    # Tables
    "|", "\\|", "\\", "\\\\|", "a|b`c|d`", "| a | b |", "\n| a |\n| - |",
    # HTML
    "<b>", "</details>", "</summary>", "<script>x</script>", "-->", "<!-- reconciler:plan:x -->", "<img src=x>",
    "\r\n</details>", "&lt;b&gt;", "&#64;acme",
    # Links
    "[x](https://evil.example)", "![x](y)", "https://evil.example", "www.evil.example", "a@evil.example",
    "<https://evil.example>", "[x]: https://evil.example", "[[wiki]]", "[^1]",
    # References, mentions and commands of GitHub, GitLab and their robots
    "@acme", "@acme/team", "#12", "acme/repo#12", "GH-12", "!5", "~label", '~"a b"', "%1", '%"a b"', "$3", "&1",
    "^alert#1", ":smile:", "deadbeef", "defaced", "0123456789abcdef0123456789abcdef01234567", "1234567",
    "/close", "\n\n/merge\n", "atlantis apply", "{+ a +}",
    # Blocks and emphasis
    "*a*", "_a_", "**a**", "~~a~~", "# a", "- a", "1. a", "1)", "> a", "[!NOTE]", "---", "===",
    # Invisible things, and our own lines
    "\u202e", "\u200b@acme", "\x1b[31m", "Plan: 9 to add, 9 to change, 9 to destroy.", "# a/b will be destroyed",
    # Extremes
    " ", "", "  a  ", "\u0300" * 300, "x" * 3000,
]  # fmt: skip
WORDS = st.sampled_from(ATTACKS)
TEXT = st.one_of(
    WORDS,
    st.lists(WORDS, max_size=4).map("".join),
    st.lists(WORDS, max_size=4).map(" ".join),
    st.text("`|\\<>@#!~%:[]()*_-&; a1\n", max_size=16),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)

ELEMENTS = {
    "h3", "h4", "p", "table", "thead", "tbody", "tr", "th", "td", "code", "pre", "blockquote", "ul", "li",
    "strong", "em", "br", "details", "summary", "b", "a",
}  # fmt: skip
VOID = {"br", "img", "hr", "input"}
COLUMNS = 6


class Page(HTMLParser):
    """What a comment has become: its elements, the cells of each row, its links, and the text outside of code."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: Counter[str] = Counter()
        self.rows: list[int] = []
        self.links: list[str] = []
        self.comments: list[str] = []
        self.plain = ""
        self.folded = ""
        self.code = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append(0)
        if tag in {"td", "th"}:
            self.rows[-1] += 1
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]

    def handle_endtag(self, tag: str) -> None:
        assert tag in VOID or self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"code", "pre"} & set(self.open):
            self.plain += data
        else:
            self.code += data
        if "details" in self.open:
            self.folded += data

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def by_github(text: str) -> Page:
    return Page(
        cmarkgfm.github_flavored_markdown_to_html(text, Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_HARDBREAKS)
    )


def by_markdown_it(text: str) -> Page:
    parser = MarkdownIt("commonmark", {"linkify": True, "breaks": True})
    return Page(parser.enable(["table", "strikethrough", "linkify"]).render(text))


PARSERS = (by_github, by_markdown_it)


def comment(shown: Plan, max_chars: int = LONGEST, url: str = "") -> str:
    lines = list(plan(shown, key="reconciler.yaml", max_chars=max_chars, url=url, command="reconciler plan --full"))
    assert all("\n" not in line for line in lines)
    return "".join(f"{line}\n" for line in lines)


HARMLESS = re.compile(
    r"(?:[A-Za-z(),.;:'\s-]|\d{1,6}(?:[.,]\d+)*%?(?=[\s).,;:]|$)|\[(?=\])|\](?=\s)|\[!(?:CAUTION|WARNING)\])*"
)
"""Words, numbers, and our own boxes and brackets around code: nothing that anybody gives a meaning to."""

COMMIT = r"(?i)\b[0-9a-f]{7,}\b"


@settings(max_examples=50, deadline=None)
@given(plans(TEXT), st.sampled_from([SHORTEST, LONGEST]))
def test_no_text_becomes_anything_but_text(shown: Plan, max_chars: int) -> None:
    assert_harmless(comment(shown, max_chars), max_chars)


@pytest.mark.parametrize("max_chars", [SHORTEST, 20_000, LONGEST])
@pytest.mark.parametrize("action", [Action.CREATE, Action.DELETE])
def test_no_name_becomes_anything_but_a_name_where_many_stand_together(action: Action, max_chars: int) -> None:
    """Users, groups and files of a plan too large to give each a line."""
    changes = [
        Change("acme", group, f"{user}{number}", action, Reason.NEW, UserType.EMPLOYEE, Source(group, number + 1, 1))
        for group in sorted({*ATTACKS} - {""})[::9]
        for user in sorted({*ATTACKS})
        for number in range(2)
    ]
    unique = {change.key: change for change in changes}
    touched = {key[:2]: Touched(9000, 9000, Membership.EXACT, Guards(), name=key[1]) for key in unique}
    text = comment(Plan(tuple(unique[key] for key in sorted(unique)), ("acme",), touched), max_chars)
    assert re.search(r"(?m)^[-+] [\d,]+ memberships will be ", text)
    assert_harmless(text, max_chars)


def assert_harmless(text: str, max_chars: int) -> None:
    assert size(text) <= max_chars
    assert text.startswith(marker("reconciler.yaml") + "\n")
    for line in text.splitlines():
        assert line.isprintable()
        assert not INVISIBLE & set(line)
        assert not line.startswith("/")
    for parse in PARSERS:
        page = parse(text)
        assert not page.open
        assert set(page.elements) <= ELEMENTS
        assert not page.links
        assert set(page.rows) <= {COLUMNS}
        assert page.comments == [marker("reconciler.yaml").removeprefix("<!--").removesuffix("-->")]
        assert HARMLESS.fullmatch(page.plain), HARMLESS.match(page.plain)
        assert not re.search(COMMIT, page.plain)
        assert page.elements["details"] == page.elements["summary"] == text.count("<details")
        assert page.elements["pre"] == len(re.findall("(?m)^```diff$", text))
        assert not re.search(r"(?m)^\S+ # .* (will be destroyed|must be replaced)$", page.folded)


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_each_way_of_showing_keeps_each_attack_in_code(attack: str, parse: Callable[[str], Page]) -> None:
    for shown in (f"{code(attack)}: a", f"- {prose(f'a {attack} b')}", f"| a |\n| - |\n| {cell(attack)} |"):
        page = parse(f"{shown}\n")
        assert set(page.elements) <= ELEMENTS - {"a", "b", "strong", "em", "details"}
        assert HARMLESS.fullmatch(page.plain)
        assert not re.search(COMMIT, page.plain)
        assert max(page.rows, default=1) == 1
        assert page.elements["ul"] == shown.startswith("- ")


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("give its id (`match: {id: …}`), or add `x/*`", "give its id (`match: {id: …}`), or add `x/*`"),
        ("no group fits match {code: A, name: B C}; try", "no group fits match `{code: A, name: B C}`; try"),
    ],
)
def test_what_a_message_quotes_stays_in_one_piece(message: str, shown: str) -> None:
    assert prose(message) == shown


@given(TEXT.filter(str.isprintable))
def test_a_code_span_shows_the_text_as_it_is(text: str) -> None:
    page = by_github(f"a {code(text, 10**6)} b\n")
    said = safe(text) or '""'
    assert page.code in {said, said.replace("`", "\\x60")}


@settings(max_examples=50, deadline=None)
@given(plans())
def test_tools_find_exactly_what_is_planned(shown: Plan) -> None:
    text = comment(shown, 10**7)
    for action, says in SAID.items():
        assert len(re.findall(rf"(?m)^\S+ # .* {says}$", text)) == shown.counts[action]
    assert len(re.findall(r"(?m)^Plan: \d+ to add, \d+ to change, \d+ to destroy\.$", text)) == bool(
        shown.changes or shown.failures
    )


@given(TEXT, TEXT)
def test_a_marker_is_one_hidden_line_for_one_key(one: str, other: str) -> None:
    assert re.fullmatch(r"<!-- reconciler:plan:[A-Za-z0-9]+(-[A-Za-z0-9]+)*:[0-9a-f]{12} -->", marker(one))
    assert (marker(one) == marker(other)) == (one == other)


@given(st.text(st.characters(min_codepoint=0x21, exclude_categories=["Cs", "Z", "C"]), max_size=30))
def test_a_link_leads_where_it_was_told_to_and_nowhere_else(rest: str) -> None:
    url = f"https://ci.example/job/1?a=1&copy;={rest}"
    for parse in PARSERS:
        page = parse(comment(Plan(), url=url))
        assert [unquote(found) for found in page.links] == [unquote(url)]
        assert page.elements["a"] == 1


def many(**groups: tuple[Action, int]) -> Plan:
    """A plan with so many members of an action in each group."""
    changes = [
        Change("acme", group, f"00u{index:05}", action, Reason.NEW, UserType.EMPLOYEE, Source("a.yaml", 1, 1))
        for group, (action, count) in sorted(groups.items())
        for index in range(count)
    ]
    touched = {("acme", group): Touched(10**6, 10**6, Membership.EXACT, Guards()) for group in groups}
    return Plan(tuple(changes), ("acme",), touched, left={"acme/theirs": ("00uStays",) * 300})


def lines_of(text: str, group: str, action: Action) -> int:
    return len(re.findall(rf"(?m)^. # acme/{group}/\S+ {SAID[action]}$", text))


def named(text: str, title: str, group: str) -> set[str]:
    """The users in a section's rows of names for a group."""
    section = re.search(rf"{title} \(.*?```diff\n(.*?)```", text, re.DOTALL)
    hunk = re.search(rf"@@ acme/{group} .*?@@\n(.*?)(?:\n@@|\Z)", section[1] if section else "", re.DOTALL)
    return set(re.findall(r"00u\d+", hunk[1])) if hunk else set()


def test_a_plan_of_thousands_names_everybody_by_group_and_reason() -> None:
    """What is lost is each one's own line and note; who it is, what happens and why is not."""
    shown = many(gone=(Action.DELETE, 300), new=(Action.CREATE, 1700), other=(Action.UPDATE, 10))
    text = comment(shown, url="https://ci.example/1")
    assert size(text) <= LONGEST
    assert lines_of(text, "gone", Action.DELETE) == 300
    assert len(named(text, "Additions", "new")) == 1700
    assert "\n+ 1,700 memberships will be created: new in configuration  a.yaml:1\n" in text
    assert "Cut to 65,536 characters.** Not shown: the single lines and notes of additions. See the whole " in text
    assert re.findall(r"(?m)^\| `(acme/\S+)` \| (.*) \|$", text) == [
        ("acme/gone", " |  | 300 |  | "),
        ("acme/new", "1,700 |  |  |  | "),
        ("acme/other", " | 10 |  |  | "),
    ]


def test_the_table_of_groups_stays_when_their_members_do_not() -> None:
    """Who loses somebody stands first in it, and the largest lists are cut first."""
    shown = many(
        a=(Action.CREATE, 9000), large=(Action.DELETE, 9000), small=(Action.DELETE, 40), tiny=(Action.DELETE, 1)
    )
    text = comment(shown)
    groups = re.findall(r"(?m)^\| `acme/(\S+)` \|", text)
    assert groups == ["large", "small", "tiny", "a"]
    assert "<details open><summary><b>Groups (4)</b></summary>" in text
    assert lines_of(text, "tiny", Action.DELETE) == 1
    assert len(named(text, "Removals", "small")) == 40
    seen = len(named(text, "Removals", "large"))
    assert 4000 < seen < 9000
    assert f"{INDENT}... and {9000 - seen:,} more" in text
    assert re.search(r"Not shown: [\d,]+ of 9,041 removals, [\d,]+ of 9,000 additions, .* the single lines", text)
    assert LONGEST - 2000 < size(text) <= LONGEST


def test_a_long_table_of_groups_is_folded_and_cut_from_its_end() -> None:
    shown = many(**{f"g{index:04}": (Action.CREATE, 3) for index in range(3000)}, zz=(Action.DELETE, 1))
    text = comment(shown)
    assert "<details><summary><b>Groups (3,001)</b></summary>" in text
    groups = re.findall(r"(?m)^\| `acme/(\S+)` \|", text)
    assert groups[:2] == ["zz", "g0000"]
    assert f"| and {3001 - len(groups):,} more groups |" in text


def test_names_in_a_row_say_which_files_asked_for_them_and_are_told_apart() -> None:
    """The lines of one file from the first to the last, or how many files; a name with a space is in quotes."""
    shown = many(a=(Action.CREATE, 900), b=(Action.CREATE, 900), c=(Action.CREATE, 900))
    placed = {
        "a": [Source("x.yaml", 1, 1), Source("y.yaml", 9, 1)],
        "b": [Source("x.yaml", 7, 1), Source("x.yaml", 3, 1)],
    }
    changes = tuple(
        replace(
            change,
            user=f"{change.user} x" if change.group == "c" else change.user,
            source=placed[change.group][position % 2] if change.group in placed else None,
        )
        for position, change in enumerate(shown.changes)
    )
    text = comment(replace(shown, changes=changes))
    said = "900 memberships will be created: new in configuration"
    assert [f"+ {said}  2 files", f"+ {said}  x.yaml:3-7", f"+ {said}"] == re.findall(rf"(?m)^.*{said}.*$", text)
    assert '+     "00u00000 x"  "00u00001 x"' in text


def test_rights_taken_from_a_group_stand_among_the_removals() -> None:
    """All of its members lose something, so nobody shall have to unfold it."""
    before = {"userType": "EMPLOYEE", "accessControls": ["orders", "prices"]}
    after = {"userType": "EMPLOYEE", "accessControls": ["orders", "stock"]}
    taken = Change("acme", "a", None, Action.UPDATE, Reason.DIFFERS, UserType.EMPLOYEE, before=before, after=after)
    given = replace(taken, group="b", before={**before, "accessControls": []}, after=before)
    touched = {("acme", group): Touched(3, 3, Membership.EXACT, Guards()) for group in "ab"}
    text = comment(Plan((taken, given), ("acme",), touched))
    assert "#### Removals (1)\n" in text
    page = by_github(text)
    assert "acme/b will be updated" in page.folded
    assert "acme/a will be updated" not in page.folded
    assert re.search(r"(?m)^- +accessControls +prices$", text)


def test_a_comment_that_was_cut_says_where_the_rest_is() -> None:
    shown = many(new=(Action.CREATE, 5000))
    text = comment(shown, url="https://ci.example/1")
    assert "See the whole plan [here](<https://ci.example/1>) or with `reconciler plan --full`." in text
    assert "Cut to" not in comment(many(new=(Action.CREATE, 5)))
    bare = "".join(plan(shown, key="x", max_chars=SHORTEST))
    assert "the single lines and notes of additions." in bare
    assert "whole plan" not in bare


@pytest.mark.parametrize("group_count", [1, 300, 3000])
@pytest.mark.parametrize("max_chars", [SHORTEST, 10_000, LONGEST])
def test_whatever_gives_way_the_summary_and_the_refusals_stay(group_count: int, max_chars: int) -> None:
    shown = many(**{f"g{index}": (Action.DELETE, 4) for index in range(group_count)})
    guards = Guards(protected=frozenset({"00u00000"}))
    guarded = {key: replace(touched, guards=guards, live=4) for key, touched in shown.touched.items()}
    shown = replace(
        shown,
        touched=guarded,
        failures={f"t{index}" * 30: "x " * 2000 for index in range(500)},
        targets=("y" * 200,) * 500,
        tenants=("z" * 200,) * 500,
        warnings=(Diagnostic("w" * 3000, rule="r" * 500),) * 200,
    )
    text = comment(shown, max_chars, url="https://ci.example/" + "x" * 980)
    assert size(text) <= max_chars
    assert f"\nPlan: 0 to add, 0 to change, {4 * group_count} to destroy.\n" in text
    assert f"Fingerprint: `{shown.fingerprint}`" in text
    assert f"Refused by guards for {group_count:,}" in text
    assert "00u00000` is protected" in text
    assert "will be destroyed" in text


def test_no_removal_is_kept_out_of_sight_by_long_texts() -> None:
    long = "\u0300x" * 20_000
    mixins = {"mixins": {f"{index}{long}": long for index in range(200)}}
    victim = Change("acme", "g", "00uVictim", Action.DELETE, Reason.REMOVED, UserType.EMPLOYEE)
    others = [
        Change("acme", "g", None, Action.REPLACE, Reason.TYPE, UserType.EMPLOYEE, before={}, after=mixins),
        Change("acme", "g", "00u" + long, Action.DELETE, Reason.REMOVED, UserType.EMPLOYEE, Source(long, 1, 1), long),
    ]
    touched = {("acme", "g"): Touched(3, 1, Membership.EXACT, Guards(), name=long)}
    text = comment(Plan((*others, victim), ("acme",), touched), SHORTEST)
    assert "- # acme/g/00uVictim will be destroyed\n" in text
    assert "-/+ # acme/g must be replaced\n" in text
    assert re.search(r"\.\.\. and \d+ more fields", text)


def test_what_there_is_no_room_for_is_not_even_written() -> None:
    written = []

    def write(item: int) -> str:
        written.append(item)
        return "x" * 100

    fitted = fit([Part(range(10**6), write, str, lambda hidden: f"{hidden} more")], 1000)
    assert fitted.text == "x" * 900 + "999991 more"
    assert (fitted.shown, fitted.room, len(written)) == (9, 1000 - 900 - len("1000000 more"), 10)


def test_what_is_beyond_the_first_plane_counts_twice() -> None:
    assert (size("abc"), size("äbc"), size("a\U0001f469")) == (3, 3, 3)


def test_gitlab_counts_replacements_twice_and_the_lockfile_not_at_all() -> None:
    every_action = next(case for case in cases() if case.name == "every-action")
    assert report(plan_of(every_action)) == '{"create": 7, "update": 3, "delete": 7}'
    assert report(Plan()) == '{"create": 0, "update": 0, "delete": 0}'


def test_a_plan_without_changes_says_so() -> None:
    text = comment(Plan(tenants=("acme",), unchanged=1234))
    assert "\nNo changes. Your configuration matches the live state.\n\nUnchanged: 1,234.\n" in text
    assert "Plan:" not in text
