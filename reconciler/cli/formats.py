"""The forms in which a plan is written to stdout, by the name that ``--format`` gives them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import click

from reconciler.cli.comment import NO_COMMENT, Comment
from reconciler.cli.output import line_of, show, width
from reconciler.core.plan import Plan


@dataclass(frozen=True, slots=True)
class View:
    """How a form for people is wished: colours, long lists whole, and refusals that are accepted.

    ``told``: errors are told in full on stderr, so the text does not repeat them; the other forms are read elsewhere.
    ``comment`` is what a comment on a pull request needs besides. ``apply`` is the command that applies just this plan.
    """

    color: bool = False
    full: bool = False
    accepted: bool = False
    told: bool = False
    comment: Comment = NO_COMMENT
    apply: str = "reconciler apply"


def _text(plan: Plan, view: View) -> Iterable[str]:
    from reconciler.render import terminal

    return terminal.plan(
        plan,
        color=view.color,
        width=width(),
        full=view.full,
        line_of=line_of,
        accepted=view.accepted,
        told=view.told,
        apply=view.apply,
    )


def _json(plan: Plan, _: View) -> Iterable[str]:
    from reconciler.core.document import encode

    return [encode(plan).decode().removesuffix("\n")]


def _markdown(plan: Plan, view: View) -> Iterable[str]:
    from reconciler.render import markdown

    comment = view.comment
    return markdown.plan(plan, key=comment.key, max_chars=comment.max_chars, url=comment.link, command=comment.command)


def _gitlab(plan: Plan, _: View) -> Iterable[str]:
    from reconciler.render.gitlab import report

    return [report(plan)]


def _html(plan: Plan, view: View) -> Iterable[str]:
    from reconciler.render import html

    return html.plan(plan, line_of=line_of, accepted=view.accepted)


def _terraform(plan: Plan, _: View) -> Iterable[str]:
    from reconciler.render import terraform

    return terraform.plan(plan)


FORMATS: Final[Mapping[str, Callable[[Plan, View], Iterable[str]]]] = {
    "text": _text,
    "json": _json,
    "markdown": _markdown,
    "gitlab": _gitlab,
    "html": _html,
    "terraform": _terraform,
}
"""What writes each form: the lines of the plan. What only one of them needs is imported there."""

format_option = click.option(
    "--format", "format_", type=click.Choice(list(FORMATS)), default="text", show_default=True,
    help="For people: text, html (one page) or markdown (a comment). For machines: json (the plan document), terraform "
    "(what `terraform show -json` writes) or gitlab (the merge request's widget).",
)  # fmt: skip


def show_plan(plan: Plan, format_: str, view: View) -> None:
    """Write the plan to stdout in one of its forms."""
    show(FORMATS[format_](plan, view))
