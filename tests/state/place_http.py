"""Servers of Terraform's HTTP protocol as places, one for each dialect."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from tests.state.http_server import PATH, Dialect, StateServer
from tests.state.places import Place

VARIABLES = [
    "ADDRESS", "LOCK_ADDRESS", "UNLOCK_ADDRESS", "UPDATE_METHOD", "LOCK_METHOD", "UNLOCK_METHOD",
    "USERNAME", "PASSWORD", "SKIP_CERT_VERIFICATION", "RETRY_MAX", "RETRY_WAIT_MIN", "RETRY_WAIT_MAX",
    "CLIENT_CA_CERTIFICATE_PEM", "CLIENT_CERTIFICATE_PEM", "CLIENT_PRIVATE_KEY_PEM",
]  # fmt: skip


def environment(**set_to: str) -> dict[str, str]:
    """All variables of Terraform's: those of the machine must not matter, and tries follow each other at once."""
    return {f"TF_HTTP_{name}": "" for name in VARIABLES} | {
        "TF_HTTP_USERNAME": "admin",
        "TF_HTTP_PASSWORD": "s3cret-of-admin",
        "TF_HTTP_RETRY_WAIT_MIN": "0",
        "TF_HTTP_RETRY_WAIT_MAX": "0",
        **{f"TF_HTTP_{name}": value for name, value in set_to.items()},
    }


class HttpPlace(Place):
    """A server of its own, with a lock by verbs of the protocol's own."""

    lacks = frozenset({"holder", "expiry", "death", "history", "empty"})
    dialect = Dialect()

    def __init__(self) -> None:
        self.server = StateServer(self.dialect)
        self.url = self.server.url
        self.environment = environment()

    def put(self, data: bytes) -> None:
        """Change the content behind every client's back."""
        self.server.state.content = data

    def remove(self) -> None:
        """Take the content away behind every client's back."""
        self.server.state.content = None

    def remnants(self) -> set[str]:
        """The lock, if somebody holds it."""
        return {"lock"} if self.server.state.lock else set()

    @contextmanager
    def readable_only(self) -> Iterator[None]:
        """While it lasts, whoever opens the place may read and not write."""
        with _environment(TF_HTTP_USERNAME="reader", TF_HTTP_PASSWORD="s3cret-of-reader"):
            yield

    @contextmanager
    def wrong_credentials(self) -> Iterator[None]:
        """While it lasts, whoever opens the place is nobody whom it knows."""
        with _environment(TF_HTTP_PASSWORD="s3cret-of-nobody"):
            yield

    def close(self) -> None:
        """Leave nothing on the machine."""
        self.server.close()


class HttpPostPlace(HttpPlace):
    """A lock at an address of its own, by usual methods."""

    dialect = Dialect(lock="POST", unlock="DELETE", lock_path=f"{PATH}/lock", held=409, empty=204)

    def __init__(self) -> None:
        super().__init__()
        self.environment = environment(LOCK_ADDRESS=self.server.lock_url, LOCK_METHOD="POST", UNLOCK_METHOD="DELETE")


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    before = {name: os.environ.get(name, "") for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.update(before)
