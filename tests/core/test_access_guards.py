"""Guards on access: what each of them refuses, with which lines, and what it lets pass."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.core.limits import AccessGuards, Keep, Requirement
from reconciler.core.model import DesiredGroup, Entry, Period, Person
from reconciler.core.oddities import ungranted
from reconciler.diagnostics import Diagnostic, Source
from tests.core.granting import CUSTOMER, FORBIDDEN, HERE, Service, definition, group, planned, wish

APART = AccessGuards(separation=(("a", "b"),))
LATER = datetime(2999, 1, 1, tzinfo=UTC)


def line(number: int) -> Source:
    return Source("file.yaml", number, 1)


def told(found: tuple[Diagnostic, ...]) -> list[tuple[str, str, str]]:
    return [(each.rule, each.address, each.message) for each in found]


def sensitive(requires: Requirement | None) -> AccessGuards:
    return AccessGuards(sensitive=("a",), requires=requires)


CARRYING = [
    ("", False, {"reason", "until", "either", "both"}),
    ("OPS-1", False, {"until", "both"}),
    ("", True, {"reason", "both"}),
    ("OPS-1", True, set()),
]


@pytest.mark.parametrize("requires", [*Requirement, None])
@pytest.mark.parametrize(("reason", "ends", "refusing"), CARRYING)
def test_a_sensitive_scope_needs_what_is_required(
    requires: Requirement | None, reason: str, ends: bool, refusing: set[str]
) -> None:
    """Every requirement against every entry, of somebody who joins and of somebody who is in already."""
    entry = Entry(Person(id="u"), line(7), Period(end=LATER if ends else None), reason=reason)
    wanted = DesiredGroup(HERE, id="ours", fields=wish("A"), members={}, entries=(entry,))
    is_refused = requires is not None and requires.value in refusing

    joining = Service({"ours": definition("A")}, {"ours": set()})
    part = planned(joining, wanted, ours=["ours"], guards=sensitive(requires))
    assert [(each.address, each.source) for each in part.denials] == [("acme/ours/u", line(7))] * is_refused

    sitting = Service({"ours": definition()}, {"ours": {"u"}})
    part = planned(sitting, wanted, ours=["ours"], guards=sensitive(requires))
    assert [each.address for each in part.denials] == ["acme/ours"] * is_refused


def test_what_is_said_of_a_gain_that_carries_nothing() -> None:
    """New members are told one by one with their lines, those who are in already together with their group's."""
    service = Service({"ours": definition(), "more": definition("A")}, {"ours": {"u", "v"}, "more": set()})
    part = planned(
        service,
        replace(group("ours", ["u", "v"], wish("A")), reasons={"v": "OPS-2"}),
        group("more", ["w"]),
        ours=["ours"],
        guards=sensitive(Requirement.REASON),
        people={"w": Person("walt", "w")},
    )
    assert told(part.denials) == [
        ("sensitive", "acme/more/w", "walt (w) would get a through more, and the entry has no `reason`"),
        ("sensitive", "acme/ours", "acme/ours would give a to 1 member with no `reason` in the entry: u"),
    ]
    assert part.denials[0].remedy == "add what guards.sensitive.requires asks for (reason), or accept this one plan"


def test_members_whom_no_line_names_carry_nothing() -> None:
    """A definition of ours may have members that others care for: what it gives them nobody has given a reason for."""
    service = Service({"ours": definition()}, {"ours": {"u"}})
    part = planned(service, group("ours", None, wish("A")), ours=["ours"], guards=sensitive(Requirement.EITHER))
    assert told(part.denials) == [
        (
            "sensitive",
            "acme/ours",
            "acme/ours would give a to 1 member with neither `reason` nor `until` in the entry: u",
        )
    ]


def test_nobody_gets_both_of_a_pair() -> None:
    """The one through a group outside the configuration, the other by a line, which is shown."""
    service = Service({"ours": definition("A"), "theirs": definition("B")}, {"ours": set(), "theirs": {"u"}})
    wanted = DesiredGroup(HERE, id="ours", fields=definition("A"), members={"u": line(3), "v": line(4)})
    part = planned(service, wanted, ours=["ours"], guards=APART)
    assert told(part.denials) == [
        ("separation", "acme/ours/u", "u would have both a (through ours) and b (through theirs)")
    ]
    assert part.denials[0].source == line(3)
    assert part.denials[0].related == ()  # the other one has no line


def test_both_lines_of_a_pair_are_shown() -> None:
    """Also where a definition gives the second, and the user stays where it was."""
    service = Service({"ours": definition("A"), "more": definition()}, {"ours": {"u"}, "more": {"u"}})
    wanted = (
        DesiredGroup(line(1), id="ours", fields=definition("A"), members={"u": line(2)}),
        DesiredGroup(
            line(3), id="more", fields=wish("B"), members={"u": line(4)}, field_sources={"accessControls": line(5)}
        ),
    )
    part = planned(service, *wanted, ours=["ours", "more"], guards=APART)
    (denial,) = part.denials
    assert denial.message == "acme/more would give 1 member both a (through ours) and b (through more): u"
    assert denial.related == (("u in ours", line(2)), ("u in more", line(4)))
    assert (denial.source, denial.address) == (line(5), "acme/more")


def test_a_pair_of_which_no_line_is_known() -> None:
    """Where members are nobody's business but the definition's, the group's line is shown."""
    service = Service({"ours": definition("A")}, {"ours": {"u"}})
    part = planned(service, group("ours", None, wish("AB")), ours=["ours"], guards=APART)
    (denial,) = part.denials
    assert (denial.source, denial.address) == (HERE, "acme/ours")


@pytest.mark.parametrize(
    ("before", "after", "pair", "is_refused"),
    [
        ("AB", "AB", ("a", "b"), False),  # nothing is gained
        ("AB", "ABR", ("a", "b"), False),  # something else is gained: what is wrong was so before
        ("A", "AR", ("a", "b"), False),
        ("R", "AB", ("a", "b"), True),
        ("A", "AB", ("?", "b"), True),
        ("", "A", ("a", "?"), False),  # one scope that fits both is not two
        ("", "A", ("b", "r"), False),
    ],
)
def test_what_is_kept_apart(before: str, after: str, pair: tuple[str, str], is_refused: bool) -> None:
    """Only what is gained can make a pair, and only with another scope."""
    service = Service({"ours": definition(before)}, {"ours": {"u"}})
    part = planned(service, group("ours", ["u"], wish(after)), ours=["ours"], guards=AccessGuards(separation=(pair,)))
    assert bool(part.denials) == is_refused


@pytest.mark.parametrize(("company", "is_refused"), [("x", True), ("y", False), ("", True)])
def test_a_pair_counts_at_one_company(company: str, is_refused: bool) -> None:
    """What is granted at another company is no power at this one; without a company it is one everywhere."""
    more: dict[str, Any] = {"b2b": {"legalEntityId": company}} if company else {}
    service = Service(
        {"gx": definition("A", CUSTOMER, b2b={"legalEntityId": "x"}), "other": definition("B", CUSTOMER, **more)},
        {"gx": set(), "other": {"u"}},
    )
    part = planned(service, group("gx", ["u"]), guards=APART)
    assert bool(part.denials) == is_refused


def test_guards_refuse_what_they_cannot_judge() -> None:
    """Customers beyond the limit, and access controls that nobody may read; keeping needs neither."""
    sitting = {"ours": set[str](), "theirs": {"u"}}
    service = Service({"ours": definition("A", CUSTOMER), "theirs": definition("B", CUSTOMER)}, sitting)
    part = planned(service, group("ours", ["u", "v"]), guards=APART, limit=1)
    assert told(part.denials) == [
        (
            "access",
            "acme",
            "acme: guards on access can't be judged: it concerns more customers than are asked about (at most 1)",
        ),
        ("separation", "acme/ours/u", "u would have both a (through ours) and b (through theirs)"),
    ]
    assert part.denials[0].remedy == "pass --access-limit 2"
    keeping = AccessGuards(keep={"b": Keep(1)})
    assert not planned(service, group("ours", ["u", "v"]), guards=keeping, limit=0).denials

    service.failure = FORBIDDEN
    part = planned(service, group("ours", ["u"]), guards=APART, limit=None)
    assert told(part.denials) == [("access", "acme", "acme: guards on access can't be judged: no")]
    assert part.denials[0].remedy == "ask for iam.access_read"


def test_a_limit_matters_only_to_guards_that_look_at_who_it_is() -> None:
    """Customers of whom nothing is known stop only what is about the scopes that they gain or lose."""
    service = Service(
        {"ours": definition("B", CUSTOMER), "theirs": definition("B", CUSTOMER)}, {"ours": {"u"}, "theirs": set()}
    )
    needing = AccessGuards(sensitive=("b",), requires=Requirement.UNTIL)
    for guards, users, rules in (
        (AccessGuards(separation=(("a", "r"),)), "uv", []),  # neither of the two is at stake
        (AccessGuards(separation=(("a", "b"),)), "", []),  # nobody gains any
        (AccessGuards(separation=(("a", "b"),)), "uv", ["access"]),
        (needing, "", []),
        (needing, "uv", ["sensitive"]),  # what an entry carries can be told of anybody
    ):
        part = planned(service, group("ours", users, definition("B", CUSTOMER)), ours=["ours"], guards=guards, limit=0)
        assert [each.rule for each in part.denials] == rules, guards


def test_a_second_way_to_a_sensitive_scope_carries_what_is_required_too() -> None:
    """Or the first one, which has an end, could be taken away afterwards, and nobody would have asked."""
    service = Service({"ours": definition("A"), "more": definition("A")}, {"ours": set(), "more": {"u"}})
    part = planned(service, group("ours", ["u"], definition("A")), ours=["ours"], guards=sensitive(Requirement.REASON))
    assert [each.message for each in part.denials] == ["u would get a through ours, and the entry has no `reason`"]


def test_a_group_that_grants_something_else_that_is_harmless() -> None:
    """What a definition newly gives is judged, not what it gives besides, and not of who leaves the group."""
    service = Service({"ours": definition("A")}, {"ours": {"u"}})
    guards = sensitive(Requirement.REASON)
    assert not planned(service, group("ours", ["u"], wish("AB")), ours=["ours"], guards=guards).denials
    service = Service({"ours": definition()}, {"ours": {"u"}})
    assert not planned(service, group("ours", [], wish("A")), ours=["ours"], guards=guards).denials


def test_a_narrower_right_is_no_gain_to_guards() -> None:
    """Whoever has a scope may be restricted in it, whatever else is held; and restrictions make no two of one scope."""
    service = Service({"ours": definition("RB")}, {"ours": {"u"}})
    narrowed = wish("RB", restrictions=["DE", "FR"])
    for guards in (
        AccessGuards(separation=(("r", "b"),)),
        AccessGuards(sensitive=("r",), requires=Requirement.BOTH),
        AccessGuards(separation=(("r", "?*"),)),
    ):
        assert not planned(service, group("ours", ["u"], narrowed), ours=["ours"], guards=guards).denials
    service = Service({"ours": definition("R", restrictions=["DE"])}, {"ours": {"u"}})
    part = planned(
        service, group("ours", ["u"], wish("R", restrictions=["DE", "FR"])), ours=["ours"],
        guards=AccessGuards(sensitive=("r",), requires=Requirement.REASON, separation=(("r", "r--*"),)),
    )  # fmt: skip
    assert [each.rule for each in part.denials] == ["sensitive"]
    wider = planned(service, group("ours", ["u"], wish("R", restrictions=[])), ours=["ours"], guards=guards)
    assert not wider.denials


def test_only_who_has_a_scope_everywhere_is_counted_as_its_holder() -> None:
    """A company's group gives it at the company, so it is neither counted nor read."""
    at_x = definition("A", CUSTOMER, b2b={"legalEntityId": "x"})
    service = Service({"ours": definition("A"), "gx": at_x}, {"ours": {"u", "v"}, "gx": {"k", "l"}})
    guards = AccessGuards(keep={"a": Keep(2)})
    part = planned(service, group("ours", ["u"], definition("A")), ours=["ours"], guards=guards, limit=None)
    assert [each.rule for each in part.denials] == ["keep"]
    assert "members gx" not in service.asked
    service.asked.clear()
    assert not planned(service, group("ours", ["u", "v", "w"], definition("A")), ours=["ours"], guards=guards).denials
    assert "members gx" not in service.asked


def test_what_guards_name_and_nothing_grants() -> None:
    """A misspelt scope guards nothing, so it is remarked on where it is known of every tenant that none has it."""
    service = Service({"ours": definition("A")}, {"ours": {"u"}})
    guards = AccessGuards(("a", "nix.*"), None, (("b", "zz"),), {"r--DE": Keep(1), "q": Keep(1)})
    granted = planned(service, group("ours", [], definition("A")), ours=["ours"], guards=guards).granted
    assert granted == {"a": True, "b": True, "nix.*": False, "q": False, "r--DE": True, "zz": False}
    assert [each.message for each in ungranted([granted, {"q": True, "zz": False}])] == [
        "guards name nix.*, which no access control grants",
        "guards name zz, which no access control grants",
    ]
    assert list(ungranted([granted, None])) == list(ungranted([])) == []
    assert planned(service, group("ours", ["u"], definition("A")), ours=["ours"], guards=guards).granted is None


def test_guards_judge_although_nobody_wants_to_be_told() -> None:
    """Without the effects a plan is refused as well: whoever sets a guard relies on it."""
    service = Service({"ours": definition("A"), "theirs": definition("B")}, {"ours": set(), "theirs": {"u"}})
    part = planned(service, group("ours", ["u"]), guards=APART, limit=None)
    assert (part.effects, [each.rule for each in part.denials]) == (None, ["separation"])


KEEPING = [
    # who is in our group, in the others' and afterwards in ours, how many at least, and whether it is refused
    ("uv", "", "u", 2, True),
    ("uv", "", "u", 1, False),
    ("uv", "v", "u", 2, False),  # v still has it through the others
    ("uv", "w", "u", 2, False),
    ("uv", "", "uw", 2, False),  # w comes and v goes
    ("u", "", "uv", 3, False),  # nobody loses it, so this plan is not to blame
    ("u", "", "", 1, True),
]


@pytest.mark.parametrize(("before", "theirs", "after", "least", "is_refused"), KEEPING)
def test_a_scope_keeps_its_holders(before: str, theirs: str, after: str, least: int, is_refused: bool) -> None:
    """Holders are counted in all groups, also those that nobody manages, and a group made anew counts."""
    service = Service(
        {"ours": definition("A"), "theirs": definition("A")}, {"ours": set(before), "theirs": set(theirs)}
    )
    guards = AccessGuards(keep={"a": Keep(least)})
    part = planned(service, group("ours", after, definition("A")), ours=["ours"], guards=guards, limit=None)
    assert [each.rule for each in part.denials] == ["keep"] * is_refused


def test_what_is_said_of_a_scope_that_loses_its_holders() -> None:
    """How many are left, who loses it, and by which lines."""
    service = Service({"ours": definition("A"), "new": definition("A")}, {"ours": {"u", "v"}, "new": {"w"}})
    part = planned(
        service,
        DesiredGroup(line(1), id="ours", fields=wish("B"), members={"u": line(2), "v": line(3)}),
        DesiredGroup(line(4), id="new", fields=definition("A"), members={}),
        DesiredGroup(line(5), id="made", fields=wish("A"), members={"x": line(6)}),
        ours=["ours", "new"],
        guards=AccessGuards(keep={"a": Keep(2, frozenset({"v", "z"}))}),
    )
    assert told(part.denials) == [
        (
            "keep",
            "acme",
            "acme: a would be left to 1 user, fewer than guards.keep 2",
        ),
        ("keep", "acme", "acme: v is protected and would lose a"),
    ]
    assert part.denials[0].related == (("w leaves new", line(4)), ("ours grants it no longer", line(1)))
    assert part.denials[0].source == line(4)


def test_only_the_first_lines_are_shown() -> None:
    """Of many who lose a scope the first few and a count, not a page of lines."""
    users = [f"u{number}" for number in range(7)]
    service = Service({"ours": definition("A")}, {"ours": set(users)})
    guards = AccessGuards(keep={"a": Keep(1)})
    (denial,) = planned(service, group("ours", [], definition("A")), ours=["ours"], guards=guards).denials
    assert [label for label, _ in denial.related] == [
        *(f"u{number} leaves ours" for number in range(4)),
        "u4 leaves ours and 2 more",
    ]


def test_a_definition_without_a_line_takes_a_scope() -> None:
    """Members of a group that stays lose what its new definition does not grant; who holds it otherwise does not."""
    service = Service({"ours": definition("AB"), "theirs": definition("A")}, {"ours": {"u", "v"}, "theirs": {"v"}})
    guards = AccessGuards(keep={"a": Keep(2), "b": Keep(2)})
    part = planned(service, group("ours", ["u", "v"], wish("B")), ours=["ours"], guards=guards)
    (denial,) = part.denials
    assert (denial.related, denial.source) == ((("ours grants it no longer", HERE),), HERE)


def test_a_group_that_leaves_takes_its_scope_along() -> None:
    """Without any line left that could be shown."""
    service = Service({"ours": definition("A")}, {"ours": {"u"}})
    part = planned(service, ours=["ours"], guards=AccessGuards(keep={"a": Keep(protected=frozenset({"u"}))}))
    assert told(part.denials) == [("keep", "acme", "acme: u is protected and would lose a")]
    assert (part.denials[0].source, part.denials[0].related) == (None, ())
