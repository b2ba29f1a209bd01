"""What we say that users are granted, against the sandbox's own computation of it, written from the vendor's spec."""

from collections.abc import Iterator
from itertools import chain, combinations, product
from typing import Any

from reconciler.core import access
from reconciler.core.access import Catalog, Listing, Seat, ways
from reconciler.emporix.iam import Iam
from reconciler.sandbox import start
from tests.emporix import world

CONTROLS = [
    {"id": "aware", "scopes": ["a.read", "a.manage"], "restrictionAware": True},
    {"id": "plain", "scopes": ["a.read", "b.read"]},
    {"id": "theirs", "scopes": ["c.read"], "restrictedTo": "EMPLOYEE", "restrictionAware": True},
]
TEMPLATES = [{"id": "some", "accessControls": ["aware", "plain"]}, {"id": "none", "accessControls": []}]


def subsets(*items: str) -> list[list[str]]:
    return [list(some) for some in chain.from_iterable(combinations(items, size) for size in range(len(items) + 1))]


def groups() -> Iterator[dict[str, Any]]:
    """Every group that can be made of these; those for customers only of what may be attached there."""
    for kind, own in (("EMPLOYEE", ("aware", "plain", "theirs")), ("CUSTOMER", ("aware", "plain"))):
        worlds = product(subsets(*own), subsets("some", "none"), subsets("DE", "FR"))
        for number, (controls, templates, restrictions) in enumerate(worlds):
            yield {"id": f"{kind[0]}{number}", "userType": kind, "accessControls": controls, "templates": templates,
                   "restrictions": restrictions}  # fmt: skip


def test_every_user_has_what_the_service_says() -> None:
    """One user in every single group, and one in each with the three that follow it: 384 users, no difference."""
    made = list(groups())
    kinds = {kind: [each["id"] for each in made if each["userType"] == kind] for kind in ("EMPLOYEE", "CUSTOMER")}
    held = {f"{some[0]}-{len(some)}": some for ids in kinds.values() for start in range(len(ids)) for some in
            (ids[start : start + 1], [ids[(start + step) % len(ids)] for step in range(4)])}  # fmt: skip
    seed = {
        "tenant": world.TENANT, "clients": world.SEED["tenants"][0]["clients"],
        "accessControls": CONTROLS, "templates": TEMPLATES, "groups": made,
        "employees": [user for user in held if user[0] == "E"], "customers": [user for user in held if user[0] == "C"],
        "assignments": [{"groupId": name, "userId": user, "userType": "EMPLOYEE" if user[0] == "E" else "CUSTOMER"}
                        for user, names in held.items() for name in names],
    }  # fmt: skip
    with start(None, seed={"tenants": [seed]}) as sandbox, world.client(sandbox.url) as client:
        iam = Iam(client)
        live = iam.groups()
        granted = access.granted(live.values(), Catalog(iam.access_controls(), iam.templates()))
        assert (len(live), len(held)) == (192, 384)
        sizes = set()
        for user, names in held.items():
            found = ways([Seat(user, live[name], Listing.FOREIGN) for name in names], granted)
            assert {way.scope for way in found} == iam.scopes(user), (user, names)
            sizes.add(len({way.scope for way in found}))
        assert sizes >= {0, 1, 2, 4, 8}
