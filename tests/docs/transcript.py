"""Runs the commands that a README shows, as written, and writes down what a reader would see.

python -m tests.docs.transcript     # writes the transcripts anew; read the difference before committing it
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
STORIES = ("quickstart", "people", "multi-tenant", "tenants", "b2b", "policy", "onboarding", "offboarding")


def commands(readme: Path, language: str = "console") -> list[str]:
    """The lines after a `$` in the console blocks, in their order."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", readme.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def run(command: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command line as a reader's shell would: the tool on the path, nothing of ours in the environment."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("EMPORIX_", "RECONCILER_"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env={**clean, "PATH": path, "COLUMNS": "120", "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def told(readme: Path, folder: Path) -> Iterator[str]:
    """Each command with what it wrote to stdout and its exit code; stderr is talk, in an order of its own."""
    for command in commands(readme):
        done = run(command, folder)
        yield f"$ {command}\n{_dateless(done.stdout)}(exit {done.returncode})\n"
        if "Traceback" in done.stderr or done.returncode not in {0, 2}:
            yield done.stderr


def _dateless(text: str) -> str:
    """The text without what is another number tomorrow."""
    text = re.sub(r"(?m)^Planned as of: .*", "Planned as of: …", text)
    return re.sub(r"\bin [\d,]+ days", "in … days", text)


def story(name: str, folder: Path) -> str:
    """The transcript of an example's README, run on a copy of the example."""
    source = ROOT / "examples" / name
    shutil.copytree(source, folder / "examples" / name, ignore=shutil.ignore_patterns(".reconciler", "*.lock*"))
    return "\n".join(told(source / "README.md", folder))


def first_steps(folder: Path) -> str:
    """The transcript of the README's own console commands, in an empty folder."""
    return "\n".join(told(ROOT / "README.md", folder))


if __name__ == "__main__":
    for name in (*STORIES, "README"):
        with tempfile.TemporaryDirectory() as place:
            text = first_steps(Path(place)) if name == "README" else story(name, Path(place))
        (HERE / f"{name}.txt").write_text(text, encoding="utf-8")
