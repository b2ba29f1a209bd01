"""Notes on GitLab's merge requests, by its REST API: https://docs.gitlab.com/api/notes/#merge-requests."""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

import msgspec

from reconciler.diagnostics import ForgeError
from reconciler.forge.calls import Calls, Reply
from reconciler.forge.notes import Comment

LIMIT: Final = 1_000_000
"""Characters of a note."""

REMEDIES: Final = {
    401: "GITLAB_TOKEN is wrong or has expired; a CI_JOB_TOKEN does not work here",
    403: "GITLAB_TOKEN needs the scope api and a role that may comment (Reporter or above)",
    404: "check group/project!number, and that GITLAB_TOKEN may see that project",
}


class _Author(msgspec.Struct):
    id: int


class _Note(msgspec.Struct):
    id: int
    body: str
    author: _Author
    system: bool = False


class _MergeRequest(msgspec.Struct):
    iid: int
    state: str
    sha: str | None = None
    merge_commit_sha: str | None = None
    squash_commit_sha: str | None = None


class GitLab:
    """The notes on one merge request.

    Who edited a note is nothing that the API tells; besides its author only maintainers may, who could merge as well.
    """

    limit = LIMIT

    def __init__(self, calls: Calls, project: str, number: int | None) -> None:
        self._calls = calls
        self._project = f"/projects/{quote(project, safe='')}"
        self._notes = f"{self._project}/merge_requests/{number}/notes"
        self._me: int | None = None

    def comments(self) -> Iterator[Comment]:
        """All notes of people and programs, oldest first; a page is fetched when it is needed."""
        page = "1"
        while page:
            query = {"per_page": "100", "page": page, "sort": "asc", "order_by": "created_at"}
            reply = self._ask("read the notes", "GET", self._notes, query)
            for note in reply.read(list[_Note], "read the notes"):
                if not note.system:
                    yield Comment(str(note.id), note.body, mine=note.author.id == self._user())
            page = reply.headers.get("x-next-page", "")

    def create(self, body: str) -> None:
        """Post a note."""
        self._ask("comment on the merge request", "POST", self._notes, content={"body": body})

    def update(self, comment: Comment, body: str) -> None:
        """Replace a note's text."""
        self._ask("update the note", "PUT", f"{self._notes}/{comment.id}", content={"body": body})

    def request_of(self, commit: str) -> int | None:
        """The number of the merge request that put this commit where it is, if there is one."""
        action = "find the commit's merge request"
        path = f"{self._project}/repository/commits/{quote(commit, safe='')}/merge_requests"
        found = self._ask(action, "GET", path).read(list[_MergeRequest], action)
        merged = [
            one.iid for one in found
            if one.state == "merged" and commit in {one.merge_commit_sha, one.squash_commit_sha, one.sha}
        ]  # fmt: skip
        return merged[0] if len(merged) == 1 else None

    def _user(self) -> int:
        """Who the token is: a person, or the bot of a project's or a group's access token."""
        if self._me is None:
            self._me = self._ask("ask whose token this is", "GET", "/user").read(_Author, "ask whose token this is").id
        return self._me

    def _ask(
        self, action: str, method: str, path: str, query: dict[str, str] | None = None, content: Any = None
    ) -> Reply:
        reply = self._calls.ask(action, method, path, query=query, content=content)
        if reply.status in {200, 201}:
            return reply
        raise ForgeError(
            f"can't {action}: the server answered {reply.status}: {reply.said}", remedy=REMEDIES.get(reply.status, "")
        )
