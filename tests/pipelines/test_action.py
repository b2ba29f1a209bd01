"""The action's own scripts, run as a runner would, against the sandbox and a stand-in for GitHub."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.sandbox import start
from tests.forge.servers import MERGE, TOKEN, Forge, github, serve
from tests.pipelines.runner import ROOT, Runner

QUICKSTART = ROOT / "examples" / "quickstart"


@pytest.fixture
def forge() -> Iterator[Forge]:
    with serve(github, "") as found:
        yield found


@pytest.fixture
def job(tmp_path: Path, forge: Forge) -> Iterator[Runner]:
    """A job for pull request 12, in a checkout of the quickstart."""
    folder = tmp_path / "work"
    folder.mkdir()
    shutil.copy(QUICKSTART / "reconciler.yaml", folder)
    with start(None, seed=QUICKSTART / "sandbox" / "seed.yaml") as sandbox:
        yield Runner(folder, {
            "EMPORIX_API_URL": sandbox.url, "EMPORIX_CLIENT_ID": "acmeprod", "EMPORIX_CLIENT_SECRET": "sandbox",
            "GITHUB_REPOSITORY": "acme/access", "GITHUB_REF": "refs/pull/12/merge", "GITHUB_API_URL": forge.url,
            "GITHUB_SHA": "0" * 40,
        }, TOKEN)  # fmt: skip


def merge(job: Runner) -> None:
    """The next runs are those of the push that the merge makes."""
    job.variables |= {"GITHUB_REF": "refs/heads/main", "GITHUB_SHA": MERGE}


def change(job: Runner, without: str, guard: str = "") -> None:
    """Take a member out of the configuration, and put one more guard into it."""
    path = job.folder / "reconciler.yaml"
    lines = path.read_text().splitlines()
    kept = [line for line in lines if without not in line]
    assert len(kept) < len(lines)
    path.write_text("\n".join(kept).replace("guards:", f"guards:\n  {guard}" if guard else "guards:") + "\n")


def test_what_was_planned_is_applied_after_the_merge(job: Runner, forge: Forge) -> None:
    planned = job.run(command="plan")
    assert planned.code == 0, planned.log
    assert planned.outputs["exitcode"] == "0" and Path(planned.outputs["plan"]).is_file()
    assert f"Fingerprint: {planned.outputs['fingerprint']}" in planned.log
    assert "bo-manager" in planned.summary and "bo-manager" in forge.ours[0]
    merge(job)
    applied = job.run(command="apply")
    assert applied.code == 0, applied.log
    assert applied.outputs == {"exitcode": "0", "fingerprint": planned.outputs["fingerprint"]}
    assert "    Apply complete!" in applied.summary
    again = job.run(command="plan")
    assert "No changes." in again.log and len(forge.ours) == 1


def test_another_plan_than_the_reviewed_one_is_not_applied(job: Runner) -> None:
    assert job.run(command="plan").code == 0
    merge(job)
    change(job, without="- team: catalog")
    done = job.run(command="apply")
    assert (done.code, done.outputs["exitcode"]) == (1, "1") and "not the reviewed plan" in done.log
    assert "Exit code 1:" in done.summary and "not the reviewed plan" in done.summary


def test_a_forged_comment_approves_nothing(job: Runner, forge: Forge) -> None:
    fingerprint = job.run(command="plan", comment="false").outputs["fingerprint"]
    assert forge.comments == []
    forge.add("mallory", f"<!-- reconciler:plan:default -->\n<!-- reconciler:fingerprint={fingerprint} -->\n")
    merge(job)
    done = job.run(command="apply")
    assert done.code == 1 and "not believed" in done.log and "Apply complete" not in done.log
    assert "not believed" in done.summary


def test_a_fingerprint_can_be_given_by_hand(job: Runner, forge: Forge) -> None:
    fingerprint = job.run(command="plan", comment="false").outputs["fingerprint"]
    assert job.run(command="apply", expect=fingerprint).code == 0
    assert forge.asked == []


def test_a_refusal_by_a_guard_is_commented_and_passed_on(job: Runner, forge: Forge) -> None:
    assert job.run(command="plan").code == 0
    assert job.run(command="apply").code == 0
    change(job, without="- team: catalog", guard="minMembers: 9")
    refused = job.run(command="plan")
    assert (refused.code, refused.outputs["exitcode"]) == (3, "3"), refused.log
    assert "minMembers" in forge.ours[0] or "members" in forge.ours[0]
    assert job.run(command="apply").code == 3
    fingerprint = refused.outputs["fingerprint"]
    accepted = job.run(command="apply", accept=fingerprint)
    assert accepted.code == 0, accepted.log


def test_where_no_plan_can_be_made_the_comment_loses_its_fingerprint(job: Runner, forge: Forge) -> None:
    assert job.run(command="plan").code == 0
    path = job.folder / "reconciler.yaml"
    path.write_text("tenants: 7\n")
    broken = job.run(command="plan")
    assert broken.code == 1 and broken.outputs == {"exitcode": "1"}
    assert "No plan could be made" in forge.ours[0] and "fingerprint=" not in forge.ours[0]
    assert "No plan could be made" in broken.summary
    merge(job)
    assert "has no fingerprint" in job.run(command="apply").log


def test_a_comment_that_can_not_be_written_fails_the_job(job: Runner, forge: Forge) -> None:
    forge.readonly = True
    done = job.run(command="plan")
    assert done.code == 1 and "pull-requests: write" in done.log and done.outputs["fingerprint"]
    assert TOKEN not in done.log


def test_a_summary_is_no_longer_than_a_runner_takes(job: Runner) -> None:
    """What is too long for it is in the log; GitHub drops a whole summary of more than a mebibyte."""
    groups = [{"id": f"g{number}", "name": {"en": "\u00c4" * 150}, "userType": "EMPLOYEE"} for number in range(3000)]
    many = {"tenants": [{"tenant": "acmeprod", "groups": groups}]}
    (job.folder / "reconciler.yaml").write_text(json.dumps(many, ensure_ascii=False))
    done = job.run(command="apply", expect="0" * 20, arguments="--full")
    assert done.code == 1 and len(done.log.encode()) > 2**20
    assert 900_000 < len(done.summary.encode()) < 2**20
    assert "Cut off here" in done.summary


def test_validate_needs_nothing(job: Runner, forge: Forge) -> None:
    job.variables = {}
    job.token = ""
    assert job.run(command="validate").code == 0
    (job.folder / "reconciler.yaml").write_text("tenants: 7\n")
    done = job.run(command="validate")
    assert (done.code, done.outputs) == (1, {"exitcode": "1"})


def test_paths_tenants_and_arguments_are_passed_one_a_line(job: Runner) -> None:
    shutil.move(job.folder / "reconciler.yaml", job.folder / "my access.yaml")
    (job.folder / "sub").mkdir()
    done = job.run(
        command="plan", path="../my access.yaml\n", tenants="acmeprod\n", working_directory="sub",
        arguments="--target=acmeprod/catalog-managers\n--full",
    )  # fmt: skip
    assert done.code == 0, done.log
    assert "bo-manager" not in done.log and "catalog-managers" in done.log


EVIL = "$(touch evil); `touch evil`; touch evil\"'\ntouch evil\n${{ github.token }}"


@pytest.mark.parametrize("name", ["path", "tenants", "arguments", "expect", "accept", "marker", "command", "comment"])
@pytest.mark.parametrize("command", ["plan", "apply"])
def test_nothing_in_an_input_is_run(job: Runner, name: str, command: str) -> None:
    job.run(**{"command": command, name: EVIL})
    assert not list(job.folder.parent.rglob("evil"))


@pytest.mark.parametrize("extras", ["s3]; touch evil", "../x", "s3 @ https://evil.example"])
def test_extras_are_names(job: Runner, extras: str) -> None:
    done = job.run("install", extras=extras)
    assert done.code == 1 and "extras are names" in done.log
    assert not list(job.folder.parent.rglob("evil"))


def test_an_old_python_is_told(job: Runner) -> None:
    done = job.run("install", python="false")
    assert done.code == 1 and "Python 3.11" in done.log


def test_an_unknown_command_is_told(job: Runner) -> None:
    assert job.run(command="destroy").code == 1
