"""The policy tools that the tests call, wherever they are installed; their own packages often can't share a folder."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.machine import unavailable

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
PATIENCE = 300


def command(name: str) -> str:
    """The tool in the folder that RECONCILER_TOOLS names, beside Python, or on the path."""
    folders = (os.environ.get("RECONCILER_TOOLS", ""), str(Path(sys.executable).parent), os.environ.get("PATH", ""))
    return shutil.which(name, path=os.pathsep.join(filter(None, folders))) or unavailable(name)


def run(folder: Path, name: str, *args: str, given: str = "") -> tuple[int, str]:
    """Run a tool in a folder; its exit code and what it wrote, without colours."""
    done = subprocess.run(
        [command(name), *args], cwd=folder, input=given, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    return done.returncode, COLOURS.sub("", done.stdout + done.stderr)


def python_with(module: str) -> str:
    """The Python of the first of these folders that has a module."""
    for folder in filter(None, (os.environ.get("RECONCILER_TOOLS"), str(Path(sys.executable).parent))):
        python = Path(folder) / "python"
        found = subprocess.run([python, "-c", f"import {module}"], capture_output=True, timeout=PATIENCE, check=False)
        if found.returncode == 0:
            return str(python)
    return unavailable(module)
