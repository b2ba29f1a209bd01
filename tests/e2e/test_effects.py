"""What a plan comes to for users, end to end: against the sandbox's own computation, and at what price."""

import json
import random
import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from reconciler.sandbox import Sandbox
from tests.e2e.command import Spawner, Workplace
from tests.e2e.world import World, configuration, group

USERS = ["u1", "u2", "u3", "u4"]
CONTROLS: list[dict[str, Any]] = [
    {"id": "orders", "scopes": ["order.manage", "order.read"], "restrictionAware": True},
    {"id": "desk", "scopes": ["desk.open", "order.read"]},
    {"id": "carts", "scopes": ["cart.read"]},
]
TEMPLATES = [{"id": "office", "accessControls": ["orders", "desk"]}, {"id": "shop", "accessControls": ["carts"]}]


def some(chance: random.Random, items: list[str], share: float = 0.4) -> list[str]:
    return [item for item in items if chance.random() < share]


def granting(chance: random.Random) -> dict[str, Any]:
    return {
        "accessControls": some(chance, ["orders", "desk", "carts"]),
        "templates": some(chance, ["office", "shop"], 0.2),
        "restrictions": some(chance, ["DE", "FR"], 0.3),
    }


def worlds(count: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A seed, and a configuration that takes over two groups of three and makes one: others care for the third."""
    chance = random.Random(6)
    seeds, wishes = [], []
    for number in range(count):
        kind = chance.choice(["EMPLOYEE", "CUSTOMER"])
        live = [
            {"id": f"g{n}", "name": {"en": f"G{n}"}, "userType": kind, **granting(chance)} for n in range(3)
        ]  # fmt: skip
        held = [
            {"groupId": each["id"], "userId": user, "userType": kind} for each in live for user in some(chance, USERS)
        ]
        seeds.append(
            {
                "tenant": f"acme{number:02d}", "languages": ["en"], "accessControls": CONTROLS, "templates": TEMPLATES,
                "groups": live, "assignments": held, "employees" if kind == "EMPLOYEE" else "customers": USERS,
            }
        )  # fmt: skip
        wanted = [
            {"id": name, "name": {"en": "Ours"}, "userType": kind, "members": some(chance, USERS), **granting(chance)}
            for name in chance.sample(["g0", "g1", "new"], chance.randint(1, 3))
        ]
        wishes.append({"tenant": f"acme{number:02d}", "groups": wanted})
    return {"tenants": seeds}, {"tenants": wishes, "guards": {"maxRemovals": "100%"}}


def scopes(url: str, tenant: str) -> dict[str, set[str]]:
    """What the service says that each user has."""
    with closing(World(url, tenant)) as world:
        return {user: world.scopes(user) for user in USERS}


def test_what_the_plan_says_is_what_the_service_then_grants(
    serve: Callable[..., Sandbox], tmp_path: Path, spawner: Spawner
) -> None:
    """24 random tenants, planned and applied: gained and lost are, to the scope, what the service says itself."""
    seed, wishes = worlds(24)
    names = [tenant["tenant"] for tenant in seed["tenants"]]
    ids = {f"EMPORIX_CLIENT_ID_{name.upper()}": name for name in names}
    secrets = {f"EMPORIX_CLIENT_SECRET_{name.upper()}": "sandbox" for name in names}
    sandbox = serve(seed)
    work = Workplace(tmp_path, sandbox.url, {**ids, **secrets}, spawner)
    work.configure(wishes)
    before = {name: scopes(sandbox.url, name) for name in names}
    plan = json.loads(work.run("plan", "--take-over", "--format", "json").out)
    done = work.apply("--take-over", "--accept", plan["fingerprint"])
    assert done.code == 0, done.everything
    after = {name: scopes(sandbox.url, name) for name in names}

    told: dict[str, dict[str, tuple[set[str], set[str]]]] = {name: {} for name in names}
    for part in plan["access"]:
        for effect in part["effects"]:
            for user in effect["users"]:
                sides = ({grant["scope"] for grant in effect.get(side, ())} for side in ("gained", "lost"))
                told[part["tenant"]][user["user"]] = (next(sides), next(sides))
                for grant in effect.get("kept", ()):
                    assert grant["scope"] in before[part["tenant"]][user["user"]] & after[part["tenant"]][user["user"]]
    changed = 0
    for name in names:
        for user in USERS:
            had, has = before[name][user], after[name][user]
            assert told[name].get(user, (set(), set())) == (has - had, had - has), (name, user)
            changed += had != has
    assert changed > 24


@pytest.fixture
def seed(seed: dict[str, Any]) -> dict[str, Any]:
    """Who sells, who is paid, and who gives access; the others' group has orders too."""
    (tenant,) = seed["tenants"]
    tenant["accessControls"] += [
        {"id": "pay", "scopes": ["payment.payment_manage"]},
        {"id": "admin", "scopes": ["iam.group_manage"]},
    ]
    groups = {each["id"]: each for each in tenant["groups"]}
    groups["bo-manager"]["accessControls"] = ["orders"]
    groups["clerks"]["accessControls"] = ["pay"]
    return seed


def access(work: Workplace, *options: str) -> list[dict[str, Any]]:
    """What the plan says of users."""
    found: list[dict[str, Any]] = json.loads(work.run("plan", "--format", "json", *options).out).get("access", [])
    return found


def test_a_scope_that_another_group_still_grants(work: Workplace, world: World) -> None:
    """In text: what is gained, what is lost, and what stays through a group that nobody here manages."""
    work.configure(configuration(group("ours", ["ana", "zoe"], accessControls=["orders", "admin"])))
    assert work.apply().code == 0
    work.configure(configuration(group("ours", ["ben"], accessControls=["orders", "admin"])))
    told = work.run("plan").out
    assert re.search(r"  zoe\n    - iam.group_manage\s+was through ours \(Ours\)\n", told), told
    assert re.search(r"    = order.order_manage\s+still through bo-manager \(Managers\)\n", told), told
    assert re.search(r"  ana\n    - iam.group_manage\s+was through ours \(Ours\)\n    - order.order_manage", told), told
    assert re.search(r"  ben\n    \+ iam.group_manage\s+through ours \(Ours\)\n", told), told


def test_a_new_member_who_has_it_all_already(work: Workplace, world: World) -> None:
    """Nothing is gained, and the plan says why, in text and in the document."""
    work.configure(configuration(group("ours", ["ana"], accessControls=["orders"])))
    assert work.apply().code == 0
    world.add("bo-manager", "eve")
    work.configure(configuration(group("ours", ["ana", "eve"], accessControls=["orders"])))
    told = work.run("plan").out
    assert re.search(r"  eve\n    = order.order_manage\s+already through bo-manager \(Managers\)\n", told), told
    (part,) = access(work)
    assert part["effects"][0].keys() == {"users", "had"}
    assert {"scope": "order.order_manage", "through": ["bo-manager"]} in part["effects"][0]["had"]
    assert "summary" not in part


def test_what_it_costs(work: Workplace, world: World) -> None:
    """One request for all access controls and one for all employees; nothing at all where nothing changes."""
    work.configure(configuration(group("ours", ["ana", "ben", "zoe"], accessControls=["orders"])))
    assert work.apply().code == 0
    for members, more in (
        (["ana", "ben", "zoe"], []),
        (["ana"], ["GET access-controls", "GET users"]),
        ([], ["GET access-controls", "GET users"]),
    ):
        work.configure(configuration(group("ours", members, accessControls=["orders"]), guards={"maxRemovals": 9}))
        world.clear()
        work.run("plan")
        told = [call for call in world.calls if "oauth" not in call]
        world.clear()
        work.run("plan", "--no-access")
        plain = [call for call in world.calls if "oauth" not in call]
        assert sorted(told) == sorted(plain + more)


def test_customers_cost_a_request_each(work: Workplace, world: World) -> None:
    """As many as the limit says, and the rest is counted and not guessed at."""
    customers = {"userType": "CUSTOMER", "accessControls": ["orders"]}
    work.configure(
        configuration(group("ours", ["kim", "lee", "mia"], **customers), group("more", ["mia"], **customers))
    )
    assert work.apply().code == 0
    work.configure(
        {
            "tenants": [{"tenant": "acmeprod", "groups": [group("ours", [], **customers)]}],
            "guards": {"maxRemovals": "100%"},
        }
    )
    world.edit("loose", userType="CUSTOMER", name={"en": "Loose"}, accessControls=["orders"])
    world.clear()
    (told,) = access(work, "--access-limit", "1", "--target", "acmeprod/ours")
    asked = [call for call in world.calls if re.fullmatch(r"GET users/\w+/groups", call)]
    assert (len(asked), told["uncounted"]) == (1, 2)
    assert "Not computed for 2 users" in work.run("plan", "--access-limit", "1", "--target", "acmeprod/ours").out
    (told,) = access(work, "--target", "acmeprod/ours")
    assert "uncounted" not in told


def test_a_token_that_may_not_read_access_controls(work: Workplace, world: World) -> None:
    """The plan says so and goes on, unless somebody relies on it."""
    work.configure(configuration(group("ours", ["ana", "zoe"], accessControls=["orders"])))
    assert work.apply().code == 0
    world.fail("GET **/access-controls 403")
    work.configure(configuration(group("ours", ["zoe"], accessControls=["orders"])))
    plan = work.run("plan")
    assert plan.code == 0
    assert "what this changes in the scopes of users is not known" in plan.out
    assert "iam.access_read" in plan.out
    assert "not known" not in work.run("plan", "--no-access").out

    guards = {"separation": [["order.*", "payment.*"]]}
    work.configure(configuration(group("ours", ["zoe"], accessControls=["orders"]), guards=guards))
    for options in ((), ("--no-access",)):
        refused = work.run("plan", *options)
        assert refused.code == 3 and "guards on access can't be judged" in refused.out, refused.everything
    offline = work.run("plan", "--offline")
    assert offline.code == 0 and "guards on access are not judged" in offline.out, offline.everything


GUARDED = """\
guards:
  sensitive: {scopes: [iam.*], requires: reason}
  separation: [[order.order_manage, payment.payment_manage]]
  keep: {iam.group_manage: 2}
tenants:
  - tenant: acmeprod
    groups:
      - id: ours
        name: {en: Ours}
        userType: EMPLOYEE
        accessControls: [admin, orders]
        members:
"""


def guarded(work: Workplace, *members: str) -> None:
    work.configure(GUARDED + "".join(f"          - {member}\n" for member in members))


@pytest.fixture
def kept(work: Workplace, world: World) -> Workplace:
    """Three administrators, each for a reason."""
    guarded(work, *(f"{{id: {user}, reason: OPS-1}}" for user in ("ana", "ben", "cleo")))
    assert work.apply().code == 0
    return work


def test_guards_on_access_refuse_with_the_lines(kept: Workplace, world: World) -> None:
    """Exit 3 from plan and apply, nothing written, each reason with its line; accepted it passes."""
    world.add("clerks", "eve")
    guarded(kept, "{id: ana, reason: OPS-1}", "dan", "{id: eve, reason: OPS-2}")
    world.clear()
    for refused in (kept.run("plan"), kept.apply()):
        assert refused.code == 3
        assert "dan would get iam.group_manage through ours, and the entry has no `reason`" in refused.out
        assert "reconciler.yaml:14:13" in refused.out
        both = "eve would have both order.order_manage (through ours) and payment.payment_manage (through clerks)"
        assert both in " ".join(refused.out.split())
        assert "reconciler.yaml:15:" in refused.out
    assert world.writes == []
    guarded(kept, "{id: ana, reason: OPS-1}")
    refused = kept.run("plan")
    assert "iam.group_manage would be left to 1 user, fewer than guards.keep 2" in " ".join(refused.out.split())
    fingerprint = json.loads(kept.run("plan", "--format", "json").out)["fingerprint"]
    assert kept.apply("--accept", fingerprint).code == 0
    assert world.members("ours") == {"ana"}


def test_a_sensitive_gain_is_told_first(kept: Workplace) -> None:
    """Before everything else, in text and in the document."""
    guarded(kept, *(f"{{id: {user}, reason: OPS-1}}" for user in ("ana", "ben", "dan")))
    assert kept.run("plan").out.startswith("Sensitive access gained (1 user)\n")
    (part,) = access(kept)
    first = part["effects"][0]
    assert (first["users"], first["gained"][0]["scope"], first["gained"][0]["sensitive"]) == (
        [{"user": "dan"}],
        "iam.group_manage",
        True,
    )


def test_a_saved_plan_is_judged_again(kept: Workplace, world: World) -> None:
    """Somebody else's doing meanwhile makes a harmless plan one that gives both, or takes the last but one."""
    guarded(kept, *(f"{{id: {user}, reason: OPS-1}}" for user in ("ana", "ben", "dan")))
    assert kept.run("plan", "-o", "x.plan").code == 0
    world.add("clerks", "dan")
    refused = kept.run("apply", "x.plan")
    assert refused.code == 3, refused.everything
    assert "dan would have both" in refused.everything
    world.remove("clerks", "dan")
    world.remove("ours", "ana")
    world.remove("ours", "ben")
    refused = kept.run("apply", "x.plan")
    assert refused.code == 3 and "guards.keep 2" in refused.everything, refused.everything
    world.add("ours", "ana")
    assert kept.run("apply", "x.plan").code in {0, 4}
    assert {"ana", "dan"} <= world.members("ours")


def test_an_accepted_refusal_stays_accepted(kept: Workplace, world: World) -> None:
    """A saved plan with refusals is applied with them, judged again and found the same."""
    world.add("clerks", "eve")
    guarded(kept, "{id: ana, reason: OPS-1}", "{id: eve, reason: OPS-2}")
    refused = kept.run("plan", "-o", "x.plan")
    assert refused.code == 3
    fingerprint = kept.run("show", "x.plan", "--fingerprint").out.strip()
    assert kept.run("apply", "x.plan").code == 3
    assert kept.run("apply", "x.plan", "--accept", fingerprint).code == 0
    assert world.members("ours") == {"ana", "eve"}


def test_a_saved_plan_brings_its_limit_along(work: Workplace, world: World) -> None:
    """Whoever planned with more requests need not say so again, or its guards could not be judged."""
    customers = {"userType": "CUSTOMER", "accessControls": ["orders"]}
    world.edit("loose", userType="CUSTOMER", name={"en": "Loose"}, accessControls=["orders"])
    guards = {"separation": [["order.*", "payment.*"]]}
    work.configure(configuration(group("ours", ["kim", "lee"], **customers), guards=guards))
    for limit, code in (("1", 3), ("2", 0)):
        assert work.run("plan", "--access-limit", limit, "-o", "x.plan").code == code
    assert work.run("apply", "x.plan", "--access-limit", "0").code == 0
    assert world.members("ours") == {"kim", "lee"}


def test_what_is_left_of_a_saved_plan_is_judged(work: Workplace, world: World) -> None:
    """A part that has moved is left out, and what remains may take the last holders away: it is refused as it is."""
    guards = {"keep": {"iam.group_manage": 2}, "maxRemovals": "100%"}
    old = group("old", ["ana", "ben"], accessControls=["admin"])
    work.configure(configuration(old, guards=guards))
    assert work.apply().code == 0
    work.configure(configuration(group("fresh", ["cleo", "eve"], accessControls=["admin"]), guards=guards))
    assert work.run("plan", "-o", "x.plan").code == 0
    world.edit("fresh", name={"en": "Somebody else's"})
    refused = work.run("apply", "x.plan")
    assert refused.code == 3 and "iam.group_manage would be left to 0 users" in refused.everything
    assert world.members("old") == {"ana", "ben"}


def test_a_group_that_became_sensitive_meanwhile(work: Workplace, world: World) -> None:
    """What somebody else attaches to a group makes a harmless saved plan one that gives a sensitive scope."""
    guards = {"sensitive": {"scopes": ["iam.*"], "requires": "reason"}}
    world.edit("plain", name={"en": "Plain"}, accessControls=["orders"])
    work.configure(configuration({"match": {"id": "plain"}, "members": ["eve"]}, guards=guards))
    assert work.run("plan", "-o", "x.plan").code == 0
    world.edit("plain", name={"en": "Plain"}, accessControls=["admin"])
    refused = work.run("apply", "x.plan")
    assert refused.code == 3 and "eve would get iam.group_manage through plain" in refused.everything
    assert world.members("plain") == set()
