"""Which request for review a run is for: what the options say, or else the variables of the CI."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from reconciler.diagnostics import ForgeError

GITHUB: Final = re.compile(r"([A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+)#([1-9][0-9]{0,8})")
GITLAB: Final = re.compile(r"([\w./+-]+)!([1-9][0-9]{0,8})")

_REF: Final = re.compile(r"refs/pull/([1-9][0-9]{0,8})/")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,8}")

REMEDIES: Final = {
    "github": "give it to the step: `env: {GITHUB_TOKEN: ${{ github.token }}}`, with "
    "`permissions: {pull-requests: write}`",
    "gitlab": "make a project access token (role Reporter, scope api) and give it to the job as the masked variable "
    "GITLAB_TOKEN",
}


@dataclass(frozen=True, slots=True)
class Target:
    """A pull request on GitHub or a merge request on GitLab, and the token to reach it.

    ``url`` is that of the API. Without a ``number`` it is the request whose merge made ``commit``.
    """

    kind: str
    url: str
    project: str
    number: int | None
    commit: str = ""
    token: str = field(default="", repr=False)


def find(environ: Mapping[str, str], github: str | None = None, gitlab: str | None = None) -> Target:
    """The request that is meant, with its token. Raises ForgeError if there is none or no usable token."""
    if github and gitlab:
        raise ForgeError("--github and --gitlab exclude each other", remedy="name one of them")
    if github or (not gitlab and environ.get("GITHUB_REPOSITORY")):
        return _with_token(_github(environ, github), environ, ("GITHUB_TOKEN", "GH_TOKEN"))
    if gitlab or environ.get("CI_PROJECT_ID"):
        return _with_token(_gitlab(environ, gitlab), environ, ("GITLAB_TOKEN",))
    raise ForgeError(
        "there is neither a pull request nor a merge request to comment on",
        remedy="name one with --github owner/repo#12 or --gitlab group/project!5, or run it in a CI of theirs",
    )


def _github(environ: Mapping[str, str], named: str | None) -> Target:
    url = _chosen_graphql(environ) or _graphql(environ.get("GITHUB_API_URL") or "https://api.github.com")
    here = Target("github", _checked("GITHUB_GRAPHQL_URL", url), environ.get("GITHUB_REPOSITORY", ""), None)
    if named:
        return _named(here, named, GITHUB, "--github", "owner/repo#12")
    number = _event_number(environ.get("GITHUB_EVENT_PATH", "")) or _number(_REF, environ.get("GITHUB_REF", ""))
    return replace(here, number=number, commit=environ.get("GITHUB_SHA", ""))


def _gitlab(environ: Mapping[str, str], named: str | None) -> Target:
    url = _checked("CI_API_V4_URL", environ.get("CI_API_V4_URL") or "https://gitlab.com/api/v4")
    here = Target("gitlab", url, environ.get("CI_PROJECT_ID", ""), None)
    if named:
        return _named(here, named, GITLAB, "--gitlab", "group/project!5")
    number = environ.get("CI_MERGE_REQUEST_IID", "")
    found = int(number) if _NUMBER.fullmatch(number) else None
    return replace(here, number=found, commit=environ.get("CI_COMMIT_SHA", ""))


def _chosen_graphql(environ: Mapping[str, str]) -> str:
    """The address of GraphQL if somebody has chosen it: a runner sets it too, beside its own server's REST.

    Who chose another REST address meant that server, and must not be answered by the runner's.
    """
    given = environ.get("GITHUB_GRAPHQL_URL", "")
    server = environ.get("GITHUB_SERVER_URL") or "https://github.com"
    runners = {f"{server}/api/graphql", f"https://api.{urlsplit(server).netloc}/graphql"}
    return "" if given.rstrip("/") in runners and environ.get("GITHUB_API_URL") else given


def _graphql(rest: str) -> str:
    """The address of GraphQL beside that of REST: an enterprise server has ``/api/v3`` and ``/api/graphql``."""
    return re.sub(r"/v3/?$", "", rest).rstrip("/") + "/graphql"


def _named(here: Target, named: str, form: re.Pattern[str], option: str, example: str) -> Target:
    found = form.fullmatch(named)
    if found is None:
        raise ForgeError(f"{option} does not name a request for review", remedy=f"write it like {example}")
    return replace(here, project=found[1], number=int(found[2]))


def _event_number(path: str) -> int | None:
    """The pull request of the event that started the workflow, for each kind of event that has one."""
    if not path:
        return None
    try:
        event: Any = json.loads(Path(path).read_bytes())
    except (OSError, ValueError):
        return None
    issue = event.get("issue") if isinstance(event, dict) else None
    of_issue = issue if isinstance(issue, dict) and "pull_request" in issue else None
    request = (event.get("pull_request") if isinstance(event, dict) else None) or of_issue
    number = request.get("number") if isinstance(request, dict) else None
    return number if isinstance(number, int) and number > 0 else None


def _number(form: re.Pattern[str], text: str) -> int | None:
    found = form.match(text)
    return int(found[1]) if found else None


def _checked(variable: str, url: str) -> str:
    """The address, if it is one to which a token may go: encrypted, or to this machine."""
    parts = urlsplit(url)
    local = parts.hostname in {"127.0.0.1", "::1", "localhost"}
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and local)) or parts.username:
        raise ForgeError(f"{variable} is no https address", remedy="set it as the CI does, or not at all")
    return url.rstrip("/")


def _with_token(here: Target, environ: Mapping[str, str], variables: tuple[str, ...]) -> Target:
    named = " or ".join(variables)
    token = next(filter(None, (environ.get(name, "").strip() for name in variables)), "")
    if not token:
        job = here.kind == "gitlab" and environ.get("CI_JOB_TOKEN")
        raise ForgeError(
            f"there is no token in {named}" + (": CI_JOB_TOKEN may not write notes" if job else ""),
            remedy=REMEDIES[here.kind],
        )
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise ForgeError(f"the token in {named} holds what no token does", remedy="set it anew")
    return replace(here, token=token)
