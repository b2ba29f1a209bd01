"""What groups grant: against a naive oracle on every small world, rule by rule, and the way to each scope."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, combinations, product
from typing import Any

import pytest

from reconciler.core.access import (
    Catalog,
    Listing,
    Origin,
    Seat,
    Way,
    attached,
    fits,
    flaws,
    granted,
    grants,
    meant,
    seat,
    ways,
)
from reconciler.core.answer import access
from reconciler.core.model import Control, DesiredGroup, Entry, LiveGroup, Period, Person, UserType
from reconciler.diagnostics import Source

EMPLOYEE, CUSTOMER = UserType.EMPLOYEE, UserType.CUSTOMER
CATALOG = Catalog(
    {
        "orders": Control("orders", ("order.read", "order.manage"), restriction_aware=True),
        "carts": Control("carts", ("cart.read",), CUSTOMER),
        "desk": Control("desk", ("desk.open", "order.read"), EMPLOYEE),
    },
    {"office": ("orders", "desk"), "shop": ("carts", "gone"), "bare": ()},
)


def subsets(*items: str) -> list[tuple[str, ...]]:
    return list(chain.from_iterable(combinations(items, size) for size in range(len(items) + 1)))


def worlds() -> Iterator[dict[str, Any]]:
    """Every definition that attaches any of four access controls and four templates under up to two restrictions."""
    for controls, templates, restrictions in product(
        subsets("orders", "carts", "desk", "none"), subsets("office", "shop", "bare", "none"), subsets("DE", "FR")
    ):
        yield {"accessControls": controls, "templates": templates, "restrictions": restrictions}


def oracle(fields: dict[str, Any]) -> set[tuple[str, str, str]]:
    """Scope, access control and template as the rules read, one loop a sentence."""
    found = set()
    for scope, control, template in product(
        ["order.read", "order.manage", "cart.read", "desk.open"], CATALOG.controls, ["", *CATALOG.templates]
    ):
        brought = control in fields["accessControls"]
        if template:
            brought = template in fields["templates"] and control in CATALOG.templates[template]
        if not brought or scope not in CATALOG.controls[control].scopes:
            continue
        if CATALOG.controls[control].restriction_aware and fields["restrictions"]:
            found |= {(f"{scope}--{restriction}", control, template) for restriction in fields["restrictions"]}
        else:
            found.add((scope, control, template))
    return found


def test_every_small_group() -> None:
    """1,024 definitions: exactly the scopes, and exactly the origins, that the rules say."""
    seen = 0
    for fields in worlds():
        found = grants(fields, CATALOG)
        told = [(scope, origin.control, origin.template) for scope, origins in found.items() for origin in origins]
        assert (len(told), set(told)) == (len(set(told)), oracle(fields)), fields
        assert list(found) == sorted(found)
        seen += 1
    assert seen == 16 * 16 * 4


@pytest.mark.parametrize(
    ("fields", "scopes"),
    [
        ({"accessControls": ["orders"]}, {"order.read", "order.manage"}),
        ({"accessControls": ["orders"], "restrictions": ["DE"]}, {"order.read--DE", "order.manage--DE"}),
        ({"accessControls": ["desk"], "restrictions": ["DE"]}, {"desk.open", "order.read"}),
        (
            {"accessControls": ["orders", "desk"], "restrictions": ["DE"]},
            {"order.read--DE", "order.manage--DE", "order.read", "desk.open"},
        ),
        ({"templates": ["shop"], "userType": "EMPLOYEE"}, {"cart.read"}),
        ({"templates": ["bare"]}, set()),
        ({}, set()),
    ],
)
def test_rules(fields: dict[str, Any], scopes: set[str]) -> None:
    """A suffix only for what is aware of restrictions, in groups that have any; what is misplaced counts."""
    assert grants(fields, CATALOG).keys() == scopes


def test_attached_names_also_what_does_not_exist() -> None:
    """So that whoever shows it can say so."""
    fields = {"accessControls": ["none"], "templates": ["shop", "none"]}
    assert list(attached(fields, CATALOG.templates)) == [
        Origin("none"),
        Origin("carts", "shop"),
        Origin("gone", "shop"),
    ]


def test_flaws_are_named() -> None:
    """What grants nothing because it does not exist, and what is attached against its restriction."""
    fields = {"accessControls": ["none", "desk"], "templates": ["lost", "shop"]}
    found = [flaw.message for flaw in flaws("acme", LiveGroup("g", fields, EMPLOYEE), CATALOG)]
    assert found == [
        "acme/g has the template lost, which does not exist and so grants nothing",
        "acme/g has the access control none, which does not exist and so grants nothing",
        "acme/g has the access control carts through the template shop, which is for CUSTOMER groups only;"
        " its scopes are counted all the same",
        "acme/g has the access control gone through the template shop, which does not exist and so grants nothing",
    ]
    assert not list(flaws("acme", LiveGroup("g", {"accessControls": ["orders", "desk"]}, EMPLOYEE), CATALOG))


END = datetime(2027, 1, 1, tzinfo=UTC)
LINE, OTHER, GROUP = (Source("acme.yaml", line, 5) for line in (1, 2, 3))
LIVE = LiveGroup("g", {"accessControls": ["desk"], "templates": ["bare"]}, EMPLOYEE)
ENTRY = Entry(Person("ana", "ana"), LINE, Period(end=END), ("ops",), "OPS-1")


def by_entry(listing: Listing) -> Seat:
    return Seat("ana", LIVE, listing, LINE, ("ops",), "OPS-1", END)


PLAIN = DesiredGroup(GROUP, "g", members={"ben": OTHER}, reasons={"ben": "OPS-2"})


@pytest.mark.parametrize(
    ("user", "desired", "expected"),
    [
        ("ana", None, Seat("ana", LIVE, Listing.FOREIGN)),
        ("ana", replace(PLAIN, members=None), Seat("ana", LIVE, Listing.UNMANAGED, GROUP)),
        ("ana", PLAIN, Seat("ana", LIVE, Listing.UNLISTED, GROUP)),
        ("ben", PLAIN, Seat("ben", LIVE, Listing.LISTED, OTHER, reason="OPS-2")),
        ("ana", replace(PLAIN, named={"ana": ENTRY}), by_entry(Listing.LISTED)),
        ("ana", replace(PLAIN, ended={"ana": ENTRY}), by_entry(Listing.OVER)),
        ("ana", replace(PLAIN, upcoming={"ana": ENTRY}), by_entry(Listing.EARLY)),
    ],
)
def test_seats(user: str, desired: DesiredGroup | None, expected: Seat) -> None:
    """Where a membership comes from, or that the configuration does not ask for it."""
    assert seat(user, LIVE, desired, {"cleo": ENTRY}) == expected


@pytest.mark.parametrize("desired", [None, PLAIN, replace(PLAIN, named={"ana": ENTRY})])
def test_a_seat_of_who_is_offboarded(desired: DesiredGroup | None) -> None:
    """The line that offboards counts, whatever else the configuration says of user and group."""
    leaving = {"ana": Entry(Person("ana", "ana"), OTHER, reason="HR-1")}
    assert seat("ana", LIVE, desired, leaving) == Seat("ana", LIVE, Listing.OFFBOARDED, OTHER, reason="HR-1")


def test_ways() -> None:
    """By scope, then by user, then by group; each origin is a way of its own."""
    other = LiveGroup("a", {"accessControls": ["desk"], "templates": ["office"], "restrictions": ["DE"]}, EMPLOYEE)
    ana, ben, both = (
        Seat("ana", LIVE, Listing.LISTED), Seat("ben", LIVE, Listing.LISTED), Seat("ana", other, Listing.FOREIGN)
    )  # fmt: skip
    assert ways([ben, ana, both], granted([LIVE, other], CATALOG)) == [
        Way("desk.open", Origin("desk"), both),
        Way("desk.open", Origin("desk", "office"), both),
        Way("desk.open", Origin("desk"), ana),
        Way("desk.open", Origin("desk"), ben),
        Way("order.manage--DE", Origin("orders", "office"), both),
        Way("order.read", Origin("desk"), both),
        Way("order.read", Origin("desk", "office"), both),
        Way("order.read", Origin("desk"), ana),
        Way("order.read", Origin("desk"), ben),
        Way("order.read--DE", Origin("orders", "office"), both),
    ]


def test_ways_without_a_catalog() -> None:
    """Only what is attached is known then."""
    ana = Seat("ana", LIVE, Listing.LISTED)
    assert ways([ana], granted([LIVE], None)) == [Way("", Origin("", "bare"), ana), Way("", Origin("desk"), ana)]


def test_access_of_a_user() -> None:
    """All ways and the memberships that bring none; compared with what the service says, narrowed to some scopes."""
    bare = LiveGroup("bare", {}, EMPLOYEE)
    seats = [Seat("ana", LIVE, Listing.LISTED), Seat("ana", bare, Listing.FOREIGN)]
    found = access(Person(id="ana"), None, seats, granted([LIVE, bare], CATALOG), resolved=True)
    assert (found.scopes, found.idle, found.resolved) == ({"desk.open", "order.read"}, (seats[1],), True)
    assert (found.ours_only, found.theirs_only) == ([], [])
    said = replace(found, said=frozenset({"desk.open", "cart.read"}))
    assert (said.ours_only, said.theirs_only) == (["order.read"], ["cart.read"])
    few = said.narrowed("order.*")
    assert (few.scopes, few.said, few.idle, few.ours_only) == ({"order.read"}, frozenset(), (), ["order.read"])
    assert found.narrowed("none").said is None
    unknown = access(Person(id="ana"), None, seats, granted([LIVE, bare], None), resolved=False)
    assert (unknown.scopes, unknown.idle, unknown.resolved) == (frozenset(), (seats[1],), False)


@pytest.mark.parametrize(
    ("pattern", "scope", "expected"),
    [
        ("order.*", "order.manage", True),
        ("order.manage", "order.manage--DE", True),
        ("*_manage", "order.order_manage--DE", True),
        ("order.manage--DE", "order.manage--DE", True),
        ("order.manage--DE", "order.manage", False),
        ("order.manage--DE", "order.manage--FR", False),
        ("order", "order.manage", False),
        ("ORDER.*", "order.manage", False),
    ],
)
def test_patterns(pattern: str, scope: str, expected: bool) -> None:
    """A pattern without suffix means the scope under every restriction."""
    assert fits(pattern, scope) is expected
    assert meant(pattern, {scope: (Origin("a"),)}) == ({scope: (Origin("a"),)} if expected else {})
