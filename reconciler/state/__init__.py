"""Where the lockfile is, who holds it and how it is written: everything else sees only :class:`Lockfile` values."""

from reconciler.state.backend import (
    Backend,
    Lease,
    LockInfo,
    StateConflict,
    Stored,
    load,
    open_backend,
    save,
)
from reconciler.state.lockfile import Lockfile, decode, encode, new

__all__ = [
    "Backend",
    "Lease",
    "LockInfo",
    "Lockfile",
    "StateConflict",
    "Stored",
    "decode",
    "encode",
    "load",
    "new",
    "open_backend",
    "save",
]
