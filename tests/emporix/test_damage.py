"""Answers that are damaged, endless or made to do harm: an error that names the call, never a traceback."""

import pytest

from reconciler.core.model import UserType
from reconciler.diagnostics import RequestRefused, ServiceError
from reconciler.emporix.client import Exchange
from reconciler.emporix.errors import OutcomeUnknown
from reconciler.emporix.iam import Iam
from tests.emporix import world
from tests.emporix.standin import Asked, Reply, standin
from tests.emporix.world import Clock

DAMAGED = [
    "9" * 7200,
    "-5",
    "\xb2",
    "Wed, 21 Oct 99999999999999999999 07:28:00 GMT",
    "Wed, 21 Oct 2065 07:28:00 +9999999999",
]


@pytest.mark.parametrize("text", DAMAGED)
@pytest.mark.parametrize("name", ["Retry-After", "Date", "Set-Cookie", "Location", "Content-Type"])
def test_damaged_headers(name: str, text: str) -> None:
    """Whatever stands in a header, the answer is judged by its status, and the next one is as good as ever."""
    clock = Clock()
    value = f"a=b; Expires={text}" if name == "Set-Cookie" else text
    others = {"Retry-After": "Wed, 21 Oct 2065 07:28:09 GMT"} if name == "Date" else {}

    def answers(asked: Asked) -> Reply:
        status = 200 if clock.slept else 503
        return Reply(status, {"id": "catalog"}, others | {name: value})

    with standin(answers) as service, world.client(service.url, clock, credentials=world.READY) as client:
        assert Iam(client).group("catalog") is not None
        assert client.skew is None or name != "Date"
    assert sum(clock.slept) == pytest.approx(60.125 if (name, text) == ("Retry-After", "9" * 7200) else 0.125)


def test_a_retry_after_of_very_many_digits_is_not_quoted() -> None:
    """What the log says of it stays short."""
    seen = list[Exchange]()
    with standin(lambda _: Reply(429, b"", {"Retry-After": "9" * 300})) as service:
        client = world.client(service.url, credentials=world.READY, on_request=seen.append, attempts=1)
        with client, pytest.raises(ServiceError):
            Iam(client).group("catalog")
    assert seen[0].note == "429 Too Many Requests, asking to wait for years"


def test_json_of_endless_depth() -> None:
    """JSON that is nested more deeply than can be read is not as documented; a status says what it says without."""
    deep = b"[" * 100_000 + b"]" * 100_000
    replies = [Reply(200, b'{"id": "x", "mixins": {"y": ' + deep + b"}}"), Reply(400, deep), Reply(201, deep)]
    with (
        standin(lambda _: replies.pop(0)) as service,
        world.client(service.url, credentials=world.READY) as client,
    ):
        iam = Iam(client)
        with pytest.raises(ServiceError, match=r"read group acme/x: .* nested too deeply"):
            iam.group("x")
        with pytest.raises(RequestRefused, match=r"\(400\): without a reason"):
            iam.group("x")
        with pytest.raises(OutcomeUnknown, match="nested too deeply"):
            iam.add_member("x", UserType.EMPLOYEE, "u1")
