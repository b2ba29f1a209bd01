"""Tokens: who gets one and what a request without the right one is told."""

import httpx
import pytest

TOKEN = "/oauth/token"
FORM = {"grant_type": "client_credentials", "client_id": "acmeprod", "client_secret": "sandbox"}


def ask(sandbox, form=FORM, **options):
    return httpx.post(sandbox.url + TOKEN, data=form, **options)


def test_a_token_names_its_tenant_its_scopes_and_its_lifetime(sandbox):
    """The answer has the fields of the oauth spec, the tenant first among the scopes."""
    answer = ask(sandbox)
    body = answer.json()
    assert answer.status_code == 200
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 14399
    assert body["scope"].split()[0] == "tenant=acmeprod"
    assert "iam.assignment_manage" in body["scope"].split()
    assert body["refresh_token"] == ""


def test_asking_for_scopes_grants_those_that_the_client_has(sandbox):
    """The intersection is granted; `tenant=` alone asks for nothing in particular."""
    some = ask(sandbox, FORM | {"scope": "tenant=acmeprod iam.group_read nobody.has_this"}).json()
    assert some["scope"] == "tenant=acmeprod iam.group_read"
    assert len(ask(sandbox, FORM | {"scope": "tenant=acmeprod"}).json()["scope"].split()) > 10


@pytest.mark.parametrize("wrong", [{"client_secret": "x"}, {"client_id": "x"}])
def test_wrong_credentials_get_a_401_fault(sandbox, wrong):
    """401 carries the gateway's body, not that of IAM."""
    answer = ask(sandbox, FORM | wrong)
    assert answer.status_code == 401
    assert set(answer.json()["fault"]) == {"faultstring", "detail"}


@pytest.mark.parametrize(
    "form", [{"grant_type": "password"}, {"scope": "tenant=otherco"}, {"grant_type": ""}, {"grant_type": "ü"}]
)
def test_a_wrong_form_is_a_400_fault(sandbox, form):
    """Another grant type or the scope of another tenant is not a matter of credentials."""
    answer = ask(sandbox, FORM | form)
    assert (answer.status_code, list(answer.json())) == (400, ["fault"])


def test_the_form_has_to_be_a_form(sandbox):
    """JSON and bytes beyond ASCII are refused."""
    assert httpx.post(sandbox.url + TOKEN, json=FORM).status_code == 400
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert httpx.post(sandbox.url + TOKEN, content=b"grant_type=\xff", headers=headers).status_code == 400


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic YTpi"}])
def test_a_request_without_a_valid_token_gets_401(sandbox, header):
    """The body is the fault of the spec's example."""
    answer = httpx.get(f"{sandbox.url}/iam/acmeprod/groups", headers=header)
    assert answer.status_code == 401
    assert answer.json() == {
        "fault": {
            "faultstring": "Invalid Access Token",
            "detail": {"errorcode": "keymanagement.service.invalid_access_token"},
        }
    }


def test_a_token_of_another_tenant_gets_401(api):
    """A token belongs to the tenant of its client, whatever the path says; so does a malformed tenant."""
    assert api.get("/iam/otherco/groups").status_code == 401
    assert api.get("/iam/X/groups").status_code == 401


def test_a_service_token_may_leave_the_tenant_header_out_but_not_contradict_it(api):
    """Emporix-Tenant is checked when it is there."""
    assert api.get("groups", headers={"Emporix-Tenant": "acmeprod"}).status_code == 200
    assert api.get("groups", headers={"Emporix-Tenant": "otherco"}).status_code == 401


def test_the_token_of_a_person_needs_the_tenant_header(sandbox, login):
    """Without it the answer is 401 (FACTS, Authentication)."""
    ana = login(sandbox, "ana", "a")
    assert ana.get("groups").status_code == 401
    assert ana.get("groups", headers={"Emporix-Tenant": "acmeprod"}).status_code == 200


def test_a_missing_scope_is_named_in_a_403(sandbox, login):
    """The details tell what to add."""
    answer = login(sandbox, "reader", "r").get("groups/managers/users")
    assert answer.status_code == 403
    assert answer.json() == {
        "code": 403,
        "status": "Forbidden",
        "message": "Scope validation failed",
        "details": ["Missing required scopes '[iam.user_read]'"],
    }


def test_a_token_expires(launch, login):
    """With a lifetime of nothing the first request is already too late."""
    api = login(launch(token_lifetime=0))
    assert api.get("groups").status_code == 401


def test_a_token_survives_a_restart(launch, login, tmp_path):
    """Tokens are kept in the database, so a restart of the server logs nobody out."""
    first = launch(db=tmp_path / "s.db")
    token = login(first).token
    first.close()
    again = launch(db=tmp_path / "s.db")
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{again.url}/iam/acmeprod/groups", headers=headers).status_code == 200
