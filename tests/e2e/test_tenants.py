"""Several tenants of which one fails: the others are shown and applied, and the exit code never says success."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.command import Workplace
from tests.e2e.proxy import Answer, Proxy, Request
from tests.e2e.world import World, group, tenant

FAILURES = {
    "wrong secret": ({"EMPORIX_CLIENT_SECRET_ACMEEU": "wrong"}, ()),
    "no credentials": ({"EMPORIX_CLIENT_ID_ACMEEU": ""}, ()),
    "another tenant's key": ({"EMPORIX_CLIENT_ID_ACMEEU": "acmeprod"}, ()),
    "missing scope": ({}, ("GET /iam/acmeeu/** 403",)),
    "server errors": ({}, ("* /iam/acmeeu/** 501",)),
    "pages of html": ({}, ("GET /iam/acmeeu/groups html status=404",)),
}


@pytest.fixture
def seed(seed: dict[str, Any]) -> dict[str, Any]:
    for name in ("acmeeu", "acmeus"):
        seed["tenants"].append(tenant(name, employees=["ana", "ben"]))
    return seed


@pytest.fixture
def three(work: Workplace, world: World) -> Workplace:
    """Three tenants in one file, each with credentials of its own."""
    names = ("acmeeu", "acmeprod", "acmeus")
    work.more = {f"EMPORIX_CLIENT_ID_{name.upper()}": name for name in names}
    work.more |= {f"EMPORIX_CLIENT_SECRET_{name.upper()}": "sandbox" for name in names}
    work.configure({"tenants": [tenant(name, groups=[group("ours", ["ana"])]) for name in names]})
    return work


@pytest.mark.parametrize("failure", FAILURES)
def test_one_failing_tenant_hides_no_other(three: Workplace, world: World, failure: str) -> None:
    """Plan: exit 1, two tenants shown. Apply: exit 4, two tenants done. The failing one is named both times."""
    env, faults = FAILURES[failure]
    world.fail(*faults)
    plan = three.run("plan", "--detailed-exitcode", **env)
    assert plan.code == 1, plan.everything
    assert "acmeeu" in plan.err
    assert "Traceback" not in plan.everything
    for name in ("acmeprod", "acmeus"):
        assert f"# {name}/ours/ana will be created" in plan.out
    done = three.apply(**env)
    assert done.code == 4, done.everything
    assert "acmeeu" in done.err
    assert three.owned == {"acmeprod/ours*": ["ana"], "acmeus/ours*": ["ana"]}
    again = three.apply(**env)
    assert again.code == 1, again.everything
    for said in (done.out, again.out):
        assert "Apply complete" not in said
        assert "Not planned, because of the errors told: acmeeu." in said
    world.fail()
    assert three.apply().code == 0
    assert three.owned == {f"{name}/ours*": ["ana"] for name in ("acmeeu", "acmeprod", "acmeus")}


def test_a_failing_tenant_is_in_the_json(three: Workplace, world: World) -> None:
    """Machines learn which tenant is missing in a plan, and why."""
    found = json.loads(three.run("plan", "--format", "json", EMPORIX_CLIENT_SECRET_ACMEEU="wrong").out)
    assert found["tenants"] == ["acmeprod", "acmeus"]
    assert list(found["failures"]) == ["acmeeu"]
    assert "wrong" not in json.dumps(found["failures"])


def test_a_plan_with_a_missing_tenant_applies_the_rest(three: Workplace, world: World) -> None:
    """Two tenants are done, but the one that was not planned makes it partial: a failure is never exit 0."""
    assert three.run("plan", "-o", "x.plan", EMPORIX_CLIENT_SECRET_ACMEEU="wrong").code == 1
    result = three.run("apply", "x.plan")
    assert result.code == 4, result.everything
    assert "acmeeu was not planned" in result.err
    assert three.owned == {"acmeprod/ours*": ["ana"], "acmeus/ours*": ["ana"]}


def test_a_tenant_that_fails_when_a_saved_plan_is_applied(three: Workplace, world: World) -> None:
    """Its changes are reported as not tried with the reason, the others' are done, exit 4."""
    assert three.run("plan", "-o", "x.plan").code == 0
    result = three.run("apply", "x.plan", EMPORIX_CLIENT_SECRET_ACMEEU="wrong")
    assert result.code == 4, result.everything
    assert "Not tried: 2 changes" in result.out
    assert "acmeeu" in result.err
    assert three.owned == {"acmeprod/ours*": ["ana"], "acmeus/ours*": ["ana"]}


def test_one_tenant_that_cannot_be_read_again_leaves_the_others_verified(three: Workplace, between: Proxy) -> None:
    """The doubt is about that tenant only, and what was done is recorded for all."""

    def rule(request: Request, forward: Callable[[], Answer]) -> Answer | None:
        written = any(earlier.writes and "acmeeu" in earlier.path for earlier in between.seen)
        blind = written and request.method == "GET" and "acmeeu" in request.path
        return Answer(501, [], b"") if blind else forward()

    between.rule = rule
    result = three.apply()
    assert result.code == 4, result.everything
    assert "acmeeu" in result.err
    assert three.owned == {f"{name}/ours*": ["ana"] for name in ("acmeeu", "acmeprod", "acmeus")}
    assert "Verified 4 of 6" in result.out


def test_only_the_named_tenants_are_asked(three: Workplace, world: World) -> None:
    """``--tenant`` before or after the command; the others' credentials are not even needed."""
    world.clear()
    assert three.run("--tenant", "acmeus", "plan", EMPORIX_CLIENT_ID_ACMEEU="").code == 0
    assert three.run("plan", "--tenant", "acmeus", EMPORIX_CLIENT_ID_ACMEEU="").code == 0
    assert not [entry for entry in world.log if "acmeeu" in entry["path"] or "acmeprod" in entry["path"]]
    typo = three.run("--tenant", "acmeuss", "plan")
    assert typo.code == 1
    assert "did you mean acmeus?" in typo.err


def test_drift_that_is_not_looked_for_everywhere_is_no_success(three: Workplace, world: World) -> None:
    """A tenant that can't be read is named, the others are shown, exit 1 even where no change would be 0."""
    assert three.apply().code == 0
    for args in ((), ("--detailed-exitcode",), ("--format", "json")):
        result = three.run("drift", *args, EMPORIX_CLIENT_SECRET_ACMEEU="wrong")
        assert result.code == 1, result.everything
        assert "acmeeu" in result.err


def test_half_a_plan_has_no_fingerprint_to_expect(three: Workplace) -> None:
    """Nobody can have reviewed what is missing; as in a comment, so where a pipeline asks the plan file."""
    three.more["EMPORIX_CLIENT_SECRET_ACMEEU"] = "wrong"
    assert three.run("plan", "-o", "x.plan").code == 1
    refused = three.run("show", "--fingerprint", "x.plan")
    assert (refused.code, refused.out) == (1, "")
    assert "only a part of a plan: acmeeu could not be planned" in refused.err
