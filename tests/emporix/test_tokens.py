"""The token: asked for once, renewed in time, and only ever this tenant's."""

from threading import Barrier, Thread

import pytest

from reconciler.diagnostics import CredentialsError, ReconcilerError, ServiceError
from reconciler.emporix import wire
from reconciler.emporix.credentials import Credentials
from reconciler.emporix.iam import Iam
from reconciler.sandbox import Sandbox
from tests.emporix import world
from tests.emporix.standin import Asked, Reply, standin
from tests.emporix.test_faults import break_
from tests.emporix.world import Clock


def tokens(sandbox: Sandbox) -> int:
    return [path for _, path in world.requests(sandbox)].count("/oauth/token")


def together(threads: int, iam: Iam) -> list[ReconcilerError]:
    """What went wrong when as many threads began in the same moment."""
    ready, wrong = Barrier(threads), list[ReconcilerError]()

    def work() -> None:
        ready.wait()
        try:
            iam.group("catalog")
        except ReconcilerError as error:
            wrong.append(error)

    running = [Thread(target=work) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return wrong


def test_asked_for_once_by_many_threads(sandbox: Sandbox) -> None:
    """Sixteen threads that start at once ask for one token."""
    with world.client(sandbox.url) as client:
        assert together(16, Iam(client)) == []
    assert tokens(sandbox) == 1


def test_a_failure_is_shared_too(sandbox: Sandbox) -> None:
    """Wrong credentials are not tried by each of the waiting threads."""
    wrong = Credentials(client_id="robot", client_secret="wr0ng")
    with world.client(sandbox.url, credentials=wrong) as client:
        caught = together(16, Iam(client))
    assert [type(error) for error in caught] == [CredentialsError] * 16
    assert tokens(sandbox) < 16


def test_renewed_before_it_expires(sandbox: Sandbox) -> None:
    """A token is used until a minute before its end, and then replaced without waiting for a 401."""
    clock = Clock()
    with world.client(sandbox.url, clock) as client:
        iam = Iam(client)
        iam.groups()
        clock.now += 14399 - 61
        iam.groups()
        assert tokens(sandbox) == 1
        clock.now += 2
        iam.groups()
    assert [path for _, path in world.requests(sandbox)] == ["/oauth/token", "/iam/acme/groups"]


def test_renewed_once_after_a_401() -> None:
    """A token that ended before its time is replaced by the next, once for all threads."""
    issued: list[str] = []

    def answers(asked: Asked) -> Reply:
        if asked.path == "/oauth/token":
            issued.append(f"token{len(issued)}")
            return Reply(200, {"access_token": issued[-1], "expires_in": 3600})
        if asked.headers["Authorization"] == "Bearer token0":
            return Reply(401, {})
        return Reply(200, {"id": "catalog"})

    with standin(answers) as service, world.client(service.url) as client:
        assert together(8, Iam(client)) == []
    assert issued == ["token0", "token1"]


def test_a_token_is_not_shown() -> None:
    """The answer of the token call hides the token, in case somebody logs it."""
    assert "t0k3n" not in repr(wire.token(b'{"access_token": "t0k3n"}'))


def test_a_401_that_stays_is_an_error(sandbox: Sandbox) -> None:
    """If even the new token is refused, that is an error, after one renewal."""
    break_(sandbox, "GET /iam/** 401")
    with world.client(sandbox.url) as client, pytest.raises(CredentialsError, match=r"just issued for tenant acme"):
        Iam(client).groups()
    assert tokens(sandbox) == 2


def test_a_ready_token_is_used_as_it_is(sandbox: Sandbox) -> None:
    """No token is asked for, and a refusal says what to do."""
    with world.client(sandbox.url, credentials=world.READY) as client:
        with pytest.raises(CredentialsError, match="access token for tenant acme") as caught:
            Iam(client).groups()
        assert "EMPORIX_ACCESS_TOKEN" in caught.value.remedy
        assert client.sent == {"list groups": 1}


def test_a_token_of_another_tenant(sandbox: Sandbox) -> None:
    """Credentials of another tenant are refused before anything else is sent, naming both."""
    stranger = Credentials(client_id="stranger", client_secret="s3cr3t-of-stranger")
    with world.client(sandbox.url, credentials=stranger) as client, pytest.raises(CredentialsError) as caught:
        Iam(client).groups()
    assert "tenant acme belong to tenant other" in caught.value.message
    assert "EMPORIX_CLIENT_ID_ACME" in caught.value.remedy
    assert world.requests(sandbox) == [("POST", "/oauth/token")]


def test_a_lifetime_that_is_not_told() -> None:
    """A token without a lifetime or tenant is used until it is refused."""
    clock = Clock()

    def answers(asked: Asked) -> Reply:
        if asked.path == "/oauth/token":
            return Reply(200, {"access_token": "x"})
        return Reply(200, [], {"X-Total-Count": "0"})

    with standin(answers) as service, world.client(service.url, clock) as client:
        Iam(client).groups()
        clock.now += 1e9
        Iam(client).groups()
        assert client.sent["token"] == 1


@pytest.mark.parametrize("status", [404, 405])
def test_a_host_without_a_token_call(status: int) -> None:
    """A host that is not the service is no problem of the credentials."""
    with (
        standin(lambda asked: Reply(status)) as service,
        world.client(service.url) as client,
        pytest.raises(ServiceError, match="get a token for tenant acme"),
    ):
        Iam(client).groups()


def test_the_form(sandbox: Sandbox) -> None:
    """Secrets with any character arrive as they are, and no scope is asked for."""
    odd = Credentials(client_id="ro&bot", client_secret="a=b&c d+%/?")
    with standin(lambda asked: Reply(0)) as service, world.client(service.url, credentials=odd) as client:
        client.tokens.current()
        assert (
            service.asked[0].body
            == b"grant_type=client_credentials&client_id=ro%26bot&client_secret=a%3Db%26c+d%2B%25%2F%3F"
        )
        assert client.tokens.scopes == {"iam.group_read"}
