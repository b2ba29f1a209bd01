"""Which request is meant, from options and from what each CI sets."""

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.diagnostics import ForgeError
from reconciler.forge import find

GITHUB = {"GITHUB_REPOSITORY": "acme/access", "GITHUB_TOKEN": "t"}
GITLAB = {"CI_PROJECT_ID": "42", "GITLAB_TOKEN": "t"}


def test_options_name_any_request() -> None:
    here = find({"GH_TOKEN": "t"}, github="acme/access#12")
    assert (here.url, here.project, here.number) == ("https://api.github.com/graphql", "acme/access", 12)
    here = find({"GITLAB_TOKEN": "t"}, gitlab="acme/iam/access!5")
    assert (here.url, here.project, here.number) == ("https://gitlab.com/api/v4", "acme/iam/access", 5)


def test_an_option_goes_before_the_ci() -> None:
    assert find({**GITHUB, **GITLAB}, gitlab="a/b!5").kind == "gitlab"
    assert find({**GITHUB, **GITLAB}, github="a/b#5").kind == "github"


@pytest.mark.parametrize(
    "named",
    ["acme/access", "acme#1", "acme/access#0", "acme/access#1\n", "a/b/c#1", "acme/access#٣", "a/b!5", "#12"],
)
def test_what_names_no_pull_request_is_refused(named: str) -> None:
    with pytest.raises(ForgeError, match="--github does not name"):
        find(GITHUB, github=named)


@pytest.mark.parametrize("named", ["acme/access", "acme/access!0", "acme/access!5 ", "acme/access#5", "a?b!5"])
def test_what_names_no_merge_request_is_refused(named: str) -> None:
    with pytest.raises(ForgeError, match="--gitlab does not name"):
        find(GITLAB, gitlab=named)


@pytest.mark.parametrize(
    ("event", "number"),
    [
        ({"pull_request": {"number": 12}}, 12),
        ({"issue": {"number": 7, "pull_request": {}}}, 7),
        ({"issue": {"number": 7}}, None),
        ({"pull_request": {"number": "12"}}, None),
        ({"pull_request": 12}, None),
        ([], None),
        ("{", None),
    ],
)
def test_the_event_says_which_pull_request(event: Any, number: int | None, tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    file.write_text(event if isinstance(event, str) else json.dumps(event))
    assert find({**GITHUB, "GITHUB_EVENT_PATH": str(file)}).number == number


def test_the_ref_says_it_as_well() -> None:
    gone = {"GITHUB_EVENT_PATH": "/nowhere"}
    assert find({**GITHUB, **gone, "GITHUB_REF": "refs/pull/34/merge"}).number == 34
    assert find({**GITHUB, "GITHUB_REF": "refs/heads/pull/34/"}).number is None


def test_gitlab_says_it_outright() -> None:
    assert find({**GITLAB, "CI_MERGE_REQUEST_IID": "5"}).number == 5
    assert find(GITLAB).number is None


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({"GITHUB_API_URL": "https://git.acme.example/api/v3"}, "https://git.acme.example/api/graphql"),
        ({"GITHUB_API_URL": "https://api.acme.ghe.com/"}, "https://api.acme.ghe.com/graphql"),
        ({"GITHUB_GRAPHQL_URL": "https://git.acme.example/api/graphql"}, "https://git.acme.example/api/graphql"),
        (
            {"GITHUB_API_URL": "https://api.github.com", "GITHUB_GRAPHQL_URL": "https://git.acme.example/api/graphql"},
            "https://git.acme.example/api/graphql",
        ),
        (
            {
                "GITHUB_API_URL": "https://git.acme.example/api/v3",
                "GITHUB_GRAPHQL_URL": "https://api.github.com/graphql",
            },
            "https://git.acme.example/api/graphql",
        ),
        (
            {
                "GITHUB_SERVER_URL": "https://git.acme.example",
                "GITHUB_API_URL": "https://other.example/api/v3",
                "GITHUB_GRAPHQL_URL": "https://git.acme.example/api/graphql",
            },
            "https://other.example/api/graphql",
        ),
    ],
)
def test_an_enterprise_server_has_its_own_addresses(variables: dict[str, str], url: str) -> None:
    assert find({**GITHUB, **variables}).url == url


@pytest.mark.parametrize("url", ["http://git.acme.example/api", "ftp://x", "https://", "https://u:p@x/api"])
def test_the_token_goes_to_no_doubtful_address(url: str) -> None:
    with pytest.raises(ForgeError, match="is no https address") as caught:
        find({**GITLAB, "CI_API_V4_URL": url})
    assert url not in str(caught.value)


def test_without_a_token_the_remedy_says_which() -> None:
    with pytest.raises(ForgeError, match="GITHUB_TOKEN or GH_TOKEN") as caught:
        find({"GITHUB_REPOSITORY": "acme/access"})
    assert "pull-requests: write" in caught.value.remedy
    with pytest.raises(ForgeError, match="CI_JOB_TOKEN may not write notes") as caught:
        find({"CI_PROJECT_ID": "42", "CI_JOB_TOKEN": "j"})
    assert "GITLAB_TOKEN" in caught.value.remedy


def test_a_token_that_is_none_is_refused_and_not_shown() -> None:
    with pytest.raises(ForgeError, match="holds what no token does") as caught:
        find({**GITHUB, "GITHUB_TOKEN": "abc\r\nX-Evil: 1"})
    assert "abc" not in str(caught.value) and "abc" not in repr(find({**GITHUB, "GITHUB_TOKEN": "abc"}))


def test_nowhere_is_told() -> None:
    with pytest.raises(ForgeError, match="neither a pull request nor a merge request"):
        find({})
    with pytest.raises(ForgeError, match="exclude each other"):
        find({}, github="a/b#1", gitlab="a/b!1")
