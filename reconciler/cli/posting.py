"""``comment``: one comment on the pull or merge request, updated in place, and what it says read back."""

import os
import sys
from pathlib import Path

import click

from reconciler.cli.comment import Comment
from reconciler.cli.consent import FINGERPRINT
from reconciler.cli.formats import FORMATS, View
from reconciler.cli.output import show, talk
from reconciler.cli.planfile import read as read_plan
from reconciler.cli.session import Session
from reconciler.diagnostics import ForgeError

EPILOG = """\b
Examples:
  reconciler comment change.plan                      # in CI: the plan, on its request
  reconciler comment change.plan --body notes.md --github acme/access#12
  reconciler comment --read fingerprint               # after the merge, for apply --expect

\b
Tokens: GITHUB_TOKEN or GH_TOKEN with `pull-requests: write`; GITLAB_TOKEN with
the scope api. GitLab's own CI_JOB_TOKEN may not write notes.
"""

SUMMARY = 1_000_000
"""Bytes that the summary of a job's step takes, and a little less."""


@click.command(epilog=EPILOG)
@click.argument("planfile", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--body", metavar="FILE", help="The comment's Markdown text; - is standard input.  [default: the plan]")
@click.option("--marker", metavar="KEY", help="Tells several comments on one request apart, such as one a tenant.")
@click.option("--github", metavar="REPO#N", help="The pull request, such as acme/access#12.  [default: the CI's]")
@click.option("--gitlab", metavar="PROJECT!N", help="The merge request, such as acme/access!5.  [default: the CI's]")
@click.option("--print", "only_print", is_flag=True, help="Print the comment instead, such as for a job's summary.")
@click.option(
    "--read", "wanted", type=click.Choice(["fingerprint"]), help="Print what the comment says of this instead."
)
@click.pass_obj
def comment(
    session: Session,
    planfile: Path | None,
    body: str | None,
    marker: str | None,
    github: str | None,
    gitlab: str | None,
    only_print: bool,
    wanted: str | None,
) -> None:
    """Post one comment on the request for review, or update it in place.

    It is found by its hidden first line, and only if this token's user wrote it. PLANFILE gives it the plan's
    fingerprint; after the merge `--read fingerprint` finds the request by its commit and prints that.
    """
    from reconciler.forge import KEYS, find, fitting, in_bytes, open_forge, post, read

    if session.files or session.tenants:
        raise ForgeError(
            "a comment is not about -f or --tenant: it says what PLANFILE or --body says",
            remedy="leave them out; --marker tells the comments of several plans apart",
        )

    if marker is not None and not KEYS.fullmatch(marker):
        raise ForgeError("the marker is no plain word", remedy="use letters, digits and . _ - / : only, at most 100")
    if wanted:
        if planfile or body:
            raise ForgeError("--read only reads", remedy="leave PLANFILE and --body out")
        with open_forge(find(os.environ, github, gitlab)) as forge:
            found = read(forge, wanted, marker)
        if not FINGERPRINT.fullmatch(found):
            raise ForgeError(
                f"the comment's {wanted} is none: {found} has not 20 hex digits",
                remedy="run the plan of the request again",
            )
        show([found])
        return
    text = _text(planfile, body, marker)
    if only_print:
        show([fitting(text, SUMMARY, in_bytes).rstrip("\n")])
        return
    with open_forge(find(os.environ, github, gitlab)) as forge:
        talk([f"The comment was {post(forge, text)}."])


def _text(planfile: Path | None, body: str | None, marker: str | None) -> str:
    """The whole comment: what was given, or the plan, below its marker and fingerprint."""
    from reconciler.forge import marked

    plan = read_plan(planfile) if planfile else None
    if body is not None:
        text = _given(body)
    elif plan is not None:
        said = Comment(command=f"reconciler show {planfile} --full")
        text = "\n".join(FORMATS["markdown"](plan, View(comment=said)))
        marker = marker or "default"  # one comment for each request, whatever each plan is about
    else:
        raise ForgeError("there is nothing to say", remedy="name a saved plan, or a text with --body FILE or --body -")
    is_whole = plan is not None and not plan.failures  # half a plan is reviewed, but nothing is to be applied by it
    return marked(text, marker, {"fingerprint": plan.fingerprint} if plan and is_whole else {})


def _given(name: str) -> str:
    """A text as it was given. Raises ForgeError if there is none, for an empty comment would hide a failed command."""
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise ForgeError(f"{name} can't be read: {error.strerror}") from error
    text = data.decode("utf-8", errors="replace").replace("\r\n", "\n")
    if not text.strip():
        raise ForgeError("the text of the comment is empty", remedy="look at what should have written it")
    return text
