from collections.abc import Callable, Iterator

import pytest

from tests.browser.artifacts import Artifacts
from tests.browser.chromium import Chromium, Page, browser
from tests.machine import unavailable


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """One browser for all tests."""
    path = browser()
    if path is None:
        unavailable("Chromium")
    found = Chromium(path, tmp_path_factory.mktemp("profile"))
    yield found
    found.close()


@pytest.fixture(scope="session")
def artifacts() -> Iterator[Artifacts]:
    """The server that the pages come from."""
    with Artifacts() as found:
        yield found


Opens = Callable[..., Page]


@pytest.fixture
def opened(chromium: Chromium, artifacts: Artifacts) -> Iterator[Opens]:
    """Opens a page in a tab of its own; at the end none may have complained, nor asked for anything but itself."""
    pages: list[Page] = []

    def open_page(content: str, *, policy: str = "", **options: str | bool) -> Page:
        url = artifacts.put(content, policy)
        pages.append(Page(chromium, url, **options))
        return pages[-1]

    yield open_page
    for page in pages:
        asked = [url for url in page.requests if not url.startswith(("data:", "about:"))]
        assert len(asked) == 1 and asked[0].startswith(artifacts.url), asked
        page.close()
    assert artifacts.unknown == []
