"""A review in its forms: small ones exactly, and hostile ones that must stay text, cells and rows."""

import csv
import io
import re
from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.access import Granted, Listing, Origin, Seat
from reconciler.core.effects import Right
from reconciler.core.limits import NO_ACCESS_GUARDS, AccessGuards
from reconciler.core.model import Account, LiveGroup, Person, UserType
from reconciler.core.past import Event, History, Past, Trail
from reconciler.core.review import Review, review
from reconciler.core.separation import Conflict
from reconciler.diagnostics import Diagnostic, Severity, Source
from reconciler.render.conflicts import holds_both
from reconciler.render.review import Report
from reconciler.render.review import text as table
from reconciler.render.review_csv import COLUMNS, plain, rows
from reconciler.render.review_html import page
from reconciler.render.review_markdown import HEADINGS, markdown
from reconciler.render.text import safe
from tests.render.test_html import ATTRIBUTES, ELEMENTS, HOSTILE, parsed
from tests.render.test_markdown import ATTACKS, PARSERS

AT = datetime(2026, 11, 24, tzinfo=UTC)
FORMULAS = [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", '"=1', '","=1', "a;=1", "a,=1", "a\t=1", "a|=1",
    "=cmd|' /C calc'!A0", '=HYPERLINK("http://evil.example")', "\uff1d1", "\uff0b1", "\uff0d1", "\uff201", "'=1",
    ",,=1", ';";-1', "\ufeff=1", "\xa0=1", "\x00=1", "\u200b=1", "- -1", '"', "'", "", "a, -b",
]  # fmt: skip
TEXT = st.one_of(
    HOSTILE, st.sampled_from(FORMULAS), st.sampled_from(ATTACKS), st.text("=+-@,;\"'|\t\r\n a", max_size=8),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)  # fmt: skip
STARTS = re.compile("\\s*[=+\\-@\uff1d\uff0b\uff0d\uff20]")


def small(guards: AccessGuards = NO_ACCESS_GUARDS, past: Past | None = None) -> Report:
    """One membership of each standing; with ``guards`` findings too, and with ``past`` somebody who is gone."""
    group = LiveGroup("ops", {"name": {"en": "Operations"}}, UserType.EMPLOYEE)
    people = {
        "u1": (Person("ana", "u1", "ana@acme.example", "Ana | Silva"), Account("u1", UserType.EMPLOYEE)),
        "u2": (Person(id="u2"), None),
        "u3": (Person(id="u3"), Account("u3", UserType.EMPLOYEE)),
    }
    seats = [
        Seat("u1", group, Listing.LISTED, Source("a.yaml", 3, 9), ("all", "core"), "-OPS-1", AT),
        Seat("u2", group, Listing.LISTED, Source("a.yaml", 4, 9)),
        Seat("u3", LiveGroup("odd", {}, UserType.EMPLOYEE), Listing.FOREIGN),
    ]
    if past:
        people["u4"] = (Person(id="u4"), Account("u4", UserType.EMPLOYEE))
        seats.append(Seat("u4", LiveGroup("odd", {}, UserType.EMPLOYEE, members=frozenset()), Listing.FOREIGN))
    granted: Granted = {
        "ops": {"a.read": (Origin("reading"), Origin("both", "tp", "Both")), "a.write": (Origin("both", "tp"),)},
        "odd": {},
    }
    trail = Trail("sandbox", "file:audit.jsonl", AT)
    trail.events["acme", "ops"]["u1"] = Event(
        AT, True, False, "ana@laptop", "9f1c2ab", "https://ci.example/7", "jdoe", 7
    )
    trail.events["acme", "ops"]["u2"] = Event(AT, is_member=True, is_bound=True, record=4)
    found = review(people, seats, granted, History("acme", trail, past=past), (), guards)
    return Report({"acme": found}, {}, AT, "sandbox", trail, past)


def test_small_table() -> None:
    """What is the same as in the line above is not said again; every column is as wide as its longest text."""
    both = "access control both"
    told = list(table(small()))
    assert [re.sub("  +", " ~ ", line.strip()) for line in told[-4:]] == [
        "User ~ Group ~ Scope ~ Through ~ Since ~ Until ~ Why ~ Line",
        f"ana (ana@acme.example, Ana | Silva, u1) ~ ops (Operations) ~ a.read ~ access control reading, {both} (Both)"
        " <- template tp ~ 2026-11-24 ~ 2026-11-24 00:00 UTC ~ team all > core; -OPS-1 ~ a.yaml:3:9",
        f"a.write ~ {both} <- template tp",
        "",
    ]
    assert {line.index(word) for line, word in zip(told[-4:-1], ("Scope", "a.read", "a.write"), strict=True)} == {61}


def test_small_markdown() -> None:
    """A row for each membership; whatever could end a cell is written out."""
    told = list(markdown(small()))
    heading = ["| User | Group | Scopes | Since | Until | Why | Line |", "|---|---|---|---|---|---|---|"]
    both = "`access control both <- template tp`"
    first = "`access control reading, access control both (Both) <- template tp`"
    granted = f"`a.read` through {first}<br>`a.write` through {both}"
    assert told == [
        "## Access review", "", "**2 of 3 memberships need a look.** As of 2026-11-24 00:00 UTC, `sandbox`.", "",
        "Empty Since: not in the records of `file:audit.jsonl`, which begin 2026-11-24 00:00 UTC.", "",
        "### `acme`: 3 users, 3 memberships, 2 scopes", "",
        "#### Dormant (1): accounts that are locked, inactive or gone, and entries whose time is over", "",
        *heading,
        f"| `u2` | `ops (Operations)` | {granted} | before 2026-11-24<br>`record 4` |  | `the account does not exist` |"
        " `a.yaml:4:9` |",
        "",
        "#### Unmanaged (1): groups outside the configuration, and members that it does not list, or not yet", "",
        *heading,
        "| `u3` | `odd` | no scope |  |  | `the group is outside the configuration` |  |", "",
        "#### Listed (1): asked for by a line of the configuration", "",
        *heading,
        "| `ana (ana@acme.example, Ana `&#124;` Silva, u1)` | `ops (Operations)` |"
        f" {granted} | 2026-11-24<br>`by ana@laptop, started by jdoe, commit 9f1c2ab, https://ci.example/7, record 7` |"
        " 2026-11-24 00:00 UTC | `team all > core; -OPS-1` | `a.yaml:3:9` |",
    ]  # fmt: skip


def test_a_conflict_of_many_scopes() -> None:
    """A few of a side are named with their company, because a pattern can mean dozens."""
    ours, theirs = [Right(f"a.s{number}", "X") for number in range(5)], Right("b")
    ways = {**dict.fromkeys(ours, ("g", "h")), theirs: ("i",)}
    told = holds_both(Conflict(("a.*", "b"), tuple((right, theirs) for right in ours), ways))
    sides = [f"a.s{number} at company X (through g, h)" for number in range(3)]
    assert told == f"holds both {', '.join(sides)}, 2 more and b (through i), which guards.separation keeps apart"


@pytest.mark.parametrize(
    ("held", "failures", "verdict"),
    [
        ([], {}, "Nobody is in any group"),
        ([], {"other": "no"}, "Incomplete: 1 tenant could not be read. Nobody is in any group of the others"),
        ([0], {}, "1 of 1 membership needs a look"),
        ([0, 1, 2], {}, "2 of 3 memberships need a look"),
        ([2], {}, "1 membership, all listed in the configuration and in use"),
    ],
)
def test_verdicts(held: list[int], failures: dict[str, str], verdict: str) -> None:
    """The one sentence."""
    found = small().tenants["acme"].held
    assert Report({"acme": Review(tuple(found[each] for each in held))}, failures, AT, "", Trail()).verdict == verdict


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"), ("+49 30", "'+49 30"), ("-x", "'-x"), ("@x", "'@x"), ("\t=1", "\\t=1"), ("\r=1", "\\r=1"),
        (" =1", "' =1"), ("a;=1", "a;'=1"), ('","=1', '",\'"=1'),
        ('a;"" =1', 'a;\'"" =1'), ('"q" =SUM(A1)', '"q" =SUM(A1)'),
        ("\uff1d1", "'\uff1d1"), ("\xa0=1", "\\xa0=1"),
        ("a=1", "a=1"), ("order.read--DE", "order.read--DE"), ("ana@acme.example", "ana@acme.example"), ("", ""),
    ],
)  # fmt: skip
def test_cells(text: str, cell: str) -> None:
    """An apostrophe where a formula would begin, and nowhere else."""
    assert plain(text) == cell


@st.composite
def reports(draw: st.DrawFn) -> Report:
    """Memberships in which every name is whatever breaks spreadsheets and pages."""
    people, seats, granted = {}, [], {}
    for user in draw(st.lists(TEXT.filter(bool), max_size=4, unique=True)):
        problem = draw(st.sampled_from(["", "is locked"]))
        account = draw(st.sampled_from([None, Account(user, UserType.EMPLOYEE, problem=problem)]))
        people[user] = Person(draw(TEXT), user, draw(TEXT), draw(TEXT)), account
        members = draw(st.sampled_from([None, frozenset[str]()]))
        group = LiveGroup(draw(TEXT), {"name": {"en": draw(TEXT)}}, UserType.EMPLOYEE, members=members)
        listing = draw(st.sampled_from(Listing))
        source = Source(draw(TEXT), 1, 1)
        seats.append(Seat(user, group, listing, source, (draw(TEXT),), draw(TEXT), AT))
        granted[group.id] = {
            scope: (Origin(draw(TEXT), draw(TEXT), draw(TEXT)),) for scope in draw(st.lists(TEXT, max_size=2))
        }
    warning = Diagnostic(draw(TEXT) or "x", severity=Severity.WARNING)
    trail = Trail("", draw(TEXT), draw(st.sampled_from([None, AT])), draw(st.integers(0, 2)))
    past = Past(draw(TEXT), 1, {}, draw(st.sampled_from([None, AT])), 1, True, (draw(TEXT),))
    past = draw(st.sampled_from([None, past]))
    for seat in seats[1:]:
        event = Event(AT, True, draw(st.booleans()), draw(TEXT), draw(TEXT), draw(TEXT))
        trail.events["acme", seat.group.id][seat.user] = event
    guards = AccessGuards(draw(st.sampled_from([(), ("*",)])), separation=draw(st.sampled_from([(), (("*", "*"),)])))
    found = review(people, seats, granted, History("acme", trail, past=past), [warning], guards)
    tenants, failures = {draw(TEXT): found, draw(TEXT): Review(())}, {draw(TEXT): draw(TEXT)}
    return Report(tenants, failures, AT, draw(TEXT), trail, past)


@settings(max_examples=60, deadline=None)
@given(reports())
def test_no_spreadsheet_finds_a_formula(report: Report) -> None:
    """Each row is one line of so many cells, none of which begins a formula, whatever separates them in a locale."""
    text = "".join(f"{line}\n" for line in rows(report))
    found = list(csv.reader(io.StringIO(text, newline="")))
    assert text.count("\n") == len(found)
    assert tuple(found[0]) == COLUMNS
    assert {len(row) for row in found} == {len(COLUMNS)}
    held = [each for part in report.tenants.values() for each in part.held]
    assert len(found) == 1 + len(report.failures) + sum(max(1, len(each.scopes)) for each in held)
    for line in text.splitlines():
        assert line.isprintable()
        for separator in ",;|\t":
            assert not any(map(STARTS.match, next(csv.reader([line], delimiter=separator)))), (separator, line)
    if held:
        assert [row[3] for row in found if row[1] != "unread"][1:] == [
            plain(each.seat.user) for each in held for _ in each.scopes or [""]
        ]


@settings(max_examples=50, deadline=None)
@given(reports())
def test_the_page_stays_ours(report: Report) -> None:
    """Strictly HTML of our elements and attributes, under a policy that names its one style and one script."""
    content = "".join(f"{line}\n" for line in page(report))
    assert content.isascii() and content.replace("\n", "").isprintable()
    tree = parsed(content)
    ours = ATTRIBUTES | {
        "scope": "row|col", "id": f"{ATTRIBUTES['id']}", "placeholder": "name, group, scope, team",
        "aria-label": "Tenants|Filter the memberships",
    }  # fmt: skip
    for element in tree.iter():
        assert ELEMENTS.fullmatch(str(element.tag))
        if element.tag != "meta":
            for name, value in element.attrib.items():
                assert re.fullmatch(ours[name], value), (name, value)
    hashes = [
        b64encode(sha256((element.text or "").encode()).digest()).decode()
        for tag in ("style", "script")
        for element in tree.iter(tag)
    ]
    policy = next(meta.get("content") for meta in tree.iter("meta") if meta.get("http-equiv"))
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}';"
        " img-src data:; base-uri 'none'; form-action 'none'"
    )
    held = [each for part in report.tenants.values() for each in part.held]
    users = ["".join(row.itertext()) for row in tree.iterfind(".//tbody/tr/th")]
    assert len(users) == len(held)
    assert all(safe(each.seat.user) in user for each, user in zip(held, users, strict=True))


@settings(max_examples=50, deadline=None)
@given(reports())
def test_the_markdown_stays_ours(report: Report) -> None:
    """Both forges see a row of seven cells for each membership, and nothing foreign outside of code."""
    text = "".join(f"{line}\n" for line in markdown(report))
    held = [each for part in report.tenants.values() for each in part.held]
    for seen in (parse(text) for parse in PARSERS):
        tables = seen.elements["table"]
        assert seen.rows == [len(HEADINGS)] * (len(held) + tables)
        assert not seen.links and not seen.comments
        assert set(seen.elements) <= {"h2", "h3", "h4", "p", "ul", "li", "strong", "code", "br", "table", "thead",
                                      "tbody", "tr", "th", "td"}  # fmt: skip
