"""What is read and written, against the sandbox over real HTTP."""

import pytest

from reconciler.core.model import Control, LiveGroup, UserType
from reconciler.diagnostics import RequestRefused
from reconciler.emporix.client import Client
from reconciler.emporix.iam import Iam
from reconciler.sandbox import Sandbox
from tests.emporix.standin import Asked, Reply, standin
from tests.emporix.world import READY, requests
from tests.emporix.world import client as world_client

EMPLOYEE, CUSTOMER = UserType.EMPLOYEE, UserType.CUSTOMER


def members(iam: Iam, group: str) -> frozenset[str] | None:
    found = iam.group(group)
    assert found is not None
    return iam.members([found])[group].members


def test_groups_come_with_translations_and_version(iam: Iam) -> None:
    """Every group is read with its texts as maps, its type, code and version, and without members."""
    groups = iam.groups()
    assert sorted(groups) == ["buyers", "catalog", "orders", "vendors"]
    assert groups["catalog"] == LiveGroup(
        id="catalog",
        fields={"userType": "EMPLOYEE", "name": {"en": "Catalog", "de": "Katalog"}, "accessControls": ["ac-any"]},
        user_type=EMPLOYEE,
        version=1,
    )
    assert (groups["buyers"].code, groups["buyers"].legal_entity_id) == ("BUYER", "le1")
    assert groups["vendors"].vendor_id == "v1"


def test_members_of_several_groups(iam: Iam) -> None:
    """Members are read for exactly the groups that were asked for."""
    found = iam.members(group for key, group in iam.groups().items() if key in {"catalog", "buyers", "vendors"})
    assert {key: group.members for key, group in found.items()} == {
        "catalog": frozenset({"ana"}),
        "buyers": frozenset({"c1"}),
        "vendors": frozenset(),
    }
    assert all(not group.mistyped for group in found.values())


def test_one_request_a_list(iam: Iam, sandbox: Sandbox) -> None:
    """A list that fits into a page takes one request, and a token is asked for once."""
    iam.members(iam.groups().values())
    sent = requests(sandbox)
    assert sorted(path for _, path in sent) == [
        "/iam/acme/groups",
        "/iam/acme/groups/buyers/users",
        "/iam/acme/groups/catalog/users",
        "/iam/acme/groups/orders/users",
        "/iam/acme/groups/vendors/users",
        "/oauth/token",
    ]


def test_a_group_that_is_not_there(iam: Iam) -> None:
    """An unknown id is None, not an error."""
    assert iam.group("nobody") is None


def test_adding_a_member_twice(iam: Iam) -> None:
    """The first addition says that it added, the second that the user was there."""
    assert iam.add_member("catalog", EMPLOYEE, "ben") is True
    assert iam.add_member("catalog", EMPLOYEE, "ben") is False
    assert members(iam, "catalog") == {"ana", "ben"}


def test_removals(iam: Iam) -> None:
    """One member, all members of a group, and a user's memberships can be removed, also twice."""
    iam.add_member("orders", EMPLOYEE, "ben")
    for _ in range(2):
        iam.remove_member("orders", "ana")
    assert members(iam, "orders") == {"ben"}
    iam.empty_group("orders")
    assert members(iam, "orders") == frozenset()
    for _ in range(2):
        iam.remove_user("ana")
    assert members(iam, "catalog") == frozenset()


def test_put_group_creates_then_updates(iam: Iam) -> None:
    """What is written is what is read, and a field that is left out is emptied."""
    fields = {"userType": "CUSTOMER", "name": {"en": "New", "de": "Neu"}, "accessControls": ["ac-customer"]}
    assert iam.put_group("new", fields, None) == "created"
    live = iam.group("new")
    assert live is not None
    assert (live.fields, live.version) == (fields, 1)
    assert iam.put_group("new", {"userType": "CUSTOMER", "name": {"en": "New"}}, 1) == "updated"
    live = iam.group("new")
    assert live is not None
    assert (live.fields, live.version) == ({"userType": "CUSTOMER", "name": {"en": "New"}}, 2)


def test_put_group_of_a_vendor(iam: Iam) -> None:
    """A vendor's group is created with its vendor, which a PUT could not set, and updated without touching it."""
    fields = {"userType": "EMPLOYEE", "name": {"en": "New"}, "vendorId": "v2"}
    assert iam.put_group("new", fields, None) == "created"
    assert iam.put_group("new", fields | {"name": {"en": "Newer"}}, 1) == "updated"
    live = iam.group("new")
    assert live is not None
    assert live.fields == fields | {"name": {"en": "Newer"}}


def test_put_group_with_an_old_version(iam: Iam) -> None:
    """A group that was changed meanwhile is not overwritten."""
    with pytest.raises(RequestRefused) as caught:
        iam.put_group("catalog", {"userType": "EMPLOYEE", "name": {"en": "Mine"}}, 7)
    assert caught.value.status == 409
    assert "acme/catalog" in caught.value.message
    live = iam.group("catalog")
    assert live is not None
    assert live.fields["name"] == {"en": "Catalog", "de": "Katalog"}


def test_delete_group(iam: Iam) -> None:
    """A group with members is only deleted by force; one that is gone counts as deleted."""
    with pytest.raises(RequestRefused, match=r"delete group acme/catalog \(400\)"):
        iam.delete_group("catalog", force=False)
    iam.delete_group("catalog", force=True)
    iam.delete_group("catalog", force=False)
    assert iam.group("catalog") is None


def test_default_language(iam: Iam) -> None:
    """The language in which texts come without Accept-Language is found by comparing them with the maps."""
    assert iam.default_language(iam.groups()) == "en"


def test_default_language_that_cannot_be_told(iam: Iam) -> None:
    """Texts that read the same in every language tell nothing."""
    groups = iam.groups()
    for key in groups:
        iam.put_group(key, {**groups[key].fields, "name": {"en": "Same", "de": "Same"}}, groups[key].version)
    assert iam.default_language(iam.groups()) is None
    assert iam.default_language({}) is None


def test_access_controls(iam: Iam, client: Client) -> None:
    """What they grant and to which groups they may be attached come with one reading."""
    assert iam.access_controls() == {
        "ac-any": Control("ac-any", ("a.read",)),
        "ac-customer": Control("ac-customer", ("b.read",), CUSTOMER),
        "ac-employee": Control("ac-employee", ("c.read", "c.write"), EMPLOYEE, restriction_aware=True, name="Desk"),
    }
    assert client.sent == {"token": 1, "list access controls": 1}


def test_access_controls_as_other_versions_may_show_them() -> None:
    """A name as translations or not at all, and lists that are null, are no reason to fail."""

    def answers(asked: Asked) -> Reply:
        named = {"id": "a", "name": {"de": None, "en": "A"}, "scopes": None, "restrictionAware": None}
        rows = (
            [named, {"id": "b", "name": {}}]
            if "access-controls" in asked.path
            else [{"id": "t", "accessControls": None}]
        )
        return Reply(200, rows, {"X-Total-Count": str(len(rows))})

    with standin(answers) as service, world_client(service.url, credentials=READY) as client:
        iam = Iam(client)
        assert iam.access_controls() == {"a": Control("a", name="A"), "b": Control("b")}
        assert iam.templates() == {"t": ()}


def test_the_scopes_of_a_user(iam: Iam, client: Client) -> None:
    """As the service computes them, without the tenant's name that stands among them; one request each."""
    assert iam.scopes("ana") == {"a.read"}
    assert iam.scopes("nobody") == frozenset()
    assert (iam.groups_of("ana"), iam.groups_of("c1"), iam.groups_of("nobody")) == (
        {"catalog", "orders"},
        {"buyers"},
        frozenset(),
    )
    assert client.sent == {"token": 1, "user scopes": 2, "list user groups": 3}


def test_counters(iam: Iam, client: Client) -> None:
    """The client counts what it sent by kind."""
    iam.members(iam.groups().values())
    assert client.sent == {"token": 1, "list groups": 1, "list members": 4}
