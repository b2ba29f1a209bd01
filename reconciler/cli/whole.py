"""Files that are written whole or not at all."""

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path


def write_whole(files: Mapping[Path, bytes], *, private: bool = False) -> None:
    """Write files so that each is complete or as it was, and none is touched unless all can be written.

    A file that is there keeps its mode and, as far as we may, its owner, and a symbolic link leads to it as before. A
    new or ``private`` file is readable by its owner only, and takes the place of a link.
    """
    staged: list[tuple[Path, Path]] = []
    try:
        for path, data in files.items():
            target = path if private else path.resolve()
            staged.append((_stage(target, data, private), target))
        for temporary, target in staged:
            temporary.replace(target)
    finally:
        for temporary, _ in staged:
            with suppress(OSError):
                temporary.unlink()


def _stage(target: Path, data: bytes, private: bool) -> Path:
    """The data beside its target, on the same disk, so that taking its place can't fail half-way."""
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            if not private and target.exists():
                _resemble(file.fileno(), target)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def _resemble(descriptor: int, target: Path) -> None:
    found = target.stat()
    with suppress(PermissionError):
        os.fchown(descriptor, found.st_uid, found.st_gid)
    os.fchmod(descriptor, found.st_mode & 0o777)
