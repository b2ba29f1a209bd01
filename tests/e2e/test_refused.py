"""The service refuses a request: exactly what depends on it is skipped, the rest is done, the message tells all."""

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.sandbox import Sandbox
from tests.e2e.command import Workplace
from tests.e2e.world import World, configuration, group

TEXT = """\
tenants:
  - tenant: acmeprod
    groups:
      - id: first
        name: {en: First}
        userType: EMPLOYEE
        members:
          - ana
          - ben
      - id: second
        name: {en: Second}
        userType: EMPLOYEE
        members: [cleo]
"""


def test_a_refused_member_stops_nobody_else(work: Workplace, world: World) -> None:
    """Tenant, group, user, source line, status, the service's words and the missing scope are named; exit 4."""
    work.configure(TEXT)
    world.fail("PUT **/groups/first/users/**/ben 403")
    result = work.apply()
    assert result.code == 4, result.everything
    for word in ("acmeprod/first", "ben", "reconciler.yaml:9:13", "403", "Injected fault", "scope"):
        assert word in result.out, word
    assert world.members("first") == {"ana"}
    assert world.members("second") == {"cleo"}
    assert work.owned == {"acmeprod/first*": ["ana"], "acmeprod/second*": ["cleo"]}
    assert work.lockfile["pending"] == []
    world.fail()
    assert work.apply().code == 0
    assert world.members("first") == {"ana", "ben"}


def test_a_missing_scope_is_named(work: Workplace, serve: Callable[..., Sandbox], seed: dict[str, Any]) -> None:
    """A key that may write groups and not members: the groups are made, the scope that the rest needs is named."""
    scopes = ["iam.group_read", "iam.group_manage", "iam.user_read", "iam.access_read", "customer.customer_read"]
    clients = [{"client_id": name, "client_secret": "sandbox"} for name in ("acmeprod", "weak")]
    seed["tenants"][0]["clients"] = [clients[0], {**clients[1], "scopes": scopes}]
    work.url = serve(seed).url
    world = World(work.url)
    work.configure(TEXT)
    result = work.apply(EMPORIX_CLIENT_ID="weak")
    assert result.code == 4, result.everything
    assert "iam.assignment_manage" in result.out
    assert {"first", "second"} <= world.groups.keys()
    assert work.owned == {"acmeprod/first*": [], "acmeprod/second*": []}
    world.close()


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422])
def test_a_refused_group_takes_its_members_along(work: Workplace, world: World, status: int) -> None:
    """Members of a group that could not be made are not tried, and said to wait for it; the other group is done."""
    work.configure(TEXT)
    world.fail(f"PUT /iam/*/groups/first {status}")
    result = work.apply()
    assert result.code == 4, result.everything
    assert "Not tried: 2 changes" in result.out
    assert "waits for: put group acmeprod/first" in result.out
    assert str(status) in result.out
    assert "reconciler.yaml:4:9" in result.out
    assert not [call for call in world.writes if "first/users" in call]
    assert work.owned == {"acmeprod/second*": ["cleo"]}


def test_a_move_keeps_the_old_membership_if_the_new_one_is_refused(work: Workplace, world: World) -> None:
    """Who can't be added to the new group is not removed from the old one."""
    work.configure(configuration(group("first", ["ana", "ben"]), group("second", ["cleo"])))
    assert work.apply().code == 0
    work.configure(configuration(group("first", ["ana"]), group("second", ["ben", "cleo"])))
    world.fail("PUT **/groups/second/users/**/ben 400")
    assert work.apply().code == 1
    assert world.members("first") == {"ana", "ben"}
    assert work.owned == {"acmeprod/first*": ["ana", "ben"], "acmeprod/second*": ["cleo"]}
    world.fail()
    assert work.apply().code == 0
    assert (world.members("first"), world.members("second")) == ({"ana"}, {"ben", "cleo"})


def test_everything_refused_is_an_error(work: Workplace, world: World) -> None:
    """Exit 1 and not 4 if nothing at all was done; nothing is ours and nothing pending."""
    work.configure(TEXT)
    world.fail("PUT ** 403")
    result = work.apply()
    assert result.code == 1, result.everything
    assert work.owned == {}
    assert work.lockfile["pending"] == []


def test_a_refused_deletion_stays_ours(work: Workplace, world: World) -> None:
    """What could not be removed is still ours, so that the next run tries again."""
    work.configure(TEXT)
    assert work.apply().code == 0
    work.configure(configuration(group("first", ["ana", "ben"])))
    world.fail("DELETE /iam/*/groups/second 400")
    result = work.apply()
    assert result.code == 1, result.everything
    assert work.owned["acmeprod/second*"] == ["cleo"]
    world.fail()
    assert work.apply().code == 0
    assert "second" not in world.groups
