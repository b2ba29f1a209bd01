"""Plan files: written whole or not at all, readable by their owner only, and trusted with nothing but their plan."""

import os
import re
from dataclasses import replace
from pathlib import Path

from reconciler.cli.output import quote_nothing
from reconciler.cli.whole import write_whole
from reconciler.core.plan import Plan
from reconciler.diagnostics import PlanError

FILE = "file:"


def save(plan: Plan, path: Path) -> None:
    """Save the plan with mode 0600, because it lists people, and only when all of it is written.

    A lockfile in a file is named relative to the plan file, so that both can move together from one job to the next.
    """
    from reconciler.core.document import encode

    data = encode(replace(plan, state=relative(plan.state, path.parent)))
    try:
        _refuse_another(path)
        if path.exists() and not path.is_file():  # a pipe or a terminal can only be written to
            path.write_bytes(data)
            return
        write_whole({path: data}, private=True)
    except OSError as error:
        raise PlanError(f"the plan can't be saved to {path}: {error.strerror}") from error


def _refuse_another(path: Path) -> None:
    """Raise PlanError if something else than a plan would be written over: ``-o`` is easily mistaken for ``-f``."""
    if path.is_file():
        with path.open("rb") as file:
            start = file.read(200)
        if start.strip() and not re.match(rb'\s*{\s*"format": *\d+,\s*"kind": *"plan"', start):
            raise PlanError(f"{path} is there already and is no plan", remedy="name another file with -o")


def read(path: Path) -> Plan:
    """A saved plan that is to be shown or carried out; see :func:`load`.

    From then on no source line is quoted: the file may name any other file of this machine as a source.
    """
    quote_nothing()
    return load(path)


def load(path: Path) -> Plan:
    """A saved plan, its lockfile named from here. Raises PlanError if it can't be read or is not to be trusted."""
    from reconciler.core.document import decode

    try:
        plan = decode(path.read_bytes(), str(path))
    except OSError as error:
        raise PlanError(f"{path} can't be read: {error.strerror}") from error
    if plan.state.startswith(FILE):
        return replace(plan, state=FILE + os.path.normpath(path.parent / plan.state.removeprefix(FILE)))
    return plan


def relative(url: str, folder: Path) -> str:
    """A lockfile's URL as it is from a folder; other places than files are the same from everywhere."""
    return FILE + os.path.relpath(url.removeprefix(FILE), folder) if url.startswith(FILE) else url
