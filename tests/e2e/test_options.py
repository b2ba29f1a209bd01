"""The command line itself: versions, completion, help, and options where fingers put them."""

import json
import re
import subprocess

import pytest

from reconciler import __version__
from tests.e2e.command import Workplace
from tests.e2e.world import World, configuration, group


@pytest.fixture
def ready(work: Workplace, world: World) -> Workplace:
    work.configure(configuration(group("ours", ["ana"])))
    return work


def test_the_version(ready: Workplace) -> None:
    """``--version`` and ``version`` say the same, and need no configuration."""
    (ready.folder / "reconciler.yaml").unlink()
    for args in (("--version",), ("version",)):
        result = ready.run(*args)
        assert (result.code, result.out, result.err) == (0, f"reconciler {__version__}\n", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(ready: Workplace, shell: str) -> None:
    """The script is one that the shell can read, and it asks us for what can follow."""
    script = ready.run("completion", shell)
    assert script.code == 0, script.everything
    assert "_RECONCILER_COMPLETE" in script.out
    if shell == "bash":
        checked = subprocess.run(["bash", "-n"], input=script.out, capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")


def test_completion_names_commands_and_options(ready: Workplace) -> None:
    """What the script asks for is answered with the commands that begin so."""
    asked = {"COMP_WORDS": "reconciler pl", "COMP_CWORD": "1"}
    found = ready.run(_RECONCILER_COMPLETE="bash_complete", **asked)
    assert "plain,plan" in found.out.split()


def test_completion_for_another_shell_is_an_error(ready: Workplace) -> None:
    """With the shells that there are."""
    result = ready.run("completion", "tcsh")
    assert result.code == 1
    assert "'bash'" in result.err


def test_the_fingerprint_alone(ready: Workplace, world: World) -> None:
    """``show --fingerprint`` prints what ``apply --expect`` takes, without credentials or network."""
    assert ready.run("plan", "-o", "x.plan").code == 0
    world.clear()
    shown = ready.run("show", "--fingerprint", "x.plan", EMPORIX_CLIENT_SECRET="", EMPORIX_API_URL="")
    assert shown.code == 0
    assert re.fullmatch(r"[0-9a-f]{20}\n", shown.out)
    assert world.log == []
    wrong = ready.apply("--expect", "0" * 20)
    assert wrong.code == 1
    assert "this is not the reviewed plan" in wrong.err
    assert "ours" not in world.groups
    assert ready.apply("--expect", shown.out.strip()).code == 0
    assert world.members("ours") == {"ana"}


def test_options_may_stand_after_the_command(ready: Workplace, world: World) -> None:
    """Global options mean the same before and after it."""
    ready.configure(configuration(group("theirs", ["ben"])), "other.yaml")
    world.clear()
    options = ("-f", "other.yaml", "--state", "file:other.lock", "-v", "--no-color")
    result = ready.run("apply", "--auto-approve", *options)
    assert result.code == 0, result.everything
    assert "other.lock" in ready.files
    assert "reconciler.lock" not in ready.files
    assert "PUT /iam/acmeprod/groups/theirs 2" in result.err
    assert ready.run(*options, "plan", "--detailed-exitcode").code == 0
    listed = ready.run("state", "list", "--state", "file:other.lock")
    assert listed.out.split() == ["acmeprod/theirs", "acmeprod/theirs/ben"]
    assert ready.run("plan", "--sandbox", "--detailed-exitcode").code == 2


def test_a_folder_is_a_configuration(ready: Workplace, world: World) -> None:
    """``-f FOLDER`` reads its files, keeps the lockfile in it, and ``init`` puts its file there."""
    (ready.folder / "access").mkdir()
    assert ready.run("-f", "access", "init").code == 0
    assert (ready.folder / "access" / "reconciler.yaml").is_file()
    ready.configure(configuration(group("theirs", ["ben"])), "access/reconciler.yaml")
    assert ready.run("-f", "access", "apply", "--auto-approve").code == 0
    assert (ready.folder / "access" / "reconciler.lock").is_file()


def test_an_empty_file_is_warned_of(ready: Workplace) -> None:
    """One of several that says nothing is a remark on stderr, and no error."""
    (ready.folder / "access").mkdir()
    ready.configure(configuration(group("theirs", ["ben"])), "access/one.yaml")
    ready.configure("# nothing yet\n", "access/two.yaml")
    result = ready.run("-f", "access", "validate")
    assert result.code == 0, result.everything
    assert "access/two.yaml:1:1: warning: this file is empty" in result.err


def test_help_offers_what_a_command_heeds(ready: Workplace) -> None:
    """--tenant where it limits something, and not where it would be ignored."""
    for command, offered in ((("plan",), True), (("doctor",), True), (("validate",), False), (("show",), False)):
        result = ready.run(*command, "--help")
        assert result.code == 0
        assert ("--tenant" in result.out) is offered, command
    refused = ready.run("validate", "--tenant", "acmeprod")
    assert refused.code == 1
    assert "No such option" in refused.err


def test_help_lists_every_command(ready: Workplace) -> None:
    """Each with one line, and an unknown one is an error."""
    listed = ready.run("--help").out
    for command in ("init", "validate", "plan", "apply", "show", "drift", "state", "doctor", "completion", "version"):
        assert re.search(rf"^  {command} +\w", listed, re.MULTILINE), command
    unknown = ready.run("xyzzy")
    assert unknown.code == 1
    assert "No such command 'xyzzy'" in unknown.err


def test_the_lockfile_is_shown_at_every_depth(ready: Workplace, world: World) -> None:
    """A tenant, a group, a member; and letting go of a whole tenant leaves none."""
    assert ready.apply().code == 0
    assert json.loads(ready.run("state", "show", "acmeprod").out)["ours"]["members"] == ["ana"]
    member = json.loads(ready.run("state", "show", "acmeprod/ours/ana").out)
    assert member == {"group": "ours", "id": "ana", "userType": "EMPLOYEE"}
    assert ready.run("state", "forget", "acmeprod").code == 0
    assert ready.owned == {}
    assert world.members("ours") == {"ana"}


def test_the_lockfile_that_is_not_there(ready: Workplace) -> None:
    """``state list`` says so instead of listing nothing."""
    result = ready.run("state", "list")
    assert result.code == 1
    assert "there is no lockfile at file:reconciler.lock yet" in result.err


def test_plain_texts_need_a_language(ready: Workplace, world: World) -> None:
    """A tenant whose groups do not tell its default language asks for translations, at the line."""
    for name in world.groups:
        world.drop(name)
    ready.configure(configuration({"id": "ours", "name": "Ours", "userType": "EMPLOYEE", "members": []}))
    result = ready.run("plan")
    assert result.code == 1
    assert "default language can't be told" in result.err
    assert "reconciler.yaml:" in result.err


def test_somebody_elses_groups_can_be_rehearsed(ready: Workplace) -> None:
    """Without a seed the sandbox has every group that a match describes."""
    matches = [
        {"code": "BO_MANAGER"}, {"name": "Clerks"}, {"legalEntityId": "X", "code": "BUYER"}, {"vendorId": "v1"},
    ]  # fmt: skip
    entries = [{"match": match, "members": [f"user{number}"]} for number, match in enumerate(matches)]
    ready.configure(configuration(*entries, {"id": "theirs", "membership": "additive", "members": ["ana"]}))
    result = ready.run("--sandbox", "apply", "--auto-approve")
    assert result.code == 0, result.everything
    assert ready.run("--sandbox", "plan", "--detailed-exitcode").code == 0
    assert ready.run("sandbox", "reset", "--db", "missing.db").code == 0


def test_a_sandbox_that_can_not_start_is_told(ready: Workplace, world: World) -> None:
    """A fault rule or a seed that can't be read, and a port in use: a message, exit 1."""
    port = world.url.rpartition(":")[2]
    for args in (("--fail", "nonsense"), ("--seed", "missing.yaml"), ("--port", port)):
        result = ready.run("sandbox", "serve", *(("--port", "0") if "--port" not in args else ()), *args)
        assert result.code == 1, args
        assert "error: " in result.err
        assert "Traceback" not in result.err
