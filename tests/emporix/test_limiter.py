"""How many requests are under way: fewer when the service pushes back, more again when it answers."""

import threading

import pytest

from reconciler.core.model import UserType
from reconciler.emporix.iam import Iam
from reconciler.emporix.interruption import Interruption
from reconciler.emporix.limiter import Limiter
from reconciler.sandbox import Options, start
from tests.emporix import world
from tests.emporix.standin import Asked, Reply, standin
from tests.emporix.world import Clock


def limiter(most: int = 16) -> tuple[Limiter, Clock]:
    clock = Clock()
    return Limiter(most, clock), clock


def test_halved_once_for_all_that_were_under_way() -> None:
    """Sixteen refusals of requests that were under way together halve the limit once, not sixteen times."""
    limit, clock = limiter()
    began = clock()
    clock.now += 1
    for _ in range(16):
        limit.pushed_back(began, None)
    assert limit.allowed == 8
    limit.pushed_back(clock() + 1, None)
    assert limit.allowed == 4


def test_never_below_one() -> None:
    """However often it is pushed back, one request at a time goes on."""
    limit, clock = limiter(3)
    for _ in range(9):
        clock.now += 1
        limit.pushed_back(clock(), None)
    assert limit.allowed == 1


def test_recovers_by_one_a_round() -> None:
    """After a halving each round of successes brings one more, up to where it began."""
    limit, clock = limiter(8)
    limit.pushed_back(clock(), None)
    seen = [limit.allowed]
    for _ in range(4 + 5 + 6 + 7 + 4):
        limit.succeeded()
        seen.append(limit.allowed)
    assert seen[0] == 4
    assert seen[5:7] == [5, 5]
    assert max(seen) == seen[-1] == 8


def test_a_pause_is_everybodys() -> None:
    """Who comes after a Retry-After waits for its end, and a shorter pause does not end a longer one."""
    limit, clock = limiter()
    limit.pushed_back(clock(), 7.0)
    limit.pushed_back(clock(), 3.0)
    with limit.slot(Interruption(clock.sleep)) as began:
        assert began == 1007.0
    assert clock.slept == [7.0]


def test_no_more_than_allowed_at_once() -> None:
    """A slot is waited for until one is given back."""
    limit, clock = limiter(2)
    inside, entered, leave = [], threading.Semaphore(0), threading.Semaphore(0)

    def work() -> None:
        with limit.slot(Interruption(clock.sleep)):
            inside.append(1)
            entered.release()
            leave.acquire()

    threads = [threading.Thread(target=work, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert entered.acquire(timeout=5) and entered.acquire(timeout=5)
    assert not entered.acquire(timeout=0.05)
    leave.release()
    assert entered.acquire(timeout=5)
    leave.release(2)
    for thread in threads:
        thread.join(timeout=5)
    assert len(inside) == 3


def test_waiting_through_a_pause() -> None:
    """Who waits for a slot while a pause begins waits for both."""
    limit, clock = limiter(1)
    done = threading.Event()

    def wait() -> None:
        with limit.slot(Interruption(clock.sleep)):
            done.set()

    with limit.slot(Interruption(clock.sleep)):
        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        limit.pushed_back(clock(), 5.0)
        assert not done.wait(0.05)
    assert done.wait(5)
    assert clock.slept == [5.0]


@pytest.mark.parametrize("status", [429, 503])
def test_the_client_backs_off_and_recovers(status: int) -> None:
    """A client halves its requests on 429 and 503, and has them back after enough answers."""
    refuse = {"left": 1}

    def answers(asked: Asked) -> Reply:
        if asked.path == "/oauth/token":
            return Reply(0)
        if refuse["left"]:
            refuse["left"] -= 1
            return Reply(status)
        return Reply(204)

    with standin(answers) as service, world.client(service.url, parallelism=8) as client:
        iam = Iam(client)
        iam.remove_user("a")
        assert client.allowed == 4
        for _ in range(30):
            iam.remove_user("a")
        assert client.allowed == 8


def test_a_rate_limit_is_kept_to() -> None:
    """Against a service that allows a burst and then a few requests a second everything arrives in the end."""
    seed = {"tenants": [world.SEED["tenants"][0] | {"employees": [f"e{n}" for n in range(60)], "assignments": []}]}
    with (
        start(None, seed=seed, options=Options(rate_limit=50)) as sandbox,
        world.real_client(sandbox.url, parallelism=8) as client,
    ):
        iam = Iam(client)
        futures = [client.submit(iam.add_member, "orders", UserType.EMPLOYEE, f"e{n}") for n in range(60)]
        assert all(future.result() for future in futures)
        assert client.sent["add member"] < 120
