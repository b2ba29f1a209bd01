"""Which transport to put under httpx: requests a second and start-up time of the candidates, as a table.

Run ``python -m tests.benchmarks.transport`` in the checkout. The sandbox runs in another process on the same machine;
what is sent are additions of members, as in a first apply. Compare within one run only: machines and neighbours differ.
"""

import argparse
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any

import httpx

from reconciler.core.model import UserType
from reconciler.emporix import calls
from reconciler.emporix.client import Client, Settings
from reconciler.emporix.credentials import Credentials
from reconciler.emporix.transport import PooledTransport

CREDENTIALS = Credentials(client_id="robot", client_secret="robot")
SERVER = """
import sys
from reconciler.sandbox import Options, start
seed = {"tenants": [{"tenant": "acme", "clients": [{"client_id": "robot", "client_secret": "robot"}],
                     "groups": [{"id": "g", "name": {"en": "g"}}], "employees": [f"u{i}" for i in range(5000)]}]}
with start(None, seed=seed, options=Options(latency_ms=float(sys.argv[1]))) as sandbox:
    print(sandbox.url, flush=True)
    sys.stdin.read()
"""


class PerThread(httpx.BaseTransport):
    """httpx's own transport, one with a single connection for each thread."""

    def __init__(self) -> None:
        self._own = threading.local()
        self._context = httpx.create_ssl_context()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not hasattr(self._own, "transport"):
            limits = httpx.Limits(max_connections=1)
            self._own.transport = httpx.HTTPTransport(verify=self._context, limits=limits)
        return self._own.transport.handle_request(request)


class Urllib3(httpx.BaseTransport):
    """urllib3's pool."""

    def __init__(self) -> None:
        import urllib3

        self._pools = urllib3.PoolManager(maxsize=200, num_pools=4)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        target, headers = str(request.url), dict(request.headers)
        answer = self._pools.urlopen(
            request.method, target, body=request.content or None, headers=headers, retries=False, redirect=False
        )
        return httpx.Response(answer.status, headers=list(answer.headers.items()), content=answer.data)


class Stdlib(httpx.BaseTransport):
    """http.client, one connection for each thread."""

    def __init__(self) -> None:
        self._own = threading.local()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not hasattr(self._own, "connection"):
            self._own.connection = HTTPConnection(request.url.host, request.url.port, timeout=30)
        connection = self._own.connection
        headers = dict(request.headers)
        connection.request(request.method, request.url.raw_path.decode(), request.content or None, headers)
        answer = connection.getresponse()
        return httpx.Response(answer.status, headers=answer.getheaders(), content=answer.read())


CANDIDATES: dict[str, Callable[[], httpx.BaseTransport]] = {
    "httpx's own pool": lambda: httpx.HTTPTransport(limits=httpx.Limits(max_connections=None)),
    "httpx, one per thread": PerThread,
    "urllib3's pool": Urllib3,
    "http.client per thread": Stdlib,
    "ours (PooledTransport)": PooledTransport,
}
IMPORTS = {
    "python": "pass",
    "httpx": "import httpx",
    "httpx, urllib3": "import httpx, urllib3",
    "our client": "import reconciler.emporix.iam",
}


@contextmanager
def sandbox(latency: int) -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(latency)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None and server.stdout is not None
        yield server.stdout.readline().strip()
        server.stdin.close()


def rate(make: Callable[[], httpx.BaseTransport], latency: int, connections: int, count: int) -> tuple[float, float]:
    """Requests a second through httpx.Client on as many threads as connections, and CPU microseconds a request."""
    with sandbox(latency) as url, httpx.Client(transport=make()) as client:
        form = {"grant_type": "client_credentials", "client_id": "robot", "client_secret": "robot"}
        token = httpx.post(f"{url}/oauth/token", data=form).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Emporix-Tenant": "acme", "Accept": "application/json"}
        timeout = {"timeout": httpx.Timeout(30).as_dict()}
        todo: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in range(count):
            todo.put(number)

        def work() -> None:
            while (number := next_of(todo)) is not None:
                target = f"{url}/iam/acme/groups/g/users/EMPLOYEE/u{number}"
                try:
                    client.send(httpx.Request("PUT", target, headers=headers, extensions=timeout)).raise_for_status()
                except httpx.TransportError:
                    todo.put(number)

        wall, cpu = timed(lambda: together(work, connections))
    return count / wall, cpu / count * 1e6


def next_of(todo: "queue.SimpleQueue[int]") -> int | None:
    try:
        return todo.get_nowait()
    except queue.Empty:
        return None


def together(work: Callable[[], None], threads: int) -> None:
    running = [threading.Thread(target=work) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def whole_client(latency: int, parallelism: int, count: int) -> tuple[float, float]:
    """Seconds for additions through our client, with token, limiter and retries, and CPU microseconds a request."""
    settings = {"parallelism": parallelism}
    with sandbox(latency) as url, Client("acme", CREDENTIALS, Settings(url=url, **settings)) as client:

        def add() -> None:
            todo = [calls.add_member("acme", "g", UserType.EMPLOYEE, f"u{number}") for number in range(count)]
            for future in [client.begin(call) for call in todo]:
                future.result()

        wall, cpu = timed(add)
        assert client.sent == {"token": 1, "add member": count}
    return wall, cpu / count * 1e6


def startup(code: str) -> float:
    times = [timed(lambda: subprocess.run([sys.executable, "-c", code], check=True))[0] for _ in range(9)]
    return sorted(times)[len(times) // 2] * 1000


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--count", type=int, default=1000)
    chosen = arguments.parse_args()
    print("median milliseconds to start:", {name: round(startup(code)) for name, code in IMPORTS.items()})
    cells = [(latency, connections) for latency in (0, 50) for connections in (10, 50, 200)]
    print(f"{'requests a second (CPU us)':26}" + "".join(f"{f'{ms} ms, c {c}':>16}" for ms, c in cells))
    for name, make in CANDIDATES.items():
        found = [max(rate(make, *cell, chosen.count) for _ in range(chosen.rounds)) for cell in cells]
        print(f"{name:26}" + "".join(f"{f'{speed:.0f} ({cpu:.0f})':>16}" for speed, cpu in found), flush=True)
    for latency, parallelism in ((50, 50), (50, 16), (0, 16)):
        wall, cpu = min(whole_client(latency, parallelism, chosen.count) for _ in range(chosen.rounds))
        print(f"whole client, {chosen.count} PUTs, {latency} ms, parallelism {parallelism}: {wall:.2f} s, {cpu:.0f} us")


if __name__ == "__main__":
    main()
