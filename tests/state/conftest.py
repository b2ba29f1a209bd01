from collections.abc import Iterator

import pytest

from tests.state.actor import Actor
from tests.state.places import PLACES, LocalPlace


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> Iterator[LocalPlace]:
    """Each place in turn: what a test of the suite finds out holds for all of them."""
    found = PLACES[request.param]()
    yield found
    found.close()


@pytest.fixture
def other(place: LocalPlace) -> Iterator[Actor]:
    """A second client of the same place, in another process."""
    with Actor(place.url) as actor:
        yield actor
