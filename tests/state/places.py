"""The places that the conformance suite runs against; a new place is a class here and a name in ``PLACES``."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.state import Backend, open_backend

NOBODY = 65534


class LocalPlace:
    """A folder of its own; not pytest's, for that one is closed to the user without rights."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="reconciler-state-"))
        self.folder.chmod(0o755)
        self.path = self.folder / "reconciler.lock"
        self.url = f"file:{self.path}"

    def open(self) -> Backend:
        """One more client."""
        return open_backend(self.url)

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


PLACES = {"file": LocalPlace}


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
