"""What every end-to-end test starts from: a service over real HTTP, and a folder to work in."""

import copy
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from reconciler.sandbox import Options, Sandbox, start
from tests.e2e.command import Spawner, Workplace
from tests.e2e.proxy import Proxy, honest
from tests.e2e.world import World

SEED: dict[str, Any] = {
    "tenants": [
        {
            "tenant": "acmeprod",
            "languages": ["en"],
            "accessControls": [
                {"id": "orders", "scopes": ["order.order_manage"]},
                {"id": "carts", "scopes": ["cart.cart_read"], "restrictedTo": "CUSTOMER"},
            ],
            "groups": [
                {"id": "bo-manager", "code": "BO_MANAGER", "name": {"en": "Managers"}},
                {"id": "clerks", "name": {"en": "Clerks"}},
                {"id": "vendor-a", "name": {"en": "Vendor A"}, "vendorId": "a"},
                *[
                    {"id": f"{code}-x".lower(), "name": {"en": code.title()}, "userType": "CUSTOMER", "code": code,
                     "b2b": {"legalEntityId": "X"}}
                    for code in ("ADMIN", "BUYER", "REQUESTER")
                ],
            ],
            "employees": ["ana", "ben", "cleo", "dan", "eve", "fay", "gus", "hal", "ida", "jo", "zoe"],
            "customers": ["kim", "lee", "mia"],
            "assignments": [
                {"groupId": "bo-manager", "userId": "zoe"},
                {"groupId": "clerks", "userId": "zoe"},
            ],
        },
    ]
}  # fmt: skip
"""One tenant: nothing of it is ours, and ``zoe`` is a member of groups that others care for."""


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What a test opens is closed when it ends."""
    with ExitStack() as open_things:
        yield open_things


@pytest.fixture
def seed() -> dict[str, Any]:
    """A copy of the seed, to be changed before the service starts."""
    return copy.deepcopy(SEED)


@pytest.fixture
def serve(stack: ExitStack) -> Callable[..., Sandbox]:
    """Start a service with options; it stops with the test."""

    def begin(seed: Any = SEED, db: Path | None = None, **options: Any) -> Sandbox:
        return stack.enter_context(start(db, seed=seed, options=Options(**options)))

    return begin


@pytest.fixture
def sandbox(serve: Callable[..., Sandbox], seed: dict[str, Any]) -> Sandbox:
    """The service, kept in memory."""
    return serve(seed)


@pytest.fixture
def world(sandbox: Sandbox, stack: ExitStack) -> World:
    """The tenant acmeprod of the service."""
    return stack.enter_context(closing(World(sandbox.url)))


@pytest.fixture(scope="session")
def spawner() -> Iterator[Spawner]:
    """A process that has imported the command already."""
    with Spawner() as found:
        yield found


@pytest.fixture
def work(sandbox: Sandbox, tmp_path: Path, spawner: Spawner) -> Workplace:
    """A folder from which the command reaches the service."""
    return Workplace(tmp_path, sandbox.url, spawner=spawner)


@pytest.fixture
def between(sandbox: Sandbox, stack: ExitStack, work: Workplace) -> Proxy:
    """A network between the folder and the service; its rule decides about each request."""
    proxy = stack.enter_context(Proxy(sandbox.url, honest))
    work.url = proxy.url
    return proxy
