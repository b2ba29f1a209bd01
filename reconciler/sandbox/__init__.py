"""A look-alike of the Emporix IAM service: the independent witness that the reconciler is tested against.

It is built from the vendor's published specs and imports nothing else of the reconciler. SQLite holds the
data, Starlette on uvicorn serves it, on loopback only. It offers every operation of the IAM spec, the token
call and the reading, listing and search of customers. Left out: the `*_own` scopes (for tokens of customers, which it
does not issue), the list of valid `restrictions` (any value is taken), writes of customers.

Starlette and uvicorn are imported by the functions below, not with the package (start-up time).
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.errors import SeedError
from reconciler.sandbox.options import Options

if TYPE_CHECKING:
    from reconciler.sandbox.server import Sandbox

DEFAULTS = Options()

__all__ = ["Options", "Sandbox", "SeedError", "load_seed", "reset", "serve", "start"]


def start(
    db: Path | None,
    *,
    port: int = 0,
    seed: Path | Mapping[str, Any] | None = None,
    options: Options = DEFAULTS,
) -> "Sandbox":
    """Start a server in this process and return when it accepts connections.

    Without `db` the data lives in memory. The seed is loaded only into a database without tenants, so that
    what commands have changed survives the next start. Raises SeedError, FaultError (both ValueError), OSError.
    """
    from reconciler.sandbox import server

    return server.start(db, port=port, seed=seed, options=options)


def serve(db: Path | None, *, port: int, seed: Path | None, options: Options, announce: Callable[[str], None]) -> None:
    """Serve in the foreground until SIGINT or SIGTERM; `announce` gets one line with the URL when it is ready."""
    from reconciler.sandbox import server

    server.serve(db, port=port, seed=seed, options=options, announce=announce)


def load_seed(db: Path, seed: Path | Mapping[str, Any]) -> dict[str, int]:
    """Add the tenants of a seed to a database, replacing those of the same name, and count what they hold."""
    from reconciler.sandbox.seed import plant, read
    from reconciler.sandbox.store import Store

    found = read(seed)
    with Store(db) as store:
        return plant(store, found)


def reset(db: Path) -> None:
    """Empty a database: all tenants with all they hold, also while a server has it open."""
    from reconciler.sandbox.store import Store

    with Store(db) as store, store.writing():
        for tenant in store.tenants():
            store.drop_tenant(tenant)


def __getattr__(name: str) -> Any:
    """`Sandbox` lives beside the server that it runs, so it is fetched when it is asked for."""
    if name == "Sandbox":
        from reconciler.sandbox.server import Sandbox

        return Sandbox
    raise AttributeError(name)
