"""``init``, ``validate``, ``schema``, ``completion`` and ``version``: what needs no service."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler import __version__
from reconciler.cli.audit import place
from reconciler.cli.output import show, talk
from reconciler.cli.policy import check
from reconciler.cli.session import Session, file_options
from reconciler.diagnostics import ConfigurationError

if TYPE_CHECKING:
    from reconciler.core.model import DesiredGroup

STARTER = """\
# Who may do what in Emporix. Check with `reconciler validate`, look with `reconciler plan`,
# rehearse with `reconciler --sandbox plan`, and make it so with `reconciler apply`.
#
# Editors complete and explain this file once they know its schema:
#   reconciler schema > schema.json
# yaml-language-server: $schema=./schema.json

# Names that a reviewer can read; from and until may stand at people, at team entries and at members.
# people:
#   ana: 00u4ukqvzlEP31sCk417
#   marta: {email: marta@acme.example, name: Marta Ruiz, until: 2027-06-30}
# teams:
#   catalog: [ana, marta]             # then a member can be `team: catalog` or `person: ana`

tenants:
  - tenant: acmeprod                  # the tenant's name; credentials come from EMPORIX_CLIENT_ID and _SECRET
    groups:

      # A group with a name is ours: it is created, updated and, once it leaves this file, deleted.
      - id: catalog-managers
        name: {en: Catalog managers}
        description: {en: Maintain the catalog}
        userType: EMPLOYEE            # or CUSTOMER
        accessControls: []            # ids of access controls
        members:                      # exactly these; everybody else is removed
          - 00u4ukqvzlEP31sCk417
          - {id: 00u4ukrqkmEP1opFf417, reason: OPS-42}

      # A group found by match (or by id without a name) is somebody else's: only members are ours.
      # - match: {code: BO_MANAGER}   # id, code, name, legalEntityId, vendorId: exactly one group must fit
      #   membership: additive        # members that are not listed here stay
      #   members: [00u4ukqvzlEP31sCk417]

# What a plan may never do; apply then refuses, and --accept lets one plan pass.
guards:
  maxRemovals: 25%                    # of a group's members at once, or a number
  # minMembers: 1
  # protected: [00uBREAKGLASS]

# Rules of your own in Rego that judge every plan (`deny` refuses, `warn` remarks); needs the extra `policy`.
# policy: [access.rego]

# Where to remember what is ours; this is the default. Commit it, or keep it where all pipelines reach it,
# such as s3://acme-access/reconciler.lock.
# state: {url: file:reconciler.lock}

# A record of each apply beside the lockfile, for `reconciler log`: who gave whom access, when and why.
# audit: beside
"""


PIPELINES = {"github": Path(".github/workflows/access.yml"), "gitlab": Path(".gitlab-ci.yml")}
"""Where each CI looks for its pipelines, from the top of a repository."""


@click.command(epilog="\b\nExamples:\n  reconciler init && reconciler --sandbox plan\n  reconciler init --ci github")
@click.option("--ci", type=click.Choice(list(PIPELINES)), help="Also write a pipeline that plans and applies.")
@file_options
def init(session: Session, ci: str | None) -> None:
    """Write a commented starter configuration; never overwrites one.

    With --ci also a pipeline, and then a configuration that is there already stays as it is.
    """
    path = session.paths[0]
    if path.is_dir():
        path /= "reconciler.yaml"
    if ci is not None:
        _write_new(PIPELINES[ci], _pipeline(ci), "move it away, or take over what you need from examples/pipelines")
        talk(
            [
                f"Wrote {PIPELINES[ci]}. Its comments say which secrets it needs.",
                "Give the lockfile a place that all jobs reach: `state: {url: …}` in the configuration. The default, "
                "a file, is gone with the job's machine.",
            ]
        )
        if path.exists():
            return
    _write_new(path, STARTER)
    file_option = "" if path == Path("reconciler.yaml") else f" -f {path}"
    talk([f"Wrote {path}. Next: `reconciler{file_option} validate`, then `reconciler{file_option} --sandbox plan`."])


def _pipeline(ci: str) -> str:
    from importlib.resources import files

    return (files("reconciler.cli") / "pipelines" / f"{ci}.yml").read_text(encoding="utf-8")


def _write_new(path: Path, text: str, remedy: str = "name another file with -f") -> None:
    if path.exists():
        raise ConfigurationError(f"{path} exists already", remedy=remedy)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ConfigurationError(f"{path} can't be written: {error.strerror}") from error


@click.command(epilog="\b\nExample:\n  reconciler -f access/ validate")
@file_options
def validate(session: Session) -> None:
    """Check the configuration; needs neither credentials nor network, and reports all problems at once."""
    loaded = session.load()
    store = session.store(loaded.desired.state)  # a place that nothing can be kept in is a mistake as well
    if loaded.audit is not None:
        place(session, loaded.audit, store.url)
    if loaded.policy:
        check(loaded.policy)
    groups = sum(len(tenant.groups) for tenant in loaded.desired.tenants)
    members = sum(_members_of(group) for tenant in loaded.desired.tenants for group in tenant.groups)
    counted = ", ".join(
        f"{count} {name}{'' if count == 1 else 's'}"
        for count, name in ((len(loaded.desired.tenants), "tenant"), (groups, "group"), (members, "member"))
    )
    show([f"The configuration is valid: {counted} in {len(loaded.files)} file{'' if len(loaded.files) == 1 else 's'}."])


def _members_of(group: "DesiredGroup") -> int:
    """How many people the file lists for a group, whether or not their time has come."""
    return len(group.members or ()) + len({entry.person for entry in group.entries})


@click.command(epilog="\b\nExamples:\n  reconciler schema > schema.json\n  reconciler schema --plan > plan.schema.json")
@click.option("--plan", "kind", flag_value="plan", help="Of the plan document instead (`plan --format json`, `-o`).")
@click.option("--drift", "kind", flag_value="drift", help="Of the drift document instead (`drift --format json`).")
@click.option("--events", "kind", flag_value="events", help="Of a line that `--events FILE` writes instead.")
@click.option("--check", type=click.Path(path_type=Path), metavar="FILE", help="Only tell whether FILE is this schema.")
def schema(kind: str | None, check: Path | None) -> None:
    """Print the JSON Schema of the configuration, for editors and linters."""
    import json

    text = json.dumps(_schema_of(kind), indent=2, ensure_ascii=False)
    if check is None:
        show([text])
    elif _content(check) == text + "\n":
        talk([f"{check} is current."])
    else:
        option = f" --{kind}" if kind else ""
        what = "is not this version's schema" if check.exists() else "does not exist"
        raise ConfigurationError(f"{check} {what}", remedy=f"reconciler schema{option} > {check}")


def _content(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _schema_of(kind: str | None) -> dict[str, Any]:
    if kind == "events":
        from reconciler.cli.event_forms import json_schema as events_schema

        return events_schema()
    if kind is not None:
        from reconciler.core.document_schema import drift_schema, plan_schema

        return plan_schema() if kind == "plan" else drift_schema()
    from reconciler.config import json_schema

    return json_schema()


@click.command(epilog='\b\nExample:\n  eval "$(reconciler completion bash)"')
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes commands and options in your shell."""
    from click.shell_completion import get_completion_class

    from reconciler.cli import cli

    of_shell = get_completion_class(shell)
    if of_shell is None:
        raise ConfigurationError(f"there is no completion for {shell}")
    sys.stdout.write(of_shell(cli, {}, "reconciler", "_RECONCILER_COMPLETE").source() + "\n")


@click.command()
def version() -> None:
    """Print the version."""
    show([f"reconciler {__version__}"])
