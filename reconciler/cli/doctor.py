"""``doctor``: is everything in place for a plan and an apply, and if not, what is missing."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import click

from reconciler.cli.output import show
from reconciler.cli.session import Session, shared_options
from reconciler.diagnostics import ExitCode, ReconcilerError

if TYPE_CHECKING:
    from reconciler.config import Loaded
    from reconciler.emporix.iam import Connect
    from reconciler.emporix.standing import Standing

MOST_SKEW = 60.0
"""Seconds that the clocks may differ before it is said: tokens and dates are judged by them."""


class Finding(NamedTuple):
    """One thing that was looked at: whether it is well, and what to know or do. A remark is neither good nor bad."""

    mark: str
    what: str


def ok(what: str) -> Finding:
    """All is well with it."""
    return Finding("ok", what)


def wrong(what: str) -> Finding:
    """It stands in the way of a plan or an apply."""
    return Finding("wrong", what)


def note(what: str) -> Finding:
    """Good to know, and in nobody's way."""
    return Finding("note", what)


@click.command(epilog="\b\nExample:\n  reconciler doctor --tenant acmeprod")
@shared_options
def doctor(session: Session) -> int:
    """Check configuration, credentials, scopes, clock, lockfile and lock; changes nothing.

    Exits with 1 if something is wrong.
    """
    findings: list[Finding] = []
    for finding in _examine(session):
        findings.append(finding)
        show([f"{finding.mark:<5}  {finding.what}"])
    return ExitCode.ERROR if any(finding.mark == "wrong" for finding in findings) else ExitCode.DONE


def _examine(session: Session) -> Iterator[Finding]:
    try:
        loaded = session.load()
    except ReconcilerError as error:
        yield wrong(f"configuration: {_told(error)}; `reconciler validate` shows all of it")
        return
    names = [tenant.name for tenant in loaded.desired.tenants]
    yield ok(f"configuration: {', '.join(names)}")
    yield from _lockfile(session, loaded)
    unknown = [name for name in session.tenants if name not in names]
    yield from (wrong(f"tenant {name} is not in the configuration") for name in unknown)
    try:
        with session.service(loaded, 1) as connect:
            yield note(
                f"service: {'embedded sandbox' if session.sandbox else os.environ.get('EMPORIX_API_URL', 'Emporix')}"
            )
            for name in [name for name in names if not session.tenants or name in session.tenants]:
                yield from _tenant(name, connect)
    except ReconcilerError as error:
        yield wrong(f"service: {_told(error)}")


def _lockfile(session: Session, loaded: "Loaded") -> Iterator[Finding]:
    from reconciler.cli.locking import lease
    from reconciler.diagnostics import LockHeld

    try:
        store = session.store(loaded.desired.state)
        lockfile, version = store.load()
        with lease(session, store, "doctor"):
            lock = ok("lock: free")
    except LockHeld as error:
        yield note(f"lock: {_told(error)}")
        return
    except ReconcilerError as error:
        yield wrong(f"lockfile: {_told(error)}")
        return
    if version is None:
        yield note(f"lockfile: {store.url} does not exist yet; the first apply writes it")
    else:
        yield ok(f"lockfile: {store.url}, serial {lockfile.serial}")
    if lockfile.pending:
        yield note(
            f"lockfile: changes of an unfinished run are pending ({len(lockfile.pending)}); the next run settles them"
        )
    yield lock


def _tenant(name: str, connect: "Connect") -> Iterator[Finding]:
    try:
        standing = connect(name).standing()
    except ReconcilerError as error:
        yield wrong(f"{name}: {_told(error)}")
        return
    yield ok(f"{name}: the credentials are accepted, and are this tenant's")
    yield from _scopes(standing)
    if standing.skew is not None and abs(standing.skew) > MOST_SKEW:
        ahead = "ahead of" if standing.skew > 0 else "behind"
        yield wrong(f"{name}: the service's clock is {abs(standing.skew):.0f} s {ahead} this machine's; set the clock")
    elif standing.skew is not None:
        yield ok(f"{name}: the clocks agree")


def _scopes(standing: "Standing") -> Iterator[Finding]:
    if standing.granted is None:
        yield note(
            f"{standing.tenant}: the token does not tell its scopes; a refused request will name the missing one"
        )
        return
    for scope, use in standing.missing.items():
        yield wrong(f"{standing.tenant}: scope {scope} is missing, needed to {use}")
    if not standing.missing:
        yield ok(f"{standing.tenant}: all scopes that are needed are there")


def _told(error: ReconcilerError) -> str:
    return f"{error.message}. {error.remedy}" if error.remedy else error.message
