"""What may not be in one hand: at which places two rights meet, and who has both through which groups."""

import pytest

from reconciler.core.access import Listing, Origin, Seat
from reconciler.core.answer import access
from reconciler.core.effects import Right
from reconciler.core.limits import AccessGuards
from reconciler.core.model import Account, KnownGroup, LiveGroup, Person, UserType
from reconciler.core.past import History, Past, Trail
from reconciler.core.review import Review, review
from reconciler.core.separation import clashes, conflicts

EMPLOYEE = UserType.EMPLOYEE
APART = AccessGuards(sensitive=("a.*",), separation=(("a.*", "b"), ("x", "y")))


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        (Right("a.w"), Right("b"), True),
        (Right("a.w--DE"), Right("b--FR"), True),
        (Right("a.w", "X"), Right("b", "X"), True),
        (Right("a.w", "X"), Right("b"), True),
        (Right("a.w"), Right("b", "X"), True),
        (Right("a.w", "X"), Right("b", "Y"), False),
        (Right("a.w"), Right("c"), False),
    ],
)
def test_where_two_rights_meet(one: Right, other: Right, clash: bool) -> None:
    """What is granted at one company means nothing at another, and what is granted everywhere counts at each."""
    assert list(clashes([other, one], ("a.*", "b"))) == [(one, other)] * clash


def test_a_scope_that_both_patterns_mean() -> None:
    """It is no conflict with itself, and two such scopes are told from both sides."""
    assert list(clashes([Right("a")], ("*", "*"))) == []
    (found,) = conflicts({Right("a"): ("g",), Right("b"): ("g", "h")}, AccessGuards(separation=(("*", "*"),)))
    assert found.sides == ([Right("a"), Right("b")], [Right("a"), Right("b")])
    assert (found.against(Right("a")), found.against(Right("c"))) == ({Right("b")}, set())


def group(name: str, company: str = "") -> LiveGroup:
    return LiveGroup(name, {"b2b": {"legalEntityId": company}} if company else {}, EMPLOYEE,
                     members=frozenset({"u1", "u2"}))  # fmt: skip


GRANTED = {
    name: {scope: (Origin(f"ac-{name}"), Origin(f"more-{name}"))}
    for name, scope in {"ga": "a.w", "ga2": "a.w", "gb": "b", "gc": "b"}.items()
}


def reviewed(*seats: tuple[str, LiveGroup], guards: AccessGuards = APART, past: Past | None = None) -> Review:
    people = {user: (Person(id=user), Account(user, EMPLOYEE)) for user, _ in seats}
    sitting = [Seat(user, where, Listing.LISTED) for user, where in seats]
    return review(people, sitting, GRANTED, History("acme", Trail(), past=past), (), guards)


def test_a_review_names_who_has_both() -> None:
    """Once for each user and pair with all ways, and each scope of its memberships names the others."""
    found = reviewed(("u2", group("ga")), ("u1", group("gb")), ("u1", group("ga2")), ("u1", group("ga")))
    ((person, conflict),) = found.conflicts
    assert (person.id, conflict.pair) == ("u1", ("a.*", "b"))
    assert conflict.ways == {Right("a.w"): ("ga", "ga2"), Right("b"): ("gb",)}
    assert {(held.seat.user, held.seat.group.id): [*map(held.against, held.scopes)] for held in found.held} == {
        ("u1", "ga"): [["b"]], ("u1", "ga2"): [["b"]], ("u1", "gb"): [["a.w"]], ("u2", "ga"): [[]],
    }  # fmt: skip
    assert (found.sensitive, found.trusted) == ({"a.w"}, 2)


def test_what_is_no_conflict() -> None:
    """At two companies, without such a guard, or with what is gone already."""
    assert reviewed(("u1", group("ga", "X")), ("u1", group("gb", "Y"))).conflicts == []
    both = ("u1", group("ga")), ("u1", group("gb"))
    assert reviewed(*both, guards=AccessGuards()).conflicts == []
    assert len(reviewed(*both).conflicts) == 1
    gone = LiveGroup("gb", {}, EMPLOYEE, members=frozenset())
    past = Past("old", 1, {"acme": {"gb": KnownGroup(True, EMPLOYEE, frozenset({"u1"}))}})
    assert reviewed(both[0], ("u1", gone), past=past).conflicts == []


def test_one_user_is_told_the_same() -> None:
    """Every group once however many ways lead there; narrowed to a pattern, only what concerns it."""
    seats = [Seat("u1", group(name), Listing.LISTED) for name in ("ga", "gb", "gc")]
    found = access(Person(id="u1"), None, seats, GRANTED, resolved=True).judged(APART)
    (conflict,) = found.conflicts
    assert conflict.ways == {Right("a.w"): ("ga",), Right("b"): ("gb", "gc")}
    assert [len(found.narrowed(pattern).conflicts) for pattern in ("b", "a.*", "c")] == [1, 1, 0]
