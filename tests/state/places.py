"""The places that the conformance suite runs against; a new place is a class and a name in :func:`places`."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import ClassVar

from reconciler.state import LEASE, Backend, open_backend

NOBODY = 65534


class Place:
    """One place for a lockfile, empty at first, and what is done to it behind every client's back.

    ``lacks`` names what this place can't do, so that the suite leaves out the tests that need it: ``holder`` (tell who
    holds the lock without disturbing), ``expiry`` (end a lock by date), ``death`` (notice, at once or when the lease is
    over, that a holder died), ``history`` (keep earlier contents), ``rights`` (refuse to write for some), ``empty``
    (tell a content of no bytes from none).
    """

    lacks: ClassVar[frozenset[str]] = frozenset()
    environment: Mapping[str, str] = {}
    """What clients find in their environment, such as credentials."""

    url: str
    lease: float = LEASE

    def open(self) -> Backend:
        """One more client."""
        return open_backend(self.url, lease=self.lease)

    def put(self, data: bytes) -> None:
        """Change the content behind every client's back."""
        raise NotImplementedError

    def remove(self) -> None:
        """Take the content away behind every client's back."""
        raise NotImplementedError

    def remnants(self) -> set[str]:
        """What is there besides the content, its history and what says that nobody holds the lock."""
        raise NotImplementedError

    def readable_only(self) -> AbstractContextManager[None]:
        """While it lasts, whoever opens the place may read and not write."""
        raise NotImplementedError

    def wrong_credentials(self) -> AbstractContextManager[None]:
        """While it lasts, whoever opens the place is nobody whom it knows."""
        raise NotImplementedError

    def close(self) -> None:
        """Leave nothing on the machine."""


class LocalPlace(Place):
    """A folder of its own; not pytest's, for that one is closed to the user without rights."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="reconciler-state-"))
        self.folder.chmod(0o755)
        self.path = self.folder / "reconciler.lock"
        self.url = f"file:{self.path}"

    def put(self, data: bytes) -> None:
        """Change the content behind every client's back."""
        self.path.write_bytes(data)

    def remove(self) -> None:
        """Take the content away behind every client's back."""
        self.path.unlink()

    def remnants(self) -> set[str]:
        """What is there besides the content and its backup."""
        return {path.name for path in self.folder.iterdir()} - {"reconciler.lock", "reconciler.lock.backup"}

    @contextmanager
    def readable_only(self) -> Iterator[None]:
        """While it lasts, whoever opens the place may read and not write."""
        if self.path.exists():
            self.path.chmod(0o444)
        self.folder.chmod(0o555)
        try:
            with without_privileges():
                yield
        finally:
            self.folder.chmod(0o755)

    def close(self) -> None:
        """Leave nothing on the machine."""
        shutil.rmtree(self.folder)

    @contextmanager
    def wrong_credentials(self) -> Iterator[None]:
        """What a file of somebody else's is to a stranger."""
        self.path.touch()
        self.path.chmod(0o000)
        try:
            with without_privileges():
                yield
        finally:
            self.path.chmod(0o600)


def places() -> dict[str, type[Place]]:
    """Every place by the name that its tests show."""
    from tests.state.place_buckets import AzuritePlace, MotoPlace, SeaweedPlace
    from tests.state.place_http import HttpPlace, HttpPostPlace
    from tests.state.place_postgres import PostgresPlace

    return {
        "file": LocalPlace,
        "s3-seaweedfs": SeaweedPlace,
        "s3-moto": MotoPlace,
        "azure-azurite": AzuritePlace,
        "http": HttpPlace,
        "http-post": HttpPostPlace,
        "postgresql": PostgresPlace,
    }


@contextmanager
def without_privileges() -> Iterator[None]:
    """File permissions mean nothing to root: as root, be nobody for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
