"""A runner for composite actions, as far as ours needs one: inputs, steps in bash, and the files that they write.

https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax: `shell: bash` means
`bash --noprofile --norc -eo pipefail`, and inputs are text put into `env` and `working-directory`.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")


@dataclass
class Outcome:
    """How the step ended, what it printed, and what it wrote for the job."""

    code: int
    log: str
    outputs: dict[str, str]
    summary: str


@dataclass
class Runner:
    """A job's machine with the action's first step done: the command is where that step would install it."""

    folder: Path
    variables: dict[str, str]
    token: str
    seen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.temp = self.folder.parent / "runner-temp"
        binary = self.temp / "reconciler" / "bin" / "reconciler"
        binary.parent.mkdir(parents=True)
        binary.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m reconciler "$@"\n')
        binary.chmod(0o755)

    def run(self, step: str = "run", **inputs: str) -> Outcome:
        """Run a step of the action with these inputs (``_`` for ``-``) and the defaults of the others."""
        (found,) = [one for one in ACTION["runs"]["steps"] if step in {one.get("id"), one["name"].split()[0].lower()}]
        given = {name: str(one.get("default", "")) for name, one in ACTION["inputs"].items()}
        given |= {name.replace("_", "-"): text for name, text in inputs.items()}
        assert EXPRESSION.search(found["run"]) is None, "an expression in a script is an injection"
        script, output, summary = (self.temp / name for name in ("script.sh", "output", "summary"))
        script.write_text(found["run"])
        output.write_text("")
        summary.write_text("")
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.folder / self._value(found.get("working-directory", "."), given),
            env={
                "PATH": os.environ["PATH"], "HOME": str(self.temp), "RUNNER_TEMP": str(self.temp),
                "GITHUB_ACTION_PATH": str(ROOT), "GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary),
                **{name: one for name, one in os.environ.items() if name.startswith("COVERAGE_PROCESS_")},
                **self.variables,
                **{name: self._value(text, given) for name, text in found["env"].items()},
            },
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        lines = [line.partition("=") for line in output.read_text().splitlines()]
        return Outcome(done.returncode, done.stdout, {name: text for name, _, text in lines}, summary.read_text())

    def _value(self, text: str, given: dict[str, str]) -> str:
        def evaluated(found: re.Match[str]) -> str:
            if found[1] == "github.token":
                return self.token
            assert found[1].startswith("inputs."), found[1]
            return self._value(given[found[1].removeprefix("inputs.")], given)

        return EXPRESSION.sub(evaluated, text)
