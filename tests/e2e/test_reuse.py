"""Development, staging and production from one definition, end to end."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from reconciler.sandbox import Sandbox
from tests.e2e.command import Workplace
from tests.e2e.world import World, tenant

NAMES = ("acmedev", "acmestage", "acmeprod")
DEFINITION = """\
templates:
  clerks:
    name: {en: "Clerks of ${tenant}"}
    userType: EMPLOYEE
    accessControls: ["${var.orders}"]
    members: [ana, "${var.lead}"]
tenants:
  - tenant: [acmedev, acmestage, acmeprod]
    vars: {lead: ben}
    groups:
      - {extends: clerks, id: "clerks-${tenant}"}
      - {match: {name: "${var.managers}"}, membership: additive, members: ["${var.lead}"]}
"""
VALUES = """\
vars: {managers: Managers}
tenants:
  - {tenant: acmedev, vars: {orders: orders-acmedev}}
  - {tenant: acmestage, vars: {orders: orders-acmestage, managers: Bosses}}
  - {tenant: acmeprod, vars: {orders: orders-acmeprod}}
"""


@pytest.fixture
def seed() -> dict[str, Any]:
    """Three tenants that have the same under other ids and, in one, another name."""
    return {
        "tenants": [
            tenant(
                name,
                employees=["ana", "ben", "cleo"],
                accessControls=[{"id": f"orders-{name}", "scopes": ["order.order_manage"]}],
                groups=[{"id": f"m-{name}", "name": {"en": "Bosses" if name == "acmestage" else "Managers"}}],
            )
            for name in NAMES
        ]
    }


@pytest.fixture
def worlds(sandbox: Sandbox) -> Iterator[dict[str, World]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(closing(World(sandbox.url, name))) for name in NAMES}


@pytest.fixture
def three(work: Workplace) -> Workplace:
    """A folder with the definition and each tenant's values in a file of their own, and with all credentials."""
    work.more = {f"EMPORIX_CLIENT_ID_{name.upper()}": name for name in NAMES}
    work.more |= {f"EMPORIX_CLIENT_SECRET_{name.upper()}": "sandbox" for name in NAMES}
    work.configure(DEFINITION)
    work.configure(VALUES, "values.yaml")
    return work


FILES = ("-f", "reconciler.yaml", "-f", "values.yaml")


def test_one_definition_is_applied_to_three_tenants(three: Workplace, worlds: dict[str, World]) -> None:
    """Each tenant gets its own ids, names and members, and then there is nothing to do."""
    done = three.run(*FILES, "apply", "--auto-approve")
    assert done.code == 0, done.everything
    for name, world in worlds.items():
        clerks = world.groups[f"clerks-{name}"]
        assert clerks["name"]["en"] == f"Clerks of {name}"
        assert clerks["accessControls"] == [f"orders-{name}"]
        assert world.everything == {f"clerks-{name}": {"ana", "ben"}, f"m-{name}": {"ben"}}
    assert three.run(*FILES, "plan", "--detailed-exitcode").code == 0


def test_the_command_line_sets_variables(three: Workplace, worlds: dict[str, World]) -> None:
    """Before or after the command; the plan shows the template's line as what asked for it."""
    said = three.run(*FILES, "--tenant", "acmedev", "plan", "--format", "json", "--var", "lead=cleo")
    assert said.code == 0, said.everything
    changes = {change["address"]: change for change in json.loads(said.out)["changes"]}
    assert {"acmedev/clerks-acmedev/cleo", "acmedev/m-acmedev/cleo"} <= changes.keys()
    assert changes["acmedev/clerks-acmedev/cleo"]["source"] == {"file": "reconciler.yaml", "line": 6, "column": 20}
    three.configure("lead: cleo\n", "lead.yaml")
    assert three.run("--var-file", "lead.yaml", *FILES, "apply", "--auto-approve").code == 0
    assert {frozenset(world.members(f"m-{name}")) for name, world in worlds.items()} == {frozenset({"cleo"})}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--var", "leed=cleo"), "`--var leed=…`: no text has `${var.leed}` in it"),
        (("--var", "lead"), "`--var lead` sets nothing"),
        (("--var", "=x"), "`--var =x` sets nothing"),
        (("--var", "lead=a", "--var", "lead=b"), "`--var lead=…` is given twice, and differently"),
        (("--var", "lead=a b"), "reconciler.yaml:6:20: error: an entry of `members` can't have a blank in it: `a b`"),
    ],
)
def test_a_wrong_variable_is_refused(three: Workplace, options: tuple[str, ...], said: str) -> None:
    """A slip on the command line never passes for something else."""
    refused = three.run(*FILES, "validate", *options)
    assert refused.code == 1
    assert said in refused.err


def test_what_needs_no_groups_needs_no_variables(three: Workplace) -> None:
    """A saved plan and the lockfile are there without the values that made them."""
    three.configure("vars: {managers: Managers}\n", "values.yaml")
    more = ("--var", "orders=orders-acmedev", "--tenant", "acmedev")
    assert three.run(*FILES, *more, "plan", "-o", "saved.plan").code == 0
    assert three.run(*FILES, "plan").code == 1
    assert three.run(*FILES, "apply", "saved.plan").code == 0
    listed = three.run(*FILES, "state", "list")
    assert (listed.code, "acmedev/clerks-acmedev" in listed.out) == (0, True)
