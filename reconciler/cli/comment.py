"""What a plan's comment on a pull request is told: its key, its limit, and where the whole plan is."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any, Final

import click

from reconciler.cli.session import Session
from reconciler.core.plan import Plan
from reconciler.render.fitting import LONGEST, SHORTEST

LONGEST_LINK: Final = 1_000


@dataclass(frozen=True, slots=True)
class Comment:
    """``key`` tells this comment from others of the same pull request; ``command`` shows the whole plan."""

    key: str = ""
    max_chars: int = LONGEST
    link: str = ""
    command: str = ""


NO_COMMENT: Final = Comment()


def comment_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--max-chars`` and ``--link`` as one ``comment``, which lacks only what the command knows."""

    def with_comment(*args: Any, max_chars: int, link: str, **options: Any) -> Any:
        return command(*args, comment=Comment(max_chars=max_chars, link=link), **options)

    wrapped: Callable[..., Any] = update_wrapper(with_comment, command)
    return max_chars_option(link_option(wrapped))


def _web_address(_: click.Context, __: click.Parameter, value: str) -> str:
    if not value or (value.isprintable() and " " not in value and value.startswith(("http://", "https://"))):
        if len(value) <= LONGEST_LINK:
            return value
        raise click.BadParameter(f"it has {len(value)} characters, and at most {LONGEST_LINK} are shown")
    raise click.BadParameter("give an address that begins with https:// or http://")


max_chars_option = click.option(
    "--max-chars", type=click.IntRange(SHORTEST), default=LONGEST, show_default=True, metavar="N",
    help="With --format markdown: the longest that a comment may be; GitHub's limit by default.",
)  # fmt: skip
link_option = click.option(
    "--link", default="", metavar="URL", callback=_web_address,
    help="With --format markdown: where the whole plan can be seen, such as the pipeline's job.",
)  # fmt: skip


def key_of(session: Session, saved: Plan | None = None) -> str:
    """The same for every run with these files and tenants, whatever is in them, so that its comment can be found again.

    A saved plan shown without naming a configuration goes by its tenants and its lockfile.
    """
    if saved and not session.files:
        return " ".join((*saved.tenants, saved.state))
    tenants = (f"--tenant {name}" for name in sorted(set(session.tenants)))
    return " ".join((*sorted({str(path) for path in session.paths}), *tenants))


def command_of(session: Session, *command: str) -> str:
    """The command line for a command with the options of this run that decide what the plan is."""
    options = [part for path in session.files for part in ("-f", str(path))]
    options += [part for said in session.variables for part in ("--var", said)]
    options += [part for path in session.variable_files for part in ("--var-file", str(path))]
    options += [part for name in session.tenants for part in ("--tenant", name)]
    options += ["--state", session.state] if session.state and session.state_is_given else []
    options += ["--sandbox"] if session.sandbox else []
    return shlex.join(("reconciler", *options, *command))
