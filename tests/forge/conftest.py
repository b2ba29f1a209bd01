"""Each test of comments runs with both forges."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from reconciler.forge import Target, find
from tests.forge.servers import TOKEN, Forge, github, gitlab, serve


@dataclass
class Place:
    """A forge, and the variables that its CI sets in a job."""

    kind: str
    forge: Forge
    variables: dict[str, str]

    @property
    def target(self) -> Target:
        return find(self.variables)


@pytest.fixture(params=["github", "gitlab"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """A forge in a job for its request 12."""
    if request.param == "github":
        with serve(github, "") as forge:
            yield Place("github", forge, {
                "GITHUB_REPOSITORY": "acme/access", "GITHUB_REF": "refs/pull/12/merge", "GITHUB_API_URL": forge.url,
                "GITHUB_TOKEN": TOKEN,
            })  # fmt: skip
    else:
        with serve(gitlab, "/api/v4") as forge:
            yield Place("gitlab", forge, {
                "CI_PROJECT_ID": "42", "CI_MERGE_REQUEST_IID": "12", "CI_API_V4_URL": forge.url, "GITLAB_TOKEN": TOKEN,
            })  # fmt: skip


@pytest.fixture
def forge(place: Place) -> Forge:
    """The forge itself."""
    return place.forge
