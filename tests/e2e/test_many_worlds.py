"""The schedule against the service's own rules: many random worlds, each a tenant, in one run over real HTTP.

The sandbox was written from the vendor's spec by other hands than the planner. Whatever the planner lets pass must go
through without a refusal, in whatever order concurrency brings, and lead to exactly what is written.
"""

import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.sandbox import Sandbox
from tests.e2e.command import Spawner, Workplace

USERS = ("u1", "u2", "u3")
VENDORS = (None, "va", "vb")
ROLES = ("ADMIN", "BUYER", "REQUESTER", "CONTACT")

Members = dict[str, list[str]]


def group_of(chance: random.Random, number: int, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {"id": f"g{number}", "name": {"en": f"Group {number}"}, "userType": kind}
    if kind == "EMPLOYEE" and (vendor := chance.choice(VENDORS)):
        found["vendorId"] = vendor
    if kind == "CUSTOMER":
        found |= {"code": chance.choice(ROLES), "b2b": {"legalEntityId": chance.choice(["X", "Y"])}}
    return found


def clash(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Rules 2 and 4 of FACTS, for two groups of one user."""
    if one["userType"] == "EMPLOYEE":
        return one.get("vendorId") != other.get("vendorId")
    both_roles = "CONTACT" not in {one["code"], other["code"]}
    return both_roles and one["b2b"] == other["b2b"]


def lawful(groups: list[dict[str, Any]], members: Members) -> bool:
    held = [[group for group in groups if user in members[group["id"]]] for user in USERS]
    return not any(clash(one, other) for of in held for i, one in enumerate(of) for other in of[:i])


def members_of(chance: random.Random, groups: list[dict[str, Any]], *, is_lawful: bool) -> Members:
    while True:
        found = {group["id"]: [user for user in USERS if chance.random() < 0.4] for group in groups}
        if lawful(groups, found) or not is_lawful:
            return found


def worlds(number: int) -> tuple[dict[str, Any], dict[str, Members], set[str]]:
    """A seed, the wishes by tenant, and the tenants whose wish breaks a rule."""
    chance = random.Random(number)
    seeds: list[dict[str, Any]] = []
    wishes: dict[str, Members] = {}
    unlawful: set[str] = set()
    for i in range(60):
        tenant, kind = f"acme{i:02d}", chance.choice(["EMPLOYEE", "CUSTOMER"])
        groups = [group_of(chance, n, kind) for n in range(4)]
        live = members_of(chance, groups, is_lawful=True)
        wishes[tenant] = members_of(chance, groups, is_lawful=chance.random() < 0.85)
        if not lawful(groups, wishes[tenant]):
            unlawful.add(tenant)
        users = "employees" if kind == "EMPLOYEE" else "customers"
        held = [{"groupId": name, "userId": user} for name, of in live.items() for user in of]
        seeds.append({"tenant": tenant, "languages": ["en"], "groups": groups, users: list(USERS), "assignments": held})
    return {"tenants": seeds}, wishes, unlawful


def configuration(wishes: dict[str, Members]) -> str:
    tenants = [
        {"tenant": tenant, "groups": [{"id": name, "members": of} for name, of in groups.items()]}
        for tenant, groups in wishes.items()
    ]
    return json.dumps({"tenants": tenants, "guards": {"maxRemovals": "100%"}})


@pytest.mark.parametrize("number", range(3))
def test_what_the_planner_lets_pass_the_service_does(
    serve: Callable[..., Sandbox], tmp_path: Path, spawner: Spawner, number: int
) -> None:
    """60 tenants: no refusal that the plan did not foresee, nothing left to do, and the unlawful ones untouched."""
    seed, wishes, unlawful = worlds(number)
    assert 0 < len(unlawful) < len(wishes) / 2
    ids = {f"EMPORIX_CLIENT_ID_{tenant.upper()}": tenant for tenant in wishes}
    secrets = {f"EMPORIX_CLIENT_SECRET_{tenant.upper()}": "sandbox" for tenant in wishes}
    work = Workplace(tmp_path, serve(seed).url, {**ids, **secrets}, spawner)
    work.configure(configuration(wishes))
    plan = work.run("plan", "--take-over")
    assert set(re.findall(r"Error: tenant (\w+) is left out", plan.out)) == unlawful
    fingerprint = re.search(r"^Fingerprint: (\w+)$", plan.out, re.MULTILINE)
    assert fingerprint is not None
    done = work.run("apply", "--auto-approve", "--take-over", "--accept", fingerprint.group(1))
    assert done.code == 4 and "Failed" not in done.out and "Not tried" not in done.out, done.everything
    again = work.run("plan", "--format", "json")
    assert json.loads(again.out)["changes"] == []
