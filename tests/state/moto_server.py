"""moto's server, one request at a time: by itself it checks a condition and writes in two steps.

Two writers who must not both win would then both do so once in a while, which no real store allows.

    python tests/state/moto_server.py PORT
"""

import sys
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any

from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import run_simple


def main(port: int) -> None:
    moto, turn = DomainDispatcherApplication(create_backend_app), Lock()

    def one_at_a_time(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        with turn:
            found: Iterable[bytes] = moto(environ, start_response)
            return found

    run_simple("127.0.0.1", port, one_at_a_time, threaded=True, request_handler=MotoRequestHandler)


if __name__ == "__main__":
    main(int(sys.argv[1]))
