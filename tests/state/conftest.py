from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.state.actor import Actor
from tests.state.places import Place, places


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each place in turn, but for those that lack what a test needs: what the suite finds out holds for all of them."""
    if "place" in metafunc.fixturenames:
        needs = {name for mark in metafunc.definition.iter_markers("needs") for name in mark.args}
        names = [name for name, place in places().items() if not needs & place.lacks]
        metafunc.parametrize("place", names, indirect=True)


@pytest.fixture
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A place of its own for the test."""
    found = places()[request.param]()
    for name, value in found.environment.items():
        monkeypatch.setenv(name, value)
    yield found
    found.close()


@pytest.fixture
def other(place: Place) -> Iterator[Actor]:
    """A second client of the same place, in another process."""
    with Actor(place.url, place.lease) as actor:
        yield actor


@pytest.fixture
def words(tmp_path: Path) -> str:
    """The path of a file with a passphrase."""
    path = tmp_path / "words"
    path.write_text("correct horse battery staple\n")
    return str(path)
