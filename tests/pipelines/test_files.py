"""The pipelines that we ship pass the linters of their kind, and there is one source for each."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.command import Workplace
from tests.pipelines.runner import ROOT

BIN = Path(sys.executable).parent
PIPELINES = ROOT / "reconciler" / "cli" / "pipelines"
WRITTEN = {"github": ".github/workflows/access.yml", "gitlab": ".gitlab-ci.yml"}


def lint(*command: str, folder: Path = ROOT) -> None:
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("ci", WRITTEN)
def test_init_writes_what_the_examples_show(ci: str, tmp_path: Path) -> None:
    work = Workplace(tmp_path, "http://127.0.0.1:9")
    done = work.run("init", "--ci", ci)
    assert done.code == 0, done.err
    written = (tmp_path / WRITTEN[ci]).read_bytes()
    assert written == (ROOT / "examples" / "pipelines" / ci / WRITTEN[ci]).read_bytes()
    assert (tmp_path / "reconciler.yaml").is_file()
    again = work.run("init", "--ci", ci)
    assert again.code == 1 and "exists already" in again.err


def test_init_leaves_a_configuration_alone(tmp_path: Path) -> None:
    work = Workplace(tmp_path, "http://127.0.0.1:9")
    work.configure("mine")
    assert work.run("init", "--ci", "gitlab").code == 0
    assert (tmp_path / "reconciler.yaml").read_text() == "mine"


def test_the_package_brings_them_along() -> None:
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert '"cli/pipelines/*.yml"' in settings and len(list(PIPELINES.glob("*.yml"))) == len(WRITTEN)


def test_their_schemas_accept_them() -> None:
    lint("check-jsonschema", "--builtin-schema", "vendor.github-workflows", str(PIPELINES / "github.yml"))
    lint("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", str(PIPELINES / "gitlab.yml"))
    lint("check-jsonschema", "--builtin-schema", "vendor.github-actions", "action.yml")


def test_actionlint_finds_nothing() -> None:
    lint("actionlint", "-no-color", str(PIPELINES / "github.yml"))


def test_zizmor_finds_nothing() -> None:
    lint("zizmor", "--offline", "--no-progress", "action.yml", str(PIPELINES / "github.yml"))


def test_actionlint_knows_the_inputs_of_our_action(tmp_path: Path) -> None:
    """Used from within a repository the action's inputs and outputs are checked too."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    workflows = tmp_path / ".github" / "workflows"
    workflows.mkdir(parents=True)
    text = (PIPELINES / "github.yml").read_text(encoding="utf-8")
    (workflows / "access.yml").write_text(re.sub(r"acme/reconciler@0{40}.*", "./reconciler", text))
    (tmp_path / "reconciler").mkdir()
    shutil.copy(ROOT / "action.yml", tmp_path / "reconciler")
    lint("actionlint", "-no-color", folder=tmp_path)


def test_foreign_actions_are_pinned_by_commit() -> None:
    used = re.findall(r"uses: (\S+)", (PIPELINES / "github.yml").read_text(encoding="utf-8"))
    assert used and all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", one) for one in used)


def test_the_hooks_run(tmp_path: Path) -> None:
    """Each hook's entry with its arguments is a command that works."""
    hooks: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    work = Workplace(tmp_path, "http://127.0.0.1:9")
    shutil.copy(ROOT / "schema.json", tmp_path)
    work.run("init")
    for hook in hooks:
        name, *arguments = [*hook["entry"].split(), *hook.get("args", [])]
        assert name == "reconciler" and work.run(*arguments).code == 0
    (tmp_path / "schema.json").write_text(json.dumps({}))
    (tmp_path / "reconciler.yaml").write_text("tenants: 7\n")
    codes = [work.run(*[*hook["entry"].split()[1:], *hook.get("args", [])]).code for hook in hooks]
    assert codes == [1, 1]


@pytest.mark.parametrize("ci", WRITTEN)
def test_the_configuration_of_each_example_is_valid_where_its_pipeline_runs(ci: str, tmp_path: Path) -> None:
    """Also without what reaches the lockfile's place, because the job for forks has none of it."""
    shutil.copytree(ROOT / "examples" / "pipelines" / ci, tmp_path / "checkout")
    work = Workplace(tmp_path / "checkout", "http://127.0.0.1:9")
    address = "https://gitlab.example/api/v4/projects/1/terraform/state/access"
    assert work.run("validate", TF_HTTP_ADDRESS=address).code == 0
    assert work.run("-f", ".", "validate", TF_HTTP_ADDRESS=address).code == 0
