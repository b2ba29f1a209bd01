"""What a plan changes in users' scopes: every small world against a naive oracle, and what is read to find it out."""

from itertools import product

import pytest

from reconciler.core.effects import Effects, Right
from reconciler.core.limits import AccessGuards
from reconciler.core.model import (
    Entry,
    Membership,
    Period,
    Person,
    UserType,
)
from reconciler.diagnostics import RequestRefused
from reconciler.emporix.errors import Interrupted
from tests.core.granting import CUSTOMER, EMPLOYEE, FORBIDDEN, HERE, Service, definition, group, planned, wish

Told = dict[str, tuple[set[str], set[str], dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]]
"""By user: the scopes gained and lost, those kept with the groups that go on granting them, and those had so."""


def told(found: Effects | None) -> Told:
    assert found is not None
    return {
        user.id or "": (
            {grant.right.scope for grant in effect.gained},
            {grant.right.scope for grant in effect.lost},
            {grant.right.scope: grant.groups for grant in effect.kept},
            {grant.right.scope: grant.groups for grant in effect.had},
        )
        for effect in found.effects
        for user in effect.users
    }


World = tuple[dict[str, str], dict[str, str]]
"""The access controls of each group, and its members, a letter each."""


def oracle(before: World, after: World) -> Told:
    """Each user's scopes as the groups are before and after, one sentence a line."""
    found: Told = {}
    for user in "uv":
        sides = []
        for controls, members in (before, after):
            sides.append({s: {g for g in controls if s in controls[g].lower() and user in members[g]} for s in "ab"})
        was, now = ({scope for scope in "ab" if side[scope]} for side in sides)
        kept = {s: tuple(sorted(sides[1][s])) for s in was & now if sides[0][s] - sides[1][s]}
        had = {s: tuple(sorted(sides[0][s])) for s in was & now if s not in kept and sides[1][s] - sides[0][s]}
        if was != now or kept or had:
            found[user] = (now - was, was - now, kept, had)
    return found


def test_every_small_world() -> None:
    """A group of ours with any definition and members, before and after, beside a group of others that nobody reads.

    Whether that one has the one or the other of two users or controls makes no difference: it has the first.
    """
    subsets = ["", "A", "B", "AB"]
    members = ["", "u", "v", "uv"]
    states = [None, *product(subsets, members)]
    seen = set()
    for was, will, (theirs, sitting) in product(states, states, product(["", "A", "AB"], ["", "u", "uv"])):
        live = {"theirs": (theirs, sitting), **({"ours": was} if was else {})}
        wished = {"theirs": (theirs, sitting), **({"ours": will} if will else {})}
        service = Service(
            {name: definition(controls) for name, (controls, _) in live.items()},
            {name: set(users) for name, (_, users) in live.items()},
        )
        wanted = [group("ours", will[1], wish(will[0]))] if will else []
        part = planned(service, *wanted, ours=["ours"] if was else [])
        before, after = (
            ({name: c for name, (c, _) in side.items()}, {name: m for name, (_, m) in side.items()})
            for side in (live, wished)
        )
        expected = oracle(before, after)
        assert (told(part.effects) if part.effects else {}) == expected, (was, will, theirs, sitting)
        seen.add(bool(part.effects))
        if not part.found.changes or "access controls" not in service.asked:
            assert not expected
    assert seen == {True, False}


MOVES = [
    # what the group of others grants, its type, the change, and what is asked of the service beyond groups and members
    ("A", EMPLOYEE, "leave", ["access controls", "groups of u"]),
    ("B", EMPLOYEE, "leave", ["access controls"]),
    ("A", CUSTOMER, "leave", ["access controls"]),
    ("", EMPLOYEE, "leave", ["access controls"]),
    ("A", EMPLOYEE, "redefine", ["access controls", "groups of u"]),
    ("A", EMPLOYEE, "nothing", []),
    ("A", EMPLOYEE, "rename", []),
]


@pytest.mark.parametrize(("theirs", "kind", "change", "asked"), MOVES)
def test_nothing_is_asked_that_can_make_no_difference(
    theirs: str, kind: UserType, change: str, asked: list[str]
) -> None:
    """Only a group of the same type that grants what is at stake makes a user's other groups worth a request."""
    service = Service({"ours": definition("A"), "theirs": definition(theirs, kind)}, {"ours": {"u"}, "theirs": set()})
    fields = {"redefine": wish(), "rename": definition("A", name={"en": "New"})}.get(change, definition("A"))
    planned(service, group("ours", [] if change == "leave" else ["u"], fields), ours=["ours"])
    assert [each for each in service.asked if not each.startswith("members")] == asked


def test_a_plan_of_groups_that_grant_nothing_asks_nothing() -> None:
    """Whatever other groups grant: nobody gains or loses it."""
    service = Service({"ours": definition(), "theirs": definition("A")}, {"ours": {"u"}, "theirs": {"u"}})
    assert planned(service, group("ours", [], definition()), ours=["ours"]).effects is None
    assert service.asked == ["members ours"]


def test_customers_cost_a_request_each_up_to_the_limit() -> None:
    """Those beyond it are counted and not guessed at; employees have one list and no limit."""
    users = [f"c{number}" for number in range(5)]
    service = Service(
        {"ours": definition("A", CUSTOMER), "theirs": definition("A", CUSTOMER)}, {"ours": set(users), "theirs": {"c0"}}
    )
    part = planned(service, group("ours", [], definition("A", CUSTOMER)), ours=["ours"], limit=2)
    assert part.effects is not None
    assert part.effects.uncounted == 3
    assert [each for each in service.asked if "groups of" in each] == ["groups of c0", "groups of c1"]
    assert told(part.effects) == {"c0": (set(), set(), {"a": ("theirs",)}, {}), "c1": (set(), {"a"}, {}, {})}


def test_nobody_is_asked_about_twice() -> None:
    """Who is offboarded has been asked about already, and who joins is asked about anyhow."""
    granting = {name: definition("A") for name in ("ours", "theirs", "more")}
    service = Service(granting, {"ours": {"u", "v"}, "theirs": {"u"}, "more": {"w"}})
    part = planned(service, group("ours", ["w"], definition("A")), ours=["ours"], offboarded="u")
    assert sorted(each for each in service.asked if "groups of" in each) == [f"groups of {user}" for user in "uvw"]
    assert told(part.effects) == {
        "u": (set(), {"a"}, {}, {}),
        "v": (set(), {"a"}, {}, {}),
        "w": (set(), set(), {}, {"a": ("more",)}),
    }


def test_users_with_the_same_difference_are_told_together() -> None:
    """A right taken from a group is one effect for all who lose it, and another for those who keep it otherwise."""
    service = Service({"ours": definition("AB"), "theirs": definition("A")}, {"ours": {"u", "v", "w"}, "theirs": {"w"}})
    part = planned(service, group("ours", None, definition("B")), ours=["ours"])
    assert part.effects is not None
    assert [[user.id for user in effect.users] for effect in part.effects.effects] == [["u", "v"], ["w"]]
    assert (part.effects.lost, part.effects.gained) == ({Right("a"): 2}, {})
    assert part.effects.names == {"ours": "Name", "theirs": "Name"}
    assert "members ours" in service.asked  # nobody manages them, and all are concerned


def test_what_stands_first() -> None:
    """Who gains something sensitive, then who loses, gains, keeps, and had it; names come from anywhere."""
    service = Service(
        {"ours": definition("A"), "more": definition("R", restrictions=["DE"]), "theirs": definition("A")},
        {"ours": {"u", "w"}, "more": set(), "theirs": {"h", "w"}},
    )
    part = planned(
        service,
        group("ours", ["h", "x"], definition("A")),
        group("more", ["z"], definition("R", restrictions=["DE"])),
        ours=["ours", "more"],
        guards=AccessGuards(sensitive=("r",)),
        people={"z": Person("zoe", "z"), "u": Person("uma", "u")},
    )
    assert part.effects is not None
    assert [effect.users[0].id for effect in part.effects.effects] == ["z", "u", "x", "w", "h"]
    assert part.effects.effects[0].users[0].handle == "zoe"
    assert part.effects.effects[1].users[0].handle == "uma"
    assert part.effects.sensitive == {Right("r--DE")}
    assert part.effects.rights == [Right("r--DE"), Right("a")]


def test_a_company_is_a_place_of_its_own() -> None:
    """Who moves from one company to another keeps nothing at the first, though the scope has the same name."""
    at = {company: definition("A", CUSTOMER, b2b={"legalEntityId": company}) for company in "xy"}
    del at["y"]["name"]
    service = Service({"gx": at["x"], "gy": at["y"]}, {"gx": {"u"}, "gy": set()})
    part = planned(service, group("gx", [], at["x"]), group("gy", ["u"]), ours=["gx"])
    assert part.effects is not None
    assert part.effects.names == {"gx": "Name"}
    (effect,) = part.effects.effects
    assert [grant.right for grant in effect.gained] == [Right("a", "y")]
    assert [grant.right for grant in effect.lost] == [Right("a", "x")]
    assert effect.kept == ()


def test_templates_are_read_where_there_are_any() -> None:
    """What a template brings counts as what is attached itself."""
    service = Service({"ours": definition(templates=["T"])}, {"ours": set()})
    part = planned(service, group("ours", ["u"], definition(templates=["T"])), ours=["ours"])
    assert told(part.effects) == {"u": ({"a"}, set(), {}, {})}
    assert [each for each in service.asked if each in {"access controls", "templates"}] == [
        "access controls",
        "templates",
    ]


def test_a_group_made_anew_keeps_who_stays() -> None:
    """A replaced group regrants: its members are concerned by what its new definition grants."""
    service = Service({"ours": definition("A", vendorId="v1")}, {"ours": {"u"}})
    part = planned(service, group("ours", ["u"], wish("B", vendorId="v2")), ours=["ours"])
    assert told(part.effects) == {"u": ({"b"}, {"a"}, {}, {})}


def test_who_leaves_a_group_that_changes_its_type_is_of_the_old_one() -> None:
    """A customer of a group that is made anew for employees is asked about as a customer."""
    service = Service(
        {"ours": definition("A", CUSTOMER), "theirs": definition("A", CUSTOMER)}, {"ours": {"k"}, "theirs": {"k"}}
    )
    part = planned(service, group("ours", ["u"], definition("A")), ours=["ours"])
    assert told(part.effects) == {"u": ({"a"}, set(), {}, {}), "k": (set(), set(), {"a": ("theirs",)}, {})}
    assert "groups of k" in service.asked


def test_without_the_right_to_read_the_groups_of_a_user() -> None:
    """What was asked only to tell more is no reason to plan nothing; what the rules need still is."""
    service = Service({"ours": definition("A"), "theirs": definition("A")}, {"ours": {"u"}, "theirs": set()})
    service.unreadable = FORBIDDEN
    part = planned(service, group("ours", [], definition("A")), ours=["ours"])
    assert [warning.message for warning in part.warnings] == [
        "acme: what this changes in the scopes of users is not known: no"
    ]
    guards = AccessGuards(separation=(("a", "b"),))
    assert [
        each.rule for each in planned(service, group("ours", [], definition("A")), ours=["ours"], guards=guards).denials
    ] == ["access"]
    with pytest.raises(RequestRefused):
        planned(service, group("ours", ["u", "v"], definition("A")), ours=["ours"])
    service.unreadable = Interrupted("stopped")
    with pytest.raises(Interrupted):
        planned(service, group("ours", [], definition("A")), ours=["ours"])


def test_without_the_right_to_read_what_is_granted() -> None:
    """The plan says so and goes on, whatever the service's reason; somebody who interrupts it is heard."""
    service = Service({"ours": definition("A")}, {"ours": {"u"}}, failure=FORBIDDEN)
    part = planned(service, group("ours", [], definition("A")), ours=["ours"])
    assert part.effects is None
    (warning,) = part.warnings
    assert warning.message.startswith("acme: what this changes in the scopes of users is not known: no")
    assert warning.remedy == "ask for iam.access_read"
    assert part.denials == ()
    service.failure = Interrupted("stopped")
    with pytest.raises(Interrupted):
        planned(service, group("ours", [], definition("A")), ours=["ours"])


def test_nobody_asked() -> None:
    """Without anybody who wants to know, nothing is read for it."""
    service = Service({"ours": definition("A")}, {"ours": {"u"}})
    assert planned(service, group("ours", [], definition("A")), ours=["ours"], limit=None).effects is None
    assert service.asked == ["members ours"]


def test_an_additive_group_and_an_entry_for_a_time() -> None:
    """Whoever joins by an entry of more than an id is known by its name."""
    service = Service({"theirs": definition("A")}, {"theirs": {"w"}})
    ana = Entry(Person("ana", "u"), HERE, Period())
    desired = group("theirs", [], entries=(ana,), membership=Membership.ADDITIVE)
    part = planned(service, desired)
    assert part.effects is not None
    assert part.effects.effects[0].users == (Person("ana", "u"),)
