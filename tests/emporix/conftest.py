import copy
from collections.abc import Iterator

import pytest

from reconciler.emporix.client import Client
from reconciler.emporix.iam import Iam
from reconciler.sandbox import Sandbox, start
from tests.emporix import world


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with start(None, seed=copy.deepcopy(world.SEED)) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    with world.client(sandbox.url) as opened:
        yield opened


@pytest.fixture
def iam(client: Client) -> Iam:
    return Iam(client)
