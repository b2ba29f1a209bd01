"""What a review makes of each membership, and that its order depends on nothing but its content."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations

import pytest

from reconciler.core.access import Listing, Origin, Seat
from reconciler.core.model import Account, KnownGroup, LiveGroup, Person, UserType
from reconciler.core.past import Event, History, Past, Trail, Turn
from reconciler.core.review import Held, Standing, review

EMPLOYEE, CUSTOMER = UserType.EMPLOYEE, UserType.CUSTOMER
GROUP, OTHER = (LiveGroup(name, {}, EMPLOYEE) for name in ("g", "a"))
SOUND = Account("u", EMPLOYEE)
LOCKED = Account("u", EMPLOYEE, problem="is locked", shut=True)


@pytest.mark.parametrize(
    ("account", "listing", "standing"),
    [
        (SOUND, Listing.LISTED, Standing.LISTED),
        (SOUND, Listing.OFFBOARDED, Standing.OFFBOARDED),
        (LOCKED, Listing.OFFBOARDED, Standing.OFFBOARDED),
        (SOUND, Listing.OVER, Standing.DORMANT),
        (SOUND, Listing.EARLY, Standing.UNMANAGED),
        (SOUND, Listing.UNLISTED, Standing.UNMANAGED),
        (SOUND, Listing.UNMANAGED, Standing.UNMANAGED),
        (SOUND, Listing.FOREIGN, Standing.UNMANAGED),
        (LOCKED, Listing.LISTED, Standing.DORMANT),
        (LOCKED, Listing.FOREIGN, Standing.DORMANT),
        (None, Listing.LISTED, Standing.DORMANT),
    ],
)
def test_standings(account: Account | None, listing: Listing, standing: Standing) -> None:
    """Who can't use an access, or should have it no more, is dormant, whoever gave it."""
    assert Held(Person(id="u"), account, Seat("u", GROUP, listing), {}).standing is standing


def test_problems_and_types() -> None:
    """The type is the account's; of somebody without one it is the assignment's, which may differ from the group's."""
    mixed = replace(GROUP, mistyped={"u": CUSTOMER})
    found = [
        Held(Person(id="u"), account, Seat("u", group, Listing.LISTED), {})
        for account, group in ((LOCKED, mixed), (None, mixed), (None, GROUP))
    ]
    assert [held.problem for held in found] == ["is locked", "does not exist", "does not exist"]
    assert [held.user_type for held in found] == [EMPLOYEE, CUSTOMER, EMPLOYEE]


def test_always_the_same_order() -> None:
    """By standing, then by who it is, then by group, whatever the order in which the service names them."""
    people = {
        "u1": (Person("Zoe", "u1"), SOUND), "u2": (Person(id="u2", email="ana@acme.example"), SOUND),
        "u3": (Person(id="u3", name="Ana"), LOCKED),
    }  # fmt: skip
    seats = [
        Seat("u1", GROUP, Listing.LISTED), Seat("u1", OTHER, Listing.LISTED), Seat("u2", GROUP, Listing.LISTED),
        Seat("u2", OTHER, Listing.FOREIGN), Seat("u3", GROUP, Listing.LISTED),
    ]  # fmt: skip
    granted = {"g": {"order.read": (Origin("orders"),)}, "a": {}}
    trail = Trail()
    trail.events["acme", "g"]["u1"] = event = Event(datetime(2026, 11, 24, tzinfo=UTC), is_member=True)
    history = History("acme", trail)
    orders = {
        tuple(
            (held.seat.user, held.seat.group.id, *held.scopes) for held in review(people, some, granted, history).held
        )
        for some in permutations(seats)
    }
    assert orders == {
        (("u3", "g", "order.read"), ("u2", "a"), ("u2", "g", "order.read"), ("u1", "a"), ("u1", "g", "order.read"))
    }
    whole = review(people, seats, granted, history)
    assert [held.event for held in whole.held] == [None, None, None, None, event]
    assert (whole.users, [len(whole.of(standing)) for standing in Standing]) == (3, [0, 0, 1, 1, 3])


def test_what_has_come_and_gone() -> None:
    """Who is gone stands first and counts for nothing else; in each part those who came stand before the others."""
    group = replace(GROUP, members=frozenset({"u1", "u2"}))
    known = {"acme": {"g": KnownGroup(True, EMPLOYEE, frozenset({"u1", "u3"})), "z": KnownGroup(True, EMPLOYEE)}}
    now = {"g": KnownGroup(True, EMPLOYEE, frozenset({"u1", "u2"}))}
    history = History("acme", Trail(), now, Past("old.lock", 1, known))
    people = {user: (Person(user, user), LOCKED if user == "u3" else SOUND) for user in ("u1", "u2", "u3")}
    seats = [Seat(user, group, Listing.LISTED) for user in people]
    found = review(people, [*seats, Seat("u3", LiveGroup("z", {}, EMPLOYEE, members=frozenset()), Listing.GONE)],
                   {"g": {"order.read": (Origin("orders"),)}}, history)  # fmt: skip
    told = [(held.seat.user, held.seat.group.id, held.standing, held.turn, len(held.scopes)) for held in found.held]
    assert told == [
        ("u3", "g", Standing.REMOVED, Turn.REMOVED, 1), ("u3", "z", Standing.REMOVED, Turn.REMOVED, 0),
        ("u2", "g", Standing.LISTED, Turn.ADDED, 1), ("u1", "g", Standing.LISTED, Turn.SAME, 1),
    ]  # fmt: skip
    assert (found.users, len(found.live)) == (2, 2)


def test_who_is_in_a_group_that_grants_otherwise() -> None:
    """Only those who were members by us then: of the others it is told that they may be new."""
    group = LiveGroup("g", {"accessControls": ["orders"]}, EMPLOYEE, members=frozenset({"u1", "u2"}))
    known = {"acme": {"g": KnownGroup(True, EMPLOYEE, frozenset({"u1"}), {})}}
    history = History("acme", Trail(), {}, Past("old.lock", 1, known))
    people = {user: (Person(user, user), SOUND) for user in ("u1", "u2")}
    found = review(people, [Seat(user, group, Listing.LISTED) for user in people], {}, history)
    assert (found.granting_otherwise, found.regranted["g"].added) == (1, {"accessControls": ("orders",)})
