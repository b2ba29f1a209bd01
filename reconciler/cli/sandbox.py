"""``sandbox``: the look-alike of the service, for rehearsals and first steps."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from reconciler.cli.output import talk
from reconciler.cli.session import Session, file_options
from reconciler.diagnostics import ConfigurationError

database_option = click.option(
    "--db", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="The file that holds the data.  [default: the one that --sandbox uses]",
)  # fmt: skip


@click.group()
def sandbox() -> None:
    """Run, fill or empty a look-alike of the Emporix IAM service."""


SERVED = """\b
Examples:
  reconciler sandbox serve --port 8099 --seed seed.yaml --latency 50
  reconciler sandbox serve --fail 'PUT /iam/*/groups/*/users/** 503 every=7'

\b
A seed has the API's own fields, of which only ids are needed:
  tenants:
    - tenant: acmeprod
      accessControls: [{id: orders, scopes: [order.order_manage], restrictionAware: true}]
      templates: [{id: office, accessControls: [orders]}]
      groups: [{id: desk, userType: EMPLOYEE, templates: [office], restrictions: [DE]}]
      employees: [ana, {id: jon, contactEmail: jon@acme.example, isAccountLocked: true}]
      customers: [{id: kim, contactEmail: kim@acme.example, active: false}]
      assignments: [{groupId: desk, userId: ana}]

\b
--fail takes METHOD PATH OUTCOME [OPTION=VALUE]...: METHOD and PATH are globs,
OUTCOME is a status, reset, truncate, html, empty or hang, and the options are
retry-after, effect=done, after=N, every=N, times=N, status and seconds.
"""


@sandbox.command(epilog=SERVED)
@click.option("--port", type=click.IntRange(0, 65535), default=8099, show_default=True, help="0 takes a free one.")
@click.option(
    "--db", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Keep the data here, not in memory."
)
@click.option("--seed", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="What a new one holds.")
@click.option(
    "--latency", type=click.FloatRange(0), default=0, metavar="MS", help="Answer every request so much later."
)
@click.option("--rate-limit", type=click.FloatRange(min=0, min_open=True), metavar="N", help="429 above N a second.")
@click.option("--page-cap", type=click.IntRange(1), metavar="N", help="Never more than N rows a page.")
@click.option("--fail", "faults", multiple=True, metavar="SPEC", help="Answer some requests wrongly; may be repeated.")
@click.option(
    "--token-lifetime", type=click.IntRange(1), default=14399, metavar="SECONDS", help="Tokens end after this."
)
def serve(
    port: int,
    db: Path | None,
    seed: Path | None,
    latency: float,
    rate_limit: float | None,
    page_cap: int | None,
    faults: tuple[str, ...],
    token_lifetime: int,
) -> None:
    """Serve it on this machine until Ctrl-C; prints one line when it is ready.

    Point the reconciler at it with EMPORIX_API_URL; each tenant's client id is its name and the secret is "sandbox".
    """
    from reconciler.sandbox import Options
    from reconciler.sandbox import serve as run

    options = Options(latency, rate_limit, page_cap, faults, token_lifetime)
    with _explained():
        run(db, port=port, seed=seed, options=options, announce=click.echo)


@sandbox.command(epilog="\b\nExample:\n  reconciler sandbox seed examples/quickstart/sandbox/seed.yaml --db sandbox.db")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@database_option
@file_options
def seed(session: Session, file: Path, db: Path | None) -> None:
    """Load tenants from a YAML or JSON file, replacing those of the same name."""
    from reconciler.sandbox import load_seed

    database = db or session.sandbox_database
    with _explained():
        database.parent.mkdir(parents=True, exist_ok=True)
        counts = load_seed(database, file)
    talk(["Loaded " + ", ".join(f"{count} {name}" for name, count in counts.items()) + f" into {database}."])


@sandbox.command(epilog="\b\nExample:\n  reconciler -f examples/quickstart sandbox reset")
@database_option
@file_options
def reset(session: Session, db: Path | None) -> None:
    """Empty the sandbox, and forget its lockfile: the next --sandbox run starts afresh."""
    from reconciler.sandbox import reset as empty

    database = db or session.sandbox_database
    with _explained():
        if database.exists():
            empty(database)
        if db is None:
            for name in ("sandbox.lock", "sandbox.lock.backup"):
                database.with_name(name).unlink(missing_ok=True)
    talk([f"Emptied {database}."])


@contextmanager
def _explained() -> Iterator[None]:
    """Bad seeds, bad fault rules, ports in use and unwritable files are the user's to mend, so they get a message."""
    try:
        yield
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    except OSError as error:
        raise ConfigurationError(f"the sandbox can't start: {error}") from error
