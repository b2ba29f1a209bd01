"""The lockfile as git had it: what a file was at a revision, asked of git itself, by no shell."""

import shutil
import subprocess
from pathlib import Path

from reconciler.diagnostics import StateError


def at_revision(path: Path, revision: str) -> tuple[str, bytes]:
    """The commit that a revision names, and what the file was in it, as it was committed.

    ``revision`` is anything that git understands, and never an option. Raises StateError.
    """
    if revision.startswith("-"):
        raise StateError(f"{revision} is no revision: none begins with a hyphen", remedy="name a commit, tag or branch")
    path = path.resolve()
    folder = str(path.parent)
    repository = _ask(folder, "rev-parse", "--show-toplevel")
    if repository.returncode:
        raise StateError(
            f"{revision} is no file, and there is no revision either, because {folder} is in no git work tree: "
            f"{_said(repository)}",
            remedy="name the file of an earlier lockfile",
        )
    commit = _ask(folder, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if commit.returncode:
        raise StateError(
            f"{revision} is neither a file nor a revision that {_said_out(repository)} has",
            remedy="check the name; a shallow clone lacks what is older (`git fetch --unshallow`), and the revision of"
            " a day is $(git rev-list -1 --before=2026-10-01 HEAD)",
        )
    name = _said_out(commit)
    content = _ask(folder, "cat-file", "blob", f"{name}:./{path.name}")
    if content.returncode:
        raise StateError(
            f"git has no {path.name} at {revision}: {_said(content)}",
            remedy="name a revision in which it was committed, or the file of an earlier lockfile",
        )
    return name, content.stdout


def _ask(folder: str, *args: str) -> "subprocess.CompletedProcess[bytes]":
    git = shutil.which("git")
    if git is None:
        raise StateError("there is no git to ask for a revision", remedy="install it, or name the file of a lockfile")
    command = [git, "--no-pager", "-C", folder, *args]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)  # noqa: S603 - no shell


def _said_out(done: "subprocess.CompletedProcess[bytes]") -> str:
    return done.stdout.decode(errors="replace").strip()


def _said(done: "subprocess.CompletedProcess[bytes]") -> str:
    """The first line of git's complaint."""
    return next(iter(done.stderr.decode(errors="replace").splitlines()), f"exit code {done.returncode}")
