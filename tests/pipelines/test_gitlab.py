"""The scripts of GitLab's jobs, run as its runner does: line by line in one bash that ends with the first failure."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.sandbox import start
from tests.forge.servers import MERGE, TOKEN, Forge, gitlab, serve
from tests.pipelines.runner import ROOT

JOBS: dict[str, Any] = yaml.safe_load((ROOT / "reconciler" / "cli" / "pipelines" / "gitlab.yml").read_text("utf-8"))
QUICKSTART = ROOT / "examples" / "quickstart"


@dataclass
class Project:
    """A checkout, and the variables of its jobs."""

    folder: Path
    variables: dict[str, str]

    def run(self, job: str, **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["bash", "-eo", "pipefail", "-c", "\n".join(JOBS[job]["script"])],
            cwd=self.folder, text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(self.folder),
                **{name: one for name, one in os.environ.items() if name.startswith("COVERAGE_PROCESS_")},
                "NO_COLOR": JOBS["variables"]["NO_COLOR"], **self.variables, **more,
            },
        )  # fmt: skip

    def merged(self) -> None:
        del self.variables["CI_MERGE_REQUEST_IID"]
        self.variables["CI_COMMIT_SHA"] = MERGE

    @property
    def report(self) -> Any:
        return json.loads((self.folder / JOBS["plan"]["artifacts"]["reports"]["terraform"]).read_text())


@pytest.fixture
def forge() -> Iterator[Forge]:
    with serve(gitlab, "/api/v4") as found:
        yield found


@pytest.fixture
def project(tmp_path: Path, forge: Forge) -> Iterator[Project]:
    """A pipeline for merge request 12, in a checkout of the quickstart."""
    shutil.copy(QUICKSTART / "reconciler.yaml", tmp_path)
    with start(None, seed=QUICKSTART / "sandbox" / "seed.yaml") as sandbox:
        yield Project(tmp_path, {
            "EMPORIX_API_URL": sandbox.url, "EMPORIX_CLIENT_ID": "acmeprod", "EMPORIX_CLIENT_SECRET": "sandbox",
            "CI_API_V4_URL": forge.url, "CI_PROJECT_ID": "42", "CI_MERGE_REQUEST_IID": "12", "GITLAB_TOKEN": TOKEN,
        })  # fmt: skip


def test_what_was_planned_is_applied_after_the_merge(project: Project, forge: Forge) -> None:
    planned = project.run("plan")
    assert planned.returncode == 0, planned.stdout
    assert project.report == {"create": 5, "update": 1, "delete": 0} and len(forge.ours) == 1
    project.merged()
    applied = project.run("apply")
    assert applied.returncode == 0 and "Apply complete!" in applied.stdout, applied.stdout


def test_the_report_of_a_plan_with_nothing_to_do(project: Project) -> None:
    assert project.run("plan").returncode == 0
    assert project.run("apply").returncode == 0
    assert project.run("plan").returncode == 0
    assert project.report == {"create": 0, "update": 0, "delete": 0}


def test_a_broken_configuration_fails_each_job_and_takes_the_fingerprint_away(project: Project, forge: Forge) -> None:
    assert project.run("validate").returncode == project.run("plan").returncode == 0
    (project.folder / "reconciler.yaml").write_text("tenants: 7\n")
    assert project.run("validate").returncode == project.run("plan").returncode == 1
    assert "No plan could be made" in forge.ours[0]
    done = project.run("apply")
    assert done.returncode == 1 and "has no fingerprint" in done.stdout


def test_a_refusal_is_noted_and_passed_on(project: Project, forge: Forge) -> None:
    assert project.run("plan").returncode == project.run("apply").returncode == 0
    path = project.folder / "reconciler.yaml"
    lines = [line for line in path.read_text().splitlines(keepends=True) if "- team: catalog" not in line]
    path.write_text("".join(lines))
    assert project.run("plan").returncode == 3
    assert "maxRemovals" in forge.ours[0] and project.report["delete"] == 1
    found = re.search(r"reconciler:fingerprint=(\w+)", forge.ours[0])
    assert found and project.run("apply").returncode == 3
    assert project.run("apply", EXPECT=found[1], ACCEPT=found[1]).returncode == 0


def test_a_note_of_somebody_else_approves_nothing(project: Project, forge: Forge) -> None:
    forge.add("mallory", "<!-- reconciler:plan:access -->\n<!-- reconciler:fingerprint=eeee -->\n")
    project.merged()
    done = project.run("apply")
    assert done.returncode == 1 and "not believed" in done.stdout


def test_by_hand_the_fingerprint_comes_from_a_variable(project: Project, forge: Forge) -> None:
    done = project.run("apply", EXPECT="0" * 20)
    assert done.returncode == 1 and "not the reviewed plan" in done.stdout and forge.asked == []
