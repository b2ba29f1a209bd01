"""Where the lockfile is, who holds it and how it is written: everything else sees only :class:`Lockfile` values."""

from reconciler.state.backend import LEASE, Backend, Lease, StateConflict, Stored
from reconciler.state.lock import LockInfo
from reconciler.state.lockfile import Lockfile, decode, encode, new, peek
from reconciler.state.places import open_backend
from reconciler.state.seal import Seal
from reconciler.state.store import Look, Store, signed

__all__ = [
    "LEASE",
    "Backend",
    "Lease",
    "LockInfo",
    "Lockfile",
    "Look",
    "Seal",
    "StateConflict",
    "Store",
    "Stored",
    "decode",
    "encode",
    "new",
    "open_backend",
    "peek",
    "signed",
]
