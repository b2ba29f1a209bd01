"""Stand-ins for GitHub and GitLab over real HTTP, written from their public documentation and not from our client.

GitHub: https://docs.github.com/en/graphql/reference (queries and mutations of comments; errors come with status 200).
GitLab: https://docs.gitlab.com/api/notes/ (pages by ``x-next-page``; the token in ``PRIVATE-TOKEN``).
"""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "ghs_s3cr3tT0ken"
ME = "github-actions"
MERGE = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00"


@dataclass
class Written:
    """A comment as the forge keeps it."""

    id: int
    author: str
    body: str
    editor: str | None = None
    system: bool = False


@dataclass(frozen=True)
class Fault:
    """What goes wrong with the next request of a kind (look, create, update, merged, user).

    ``status`` 0 drops the connection; the work is done before if ``done``.
    """

    kind: str
    status: int = 0
    done: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b"<html>gateway</html>"


@dataclass
class Forge:
    """One repository with the request number 12."""

    url: str = ""
    comments: list[Written] = field(default_factory=list)
    faults: deque[Fault] = field(default_factory=deque)
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    page: int = 100
    merged: list[int] = field(default_factory=lambda: [12])
    readonly: bool = False
    lock: threading.RLock = field(default_factory=threading.RLock)

    def add(self, author: str, body: str, **more: Any) -> Written:
        written = Written(100 + len(self.comments), author, body, **more)
        self.comments.append(written)
        return written

    @property
    def ours(self) -> list[str]:
        return [one.body for one in self.comments if one.author == ME]

    def fault(self, kind: str) -> Fault | None:
        self.asked.append(kind)
        if self.faults and self.faults[0].kind == kind:
            return self.faults.popleft()
        return None


Answer = tuple[int, Any, dict[str, str]]
Work = tuple[str, Callable[[], Answer]]


def _comment(one: Written) -> dict[str, Any]:
    return {
        "id": f"IC_{one.id}",
        "url": f"https://github.example/acme/access/pull/12#issuecomment-{one.id}",
        "body": one.body,
        "viewerDidAuthor": one.author == ME,
        "author": {"login": one.author} if one.author else None,
        "editor": {"login": one.editor} if one.editor else None,
    }


def _refused(kind: str, message: str) -> Answer:
    return 200, {"data": None, "errors": [{"type": kind, "path": ["x"], "message": message}]}, {}


def github(here: Forge, method: str, target: str, headers: dict[str, str], body: bytes) -> Work:
    """GitHub's GraphQL endpoint."""
    if headers.get("Authorization") != f"Bearer {TOKEN}":
        return "denied", lambda: (401, {"message": "Bad credentials"}, {})
    if (method, target) != ("POST", "/graphql"):
        return "lost", lambda: (404, {"message": "Not Found"}, {})
    asked = json.loads(body)
    query, variables = asked["query"], asked["variables"]
    if "addComment(" in query:
        return "create", lambda: _add(here, variables)
    if "updateIssueComment(" in query:
        return "update", lambda: _change(here, variables)
    if (variables["owner"], variables["name"]) != ("acme", "access"):
        return "look", lambda: _refused("NOT_FOUND", "Could not resolve to a Repository with the name 'x'.")
    if "associatedPullRequests" in query:
        return "merged", lambda: _merged(here, variables)
    return "look", lambda: _look(here, variables)


def _look(here: Forge, variables: dict[str, Any]) -> Answer:
    if variables["number"] != 12:
        return 200, {
            "data": {"repository": {"pullRequest": None}},
            "errors": [{"type": "NOT_FOUND", "message": "Could not resolve to a PullRequest with the number of 13."}],
        }, {}  # fmt: skip
    start = int(variables["after"] or 0)
    end = start + min(here.page, 100)
    comments = {
        "nodes": [_comment(one) for one in here.comments[start:end]],
        "pageInfo": {"hasNextPage": end < len(here.comments), "endCursor": str(end)},
    }
    return 200, {"data": {"repository": {"pullRequest": {"id": "PR_12", "comments": comments}}}}, {}


def _merged(here: Forge, variables: dict[str, Any]) -> Answer:
    found = None
    if variables["commit"] == MERGE:
        nodes = [{"number": number, "merged": True, "mergeCommit": {"oid": MERGE}} for number in here.merged]
        nodes.append({"number": 99, "merged": False, "mergeCommit": None})
        found = {"associatedPullRequests": {"nodes": nodes}}
    return 200, {"data": {"repository": {"object": found}}}, {}


def _add(here: Forge, variables: dict[str, Any]) -> Answer:
    if here.readonly:
        return _refused("FORBIDDEN", "Resource not accessible by integration")
    if len(variables["body"]) > 65536:
        return _refused("UNPROCESSABLE", "Body is too long (maximum is 65536 characters)")
    assert variables["id"] == "PR_12"
    here.add(ME, variables["body"].replace("\n", "\r\n").rstrip())
    return 200, {"data": {"addComment": {"commentEdge": {"node": {"url": "https://github.example/1"}}}}}, {}


def _change(here: Forge, variables: dict[str, Any]) -> Answer:
    (one,) = [one for one in here.comments if f"IC_{one.id}" == variables["id"]]
    if one.author != ME:
        return _refused("FORBIDDEN", "viewer may not update this comment")
    one.body, one.editor = variables["body"], ME
    return 200, {"data": {"updateIssueComment": {"issueComment": {"url": "https://github.example/1"}}}}, {}


def gitlab(here: Forge, method: str, target: str, headers: dict[str, str], body: bytes) -> Work:
    """GitLab's REST API below /api/v4."""
    if headers.get("PRIVATE-TOKEN") != TOKEN:
        return "denied", lambda: (401, {"message": "401 Unauthorized"}, {})
    parts = urlsplit(target)
    path = [unquote(piece) for piece in parts.path.split("/")[3:]]
    query = {key: found[-1] for key, found in parse_qs(parts.query).items()}
    if (method, path) == ("GET", ["user"]):
        return "user", lambda: (200, {"id": 7, "username": "project_1_bot", "bot": True}, {})
    if path[:2] not in (["projects", "acme/access"], ["projects", "42"]):
        return "lost", lambda: (404, {"message": "404 Project Not Found"}, {})
    match method, path[2:]:
        case "GET", ["merge_requests", "12", "notes"]:
            return "look", lambda: _notes(here, query)
        case "POST", ["merge_requests", "12", "notes"]:
            return "create", lambda: _note(here, json.loads(body)["body"])
        case "PUT", ["merge_requests", "12", "notes", number]:
            return "update", lambda: _renote(here, int(number), json.loads(body)["body"])
        case "GET", ["repository", "commits", commit, "merge_requests"]:
            return "merged", lambda: (200, _requests(here, commit), {})
    return "lost", lambda: (404, {"message": "404 Not found"}, {})


def _notes(here: Forge, query: dict[str, str]) -> Answer:
    size, page = min(here.page, int(query["per_page"])), int(query["page"])
    some = here.comments[(page - 1) * size : page * size]
    more = page * size < len(here.comments)
    ids = {ME: 7}
    notes = [
        {"id": one.id, "body": one.body, "system": one.system, "author": {"id": ids.get(one.author, 1)}} for one in some
    ]
    return 200, notes, {"x-next-page": str(page + 1) if more else ""}


def _note(here: Forge, body: str) -> Answer:
    if here.readonly:
        return 403, {"message": "403 Forbidden"}, {}
    here.add(ME, body.rstrip())
    return 201, {"id": here.comments[-1].id, "body": body}, {}


def _renote(here: Forge, number: int, body: str) -> Answer:
    (one,) = [one for one in here.comments if one.id == number]
    if one.author != ME:
        return 403, {"message": "403 Forbidden"}, {}
    one.body = body.rstrip()
    return 200, {"id": number, "body": body}, {}


def _requests(here: Forge, commit: str) -> list[dict[str, Any]]:
    if commit != MERGE:
        return []
    rest = {"iid": 99, "state": "opened", "sha": MERGE, "merge_commit_sha": None, "squash_commit_sha": None}
    return [
        *(
            {"iid": n, "state": "merged", "sha": "1", "merge_commit_sha": MERGE, "squash_commit_sha": None}
            for n in here.merged
        ),
        rest,
    ]


@contextmanager
def serve(api: Callable[..., Work], prefix: str) -> Iterator[Forge]:
    """Serves one forge until the test ends."""
    here = Forge()

    class Desk(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with here.lock:
                here.headers.append(dict(self.headers))
                sent = {"Authorization": "", "PRIVATE-TOKEN": "", **self.headers}
                kind, work = api(here, self.command, self.path, sent, body)
                fault = here.fault(kind)
                if fault is None:
                    self.reply(*work())
                    return
                if fault.done:
                    work()
            if fault.status == 0:
                self.close_connection = True
                self.connection.close()
            else:
                self.reply(fault.status, fault.body, dict(fault.headers))

        def reply(self, status: int, content: Any, headers: dict[str, str]) -> None:
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_POST = answer

        def log_message(self, *args: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(OSError, ValueError):  # we closed it on purpose
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
    server.daemon_threads = True
    here.url = f"http://127.0.0.1:{server.server_port}{prefix}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield here
    finally:
        server.shutdown()
        server.server_close()
