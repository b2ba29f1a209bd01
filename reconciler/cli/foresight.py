"""``--no-access`` and ``--access-limit``: whether a plan says what it changes in users' scopes, and at what price."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, Final

import click

from reconciler.cli.session import Session
from reconciler.core.limits import ACCESS_LIMIT

OPTIONS: Final = (
    click.option(
        "--no-access", "access", flag_value=False, default=True,
        help="Do not tell which scopes users gain and lose; guards on access are judged all the same.",
    ),
    click.option(
        "--access-limit", type=click.IntRange(0), default=ACCESS_LIMIT, show_default=True, metavar="N",
        help="Ask for the other groups of at most this many customers, to tell what they gain and lose.",
    ),
)  # fmt: skip


def access_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command both options and keep what they say in the session, where the scope of a plan is made."""

    def with_limit(session: Session, /, *args: Any, access: bool, access_limit: int, **options: Any) -> Any:
        session.tells_access, session.access_limit = access, access_limit
        return command(session, *args, **options)

    found: Callable[..., Any] = update_wrapper(with_limit, command)
    for option in OPTIONS:
        found = option(found)
    return found
