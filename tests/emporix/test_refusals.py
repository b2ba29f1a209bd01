"""What the service says no with, in words that help; and that no error holds a secret."""

import copy
import traceback
from typing import Any

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.core.model import UserType
from reconciler.diagnostics import CredentialsError, ReconcilerError, RequestRefused
from reconciler.emporix.client import Client, Exchange, Settings
from reconciler.emporix.credentials import Credentials
from reconciler.emporix.iam import Iam
from reconciler.emporix.standing import NEEDED_SCOPES
from reconciler.emporix.veil import Veil
from reconciler.sandbox import Sandbox, start
from tests.emporix import world
from tests.emporix.standin import Asked, Reply, standin
from tests.emporix.world import CREDENTIALS, Clock

EMPLOYEE = UserType.EMPLOYEE


def refusal(status: int, body: Any) -> RequestRefused:
    def answers(asked: Asked) -> Reply:
        return Reply(0) if asked.path == "/oauth/token" else Reply(status, body)

    with standin(answers) as service, world.client(service.url) as client, pytest.raises(RequestRefused) as caught:
        Iam(client).add_member("catalog", EMPLOYEE, "ben")
    assert "add EMPLOYEE ben to group acme/catalog" in caught.value.message
    assert caught.value.status == status
    return caught.value


@pytest.mark.parametrize(
    ("detail", "scopes"),
    [
        ("Missing required scopes '[iam.assignment_manage]'", ("iam.assignment_manage",)),
        ("Missing required scopes '[iam.group_read,iam.user_read]'", ("iam.group_read", "iam.user_read")),
        ("Required scope(s): iam.group_manage", ("iam.group_manage",)),
        ("Required scope(s): iam.group_manage, iam.access_read", ("iam.group_manage", "iam.access_read")),
    ],
)
def test_missing_scopes(detail: str, scopes: tuple[str, ...]) -> None:
    """Both ways in which the service names missing scopes are understood, and the remedy names them."""
    error = refusal(
        403, {"code": 403, "status": "Forbidden", "message": "Scope validation failed", "details": [detail]}
    )
    assert error.scopes == scopes
    assert error.details == (detail,)
    assert all(scope in error.remedy for scope in scopes)


def test_a_scope_that_the_service_does_not_name() -> None:
    """The customer service says only that the user is not authorised, so the documentation's scope is told."""
    seed = copy.deepcopy(world.SEED)
    seed["tenants"][0]["clients"][0]["scopes"] = ["iam.group_read"]
    with start(None, seed=seed) as sandbox, world.client(sandbox.url) as client:
        for user in ("c1", "a,b"):
            with pytest.raises(RequestRefused, match="not authorized") as caught:
                Iam(client).missing_customers([user])
            assert caught.value.scopes == ("customer.customer_read",)
            assert "Give the API key the scopes customer.customer_read;" in caught.value.remedy


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (
            400,
            {"message": "Constraint validation failed", "details": ["Rule 2", 7]},
            "Constraint validation failed: Rule 2",
        ),
        (400, {"message": "Bad query", "details": [{"type": "x", "message": "At 'y'"}, {}]}, "Bad query: At 'y'"),
        (404, {"message": "User not found"}, "User not found"),
        (403, {}, "without a reason"),
        (400, {"fault": {"faultstring": "Bad key"}}, "Bad key"),
        (400, {"error": "invalid", "error_description": "Not so"}, "Not so"),
        (400, {"error": "invalid"}, "invalid"),
        (400, b"<html>no</html>", "without a reason"),
        (400, ["no"], "without a reason"),
        (400, {"message": 7, "details": "no", "fault": "x"}, "without a reason"),
        (400, b"\xff\xfe", "without a reason"),
        (422, {"message": "line\n\tbreak " + "x" * 600}, "line break xxx"),
        (409, {"message": "Conflict"}, "Conflict"),
        (499, {}, "without a reason"),
    ],
)
def test_shapes_of_refusals(status: int, body: Any, said: str) -> None:
    """Every shape that the service and its gateway use is understood, and none that they don't breaks us."""
    error = refusal(status, body)
    assert said in error.message
    assert "\n" not in error.message
    assert len(error.message) < 700
    assert bool(error.remedy) == (status in {403, 404, 409})


def test_a_status_that_nobody_knows() -> None:
    """A status without a name is shown as a number."""
    replies = iter([Reply(599), Reply(204)])
    seen: list[Exchange] = []

    def answers(asked: Asked) -> Reply:
        return Reply(0) if asked.path == "/oauth/token" else next(replies)

    with standin(answers) as service, world.client(service.url, on_request=seen.append) as client:
        Iam(client).remove_user("u")
    assert [exchange.note for exchange in seen] == ["", "599", ""]


def test_rules_of_the_sandbox(iam: Iam) -> None:
    """A rule of the service comes through with its own words."""
    with pytest.raises(RequestRefused, match="acme/buyers") as caught:
        iam.add_member("buyers", EMPLOYEE, "ana")
    assert caught.value.status == 400
    with pytest.raises(RequestRefused, match="not found"):
        iam.add_member("catalog", EMPLOYEE, "nobody")


def test_standing(iam: Iam) -> None:
    """Good credentials have all scopes that are needed, and the clocks agree."""
    standing = iam.standing()
    assert standing.tenant == "acme"
    assert standing.missing == {}
    assert standing.skew is not None
    assert abs(standing.skew) < 5


@pytest.mark.parametrize("scopes", [["iam.group_read"], ["customer.customer_read"]])
def test_standing_of_a_key_that_lacks_scopes(scopes: list[str]) -> None:
    """What is missing is named with what it is needed for, even if not even groups may be read."""
    seed = copy.deepcopy(world.SEED)
    seed["tenants"][0]["clients"][0]["scopes"] = scopes
    with start(None, seed=seed) as sandbox, world.client(sandbox.url) as client:
        standing = Iam(client).standing()
    assert standing.missing == {scope: use for scope, use in NEEDED_SCOPES.items() if scope not in scopes}


def test_standing_of_a_ready_token() -> None:
    """A user's token is asked for its scopes; one that has no user is only proven valid."""
    users = {"scopes": "iam.group_read tenant=acme"}
    for reply, granted in ((Reply(200, users), {"iam.group_read"}), (Reply(403, {"message": "no user"}), None)):

        def answers(asked: Asked, reply: Reply = reply) -> Reply:
            return reply if asked.path.endswith("/me/scopes") else Reply(200, [], {"Date": "no date"})

        with standin(answers) as service, world.client(service.url, credentials=world.READY) as client:
            standing = Iam(client).standing()
        assert (standing.granted, standing.skew) == (granted, None)
        assert bool(standing.missing) is (granted is not None)


def test_standing_before_the_first_answer(client: Client) -> None:
    """Nothing is known of the service's clock before it has answered."""
    assert client.skew is None


def test_standing_of_wrong_credentials(sandbox: Sandbox) -> None:
    """Credentials that are refused are no standing but an error that says what to check."""
    wrong = Credentials("robot", "wr0ng")
    with world.client(sandbox.url, credentials=wrong) as client, pytest.raises(CredentialsError) as caught:
        Iam(client).standing()
    assert "refused the credentials of tenant acme" in caught.value.message
    assert "EMPORIX_CLIENT_SECRET" in caught.value.remedy


def test_the_veil() -> None:
    """Every secret is covered, the longer one first."""
    veil = Veil(["abcd", "abcdef", ""])
    veil.add("abcd")
    assert veil("x abcdef abcd\n y") == "x *** *** y"
    veil.add("s")
    assert veil("scopes") == "scopes", "a secret of a letter or three would make words unreadable and tell itself"


SECRETS = (CREDENTIALS.client_secret, "t0k3n-that-was-issued")
LEAKY = st.sampled_from([f"{a} {secret} {b}" for secret in SECRETS for a in ("", "bad") for b in ("", "is wrong")])
BODIES = st.one_of(
    st.builds(lambda text: {"message": text, "details": [text]}, LEAKY),
    st.builds(lambda text: {"fault": {"faultstring": text}}, LEAKY),
    st.builds(lambda text: {"error_description": text}, LEAKY),
    st.builds(lambda text: [{"userId": text, "userType": text}], LEAKY),
    LEAKY,
)
FAILURES = st.sampled_from(
    [
        httpx.ReadTimeout,
        httpx.ConnectError,
        httpx.ReadError,
        httpx.RemoteProtocolError,
        httpx.ProxyError,
        httpx.UnsupportedProtocol,
        httpx.DecodingError,
    ]
)


class Leaky(httpx.BaseTransport):
    """A service that quotes our secrets in whatever it answers, and a network that does so in its failures."""

    def __init__(self, answer: Any, token_too: bool) -> None:
        self.answer, self.token_too = answer, token_too

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/oauth/token" and not self.token_too:
            return httpx.Response(200, json={"access_token": SECRETS[1], "scope": "tenant=acme"})
        if isinstance(self.answer, Exception):
            raise self.answer
        status, body = self.answer
        return httpx.Response(status, json=body)


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.tuples(st.sampled_from([200, 201, 302, 400, 401, 403, 404, 409, 429, 500, 501, 503]), BODIES),
        st.builds(lambda kind, text: kind(text), FAILURES, LEAKY),
    ),
    st.booleans(),
    st.sampled_from(["groups", "members", "put", "add", "delete", "standing", "memberships", "accounts"]),
)
@example((200, [{"userId": "u", "userType": SECRETS[1]}]), False, "members")
@example((401, {"message": SECRETS[0]}), True, "standing")
@example(httpx.UnsupportedProtocol(SECRETS[0]), True, "groups")
@example(httpx.ReadError(SECRETS[1]), False, "add")
def test_no_secret_in_any_error(answer: Any, token_too: bool, act: str) -> None:
    """Whatever is answered to whatever call, no secret is in the error, its traceback or the log of requests."""
    seen: list[Exchange] = []
    clock = Clock()
    client = Client(
        "acme",
        CREDENTIALS,
        Settings(attempts=2, url="https://api.example", parallelism=1),
        on_request=seen.append,
        transport=Leaky(answer, token_too),
        clock=clock,
        sleep=clock.sleep,
    )
    iam = Iam(client)
    acts = {
        "groups": iam.groups,
        "members": lambda: iam.members([world.group("g")]),
        "put": lambda: iam.put_group("g", {"name": {"en": "G"}}, 1),
        "add": lambda: iam.add_member("g", EMPLOYEE, "u"),
        "delete": lambda: iam.delete_group("g", force=True),
        "standing": iam.standing,
        "memberships": lambda: iam.memberships({"u": EMPLOYEE, "v": EMPLOYEE}),
        "accounts": lambda: iam.accounts({UserType.CUSTOMER: ["u@x.example"]}),
    }
    with client:
        shown = repr(client.tokens) + repr(seen)
        try:
            acts[act]()
        except ReconcilerError as error:
            shown += "".join(traceback.format_exception(error)) + error.message + error.remedy + repr(vars(error))
    known = SECRETS[:1] if token_too else SECRETS
    assert not [secret for secret in known if secret in shown + repr(seen)]
