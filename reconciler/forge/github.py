"""Comments on GitHub's pull requests, by its GraphQL API.

The REST API can't say who we are to the token of a workflow (``GET /user`` is refused to it). GraphQL says of each
comment whether this token's user wrote it (``viewerDidAuthor``) and who edited it (``editor``), to any kind of token.
https://docs.github.com/en/graphql/reference/objects#issuecomment
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from reconciler.diagnostics import ForgeError
from reconciler.forge.calls import Calls, Unanswered
from reconciler.forge.notes import Comment

LIMIT: Final = 65_536
"""Characters of a comment."""

LOOK: Final = """query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) { id
    comments(first: 100, after: $after) {
      nodes { id url body viewerDidAuthor author { login } editor { login } }
      pageInfo { hasNextPage endCursor } } } } }"""

MERGED: Final = """query($owner: String!, $name: String!, $commit: GitObjectID!) {
  repository(owner: $owner, name: $name) { object(oid: $commit) { ... on Commit {
    associatedPullRequests(first: 50) { nodes { number merged mergeCommit { oid } } } } } } }"""

ADD: Final = """mutation($id: ID!, $body: String!) {
  addComment(input: {subjectId: $id, body: $body}) { commentEdge { node { url } } } }"""

CHANGE: Final = """mutation($id: ID!, $body: String!) {
  updateIssueComment(input: {id: $id, body: $body}) { issueComment { url } } }"""

REMEDIES: Final = {
    "UNAUTHORIZED": "GITHUB_TOKEN (or GH_TOKEN) is wrong or has expired",
    "FORBIDDEN": "the job needs `permissions: {pull-requests: write}`; a run for a fork's pull request never gets it",
    "INSUFFICIENT_SCOPES": "a classic token needs the scope repo, a fine-grained one pull requests: write",
    "NOT_FOUND": "check owner/repo#number, and that the token may see that repository (`pull-requests: write`)",
}


class _Actor(msgspec.Struct):
    login: str


class _Node(msgspec.Struct, rename="camel"):
    id: str
    url: str
    body: str
    viewer_did_author: bool
    author: _Actor | None = None
    editor: _Actor | None = None


class _PageInfo(msgspec.Struct, rename="camel"):
    has_next_page: bool
    end_cursor: str | None = None


class _Comments(msgspec.Struct, rename="camel"):
    nodes: list[_Node]
    page_info: _PageInfo


class _PullRequest(msgspec.Struct):
    id: str
    comments: _Comments


class _Oid(msgspec.Struct):
    oid: str


class _Merged(msgspec.Struct, rename="camel"):
    number: int
    merged: bool
    merge_commit: _Oid | None = None


class _AllMerged(msgspec.Struct):
    nodes: list[_Merged]


class _Commit(msgspec.Struct, rename="camel"):
    associated_pull_requests: _AllMerged | None = None


class _Repository(msgspec.Struct, rename="camel"):
    pull_request: _PullRequest | None = None
    object: _Commit | None = None


class _Data(msgspec.Struct):
    repository: _Repository | None = None


class _Problem(msgspec.Struct):
    message: str = ""
    type: str = ""


class _Answer(msgspec.Struct):
    data: _Data | None = None
    errors: list[_Problem] = []


class GitHub:
    """The comments on one pull request."""

    limit = LIMIT

    def __init__(self, calls: Calls, project: str, number: int | None) -> None:
        self._calls = calls
        self._owner, _, self._name = project.partition("/")
        self._number = number
        self._subject = ""

    def comments(self) -> Iterator[Comment]:
        """All comments, oldest first; a page is fetched when it is needed."""
        after: str | None = None
        while True:
            found = self._look(after)
            self._subject = found.id
            yield from map(_comment, found.comments.nodes)
            after = found.comments.page_info.end_cursor
            if not found.comments.page_info.has_next_page or after is None:
                return

    def create(self, body: str) -> None:
        """Post a comment; :meth:`comments` must have been looked at before."""
        self._ask("comment on the pull request", ADD, id=self._subject, body=body)

    def update(self, comment: Comment, body: str) -> None:
        """Replace a comment's text."""
        self._ask("update the comment", CHANGE, id=comment.id, body=body)

    def request_of(self, commit: str) -> int | None:
        """The number of the pull request whose merge made this commit, if there is one."""
        found = self._ask("find the commit's pull request", MERGED, **self._repository, commit=commit)
        if found.repository is None or found.repository.object is None:
            return None
        nodes = found.repository.object.associated_pull_requests
        merged = [one for one in (nodes.nodes if nodes else ()) if one.merged and one.merge_commit == _Oid(commit)]
        return merged[0].number if len(merged) == 1 else None

    @property
    def _repository(self) -> Mapping[str, str]:
        return {"owner": self._owner, "name": self._name}

    def _look(self, after: str | None) -> _PullRequest:
        action = f"read the comments of {self._owner}/{self._name}#{self._number}"
        found = self._ask(action, LOOK, **self._repository, number=self._number, after=after)
        if found.repository is None or found.repository.pull_request is None:
            raise ForgeError(f"can't {action}: there is no such pull request", remedy=REMEDIES["NOT_FOUND"])
        return found.repository.pull_request

    def _ask(self, action: str, query: str, **variables: Any) -> _Data:
        reply = self._calls.ask(action, "POST", content={"query": query, "variables": variables})
        if reply.status != 200:
            kind = {401: "UNAUTHORIZED", 403: "FORBIDDEN", 404: "NOT_FOUND"}.get(reply.status, "")
            raise ForgeError(
                f"can't {action}: the server answered {reply.status}: {reply.said}", remedy=REMEDIES.get(kind, "")
            )
        answer = reply.read(_Answer, action)
        for problem in answer.errors:
            raise _refusal(action, problem)
        return answer.data or _Data()


def _refusal(action: str, problem: _Problem) -> ForgeError:
    """A refusal with status 200, as GraphQL has them; one without a kind is a failure of GitHub's own."""
    said = " ".join("".join(char if char.isprintable() else " " for char in problem.message).split())[:200]
    if problem.type in {"", "RATE_LIMITED", "RATE_LIMIT", "SERVICE_UNAVAILABLE", "INTERNAL"}:
        return Unanswered(f"can't {action}: {said}")
    return ForgeError(f"can't {action}: {said}", remedy=REMEDIES.get(problem.type, ""))


def _comment(node: _Node) -> Comment:
    altered = node.editor is not None and (node.author is None or node.editor.login != node.author.login)
    return Comment(node.id, node.body, mine=node.viewer_did_author, altered=altered, url=node.url)
