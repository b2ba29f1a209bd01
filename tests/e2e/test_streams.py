"""What goes where: results alone on stdout, talk on stderr, and secrets nowhere."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.command import Workplace
from tests.e2e.proxy import Answer, Proxy, Request
from tests.e2e.world import World, configuration, group

SECRET = "s3cr3t-of-the-tenant"


def test_json_stands_alone_on_stdout(work: Workplace, world: World) -> None:
    """Under retries, verbose logs, warnings, refusals and failing tenants alike."""
    work.configure(
        {
            "tenants": [
                {"tenant": "acmeprod", "groups": [group("ours", ["ana"])]},
                {"tenant": "acmeeu", "groups": [group("ours", ["ana"])]},
            ],
            "guards": {"minMembers": 5},
        }
    )
    world.fail("GET **/groups 503 times=1")
    result = work.run("-v", "plan", "--format", "json")
    assert result.code == 1
    found = json.loads(result.out)
    assert found["refusals"]
    assert found["failures"]
    assert "GET /iam/acmeprod/groups" in result.err
    warned = work.run("plan", "--format", "json", "--tenant", "acmeprod", "--target", "acmeprod/ours/nobody")
    assert json.loads(warned.out)["warnings"]


def test_an_error_is_told_once_and_in_full_on_stderr(work: Workplace, world: World) -> None:
    """The text on stdout says who is left out; forms that are read elsewhere, and a saved plan, say why as well."""
    work.configure({"tenants": [{"tenant": "acmeprod", "groups": [{"id": "nowhere", "members": ["ana"]}]}]})
    why = "there is no group nowhere"
    for command in (("plan", "-o", "x.plan"), ("apply", "--auto-approve")):
        result = work.run(*command)
        assert "Error: tenant acmeprod is left out; stderr says why\n" in result.out
        assert (why in result.out, result.err.count(why)) == (False, 1), result.everything
    assert why in work.run("plan", "--format", "markdown").out
    shown = work.run("show", "x.plan")
    assert why in shown.out
    assert shown.err == ""


def test_a_page_stands_alone_on_stdout(work: Workplace, world: World) -> None:
    """Of a fresh plan and of a saved one alike, in ASCII whatever the language; where there is no plan, nothing."""
    work.configure({"tenants": [{"tenant": "acmeprod", "groups": [group("ours", ["ana"], name={"en": "Größe"})]}]})
    result = work.run("-v", "plan", "--format", "html", "-o", "x.plan", LANG="C")
    assert result.code == 0
    assert result.out.startswith("<!doctype html>\n") and result.out.endswith("</html>\n")
    assert result.out.isascii() and "&#246;&#223;" in result.out
    assert work.run("show", "x.plan", "--format", "html").out == result.out
    refused = work.run("plan", "--format", "html", "--tenant", "nobody")
    assert (refused.code, refused.out) == (1, "")


def test_every_json_is_json(work: Workplace, world: World) -> None:
    """plan, show, drift, state show and schema, empty or not."""
    work.configure(configuration(group("ours", ["ana"])))
    assert json.loads(work.run("-v", "plan", "--format", "json", "-o", "x.plan").out)["changes"]
    assert json.loads(work.run("show", "x.plan", "--format", "json").out) == json.loads(
        (work.folder / "x.plan").read_text()
    )
    assert work.apply().code == 0
    assert json.loads(work.run("plan", "--format", "json").out)["changes"] == []
    drift = json.loads(work.run("drift", "--format", "json").out)
    assert (drift["format"], drift["kind"], drift["drift"]) == (1, "drift", [])
    assert json.loads(work.run("state", "show", "acmeprod/ours").out)["members"] == ["ana"]
    assert json.loads(work.run("schema").out)["$schema"].endswith("2020-12/schema")


def test_errors_leave_stdout_empty(work: Workplace, world: World) -> None:
    """Whoever pipes a result gets a result or nothing."""
    for document in ("tenants: [", "tenants: [{tenant: acmeprod, groups: [{idd: x}]}]"):
        work.configure(document)
        for args in (("plan", "--format", "json"), ("validate",), ("apply", "--auto-approve")):
            result = work.run(*args)
            assert result.code == 1
            assert result.out == ""
            assert "reconciler.yaml:" in result.err


@pytest.fixture
def seed(seed: dict[str, Any]) -> dict[str, Any]:
    """Besides the usual credentials some that are worth keeping."""
    usual = {"client_id": "acmeprod", "client_secret": "sandbox"}
    seed["tenants"][0]["clients"] = [usual, {"client_id": "careful", "client_secret": SECRET}]
    return seed


@pytest.fixture
def secret(work: Workplace) -> Workplace:
    """A folder that uses them."""
    work.more = {"EMPORIX_CLIENT_ID": "careful", "EMPORIX_CLIENT_SECRET": SECRET}
    return work


def told(work: Workplace) -> str:
    """All that the commands have left in the folder."""
    return "".join(path.read_bytes().decode() for path in work.folder.iterdir() if path.is_file())


def test_no_secret_is_ever_told(secret: Workplace, between: Proxy, world: World) -> None:
    """Not in verbose logs, errors, plan files, lockfiles; neither the client's secret nor a token."""
    tokens: set[str] = set()

    def rule(request: Request, forward: Callable[[], Answer]) -> Answer | None:
        tokens.add(request.headers.get("Authorization", "Bearer none").removeprefix("Bearer "))
        return forward()

    between.rule = rule
    secret.configure(configuration(group("ours", ["ana"])))
    said = secret.run("-v", "plan", "-o", "x.plan").everything + secret.run("-v", "apply", "x.plan").everything
    world.fail("PUT ** 403")
    secret.configure(configuration(group("ours", ["ana", "ben"])))
    said += secret.run("-v", "apply", "--auto-approve").everything
    world.fail("GET ** html status=401")
    said += secret.run("-v", "plan").everything
    said += secret.run("-v", "doctor").everything
    world.fail("POST /oauth/token 401")
    said += secret.run("-v", "plan").everything
    tokens.discard("none")
    assert tokens
    for word in (SECRET, *tokens):
        assert word not in said
        assert word not in told(secret)


def test_a_service_that_echoes_the_secret_is_veiled(secret: Workplace, between: Proxy) -> None:
    """Even if an error's body repeats the request's credentials."""

    def rule(request: Request, forward: Callable[[], Answer]) -> Answer | None:
        said = {"message": f"You sent {request.headers.get('Authorization')} and {SECRET}", "details": [SECRET]}
        answer = forward() if request.path == "/oauth/token" else None
        return answer or Answer(400, [("Content-Type", "application/json")], json.dumps(said).encode())

    between.rule = rule
    secret.configure(configuration(group("ours", ["ana"])))
    result = secret.run("-v", "plan")
    assert result.code == 1
    assert SECRET not in result.everything
    assert "You sent" in result.everything


def test_a_ready_token_is_not_told_either(secret: Workplace, between: Proxy) -> None:
    """EMPORIX_ACCESS_TOKEN instead of a secret."""
    secret.configure(configuration(group("ours", ["ana"])))
    result = secret.run("-v", "plan", EMPORIX_ACCESS_TOKEN="t0ken-of-mine")
    assert result.code == 1
    assert "t0ken-of-mine" not in result.everything
