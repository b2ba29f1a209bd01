"""Who has what and why, end to end: the way to each scope, who holds it, and the service's own word on it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.sandbox import Sandbox
from tests.e2e.command import Workplace
from tests.e2e.proxy import Answer, Proxy, Request
from tests.e2e.world import World

CONTROLS: list[dict[str, Any]] = [
    {"id": "orders", "name": {"en": "Orders"}, "scopes": ["order.order_manage", "order.order_read"],
     "restrictionAware": True},
    {"id": "carts", "scopes": ["cart.cart_read"], "restrictedTo": "CUSTOMER"},
    {"id": "desk", "scopes": ["desk.open"], "restrictedTo": "EMPLOYEE"},
]  # fmt: skip
TEMPLATES = [{"id": "office", "accessControls": ["orders", "desk"]}, {"id": "shop", "accessControls": ["carts"]}]
CONFIGURATION = """\
people:
  ana: {id: ana, name: Ana Silva}
  marta: {email: Marta@acme.example}
teams:
  ops: [ana, marta]
tenants:
  - tenant: acmeprod
    groups:
      - id: ours
        name: {en: Ours}
        userType: EMPLOYEE
        templates: [office]
        restrictions: [DE, FR]
        members:
          - {team: ops, until: 2999-12-31, reason: OPS-42}
          - ben
      - match: {id: clerks}
        membership: additive
        members: [{id: ben, reason: OPS-7}]
"""
WAY = "access control orders (Orders) <- template office <- group ours (Ours) <- reconciler.yaml"
"""The end of many ways, without the line."""


@pytest.fixture
def seed(seed: dict[str, Any]) -> dict[str, Any]:
    """Access controls and templates; ``zoe`` has something by a group that nobody of us cares for."""
    (tenant,) = seed["tenants"]
    tenant["accessControls"], tenant["templates"] = CONTROLS, TEMPLATES
    groups = {each["id"]: each for each in tenant["groups"]}
    groups["bo-manager"]["accessControls"] = ["orders", "desk"]
    groups["bo-manager"]["restrictions"] = ["AT"]
    groups["buyer-x"]["templates"] = ["shop"]
    tenant["employees"] += [{"id": "00uM", "contactEmail": "marta@ACME.example", "firstName": "Marta"},
                            {"id": "00uL", "contactEmail": "lost@acme.example", "isAccountLocked": True}]  # fmt: skip
    tenant["customers"] = [{"id": "kim", "contactEmail": "Kim@shop.example"}, "lee", "mia"]
    tenant["assignments"] += [{"groupId": "buyer-x", "userId": "kim"}, {"groupId": "bo-manager", "userId": "00uL"}]
    tenant["clients"] = [
        {"client_id": "acmeprod", "client_secret": "sandbox"},
        {"client_id": "reader", "client_secret": "sandbox",
         "scopes": ["iam.group_read", "iam.user_read", "customer.customer_read"]},
    ]  # fmt: skip
    return seed


@pytest.fixture
def applied(work: Workplace, world: World) -> Workplace:
    work.configure(CONFIGURATION)
    assert work.apply().code == 0
    world.clear()
    return work


def lines(work: Workplace, *args: str, code: int = 0) -> list[str]:
    found = work.run(*args)
    assert found.code == code, found.everything
    return found.out.splitlines()


TEAM = "(team ops; until 3000-01-01 00:00 UTC; OPS-42)"
MARTA = "marta (Marta@acme.example, Marta, 00uM)"
ANA = "ana (ana@acmeprod.example, Ana Silva)"


def test_the_way_to_each_scope(applied: Workplace) -> None:
    """By handle, e-mail or id; each way ends at the line that names the person, with team, reason and end."""
    desk = "access control desk <- template office <- group ours (Ours) <- reconciler.yaml"
    cases = [
        ("marta", MARTA, "5:14"),
        ("MARTA@acme.example", MARTA, "5:14"),
        ("00uM", MARTA, "5:14"),
        ("ana", ANA, "5:9"),
    ]
    for user, told, at in cases:
        assert lines(applied, "explain", user) == [
            f"acmeprod: {told}: 5 scopes, 1 group",
            f"  desk.open <- {desk}:{at} {TEAM}",
            f"  order.order_manage--DE <- {WAY}:{at} {TEAM}",
            f"  order.order_manage--FR <- {WAY}:{at} {TEAM}",
            f"  order.order_read--DE <- {WAY}:{at} {TEAM}",
            f"  order.order_read--FR <- {WAY}:{at} {TEAM}",
        ]
    assert lines(applied, "explain", "ana", "--scope", "*_read--FR") == [
        f"acmeprod: {ANA}: 1 scope like *_read--FR",
        f"  order.order_read--FR <- {WAY}:5:9 {TEAM}",
    ]


def test_other_ways_to_be_in_a_group(applied: Workplace, world: World) -> None:
    """By a plain line, by an entry with a reason, by nobody's word, by a group that the configuration does not have."""
    ben, zoe, kim, lost, eve = (
        lines(applied, "explain", user) for user in ("ben", "zoe", "kim", "lost@acme.example", "eve")
    )
    assert ben[0] == "acmeprod: ben@acmeprod.example (ben): 5 scopes, 2 groups"
    assert ben[1].endswith("group ours (Ours) <- reconciler.yaml:16:13")
    assert ben[-1] == "  no scope <- group clerks (Clerks) <- reconciler.yaml:19:24 (OPS-7)"
    foreign = "group bo-manager (Managers) <- the group is outside the configuration"
    assert zoe == [
        "acmeprod: zoe@acmeprod.example (zoe): 3 scopes, 2 groups",
        f"  desk.open <- access control desk <- {foreign}",
        f"  order.order_manage--AT <- access control orders (Orders) <- {foreign}",
        f"  order.order_read--AT <- access control orders (Orders) <- {foreign}",
        "  no scope <- group clerks (Clerks) <- reconciler.yaml:17:9 (not listed in the configuration)",
    ]
    assert kim == [
        "acmeprod: Kim@shop.example (kim): 1 scope, 1 group",
        "  cart.cart_read <- access control carts <- template shop <- group buyer-x (Buyer)"
        " <- the group is outside the configuration",
    ]
    assert lost[0] == "acmeprod: lost@acme.example (00uL), whose account is locked: 3 scopes, 1 group"
    assert eve == ["acmeprod: eve@acmeprod.example (eve): 0 scopes, 0 groups"]


def test_few_requests(applied: Workplace, world: World) -> None:
    """The groups, the user's own, the account, and what is attached if anything is; members only of what grants."""
    attached = ["templates", "access-controls"]
    for args, expected in {
        ("explain", "ben"): ["groups", "users/ben/groups", "users", *attached],
        ("explain", "zoe"): ["groups", "users/zoe/groups", "users", "access-controls"],
        ("explain", "eve"): ["groups", "users/eve/groups", "users"],
        ("explain", "marta"): ["groups", "users", "search", "search", "users/00uM/groups", *attached],
        ("explain", "eve", "--compare"): ["groups", "users/eve/groups", "users", "users/eve/scopes"],
        ("who", "desk.open"): ["groups", *attached, "groups/ours/users", "groups/bo-manager/users", "users"],
        ("who", "clerks"): ["groups", "groups/clerks/users", "users"],
        ("who", "cart.*"): ["groups", *attached, "groups/buyer-x/users", "search"],
    }.items():  # fmt: skip
        world.clear()
        assert applied.run(*args).code == 0
        asked = [call.split()[1].removeprefix("/customer/acmeprod/customers/") for call in world.calls]
        assert sorted(each.split("?")[0] for each in asked if each != "/oauth/token") == sorted(expected), args


def test_what_is_wrong_is_named(work: Workplace, world: World) -> None:
    """A dangling access control, and a group of the configuration that can't be found; exit code and result stay."""
    world._send("PUT", "access-controls/own", json={"scopes": ["a.b"]})
    world.edit("own", name={"en": "Own"}, userType="EMPLOYEE", accessControls=["own", "desk"])
    world.add("own", "ana")
    world._send("DELETE", "access-controls/own")
    work.configure({"tenants": [{"tenant": "acmeprod", "groups": [{"match": {"code": "LOST"}, "members": ["ana"]}]}]})
    found = work.run("explain", "ana")
    assert found.code == 0
    assert "  desk.open <- access control desk <- group own (Own) <- the group is outside" in found.out
    assert "warning: acmeprod/own has the access control own, which does not exist and so grants nothing\n" in found.err
    assert "warning: no group fits match {code: LOST}" in found.err


def test_who(applied: Workplace) -> None:
    """Holders of a scope under any restriction with every way, of a pattern, and members of a group by why."""
    holders = lines(applied, "who", "order.order_manage")
    foreign = "group bo-manager (Managers) <- the group is outside the configuration"
    assert holders == [
        "acmeprod: order.order_manage: 5 holders",
        "  lost@acme.example (00uL), whose account is locked",
        f"    order.order_manage--AT <- access control orders (Orders) <- {foreign}",
        f"  {MARTA}",
        f"    order.order_manage--DE <- {WAY}:5:14 {TEAM}",
        f"    order.order_manage--FR <- {WAY}:5:14 {TEAM}",
        f"  {ANA}",
        f"    order.order_manage--DE <- {WAY}:5:9 {TEAM}",
        f"    order.order_manage--FR <- {WAY}:5:9 {TEAM}",
        "  ben@acmeprod.example (ben)",
        f"    order.order_manage--DE <- {WAY}:16:13",
        f"    order.order_manage--FR <- {WAY}:16:13",
        "  zoe@acmeprod.example (zoe)",
        f"    order.order_manage--AT <- access control orders (Orders) <- {foreign}",
    ]
    assert lines(applied, "who", "cart.*")[:2] == ["acmeprod: cart.*: 1 holder", "  Kim@shop.example (kim)"]
    for name in ("clerks", "acmeprod/clerks"):
        assert lines(applied, "who", name) == [
            "acmeprod: group clerks: 2 members",
            "  ben@acmeprod.example (ben) <- reconciler.yaml:19:24 (OPS-7)",
            "  zoe@acmeprod.example (zoe) <- reconciler.yaml:17:9 (not listed in the configuration)",
        ]
    assert lines(applied, "who", "vendor-a") == ["acmeprod: group vendor-a: 0 members"]


def test_members_without_an_account(applied: Workplace, between: Proxy) -> None:
    """Somebody who is in a group and nowhere else is shown, and said to be so."""

    def forgets(request: Request, forward: Callable[[], Answer]) -> Answer:
        answer = forward()
        if not request.path.startswith("/iam/acmeprod/users?"):
            return answer
        counted = [header for header in answer.headers if header[0].lower() != "x-total-count"]
        return Answer(200, [*counted, ("X-Total-Count", "0")], b"[]")

    between.rule = forgets
    assert lines(applied, "explain", "zoe")[0] == "acmeprod: zoe, of whom there is no account: 3 scopes, 2 groups"
    assert lines(applied, "who", "clerks")[1] == ("  ben, of whom there is no account <- reconciler.yaml:19:24 (OPS-7)")
    (tenant,) = json.loads(applied.run("explain", "zoe", "--format", "json").out)["tenants"]
    assert tenant["users"][0]["exists"] is False


def test_questions_without_an_answer(applied: Workplace) -> None:
    """Exit 1, nothing on stdout, and what to ask instead."""
    cases: list[tuple[tuple[str, ...], str]] = [
        (("explain", "nobody"), "the service knows no user nobody in acmeprod\n  give an id, an e-mail, or a handle"),
        (("explain", "no@acme.example"), "error: the service knows no user no@acme.example in acmeprod\n"),
        (("explain", "nobody", "--offline"), "error: the lockfile knows no user nobody in acmeprod\n"),
        (("explain", "ana", "--offline", "--scope", "a"), "--offline asks the lockfile only, and --scope needs"),
        (("explain", "ana", "--offline", "--compare"), "--compare needs the service"),
        (("explain", "ana", "--offline", "--sandbox"), "--sandbox needs the service"),
        (("explain", "ana", "--tenant", "acme"), "tenant acme is neither in the configuration nor in the lockfile"),
        (
            ("who", "order.order_mange"),
            "error: order.order_mange is neither a group of acmeprod nor a scope that a group there grants\n"
            "  did you mean order.order_manage--AT or order.order_manage--DE or order.order_manage--FR?",
        ),
        (("who", "x"), "  a pattern such as 'order.*' finds several\n"),
    ]  # fmt: skip
    for args, message in cases:
        found = applied.run(*args)
        assert (found.code, found.out) == (1, ""), args
        assert message in found.err, args


def test_a_token_that_may_not(applied: Workplace) -> None:
    """Which scope is missing and for what; without anything attached it is not needed."""
    reader = {"EMPORIX_CLIENT_ID": "reader"}
    for args, scope in {
        ("explain", "zoe"): "iam.access_read",
        ("explain", "ben"): "iam.template_read",
        ("explain", "eve", "--compare"): "iam.scope_read",
        ("who", "a.*"): "iam.template_read",
    }.items():
        found = applied.run(*args, **reader)
        assert (found.code, found.out) == (1, "")
        assert f"missing scopes: {scope}" in found.err
    assert applied.run("explain", "eve", **reader).code == 0
    assert applied.run("who", "bo-manager", **reader).code == 0


def test_the_service_is_asked_too(applied: Workplace, between: Proxy) -> None:
    """The same is said so; each difference is named and is exit code 1, also when only some scopes are asked for."""
    same = lines(applied, "explain", "ben", "--compare")
    assert same[-1] == "  the service says the same (5 scopes)"

    def otherwise(request: Request, forward: Callable[[], Answer]) -> Answer:
        answer = forward()
        if not request.path.endswith("/scopes"):
            return answer
        return Answer(200, answer.headers, answer.body.replace(b"desk.open", b"desk.close"))

    between.rule = otherwise
    differing = lines(applied, "explain", "ben", "--compare", code=1)
    assert differing[-2:] == [
        "  differs: the service does not name desk.open",
        "  differs: only the service names desk.close",
    ]
    found = applied.run("explain", "ben", "--compare", "--format", "json")
    (user,) = json.loads(found.out)["tenants"][0]["users"]
    assert (found.code, user["sameAsService"], user["onlyHere"], user["onlyService"]) == (
        1, False, ["desk.open"], ["desk.close"],
    )  # fmt: skip
    assert lines(applied, "explain", "ben", "--compare", "--scope", "order.*")[-1].endswith("same (4 scopes)")


def test_offline(applied: Workplace, world: World) -> None:
    """From the lockfile, without credentials or a request: what is ours and attached, and what is not known."""
    none = {"EMPORIX_CLIENT_ID": "", "EMPORIX_CLIENT_SECRET": ""}
    found = applied.run("explain", "ben", "--offline", **none)
    assert found.code == 0, found.everything
    assert found.out.splitlines() == [
        "acmeprod: ben: 2 groups",
        "  template office <- group ours (Ours) <- reconciler.yaml:16:13",
        "  nothing known <- group clerks <- reconciler.yaml:19:24 (OPS-7)",
    ]
    assert "warning: asked the lockfile of serial " in found.err
    assert "and which scopes access controls grant are not known  [offline]\n" in found.err
    for user in ("marta", "marta@acme.example", "00uM"):
        assert lines(applied, "explain", user, "--offline") == [
            "acmeprod: marta (Marta@acme.example, 00uM): 1 group",
            f"  template office <- group ours (Ours) <- reconciler.yaml:5:14 {TEAM}",
        ]
    applied.configure(CONFIGURATION.replace("match: {id: clerks}", "match: {name: Clerks}"))
    unsure = lines(applied, "explain", "ben", "--offline")[-1]
    assert unsure == "  nothing known <- group clerks <- the lockfile"
    document = json.loads(applied.run("explain", "ben", "--offline", "--format", "json").out)
    assert "scopes" not in document["tenants"][0]["users"][0]
    assert document["warnings"][0].startswith("asked the lockfile of serial ")
    (applied.folder / "reconciler.lock").unlink()
    empty = applied.run("explain", "ben", "--offline")
    assert (empty.code, empty.out) == (1, "")


def test_for_machines(applied: Workplace) -> None:
    """The same as JSON: who, the scopes, every way with its line, and the groups that bring nothing."""
    document = json.loads(applied.run("explain", "marta", "--scope", "desk.open", "--format", "json").out)
    source = {"file": "reconciler.yaml", "line": 5, "column": 14}
    assert document == {
        "format": 1, "kind": "explain", "asked": "marta", "warnings": [], "failures": {},
        "tenants": [{"tenant": "acmeprod", "warnings": [], "users": [{
            "user": {"id": "00uM", "handle": "marta", "email": "Marta@acme.example", "name": "Marta"},
            "exists": True, "scopes": ["desk.open"], "otherGroups": [],
            "ways": [{"scope": "desk.open", "accessControl": "desk", "template": "office", "group": "ours",
                      "listed": True, "source": source, "teams": ["ops"], "reason": "OPS-42",
                      "until": "3000-01-01T00:00:00Z"}],
        }]}],
    }  # fmt: skip
    (tenant,) = json.loads(applied.run("who", "bo-manager", "--format", "json").out)["tenants"]
    assert tenant["group"] == "bo-manager"
    assert [user["otherGroups"] for user in tenant["users"]] == [
        [{"group": "bo-manager", "listed": False, "why": "the group is outside the configuration"}]
    ] * 2


def test_several_tenants(work: Workplace, serve: Callable[..., Sandbox], seed: dict[str, Any]) -> None:
    """Each tenant that knows the user answers; one that can't be read is an error and hides no other."""
    other = {
        "tenant": "otherco", "employees": ["ana"], "clients": [{"client_id": "o", "client_secret": "o"}],
        "accessControls": CONTROLS, "groups": [{"id": "g", "accessControls": ["orders"]}],
        "assignments": [{"groupId": "g", "userId": "ana"}],
    }  # fmt: skip
    work.url = serve({"tenants": [*seed["tenants"], other]}).url
    work.configure({"tenants": [{"tenant": "acmeprod"}, {"tenant": "otherco"}]})
    keys = {"EMPORIX_CLIENT_ID_OTHERCO": "o", "EMPORIX_CLIENT_SECRET_OTHERCO": "o"}
    found = work.run("explain", "ana", **keys)
    assert found.code == 0, found.everything
    assert [line for line in found.out.splitlines() if line[0] != " "] == [
        "acmeprod: ana@acmeprod.example (ana): 0 scopes, 0 groups",
        "otherco: ana@otherco.example (ana): 2 scopes, 1 group",
    ]
    assert work.run("explain", "zoe", **keys).out.startswith("acmeprod: zoe@")
    assert work.run("who", "order.*", **keys).out.splitlines()[0] == "acmeprod: order.*: 2 holders"
    assert "acmeprod: no such group, and no group" in work.run("who", "g", **keys).out
    only = work.run("explain", "ana", "--tenant", "otherco", **keys)
    assert only.out.startswith("otherco: ana@")
    failed = work.run("who", "order.*", EMPORIX_CLIENT_SECRET_OTHERCO="wrong", EMPORIX_CLIENT_ID_OTHERCO="o")
    told = failed.out.splitlines()[:2]
    assert (failed.code, told) == (1, ["Incomplete: otherco could not be read.", "acmeprod: order.*: 2 holders"])
    assert "otherco" in failed.err
    wrong = work.run("explain", "ana", "--format", "json", **{**keys, "EMPORIX_CLIENT_SECRET_OTHERCO": "wrong"})
    assert (wrong.code, list(json.loads(wrong.out)["failures"])) == (1, ["otherco"])
