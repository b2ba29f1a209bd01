"""``fmt``: bring configuration files to one canonical style."""

from pathlib import Path

import click

from reconciler.cli.output import show, show_diagnostics
from reconciler.cli.session import Session, file_options
from reconciler.diagnostics import ConfigurationError, Diagnostic, ExitCode, Source


@click.command(epilog="\b\nExamples:\n  reconciler fmt\n  reconciler fmt --check access/   # in a pipeline")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--check", is_flag=True, help="Only list the files that would change, and exit with 1 if there are any.")
@file_options
def fmt(session: Session, paths: tuple[Path, ...], check: bool) -> int:
    """Bring configuration files to one canonical style.

    Indentation, blanks and line ends change; values, comments, quotes and order never do.
    """
    from reconciler.cli.edit import write
    from reconciler.config.edit.formatting import Unformattable
    from reconciler.config.edit.formatting import formatted as format_
    from reconciler.config.loading import readable

    changed: dict[Path, tuple[bytes, bytes]] = {}
    problems: list[Diagnostic] = []
    for file in readable(paths or session.paths):
        before = file.read_bytes()
        try:
            after = format_(before)
        except Unformattable as error:
            message = f"this can't be formatted: {error}"
            problems.append(Diagnostic(message, Source(str(file), 1, 1), "write it in a more usual way"))
            continue
        if after != before:
            changed[file] = before, after
    if not check:
        write(changed)
    show(str(file) for file in changed)
    show_diagnostics(problems)
    if problems:
        raise ConfigurationError(f"{len(problems)} of the files can't be formatted without loss")
    return ExitCode.ERROR if check and changed else ExitCode.DONE
