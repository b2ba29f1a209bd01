"""``--at`` and ``--accept-identity``: for when a plan is made, and who may be somebody else than before."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import update_wrapper
from typing import Any

import click

from reconciler.cli.session import Session

_NEITHER = "is no date or timestamp, such as 2026-12-31 or 2026-12-31T18:00:00Z"


class Instant(click.ParamType[datetime]):
    """A date or a timestamp of the command line, in UTC unless it says otherwise; a date is its first moment."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The instant; a usage error for anything else."""
        from reconciler.config.dates import start_of

        if isinstance(value, datetime):
            return value
        found = start_of(str(value), UTC)
        return found or self.fail(f"{value!r} {_NEITHER}")


class Moment(click.ParamType[str]):
    """A date or timestamp, kept as it is written: the file's time zone is still to give it its meaning."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text; a usage error for anything else."""
        from reconciler.config.dates import is_moment

        if is_moment(str(value)):
            return str(value)
        return self.fail(f"{value!r} {_NEITHER}")


at_option = click.option(
    "--at", type=Instant(), metavar="WHEN", help="Plan as if it were then: entries with a time are judged by it."
)


def identity_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--accept-identity`` and keep what it says in the session, where the scope of a plan is made."""

    def with_identities(session: Session, /, *args: Any, accept_identity: tuple[str, ...], **options: Any) -> Any:
        session.identities = accept_identity
        return command(session, *args, **options)

    option = click.option(
        "--accept-identity", multiple=True, metavar="EMAIL",
        help="This e-mail may lead to another user than when it was applied; may be repeated.",
    )  # fmt: skip
    found: Callable[..., Any] = option(update_wrapper(with_identities, command))
    return found
