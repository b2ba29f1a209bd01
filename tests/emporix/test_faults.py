"""Whatever happens to a request on its way, the call converges; and when it can't, the error says all that is known."""

import json
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.core.model import UserType
from reconciler.diagnostics import RequestRefused, ServiceError
from reconciler.emporix.client import Exchange
from reconciler.emporix.errors import OutcomeUnknown
from reconciler.emporix.iam import Iam
from reconciler.sandbox import Sandbox
from tests.emporix import world
from tests.emporix.standin import Asked, Reply, standin
from tests.emporix.world import CREDENTIALS, TENANT, Clock

EMPLOYEE = UserType.EMPLOYEE
FIELDS = {"userType": "EMPLOYEE", "name": {"en": "New"}}


def everybody(iam: Iam, group: str) -> frozenset[str]:
    live = iam.group(group)
    assert live is not None
    return iam.members([live])[group].members or frozenset()


def written(iam: Iam) -> object:
    iam.put_group("new", FIELDS, None)
    live = iam.group("new")
    return live and live.fields


CALLS: dict[str, tuple[str, Callable[[Iam], object], object]] = {
    "token": ("POST /oauth/token", lambda iam: len(iam.groups()), 4),
    "list": ("GET /iam/*/groups", lambda iam: len(iam.groups()), 4),
    "members": ("GET /iam/*/groups/*/users", lambda iam: everybody(iam, "catalog"), {"ana"}),
    "one group": ("GET /iam/*/groups/*", lambda iam: iam.group("catalog") is not None, True),
    "employee": (
        "GET /iam/*/users/*",
        lambda iam: iam.memberships({"ana": EMPLOYEE}).groups["ana"],
        {"catalog", "orders"},
    ),
    "customers": (
        "POST /customer/**",
        lambda iam: iam.missing_customers(["c1", "cx"]),
        {"cx"},
    ),
    "put group": ("PUT /iam/*/groups/*", written, FIELDS),
    "delete group": (
        "DELETE /iam/*/groups/*",
        lambda iam: [iam.delete_group("catalog", force=True), iam.group("catalog")],
        [None, None],
    ),
    "add": (
        "PUT /iam/*/groups/*/users/**",
        lambda iam: [iam.add_member("catalog", EMPLOYEE, "ben"), everybody(iam, "catalog")],
        [True, {"ana", "ben"}],
    ),
    "remove": (
        "DELETE /iam/*/groups/*/users/*",
        lambda iam: [iam.remove_member("catalog", "ana"), everybody(iam, "catalog")],
        [None, set()],
    ),
    "empty group": (
        "DELETE /iam/*/groups/*/users",
        lambda iam: [iam.empty_group("catalog"), everybody(iam, "catalog")],
        [None, set()],
    ),
    "remove user": (
        "DELETE /iam/*/users/*/groups",
        lambda iam: [iam.remove_user("ana"), everybody(iam, "catalog")],
        [None, set()],
    ),
}
FAULTS = {
    "429 for seconds": "429 retry-after=7",
    "429 until a date": "429 retry-after='Wed, 21 Oct 2065 07:28:00 GMT'",
    "429": "429",
    "408": "408",
    "500": "500",
    "502": "502",
    "503": "503 retry-after=1",
    "504": "504",
    "time-out": "hang seconds=5",
    "reset": "reset",
    "reset after it was done": "reset effect=done",
    "500 after it was done": "500 effect=done",
    "truncated": "truncate",
    "html instead": "html",
    "html as success": "html status=200",
    "html as 201": "html status=201",
    "empty body": "empty",
    "redirect": "302",
}


def patience(fault: str) -> float:
    """Seconds to wait for an answer: few only where waiting is the fault, for a busy machine is slow as well."""
    return 0.5 if fault == "time-out" else 5.0


def break_(sandbox: Sandbox, *rules: str) -> None:
    body = json.dumps(rules).encode()
    headers = {"Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(f"{sandbox.url}/sandbox/faults", body, headers)).close()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", CALLS)
def test_every_fault_on_every_call(sandbox: Sandbox, call: str, fault: str) -> None:
    """Two faults in a row on any call are overcome, and what it should do is done."""
    where, act, expected = CALLS[call]
    break_(sandbox, f"{where} {FAULTS[fault]} times=2")
    with world.client(sandbox.url, timeout=patience(fault)) as client:
        assert act(Iam(client)) == expected
    assert [path for _, path in world.requests(sandbox)].count("/oauth/token") in {1, 3}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_on_a_later_page(sandbox: Sandbox, fault: str) -> None:
    """A fault on the second page does not lose its rows."""
    break_(sandbox, f"GET /iam/*/groups {FAULTS[fault]} after=1 times=2")
    with world.client(sandbox.url, timeout=patience(fault), page_size=2) as client:
        assert len(Iam(client).groups()) == 4


@pytest.mark.parametrize(("rule", "certain"), [("500", False), ("429", True), ("reset", False), ("hang", False)])
def test_giving_up_on_a_write(sandbox: Sandbox, rule: str, certain: bool) -> None:
    """After its attempts a write ends in an error that tells a sure failure from one that may have been carried out."""
    break_(sandbox, f"PUT /iam/** {rule}")
    with world.client(sandbox.url, timeout=0.1, attempts=3) as client, pytest.raises(ServiceError) as caught:
        Iam(client).add_member("catalog", EMPLOYEE, "ben")
    assert isinstance(caught.value, OutcomeUnknown) is not certain
    assert "add EMPLOYEE ben to group acme/catalog" in caught.value.message
    assert "PUT /iam/acme/groups/catalog/users/EMPLOYEE/ben was tried 3 times" in caught.value.message
    assert caught.value.remedy


def test_doubt_stays(sandbox: Sandbox) -> None:
    """A write whose first answer was lost is uncertain, however certainly it is refused afterwards."""
    break_(sandbox, "PUT /iam/** reset times=1", "PUT /iam/** 429")
    with world.client(sandbox.url, attempts=3) as client, pytest.raises(OutcomeUnknown):
        Iam(client).add_member("catalog", EMPLOYEE, "ben")


def test_giving_up_on_a_reading(sandbox: Sandbox) -> None:
    """A reading leaves no doubt about what it has done, since it does nothing."""
    break_(sandbox, "GET /iam/** 500")
    with world.client(sandbox.url, attempts=2) as client, pytest.raises(ServiceError) as caught:
        Iam(client).groups()
    assert not isinstance(caught.value, OutcomeUnknown)


def test_giving_up_says_what_came_last(sandbox: Sandbox) -> None:
    """The error names the last answer, not the first."""
    break_(sandbox, "GET /iam/*/groups 500 times=2", "GET /iam/*/groups 503")
    with world.client(sandbox.url, attempts=3) as client, pytest.raises(ServiceError, match="503 Service Unavailable"):
        Iam(client).groups()


def test_giving_up_when_nobody_listens() -> None:
    """A refused connection is tried again too, and leaves no doubt that nothing was done."""
    with world.client("http://127.0.0.1:9", attempts=2, credentials=world.READY) as client:
        with pytest.raises(ServiceError, match="ConnectError") as caught:
            Iam(client).remove_user("ana")
        assert not isinstance(caught.value, OutcomeUnknown)
        assert client.sent == {"remove user from all groups": 2}


def test_giving_up_after_the_time(sandbox: Sandbox) -> None:
    """However many attempts are left, a call ends when its time is over."""
    clock = Clock()
    break_(sandbox, "GET /iam/** 429 retry-after=50")
    with world.client(sandbox.url, clock, budget=120.0, attempts=100) as client, pytest.raises(ServiceError):
        Iam(client).groups()
    assert 100 <= sum(clock.slept) <= 120


def test_waits_grow(sandbox: Sandbox) -> None:
    """Without a word from the service the waits double, up to a limit, and chance takes its part of each."""
    clock = Clock()
    break_(sandbox, "GET /iam/** 500")
    with world.client(sandbox.url, clock, attempts=9) as client, pytest.raises(ServiceError):
        Iam(client).groups()
    assert clock.slept == [0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 7.5, 7.5]


def test_retry_after_in_seconds(sandbox: Sandbox) -> None:
    """What the service asks to wait is waited, by this request and by all others."""
    clock = Clock()
    break_(sandbox, "GET /iam/** 429 retry-after=7 times=1")
    with world.client(sandbox.url, clock) as client:
        Iam(client).groups()
    assert sum(clock.slept) == pytest.approx(7.125)


def test_retry_after_as_a_date() -> None:
    """A date is taken against the service's own clock, whatever ours says."""
    clock = Clock()
    headers = {"Retry-After": "Wed, 21 Oct 2065 07:28:09 GMT"}

    def answers(asked: Asked) -> Reply:
        if asked.path == "/oauth/token":
            return Reply(0)
        if clock.slept:
            return Reply(200, [], {"X-Total-Count": "0"})
        return Reply(503, b"", headers | {"Date": "Wed, 21 Oct 2065 07:28:00 GMT"})

    with standin(answers) as service, world.client(service.url, clock) as client:
        Iam(client).groups()
    assert sum(clock.slept) == pytest.approx(9.125)


def test_silly_retry_after_is_bounded_and_said(sandbox: Sandbox) -> None:
    """A service that asks for a day gets a minute, and the log says what it asked for."""
    clock, seen = Clock(), list[Exchange]()
    break_(sandbox, "GET /iam/** 429 retry-after=86400 times=1")
    with world.client(sandbox.url, clock, on_request=seen.append) as client:
        Iam(client).groups()
    assert sum(clock.slept) == pytest.approx(60.125)
    refused = next(exchange for exchange in seen if exchange.status == 429)
    assert (refused.wait, refused.asked) == (60.125, 60.0)
    assert refused.note == "429 Too Many Requests, asking to wait 86400 s"


def test_waits_are_told_beforehand(sandbox: Sandbox) -> None:
    """Whoever watches learns of every wait when it begins: how long it is, and how much of it the service asked for."""
    clock, seen = Clock(), list[tuple[float | None, float | None, int]]()
    break_(sandbox, "GET /iam/** 500 times=1", "GET /iam/** reset times=1", "GET /iam/** 429 retry-after=30")
    with world.client(
        sandbox.url,
        clock,
        on_request=lambda exchange: seen.append((exchange.wait, exchange.asked, len(clock.slept))),
        attempts=4,
    ) as client:
        with pytest.raises(ServiceError):
            Iam(client).groups()
        assert seen == [(None, None, 0), (0.125, None, 0), (0.25, None, 1), (30.5, 30.0, 2), (None, 30.0, 3)]
    assert clock.slept == [0.125, 0.25, 30.5]


def test_exchanges(sandbox: Sandbox) -> None:
    """Every request that is sent is told of, with its attempt and what was wrong with the answer."""
    seen = list[Exchange]()
    break_(sandbox, "GET /iam/** reset times=1", "GET /iam/** html status=200 times=1")
    with world.client(sandbox.url, on_request=seen.append) as client:
        Iam(client).group("catalog")
    assert [(e.kind, e.method, e.path, e.status, e.attempt) for e in seen] == [
        ("token", "POST", "/oauth/token", 200, 1),
        ("get group", "GET", "/iam/acme/groups/catalog", None, 1),
        ("get group", "GET", "/iam/acme/groups/catalog", 200, 2),
        ("get group", "GET", "/iam/acme/groups/catalog", 200, 3),
    ]
    assert [exchange.note.partition(":")[0] for exchange in seen[1:]] == [
        "ReadError",
        "200 OK with a body that is not JSON",
        "",
    ]


def test_not_implemented_is_final(sandbox: Sandbox) -> None:
    """501 stays 501, so it is not tried again."""
    break_(sandbox, "GET /iam/** 501")
    with world.client(sandbox.url) as client:
        with pytest.raises(RequestRefused) as caught:
            Iam(client).groups()
        assert caught.value.status == 501
        assert client.sent["list groups"] == 1


def test_update_whose_answer_was_lost(sandbox: Sandbox) -> None:
    """The conflict of a repeated update with itself is a success, told by reading the group."""
    break_(sandbox, "PUT /iam/** reset effect=done times=1")
    with world.client(sandbox.url) as client:
        assert Iam(client).put_group("orders", FIELDS, 1) == "updated"
        live = Iam(client).group("orders")
        assert live is not None
        assert (live.fields, live.version) == (FIELDS, 2)


def test_creation_for_a_vendor_whose_answer_was_lost(sandbox: Sandbox) -> None:
    """The conflict of a repeated creation with itself is a success too."""
    break_(sandbox, "POST /iam/** reset effect=done times=1")
    with world.client(sandbox.url) as client:
        assert Iam(client).put_group("new", FIELDS | {"vendorId": "v1"}, None) == "created"


def test_update_that_was_lost_and_overtaken(sandbox: Sandbox) -> None:
    """After a lost answer a conflict with somebody else's change stays a conflict."""
    break_(sandbox, "PUT /iam/** reset times=1")
    with world.client(sandbox.url) as client:
        with pytest.raises(RequestRefused, match="409"):
            Iam(client).put_group("orders", FIELDS, 7)
        assert client.sent == {"token": 1, "put group": 2, "get group": 1}


def test_a_conflict_without_doubt_reads_nothing(sandbox: Sandbox) -> None:
    """A conflict at the first try is somebody else's change for sure."""
    with world.client(sandbox.url) as client:
        with pytest.raises(RequestRefused):
            Iam(client).put_group("orders", FIELDS, 7)
        assert client.sent == {"token": 1, "put group": 1}


def test_doubt_outlives_a_renewed_token() -> None:
    """A write that may have been carried out stays so, even if what comes next is no new token."""
    state: dict[str, Any] = {"puts": 0}

    def answers(asked: Asked) -> Reply:
        if asked.path == "/oauth/token":
            return Reply(0) if not state["puts"] else Reply(401, {})
        state["puts"] += 1
        return Reply(502) if state["puts"] == 1 else Reply(401, {})

    with standin(answers) as service, world.client(service.url) as client, pytest.raises(OutcomeUnknown):
        Iam(client).add_member("catalog", EMPLOYEE, "ben")


def test_wrong_shape_names_call_and_field() -> None:
    """JSON that is not as documented is an error at once, with the place in it."""

    def answers(asked: Asked) -> Reply:
        return Reply(0) if asked.path == "/oauth/token" else Reply(200, [{"userId": "u", "userType": "ROBOT"}])

    with standin(answers) as service, world.client(service.url) as client, pytest.raises(ServiceError) as caught:
        Iam(client).members([world.group("catalog")])
    assert "list the members of acme/catalog" in caught.value.message
    assert "`$[0].userType`" in caught.value.message
    assert len(service.asked) == 2


def test_nothing_is_named_that_is_secret(sandbox: Sandbox) -> None:
    """The credentials stand in no exchange."""
    seen = list[Exchange]()
    with world.client(sandbox.url, on_request=seen.append) as client:
        Iam(client).groups()
    assert CREDENTIALS.client_secret not in repr(seen)
    assert seen[0].path == "/oauth/token"
    assert TENANT in seen[1].path
