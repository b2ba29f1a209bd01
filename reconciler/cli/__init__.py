"""The command line: parse, call engine or apply, choose a rendering, exit.

Commands are looked up by name and imported when they run, because pydantic, httpx and the sandbox cost more start-up
time than most commands need (PERFORMANCE, "Start-up").
"""

import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import click
from click.core import ParameterSource

from reconciler import __version__
from reconciler.cli.output import show_error, shows_color, talk
from reconciler.cli.session import Session
from reconciler.diagnostics import ExitCode, ReconcilerError

COMMANDS = {
    "init": "reconciler.cli.project:init",
    "validate": "reconciler.cli.project:validate",
    "plan": "reconciler.cli.plan:plan",
    "apply": "reconciler.cli.apply:apply",
    "show": "reconciler.cli.plan:show_",
    "diff": "reconciler.cli.diff:diff",
    "drift": "reconciler.cli.plan:drift",
    "due": "reconciler.cli.due:due",
    "explain": "reconciler.cli.explain:explain",
    "who": "reconciler.cli.explain:who",
    "access": "reconciler.cli.access:access",
    "log": "reconciler.cli.log:log",
    "add": "reconciler.cli.edit:add",
    "remove": "reconciler.cli.edit:remove",
    "offboard": "reconciler.cli.edit:offboard",
    "fmt": "reconciler.cli.fmt:fmt",
    "import": "reconciler.cli.importing:import_",
    "adopt": "reconciler.cli.importing:adopt",
    "comment": "reconciler.cli.posting:comment",
    "state": "reconciler.cli.state:state",
    "schema": "reconciler.cli.project:schema",
    "sandbox": "reconciler.cli.sandbox:sandbox",
    "doctor": "reconciler.cli.doctor:doctor",
    "completion": "reconciler.cli.project:completion",
    "version": "reconciler.cli.project:version",
}


class _Commands(click.Group):
    """The commands by name, each imported when it is asked for; their one-line helps stand in the group's help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from difflib import get_close_matches

        if args and args[0] not in COMMANDS and (near := get_close_matches(args[0], COMMANDS, 1)):
            ctx.fail(f"No such command '{args[0]}'. Did you mean '{near[0]}'?")
        return super().resolve_command(ctx, args)


EPILOG = """\b
Examples:
  reconciler --sandbox -f examples/quickstart apply --auto-approve
  reconciler plan --detailed-exitcode
  reconciler plan -o change.plan && reconciler apply change.plan

\b
Exit codes: 0 done or nothing to do, 1 error, 2 changes pending (only with
--detailed-exitcode), 3 refused by a guard, 4 applied in part, 5 the lock is held.
"""


@click.group(cls=_Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-f", "--file", "files", multiple=True, type=click.Path(path_type=Path), metavar="PATH",
    help="A configuration file or a folder of them; may be repeated.  [default: reconciler.yaml]",
)  # fmt: skip
@click.option(
    "--var", "variables", multiple=True, metavar="NAME=VALUE", help="What `${var.NAME}` means; may be repeated."
)
@click.option(
    "--var-file", "variable_files", multiple=True, type=click.Path(path_type=Path), metavar="PATH",
    help="A YAML file of `NAME: VALUE` lines; may be repeated.",
)  # fmt: skip
@click.option("--tenant", "tenants", multiple=True, metavar="NAME", help="Only this tenant; may be repeated.")
@click.option("--sandbox", is_flag=True, help="Run against an embedded look-alike whose data lasts between commands.")
@click.option(
    "--state", metavar="URL", envvar="RECONCILER_STATE", help="Where the lockfile is, whatever the file says."
)
@click.option(
    "--no-color",
    is_flag=True,
    help="No colours; NO_COLOR in the environment does the same, and FORCE_COLOR colours logs.",
)
@click.option("-v", "--verbose", count=True, help="Log each request to stderr, without secrets.")
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.pass_context
def cli(
    ctx: click.Context,
    files: tuple[Path, ...],
    variables: tuple[str, ...],
    variable_files: tuple[Path, ...],
    tenants: tuple[str, ...],
    sandbox: bool,
    state: str | None,
    no_color: bool,
    verbose: int,
) -> None:
    """Keep who may do what in Emporix as reviewed YAML.

    Configuration, lockfile and live service are compared, the difference is shown as a plan, and apply makes it so.
    """
    ctx.obj = Session(
        files=files, variables=variables, variable_files=variable_files,
        tenants=tenants, sandbox=sandbox, verbose=verbose > 0,
        state=state, state_is_given=ctx.get_parameter_source("state") is ParameterSource.COMMANDLINE,
        color=not no_color and shows_color(sys.stdout),
    )  # fmt: skip


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit; every failure has its code, and none shows a traceback (DESIGN section 7)."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # the caller closed it
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115, PTH123 - for as long as the process lives
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a name in any script must not end a run under LANG=C
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a cancelled pipeline is told the same as Ctrl-C
    sys.exit(_run(args))


def _run(args: Sequence[str] | None) -> int:
    try:
        answer: Any = cli.main(args, prog_name="reconciler", standalone_mode=False)
        sys.stdout.flush()  # or Python would do it, and tell of a full disk in its own way
        return int(answer or ExitCode.DONE)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except ReconcilerError as error:
        show_error(error)
        return error.exit_code
    except click.ClickException as error:
        error.show()
    except (click.Abort, KeyboardInterrupt):
        talk(["", "Interrupted. Nothing more was sent; run the same command again to go on."])
    except OSError as error:
        _tell_of_output(error)
    except Exception as error:  # noqa: BLE001 - the last line of defence: a bug gets a message and a code as well
        _tell_of_bug(error)
    return ExitCode.ERROR  # also for click's usage errors, whose own code 2 means "changes pending" here


def _tell_of_output(error: OSError) -> None:
    """Say what could not be written, unless a reader had seen enough; Python must not try it again at the end."""
    if not isinstance(error, BrokenPipeError):
        talk([f"error: {error.filename or 'the output'}: {error.strerror}"])
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _tell_of_bug(error: Exception) -> None:
    """Say what a bug of ours was; with -v also where."""
    import traceback

    if {"-v", "--verbose"} & set(sys.argv):
        talk(traceback.format_exception(error))
    talk(
        [f"error: a bug in reconciler: {type(error).__name__}: {error}", "  run again with -v and report what it says"]
    )
