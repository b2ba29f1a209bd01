"""Edits by command: only the entries change, and exactly the wanted difference, or nothing."""

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.config import load
from reconciler.config.edit import Edit, Edited, Leave, add, offboard, remove_from, targets, tenants_of, who
from reconciler.config.edit.facts import facts
from reconciler.config.edit.formatting import Unformattable, formatted
from reconciler.core.model import Person
from reconciler.diagnostics import ConfigurationError
from tests.config.test_splices import FORMS, LISTS

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
Form = Callable[[str], bytes]

ENTRIES = st.sampled_from(
    ["00u1", "'00u2'", "{id: 00u3, reason: a b}", "{person: ana}", "{ email: x@acme.example , until: 2027-01-01 }"]
)
ODD = st.sampled_from(["", "{i}# alone\n", "# far left\n", "\n", "{i}  # deeper: [\n"])
SAME_LINE = st.sampled_from(["", " # why", "   # - no item"])


@st.composite
def member_lists(draw: st.DrawFn, indent: str) -> str:
    """The value of ``members`` in any style, with comments in odd places."""
    entries = draw(st.lists(ENTRIES, max_size=4, unique=True))
    if not entries or draw(st.booleans()):
        gap = draw(st.sampled_from([", ", ",", f",\n{indent}  "]))
        return f" [{gap.join(entries)}]{draw(SAME_LINE)}\n"
    dash = indent + draw(st.sampled_from(["- ", "  - ", "  -   ", "      - "]))
    lines = (draw(ODD).format(i=indent) + dash + entry + draw(SAME_LINE) + "\n" for entry in entries)
    return draw(SAME_LINE) + "\n" + "".join(lines) + draw(ODD).format(i=indent)


@st.composite
def files(draw: st.DrawFn) -> str:
    """A configuration of one person, one tenant and a few groups."""
    inner = "  "
    indent = inner + draw(st.sampled_from(["", "  "]))
    text = f"people: {{ana: 00uANA}}{draw(SAME_LINE)}\ntenants:\n- tenant: acmeprod # T\n{inner}groups:\n"
    for number in range(draw(st.integers(1, 3))):
        text += f"{indent}- id: g{number}\n{indent}  name: G\n{indent}  members:" + draw(member_lists(indent + "  "))
        text += f"{indent}  membership: additive{draw(SAME_LINE)}\n" if draw(st.booleans()) else ""
    return text


def edited(folder: str, act: Callable[[Edit], None]) -> Edited:
    """What an edit makes of the folder, written there."""
    paths = [Path(folder)]
    edit = Edit(paths, load(paths), NOW)
    act(edit)
    found = edit.done()
    for path, (_, after) in found.files.items():
        path.write_bytes(after)
    return found


def adding(user: str, *groups: str, **details: str) -> Callable[[Edit], None]:
    return lambda edit: add(edit, who(edit.desired, user), targets(edit.desired, groups, ()), details)


def removing(user: str, *groups: str) -> Callable[[Edit], None]:
    return lambda edit: remove_from(edit, who(edit.desired, user), targets(edit.desired, groups, ()))


def leaving(user: str, day: str | None = None, reason: str = "", *, tenants: tuple[str, ...] = (), clean: bool = False):
    return lambda edit: offboard(
        edit, who(edit.desired, user), Leave(day, reason), tenants_of(edit.desired, tenants),
        all_=not tenants, clean=clean,
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(files(), FORMS, st.sampled_from([{}, {"reason": "OPS: 1"}, {"until": "2027-01-31", "from": "2026-12-01"}]))
def test_who_is_added_and_removed_again_leaves_no_trace(text: str, form: Form, details: dict[str, str]) -> None:
    """In all groups at once: one fact a group comes, every line of before is still there, and then it is as before."""
    before = form(text)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "a.yaml")
        file.write_bytes(before)
        groups = [group.id or "" for group in load([file]).desired.tenants[0].groups]
        old = facts(load([file]).desired)
        edited(folder, adding("00uNEW", *groups, **details))
        new = facts(load([file]).desired)
        assert old <= new
        assert sorted(fact.group for fact in new - old) == groups
        assert {(fact.person, fact.reason) for fact in new - old} == {(Person(id="00uNEW"), details.get("reason", ""))}
        lines = iter(file.read_bytes().splitlines())
        block = [line for line in before.splitlines() if b"[" not in line and b"," not in line and b"]" not in line]
        assert all(any(line == other for other in lines) for line in block)
        edited(folder, removing("00uNEW", *groups))
        assert file.read_bytes() == before


@settings(max_examples=80, deadline=None)
@given(files() | LISTS, FORMS)
def test_formatting_comes_to_rest_and_loses_nothing(text: str, form: Form) -> None:
    """A second time changes nothing; what would lose something is refused."""
    try:
        once = formatted(form(text))
    except Unformattable:
        return
    assert formatted(once) == once
    assert b"\r" not in once and not once.startswith(b"\xef\xbb\xbf")
    assert once.count(b"#") == text.count("#")


PEOPLE = """\
people:
  ana: 00uANA    # Ana
  jon: {id: 00uJON, reason: was here}
  marta:
    email: marta@acme.example   # M
teams:
  catalog: [ana, {id: 00uTEAM}]
tenants:
  - tenant: acmeprod
    groups:
      - {id: one, name: One, members: [{team: catalog}, jon@acme.example]}
      - id: two
        name: Two
        members:
          - {person: jon, until: 2027-06-30}
          - 00uPLAIN     # P
  - tenant: acmestage
    groups: [{id: two, name: Two, members: [00uPLAIN, person: marta]}]
"""


@pytest.fixture
def place(file: Path) -> Path:
    file.write_text(PEOPLE)
    return file


def changes(file: Path, act: Callable[[Edit], None]) -> tuple[list[str], list[str], Edited]:
    """The lines that went and those that came."""
    before = file.read_text().splitlines()
    found = edited(str(file), act)
    after = file.read_text().splitlines()
    gone = [line.strip() for line in before if line not in after]
    return gone, [line.strip() for line in after if line not in before], found


def test_who_has_a_name_leaves_by_a_date(place: Path) -> None:
    """Short form, flow and block mapping; a date that is there is replaced, and what is left over is told."""
    gone, come, found = changes(place, leaving("ana"))
    assert (gone, come) == (["ana: 00uANA    # Ana"], ["ana: {id: 00uANA, left: 2026-11-24}    # Ana"])
    assert found.told == ("The entry in team catalog ends by that date (a.yaml:7:13); --clean takes it out.",)
    assert found.left == {("acmeprod", "one"): 1}
    assert changes(place, leaving("00uANA", "2026-11-01", "HR-1"))[1] == [
        "ana: {id: 00uANA, left: 2026-11-01, reason: HR-1}    # Ana"
    ]
    assert changes(place, leaving("ana", "2026-11-01"))[2].files == {}
    gone, come, found = changes(place, leaving("marta", "2027-01-01", "HR-2"))
    assert (gone, come) == ([], ["left: 2027-01-01", "reason: HR-2"])
    assert (found.joined, found.left) == ({}, {})


def test_cleaning_takes_out_what_entries_there_are_by_name(place: Path) -> None:
    """From teams and from groups; others of the team stay."""
    gone, come, found = changes(place, leaving("ana", clean=True))
    assert come == ["ana: {id: 00uANA, left: 2026-11-24}    # Ana", "catalog: [{id: 00uTEAM}]"]
    assert found.left == {("acmeprod", "one"): 1}
    gone, come, found = changes(place, leaving("jon", clean=True))
    assert come == ["jon: {id: 00uJON, reason: was here, left: 2026-11-24}"]
    assert gone[1:] == ["- {person: jon, until: 2027-06-30}"]


def test_who_has_no_name_is_listed_as_offboarded(place: Path) -> None:
    """In every tenant, and the entries go, or end the day before if the day is to come."""
    _, come, _ = changes(place, leaving("00uPLAIN", "2026-12-24"))
    assert come == [
        "- {id: 00uPLAIN, until: 2026-12-23}     # P",
        "offboarded: [{id: 00uPLAIN, from: 2026-12-24}]",
        "groups: [{id: two, name: Two, members: [{id: 00uPLAIN, until: 2026-12-23}, person: marta]}]",
        "offboarded: [{id: 00uPLAIN, from: 2026-12-24}]",
    ]
    assert changes(place, leaving("00uPLAIN", "2026-12-24"))[2].files == {}
    place.write_text(PEOPLE)
    gone, come, _ = changes(place, leaving("00uPLAIN", reason="HR-3"))
    assert gone == ["- 00uPLAIN     # P", "groups: [{id: two, name: Two, members: [00uPLAIN, person: marta]}]"]
    assert come == [
        "offboarded: [{id: 00uPLAIN, reason: HR-3}]",
        "groups: [{id: two, name: Two, members: [person: marta]}]",
        "offboarded: [{id: 00uPLAIN, reason: HR-3}]",
    ]
    assert changes(place, leaving("00uPLAIN"))[2].told == (
        "00uPLAIN is offboarded in acmeprod already (a.yaml:16:18).",
        "00uPLAIN is offboarded in acmestage already (a.yaml:19:18).",
    )
    _, come, _ = changes(place, leaving("00uOTHER", tenants=("acmeprod",)))
    assert come == ["offboarded: [{id: 00uPLAIN, reason: HR-3}, 00uOTHER]"]
    place.write_text(PEOPLE)
    assert changes(place, leaving("00uTEAM"))[1][0] == "catalog: [ana]"
    with pytest.raises(ConfigurationError, match="ana comes into acmeprod/one through team catalog"):
        edited(str(place), leaving("ana", tenants=("acmeprod",)))
    assert changes(place, leaving("marta", tenants=("acmestage",)))[2].left == {("acmestage", "two"): 1}


SHARED = """\
tenants:
  - tenant: acmeprod
    groups:
      - {id: one, name: One, members: &all [00u1]}
      - {id: two, name: Two, members: *all}
      - &three {id: three, name: Three, members: []}
  - tenant: acmestage
    groups: [*three, {id: four, <<: {name: Four, members: [00u1]}}]
"""


def test_shared_lists_are_never_changed_behind_somebodys_back(file: Path) -> None:
    """Anchors, aliases and merges: the edit is refused with the place, and the file stays."""
    for group, message in (
        ("one", "nothing was written, because the edit would change something else too: 00u9 in acmeprod/two"),
        ("two", "the members of acmeprod/two are an alias of another list"),
        ("acmeprod/three", "something else too: 00u9 in acmestage/three"),
        ("acmestage/three", "this comes from an alias, so its text stands elsewhere too"),
        ("four", "the members of acmestage/four are not listed where the group stands"),
    ):
        file.write_text(SHARED)
        with pytest.raises(ConfigurationError, match=message) as caught:
            edited(str(file), adding("00u9", group))
        assert "by hand" in caught.value.remedy
        assert file.read_text() == SHARED
    with pytest.raises(ConfigurationError, match="the entry of 00u1 is not in the list of acmestage/four"):
        edited(str(file), removing("00u1", "four"))


ALIASED = """\
people:
  ana: &ana {id: 00uANA}
  <<: {eve: 00uEVE}
teams: {all: [ana, max@acme.example]}
tenants:
  - tenant: acmeprod
    groups:
      - {id: one, name: One, members: [&id 00u1]}
      - {id: two, name: Two, members: [*id, {team: all}]}
      - {id: open, name: Open, membership: additive}
    offboarded: &gone [00u8, 00uUNIQUE]
  - &stage
    tenant: acmestage
    offboarded: *gone
"""


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (leaving("eve"), "eve comes from an alias or a merge"),
        (leaving("00u9", tenants=("acmestage",)), "the offboarded users of acmestage are an alias of another list"),
        (leaving("00u9", tenants=("acmeprod",)), "something else too: 00u9 in acmestage"),
        (leaving("00u1"), "the entry of 00u1 is not in the list of acmeprod/two"),
        (removing("00u1", "one"), "would be wrong: `\\*id` stands for nothing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_stands_elsewhere_is_left_to_its_author(file: Path, act: Callable[[Edit], None], message: str) -> None:
    """People, tenants, lists and entries that are written once and used twice."""
    file.write_text(ALIASED)
    with pytest.raises(ConfigurationError, match=message):
        edited(str(file), act)
    assert file.read_text() == ALIASED


def test_lists_that_are_not_there_yet(file: Path) -> None:
    """An additive group gets its first list, a null is filled, and a file that is empty is passed over."""
    file.write_text(ALIASED.replace("&gone [00u8, 00uUNIQUE]", "# nobody").replace("*gone", "null"))
    Path("b.yaml").write_text("# nothing\n")
    assert edited(".", adding("00u9", "open", until="2026-01-01")).told == (
        "The time of 00u9 in acmeprod/open is over already: nothing comes of it.",
    )
    assert "membership: additive, members: [{id: 00u9, until: 2026-01-01}]}" in file.read_text()
    edited(".", leaving("max@acme.example", "2027-03-01T12:00:00Z"))
    assert "teams: {all: [ana, {email: max@acme.example, until: 2027-03-01T12:00:00Z}]}" in file.read_text()
    assert "    offboarded: [{email: max@acme.example, from: 2027-03-01T12:00:00Z}] # nobody\n" in file.read_text()
    assert file.read_text().endswith("    offboarded: [{email: max@acme.example, from: 2027-03-01T12:00:00Z}]\n")


def test_several_files_are_edited_together(file: Path) -> None:
    """A handle of one file, a group in each of two; a reason that needs quotes; an entry that is over."""
    Path("a").mkdir()
    Path("a/people.yaml").write_text("people: {ana: ana@acme.example}\ntimezone: Europe/Berlin\n")
    for name in ("one", "two"):
        Path(f"a/{name}.yaml").write_text(
            "timezone: Europe/Berlin\ntenants:\n- tenant: acmeprod\n  groups:\n"
            f"  - {{id: {name}, name: N, members: }}\n"
        )
    found = edited("a", adding("ana", "one", "acmeprod/two", until="2026-11-24", reason="a: b"))
    assert sorted(map(str, found.files)) == ["a/one.yaml", "a/two.yaml"]
    assert 'members: [{person: ana, until: 2026-11-24, reason: "a: b"}] }' in Path("a/one.yaml").read_text()
    assert found.joined == {("acmeprod", "one"): 1, ("acmeprod", "two"): 1}
    gone = edited("a", adding("ana", "two", until="2026-11-23"))
    assert gone.left == {("acmeprod", "two"): 1}
    with pytest.raises(ConfigurationError, match="the time of ana in acmeprod/two is over"):
        edited("a", adding("ana", "two"))
    assert edited("a", leaving("ana@acme.example", "2026-11-24")).files.keys() == {Path("a/people.yaml")}


def test_cleaning_never_comes_before_the_date(place: Path) -> None:
    """A date to come is refused beside --clean; one that has passed stays as it is, whenever the entries go."""
    with pytest.raises(ConfigurationError, match="--clean would take the access away now") as caught:
        edited(str(place), leaving("jon", "2026-12-31", clean=True))
    assert "`reconciler offboard jon --clean`" in caught.value.remedy
    assert place.read_text() == PEOPLE
    _, come, _ = changes(place, leaving("jon", "2026-11-20", "HR-1"))
    assert come == ["jon: {id: 00uJON, reason: HR-1, left: 2026-11-20}"]
    gone, come, found = changes(place, leaving("jon", reason="HR-1", clean=True))
    assert (gone, come) == (["- {person: jon, until: 2027-06-30}"], [])
    assert found.told == ("jon leaves on 2026-11-20 already (a.yaml:3:8).",)
    assert (found.joined, found.left) == ({}, {})


TOGETHER = """\
people: {lena: 00uLENA}
tenants:
  - tenant: [acmedev, acmestage, acmeprod]
    groups:
      - id: desk
        name: Desk
        members: [00u1]
  - tenant: acmeprod
    groups: [{id: own, name: Own, members: [00u1]}]
"""
EVERYWHERE = {(tenant, "desk"): 1 for tenant in ("acmedev", "acmestage", "acmeprod")}


def test_what_tenants_share_is_edited_once_for_all_of_them(file: Path) -> None:
    """Named by its id or by each address; and never for one of them only."""
    file.write_text(TOGETHER)
    _, come, found = changes(file, adding("lena", "desk"))
    assert come == ["members: [00u1, {person: lena}]"]
    assert found.joined == EVERYWHERE
    assert changes(file, removing("lena", *(f"{tenant}/desk" for tenant, _ in EVERYWHERE)))[2].left == EVERYWHERE
    assert file.read_text() == TOGETHER
    with pytest.raises(ConfigurationError, match="acmedev, acmestage and acmeprod share") as caught:
        edited(str(file), adding("lena", "acmeprod/desk"))
    assert "--tenant acmedev --tenant acmestage --tenant acmeprod" in caught.value.remedy
    for names, message in (
        (("acmedev",), "acmedev has only an entry that it shares"),
        (("acmeprod",), "acmeprod/desk stands in an entry"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            edited(str(file), leaving("00u1", tenants=names))
    _, come, _ = changes(file, leaving("00u1", reason="HR"))
    assert come == [
        "members: []",
        "offboarded: [{id: 00u1, reason: HR}]",
        "groups: [{id: own, name: Own, members: []}]",
    ]


LISTED = """\
people: {lena: {id: 00uLENA, email: lena@acme.example}}
templates:
  base: {members: [00uT]}
  desk: {extends: base, name: Desk}
tenants:
  - tenant: acmeprod
    groups:
      - {id: big, name: Big, membersFrom: big.csv}
      - {id: few, name: Few, membersFrom: few.txt}
      - {id: odd, name: Odd, membersFrom: odd.json}
      - {id: desk, extends: desk}
"""
CSV = 'id,until,reason\n00u1,,\n00u2,2027-01-01,"two\nlines"\n00uLENA,,'


def test_members_of_a_file_are_taken_out_there(file: Path) -> None:
    """The row goes and nothing else; who is added is listed where the group stands."""
    file.write_text(LISTED)
    Path("big.csv").write_text(CSV)
    Path("few.txt").write_bytes(b'# few\r\n00u1\r\nlena@acme.example # 5" L\r\n00u2\r\n')
    Path("odd.json").write_text('["00u1"]')
    found = edited(".", removing("00u2", "big"))
    assert found.files.keys() == {Path("big.csv")} and found.left == {("acmeprod", "big"): 1}
    assert Path("big.csv").read_text() == "id,until,reason\n00u1,,\n00uLENA,,"
    edited(".", removing("lena", "big", "few"))
    assert Path("big.csv").read_text() == "id,until,reason\n00u1,,"
    assert Path("few.txt").read_bytes() == b"# few\r\n00u1\r\n00u2\r\n"
    assert changes(file, adding("lena", "big", until="2027-01-01"))[1] == [
        "- {id: big, name: Big, membersFrom: big.csv, members: [{person: lena, until: 2027-01-01}]}"
    ]
    assert changes(file, removing("x@acme.example", "big"))[2].told == (
        "No entry of acmeprod/big names x@acme.example; whether an id there is theirs, the files can't tell.",
    )
    told = changes(file, leaving("00u1", "2026-12-24"))[2].told
    assert "The entry in acmeprod/few ends by that date (few.txt:2:1)." in told
    found = edited(".", leaving("x@acme.example"))
    assert found.files.keys() == {Path("a.yaml")}
    assert found.told == ("Whether an id in the lists is that of x@acme.example, the files can't tell: the plan will.",)


@pytest.mark.parametrize(
    ("act", "message", "place"),
    [
        (removing("00u1", "odd"), "00u1 stands in a file of members of acmeprod/odd", "odd.json:1:2"),
        (adding("00u1", "big", until="2027-01-01"), "stands in a file of members of acmeprod/big", "big.csv:2:1"),
        (adding("00u9", "desk"), "the members of acmeprod/desk come from the template `base`", "a.yaml:3:10"),
        (removing("00uT", "desk"), "00uT comes into acmeprod/desk through the template `base`", "a.yaml:3:20"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_place_of_what_has_to_be_edited_by_hand(
    file: Path, act: Callable[[Edit], None], message: str, place: str
) -> None:
    """Files that programs write, rows that say more, and templates."""
    file.write_text(LISTED)
    Path("big.csv").write_text(CSV)
    Path("few.txt").write_text("")
    Path("odd.json").write_text('["00u1"]')
    with pytest.raises(ConfigurationError, match=message) as caught:
        edited(".", act)
    assert str(caught.value.source) == place


GUARDED = """\
people: {jon: {id: 00uJON}}
tenants:
  - tenant: acmeprod
    groups:
      - {id: one, name: One, members: [{person: jon}]}
      - {id: two, name: Two, members: [{person: jon}, 00u1], guards: {minMembers: 2, maxRemovals: 0}}
      - {id: open, name: Open, membership: additive, members: [{person: jon}], guards: {protected: [00uJON]}}
"""


@pytest.mark.parametrize("clean", [False, True], ids=["date", "clean"])
def test_what_guards_will_say_is_said_however_somebody_leaves(file: Path, clean: bool) -> None:
    """Now, or from the day on that is to come."""
    file.write_text(GUARDED)
    told = [line for line in edited(".", leaving("jon", clean=clean)).told if line.startswith("The guard")]
    assert [line.partition(":")[0] for line in told] == [
        f"The guard `{rule}` will refuse the plan" for rule in ("protected", "emptied", "maxRemovals", "minMembers")
    ]
    assert told[0].endswith("acmeprod/open/00uJON is protected and would be removed (offboarded).")
    if not clean:
        file.write_text(GUARDED)
        told = list(edited(".", leaving("jon", "2026-12-01")).told)
        assert told[-1].startswith("The guard `minMembers` will refuse the plan from 2026-12-01 00:00 UTC on: ")


ACCESS = "{sensitive: {scopes: [a], requires: until}, separation: [[a, b]], keep: {a: 1, b: {protected: [00u1]}}}"


@pytest.mark.parametrize(
    "level", ["guards: {}\ntenants: [{{tenant: t00}}]\n", "tenants: [{{tenant: t00, guards: {}}}]\n"]
)
@pytest.mark.parametrize(
    ("said", "instead"),
    [("[a],", "[b],"), ("until", "reason"), ("[a, b]", "[a, c]"), ("a: 1", "a: 2"), ("00u1", "00u2"), ("b: {", "c: {")],
)
def test_guards_on_access_are_facts(file: Path, level: str, said: str, instead: str) -> None:
    """An edit that changed any part of them would change more than it was asked for."""
    found = []
    for guards in (ACCESS, ACCESS.replace(said, instead)):
        file.write_text(level.format(guards))
        found.append(facts(load([file]).desired))
    assert found[0] != found[1]


TIMED = """\
timezone: Europe/Berlin
people:
  kim: {id: 00uKIM, from: 2027-01-01}
  max: {id: 00uMAX, until: 2026-12-31}
tenants:
  - tenant: acmeprod
    groups:
      - {id: one, name: One, members: [{person: kim}, {person: max}, {id: 00u1, from: 2026-12-01T09:30:00+01:00}]}
      - {id: two, name: Two, members: [{id: 00u1, from: 2027-01-01}, {id: 00u2, until: 9999-12-31}]}
"""


def test_times_are_told_as_the_file_has_them(file: Path) -> None:
    """In its time zone: a date where days begin and end, a timestamp elsewhere."""
    file.write_text(TIMED)
    assert edited(".", adding("kim", "one")).told[0].endswith("already from 2027-01-01 on (a.yaml:8:40).")
    assert edited(".", adding("max", "one")).told[0].endswith("already until 2026-12-31 (a.yaml:8:55).")
    assert " already from 2026-12-01T09:30+01:00 on (" in edited(".", adding("00u1", "one")).told[0]
    assert " already until 9999-12-31 (" in edited(".", adding("00u2", "two")).told[0]


@pytest.mark.parametrize(
    ("act", "place"),
    [
        (adding("kim", "two", until="2026-12-31"), "a.yaml:3:8"),
        (adding("max", "two", **{"from": "2027-01-01"}), "a.yaml:4:8"),
        (adding("00u1", "two", until="2026-12-31"), "a.yaml:9:40"),
        (adding("00u9", "two", until="2026-12-31", **{"from": "2027-01-01"}), None),
    ],
    ids=["begins-later", "ends-earlier", "entry", "given"],
)
def test_a_time_that_never_comes_is_refused(file: Path, act: Callable[[Edit], None], place: str | None) -> None:
    """With the line that it does not fit."""
    file.write_text(TIMED)
    with pytest.raises(ConfigurationError, match="would never be a member of acmeprod/two") as caught:
        edited(".", act)
    assert (str(caught.value.source) if place else caught.value.source) == place
    assert file.read_text() == TIMED
