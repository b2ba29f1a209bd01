"""What every command shares: the global options, and the way from them to configuration, lockfile and service."""

import gc
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import update_wrapper
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.events import Events
from reconciler.cli.output import show_diagnostics, talk
from reconciler.core.limits import ACCESS_LIMIT
from reconciler.diagnostics import ConfigurationError

if TYPE_CHECKING:
    from reconciler.config import Given, Loaded
    from reconciler.emporix.client import Exchange
    from reconciler.emporix.iam import Connect
    from reconciler.planning import Scope
    from reconciler.state import Seal, Store

DEFAULT_FILE = Path("reconciler.yaml")


@dataclass(slots=True)
class Session:
    """The global options of one run; those repeated after the command are added to it."""

    files: tuple[Path, ...] = ()
    tenants: tuple[str, ...] = ()
    sandbox: bool = False
    state: str | None = None
    state_is_given: bool = False
    verbose: bool = False
    color: bool = False
    lock_timeout: float = 0
    identities: tuple[str, ...] = ()
    tells_access: bool = False
    access_limit: int = ACCESS_LIMIT
    variables: tuple[str, ...] = ()
    variable_files: tuple[Path, ...] = ()
    events: Events = field(default_factory=Events)
    _seal: "Seal | None" = field(default=None, init=False, repr=False)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The configuration's files and folders."""
        return self.files or (DEFAULT_FILE,)

    @property
    def folder(self) -> Path:
        """The folder that the configuration lives in, and with it the default lockfile and the sandbox's data."""
        first = self.paths[0]
        return first if first.is_dir() else first.parent

    def load(self) -> "Loaded":
        """Read the configuration; its warnings go to stderr. Raises ConfigurationError with all problems."""
        from reconciler.config import load

        loaded = load(self.paths, self.given)
        gc.freeze()  # or the collector would walk every member's position again at each of its rounds
        show_diagnostics(loaded.warnings)
        return loaded

    @property
    def given(self) -> "Given":
        """The variables of the command line."""
        from reconciler.config import Given

        return Given(self._assignments(), self.variable_files)

    def _assignments(self) -> dict[str, str]:
        """What ``--var NAME=VALUE`` sets; given twice, nobody can tell which was meant."""
        found: dict[str, str] = {}
        for said in self.variables:
            name, equals, value = said.partition("=")
            if not (name and equals):
                raise ConfigurationError(f"`--var {said}` sets nothing", remedy="write `--var NAME=VALUE`")
            if found.setdefault(name, value) != value:
                raise ConfigurationError(f"`--var {name}=…` is given twice, and differently", remedy="keep one")
        return found

    def scope(self, targets: tuple[str, ...] = (), take_over: bool = False, at: datetime | None = None) -> "Scope":
        """What part of the world to plan, and for when: now, unless somebody rehearses."""
        from reconciler.planning import Scope

        now, access = datetime.now(UTC), (self.tells_access, self.access_limit)
        return Scope(self.tenants, targets, take_over, at or now, self.identities, *access)

    def state_url(self, configured: str | None = None) -> str:
        """Where the lockfile is: the option or RECONCILER_STATE, then the file, then beside the configuration.

        The sandbox has a lockfile of its own, so that a rehearsal never touches the real one.
        """
        if self.sandbox:
            if self.state_is_given:
                raise ConfigurationError("--sandbox keeps a lockfile of its own", remedy="leave --state out")
            return f"file:{self.sandbox_database.with_name('sandbox.lock')}"
        if self.state:
            return self.state
        return configured or f"file:{self.folder / 'reconciler.lock'}"

    def store(self, configured: str | None = None) -> "Store":
        """The place of the lockfile, open for reading and writing."""
        return self.store_at(self.state_url(configured))

    def configured_store(self) -> "Store":
        """The same by itself: a lockfile can be looked into without any configuration, if an option names it."""
        if self.state or self.sandbox or not self.paths[0].exists():
            return self.store()
        from reconciler.config import places_of

        return self.store(places_of(self.paths).state)

    def store_at(self, url: str) -> "Store":
        """Any place of a lockfile."""
        from reconciler.state import Store, open_backend

        return Store(open_backend(url, lease=self.lease), self.seal)

    @property
    def lease(self) -> float:
        """How many seconds a lock outlives a killed run, where its death can't be noticed; RECONCILER_LEASE says it."""
        from reconciler.cli.durations import seconds_in
        from reconciler.state import LEASE

        given = os.environ.get("RECONCILER_LEASE")
        return seconds_in("RECONCILER_LEASE", given, least=1) if given else LEASE

    @property
    def seal(self) -> "Seal":
        """The form of the lockfile that the environment asks for; a rehearsal's own one is always plain.

        One for the whole run, because a key is made from a passphrase only once and a pipe can be read only once.
        """
        from reconciler.state.seal import PLAIN, Seal

        if self._seal is None:
            self._seal = PLAIN if self.sandbox else Seal.of(os.environ)
        return self._seal

    @property
    def service_name(self) -> str:
        """The host that this run is for, or ``sandbox``: what a plan was made for is applied nowhere else."""
        from reconciler.emporix.credentials import api_url

        return "sandbox" if self.sandbox else api_url(os.environ)

    @contextmanager
    def service(self, loaded: "Loaded | None", parallelism: int) -> Iterator["Connect"]:
        """The way to each tenant's service, opened once and closed at the end; with --sandbox the embedded one."""
        from reconciler.emporix.client import Client, Settings
        from reconciler.emporix.credentials import Credentials, api_url, credentials_for
        from reconciler.emporix.iam import Iam

        with ExitStack() as open_clients:
            url = self._start_sandbox(loaded, open_clients) if self.sandbox else api_url(os.environ)
            settings = Settings(url=url, parallelism=parallelism)
            known: dict[str, Iam] = {}
            lock = Lock()

            def connect(tenant: str) -> Iam:
                with lock:
                    if tenant not in known:
                        mine = Credentials(tenant, "sandbox") if self.sandbox else credentials_for(tenant, os.environ)
                        log = log_exchange if self.verbose else Waits()
                        known[tenant] = Iam(open_clients.enter_context(Client(tenant, mine, settings, on_request=log)))
                    return known[tenant]

            yield connect

    def _start_sandbox(self, loaded: "Loaded | None", stack: ExitStack) -> str:
        import sqlite3

        from reconciler.cli.rehearsal import seed_for
        from reconciler.sandbox import SeedError, start

        database = self.sandbox_database
        try:
            database.parent.mkdir(parents=True, exist_ok=True)
            return stack.enter_context(start(database, seed=seed_for(database.parent.parent, loaded))).url
        except SeedError as error:
            raise ConfigurationError(f"the sandbox's seed is wrong: {error}") from error
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError(f"the sandbox can't keep its data in {database.parent}: {error}") from error

    @property
    def sandbox_database(self) -> Path:
        """The file that keeps the embedded sandbox's data between commands, one for each configuration."""
        from reconciler.cli.rehearsal import home

        return home(self.folder) / ".reconciler" / "sandbox.db"


def log_exchange(exchange: "Exchange") -> None:
    """One line for one request, on stderr; an exchange holds no secret."""
    answer = exchange.status if exchange.status is not None else "no answer"
    again = f" (try {exchange.attempt})" if exchange.attempt > 1 else ""
    note = f" {exchange.note}" if exchange.note else ""
    talk([f"{exchange.method} {exchange.path} {answer} {exchange.seconds * 1000:.0f} ms{again}{note}"])


class Waits:
    """Tells somebody who waits why: a service that asks to slow down, or fails, looks like one that hangs."""

    LONG = 5.0
    """Seconds of a wait that are worth a line, and between two such lines."""

    def __init__(self) -> None:
        self.told = float("-inf")

    def __call__(self, exchange: "Exchange") -> None:
        """Say it for a long wait, unless it was said just now."""
        now, seconds = time.monotonic(), exchange.wait or exchange.asked or 0
        if seconds >= self.LONG and now - self.told >= self.LONG:
            self.told = now
            why = "The service asks to slow down" if exchange.asked else "The service did not answer as it should"
            talk([f"{why} ({exchange.status or exchange.note}): waiting {seconds:.0f} s"])


REPEATED = (
    click.option("-f", "--file", "more_files", multiple=True, type=click.Path(path_type=Path), hidden=True),
    click.option("--var", "more_variables", multiple=True, hidden=True),
    click.option("--var-file", "more_variable_files", multiple=True, type=click.Path(path_type=Path), hidden=True),
    click.option("--sandbox", "in_sandbox", is_flag=True, hidden=True),
    click.option("--state", "other_state", hidden=True),
    click.option("--no-color", "colorless", is_flag=True, hidden=True),
    click.option("-v", "--verbose", "louder", is_flag=True, hidden=True),
)
"""The global options once more, for after the command, because that is where fingers put them."""


def file_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the session, and let the global options stand after it too."""

    def with_session(
        session: Session,
        /,
        *args: Any,
        more_files: tuple[Path, ...],
        more_variables: tuple[str, ...],
        more_variable_files: tuple[Path, ...],
        in_sandbox: bool,
        other_state: str | None,
        colorless: bool,
        louder: bool,
        **options: Any,
    ) -> Any:
        session.files += more_files
        session.variables += more_variables
        session.variable_files += more_variable_files
        session.sandbox |= in_sandbox
        session.verbose |= louder
        session.color &= not colorless
        if other_state is not None:
            session.state, session.state_is_given = other_state, True
        return command(session, *args, **options)

    found: Callable[..., Any] = click.pass_obj(update_wrapper(with_session, command))
    for option in REPEATED:
        found = option(found)
    return found


def shared_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The same, and --tenant, for commands that can be limited to tenants."""

    def for_tenants(session: Session, /, *args: Any, more_tenants: tuple[str, ...], **options: Any) -> Any:
        session.tenants += more_tenants
        return command(session, *args, **options)

    option = click.option("--tenant", "more_tenants", multiple=True, metavar="NAME", help="Only this tenant.")
    return file_options(option(update_wrapper(for_tenants, command)))
