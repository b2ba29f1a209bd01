"""A server of build artifacts: it serves pages under the policy that it is told, as GitLab and Jenkins do."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class Artifacts:
    """Pages by path, and what else was asked for."""

    def __init__(self) -> None:
        self._pages: dict[str, tuple[bytes, str]] = {}
        self.unknown: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._answering())
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def put(self, content: str, policy: str = "") -> str:
        """The URL under which the page is to be had, with a Content-Security-Policy of the server's own."""
        path = f"/{len(self._pages)}.html"
        self._pages[path] = content.encode(), policy
        return self.url + path[1:]

    def _answering(self) -> type[BaseHTTPRequestHandler]:
        artifacts = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path not in artifacts._pages:
                    artifacts.unknown.append(self.path)
                    self.send_error(404)
                    return
                content, policy = artifacts._pages[self.path]
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(content)))
                if policy:
                    self.send_header("Content-Security-Policy", policy)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Answer

    def __enter__(self) -> "Artifacts":
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
