"""After an interruption nobody waits and nothing more is sent, and every call says for sure or in doubt what it did."""

import signal
import threading
import time
from collections.abc import Callable

import pytest

from reconciler.core.model import UserType
from reconciler.diagnostics import ServiceError
from reconciler.emporix.client import Client, Exchange, Settings
from reconciler.emporix.errors import Interrupted, OutcomeUnknown
from reconciler.emporix.iam import Iam
from reconciler.emporix.interruption import Interrupting, Interruption
from reconciler.emporix.limiter import Limiter
from reconciler.sandbox import Sandbox
from tests.emporix import world
from tests.emporix.standin import Asked, Reply, standin
from tests.emporix.test_faults import break_

EMPLOYEE = UserType.EMPLOYEE
SOON = 5.0
"""Seconds within which everything here ends, though the waits that are ended would take a minute."""

CALLS: dict[str, Callable[[Iam], object]] = {
    "list": lambda iam: iam.groups(),
    "members": lambda iam: iam.members([world.group("catalog")]),
    "memberships": lambda iam: iam.memberships({"ana": EMPLOYEE, "ben": EMPLOYEE, "c1": UserType.CUSTOMER}),
    "add": lambda iam: iam.add_member("catalog", EMPLOYEE, "ben"),
    "put": lambda iam: iam.put_group("new", {"userType": "EMPLOYEE"}, None),
    "standing": lambda iam: iam.standing(),
}


def patient(url: str, on_request: Callable[[Exchange], None] | None = None, **settings: int) -> Client:
    """A client that waits as in life."""
    return Client(world.TENANT, world.CREDENTIALS, Settings(url=url, **settings), on_request=on_request)


def interrupt_at(status: int, sandbox: Sandbox, call: Callable[[Iam], object]) -> tuple[ServiceError, float]:
    """Runs the call on a thread, interrupts it once the service has answered so, and tells its end and its seconds."""
    answered, caught = threading.Event(), list[ServiceError]()

    def work() -> None:
        try:
            call(iam)
        except ServiceError as error:
            caught.append(error)

    with patient(sandbox.url, lambda exchange: exchange.status == status and answered.set()) as client:
        iam = Iam(client)
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        assert answered.wait(SOON)
        began = time.monotonic()
        iam.stop()
        thread.join(SOON)
        return caught[0], time.monotonic() - began


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_nothing_is_sent_after_the_interruption(sandbox: Sandbox, call: Callable[[Iam], object]) -> None:
    """A call that begins afterwards ends at once, for sure and without a request."""
    with world.client(sandbox.url) as client:
        iam = Iam(client)
        iam.stop()
        with pytest.raises(Interrupted, match="the run was interrupted"):
            call(iam)
        assert client.sent == {}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_retry_after_is_not_waited_for(sandbox: Sandbox, call: Callable[[Iam], object]) -> None:
    """Whoever is asked to wait for a minute and interrupts leaves at once."""
    break_(sandbox, "* /iam/** 429 retry-after=60")
    error, seconds = interrupt_at(429, sandbox, call)
    assert isinstance(error, Interrupted)
    assert seconds < SOON


def test_a_call_that_waits_for_the_pause_of_another(sandbox: Sandbox) -> None:
    """The pause that one call was asked for keeps others waiting, and ends for them too."""
    break_(sandbox, "PUT /iam/** 429 retry-after=60")
    refused = threading.Event()
    with patient(sandbox.url, lambda exchange: exchange.status == 429 and refused.set()) as client:
        iam = Iam(client)
        adding = client.submit(iam.add_member, "catalog", EMPLOYEE, "ben")
        assert refused.wait(SOON)
        reading = client.submit(iam.group, "catalog")
        iam.stop()
        assert isinstance(adding.exception(SOON), Interrupted)
        assert isinstance(reading.exception(SOON), Interrupted)
        assert client.sent == {"token": 1, "add member": 1}


def test_a_write_in_doubt() -> None:
    """A write whose first answer was lost stays in doubt, and is not sent again."""
    clock = world.Clock()

    def answers(asked: Asked) -> Reply:
        return Reply(0) if asked.path == "/oauth/token" else Reply(502)

    with standin(answers) as service:
        client = Client(
            world.TENANT, world.READY, Settings(url=service.url), clock=clock, sleep=lambda _: client.stop()
        )
        with client, pytest.raises(OutcomeUnknown) as caught:
            Iam(client).add_member("catalog", EMPLOYEE, "ben")
        assert client.sent == {"add member": 1}
    tried = "PUT /iam/acme/groups/catalog/users/EMPLOYEE/ben was tried once"
    assert f"the run was interrupted; {tried}" in str(caught.value)
    assert "502 Bad Gateway. It may have been carried out nevertheless" in str(caught.value)


def test_a_write_that_was_surely_refused(sandbox: Sandbox) -> None:
    """A write of which no try can have been carried out is certain."""
    break_(sandbox, "PUT /iam/** 429")
    with world.client(sandbox.url, on_request=lambda exchange: exchange.status == 429 and client.stop()) as client:
        with pytest.raises(Interrupted, match="tried once, and the last came to: 429"):
            Iam(client).add_member("catalog", EMPLOYEE, "ben")
        assert client.sent == {"token": 1, "add member": 1}


@pytest.mark.parametrize("times", [1, 2])
def test_a_write_whose_conflict_is_not_looked_into(times: int) -> None:
    """A conflict after a lost answer may be with our own try: not being able to look leaves it in doubt."""
    replies = [Reply(502), Reply(409, {"message": "taken"})]

    def answers(asked: Asked) -> Reply:
        return replies.pop(0) if replies else Reply(403, {})

    def watch(exchange: Exchange) -> None:
        if exchange.status == 409 and times == 1:
            client.stop()

    with standin(answers) as service:
        client = world.client(service.url, credentials=world.READY, on_request=watch)
        with client, pytest.raises(OutcomeUnknown):
            Iam(client).put_group("orders", {"userType": "EMPLOYEE"}, 1)
        assert sum(client.sent.values()) == times + 1


def test_a_request_under_way_is_finished() -> None:
    """What has been sent is waited for, and its outcome counts."""
    asked, go_on = threading.Event(), threading.Event()

    def answers(question: Asked) -> Reply:
        asked.set()
        go_on.wait(SOON)
        return Reply(201)

    with standin(answers) as service, world.client(service.url, credentials=world.READY) as client:
        adding = client.submit(Iam(client).add_member, "catalog", EMPLOYEE, "ben")
        assert asked.wait(SOON)
        client.stop()
        go_on.set()
        assert adding.result(SOON) is True


def test_a_token_that_would_have_to_be_renewed() -> None:
    """A refused token is not renewed any more; the error is that of the call, which was surely not carried out."""
    with standin(lambda asked: Reply(0) if asked.path == "/oauth/token" else Reply(401)) as service:
        client = world.client(service.url, on_request=lambda exchange: exchange.status == 401 and client.stop())
        with client, pytest.raises(Interrupted, match="add EMPLOYEE ben to group acme/catalog"):
            Iam(client).add_member("catalog", EMPLOYEE, "ben")
        assert client.sent == {"token": 1, "add member": 1}


def test_reading_after_the_interruption(sandbox: Sandbox) -> None:
    """Once resumed it reads again, as an interrupted apply has to, while the calls from before stay interrupted."""
    break_(sandbox, "PUT /iam/** 429 retry-after=60 times=1")
    refused = threading.Event()
    with patient(sandbox.url, lambda exchange: exchange.status == 429 and refused.set()) as client:
        iam = Iam(client)
        adding = client.submit(iam.add_member, "catalog", EMPLOYEE, "ben")
        assert refused.wait(SOON)
        iam.stop()
        iam.stop()
        iam.resume()
        iam.resume()
        assert isinstance(adding.exception(SOON), Interrupted)
        assert client.sent["add member"] == 1
    with world.client(sandbox.url) as client:
        iam = Iam(client)
        iam.stop()
        iam.resume()
        assert iam.members([world.group("catalog")])["catalog"].members == {"ana"}


def test_a_slot_is_not_waited_for() -> None:
    """Who waits for another request's slot is let go too."""
    limit, interruption, waiting = Limiter(1, world.Clock()), Interruption(), threading.Event()
    ended = threading.Event()

    def wait() -> None:
        waiting.set()
        with pytest.raises(Interrupting), limit.slot(interruption):
            pass
        ended.set()

    with limit.slot(interruption):
        threading.Thread(target=wait, daemon=True).start()
        assert waiting.wait(SOON)
        interruption.happen()
        limit.wake()
        assert ended.wait(SOON)


def test_closing_ends_the_waits(sandbox: Sandbox) -> None:
    """A call on a thread of somebody else does not go on waiting when the client is closed."""
    break_(sandbox, "GET /iam/** 503 retry-after=60")
    refused, ended = threading.Event(), threading.Event()

    def work() -> None:
        with pytest.raises(Interrupted):
            Iam(client).group("catalog")
        ended.set()

    client = patient(sandbox.url, lambda exchange: exchange.status == 503 and refused.set())
    threading.Thread(target=work, daemon=True).start()
    assert refused.wait(SOON)
    client.close()
    assert ended.wait(SOON)


def test_within_a_signal(sandbox: Sandbox) -> None:
    """A signal that is met by the very thread that waits ends its wait."""
    break_(sandbox, "GET /iam/** 503 retry-after=60")
    refused = threading.Event()

    def press() -> None:
        refused.wait(SOON)
        signal.pthread_kill(main, signal.SIGUSR1)

    main = threading.main_thread().ident or 0
    with patient(sandbox.url, lambda exchange: exchange.status == 503 and refused.set()) as client:
        before = signal.signal(signal.SIGUSR1, lambda *_: client.stop())
        pressing = threading.Thread(target=press, daemon=True)
        pressing.start()
        began = time.monotonic()
        try:
            with pytest.raises(Interrupted):
                Iam(client).group("catalog")
        finally:
            pressing.join(SOON)
            signal.signal(signal.SIGUSR1, before)
        assert time.monotonic() - began < SOON
