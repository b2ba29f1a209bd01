"""The ``reconciler`` command as its users run it: a real process, in a folder and an environment of its own.

``Workplace`` is such a folder. ``Spawner`` starts the same command by forking a process that has imported it already:
it is as real and as mortal, and costs a fifth where thousands of runs are needed. What is started to be watched, raced
or killed on its way is a fresh process, and so is whatever depends on how Python starts.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATIENCE = 60
"""Seconds after which a command counts as hanging: far more than any needs, and no test waits for it to pass."""

SOON = 15
"""Seconds within which a run ends that does not wait: far less than the waits that the tests ask for."""

AT_START = ("LANG", "LC_", "PYTHON", "TZ")
"""How the variables begin that Python looks at when it starts, and never again: such a run needs a fresh process."""


def measured() -> dict[str, str]:
    """What has coverage measured, if anything: all that an empty environment may have."""
    return {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_PROCESS_")}


@dataclass(frozen=True)
class Result:
    """How a command ended: its exit code (negative: killed by that signal), and what it wrote where."""

    code: int
    out: str
    err: str

    @property
    def everything(self) -> str:
        """Both streams, for what must be said or must never be said anywhere."""
        return self.out + self.err


@dataclass
class Workplace:
    """A folder with a configuration, a lockfile and the credentials of one service."""

    folder: Path
    url: str
    more: dict[str, str] = field(default_factory=dict)
    spawner: "Spawner | None" = None
    """If there is one, :meth:`run` goes through it where that can make no difference."""

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of the tester's own environment but the way to Python, and what has coverage measured."""
        return {
            **measured(),
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "EMPORIX_API_URL": self.url,
            "EMPORIX_CLIENT_ID": "acmeprod",
            "EMPORIX_CLIENT_SECRET": "sandbox",
            **self.more,
        }

    def configure(self, document: Mapping[str, Any] | str, name: str = "reconciler.yaml") -> Path:
        """Write a configuration file; a mapping becomes JSON, which YAML contains."""
        path = self.folder / name
        text = document if isinstance(document, str) else json.dumps(document, indent=1, ensure_ascii=False)
        path.write_text(text, encoding="utf-8")
        return path

    def arguments(self, *args: str) -> list[str]:
        return [sys.executable, "-m", "reconciler", *args]

    def start(self, *args: str, **env: str) -> "Running":
        """Start the command and return at once; ``with`` sees to its end."""
        process = subprocess.Popen(
            self.arguments(*args), cwd=self.folder, env={**self.environment, **env}, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        return Running(process)

    def run(self, *args: str, **env: str) -> Result:
        """Run the command to its end."""
        if self.spawner and not any(name.startswith(AT_START) for name in {**self.more, **env}):
            return self.spawner.run(self, *args, **env)
        with self.start(*args, **env) as running:
            return running.end()

    def apply(self, *args: str, **env: str) -> Result:
        """Apply without a question."""
        return self.run("apply", "--auto-approve", *args, **env)

    @property
    def lockfile(self) -> dict[str, Any]:
        """What the lockfile says, as JSON."""
        found: dict[str, Any] = json.loads((self.folder / "reconciler.lock").read_bytes())
        return found

    @property
    def owned(self) -> dict[str, list[str]]:
        """The members that are ours by ``tenant/group``, a group whose definition is ours marked by a star."""
        return {
            f"{tenant}/{group}" + ("*" if found["owned"] else ""): [member["id"] for member in found["members"]]
            for tenant, groups in self.lockfile["tenants"].items()
            for group, found in groups.items()
        }

    @property
    def files(self) -> list[str]:
        """All that lies in the folder."""
        return sorted(path.name for path in self.folder.iterdir())


class Running:
    """A command on its way; what it says can be waited for, so that no test has to sleep."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.out: list[str] = []
        self.err: list[str] = []
        self._news = threading.Condition()
        streams = ((process.stdout, self.out), (process.stderr, self.err))
        self._readers = [threading.Thread(target=self._read, args=stream, daemon=True) for stream in streams]
        for reader in self._readers:
            reader.start()

    def _read(self, stream: Any, lines: list[str]) -> None:
        for line in stream:
            with self._news:
                lines.append(line)
                self._news.notify_all()
        stream.close()

    def says(self, word: str) -> None:
        """Wait until it has said so on either stream."""
        with self._news:
            assert self._news.wait_for(lambda: any(word in line for line in self.out + self.err), PATIENCE), (
                f"never said {word!r}: {self.out + self.err}"
            )

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self) -> Result:
        """Wait for its end; one that hangs is killed, and that fails the test."""
        try:
            code = self.process.wait(PATIENCE)
        finally:
            self.process.kill()
        for reader in self._readers:
            reader.join()
        return Result(code, "".join(self.out), "".join(self.err))

    def end_soon(self) -> Result:
        """The same, for a run that must not wait for what it was waiting for."""
        began = time.monotonic()
        result = self.end()
        assert time.monotonic() - began < SOON, result.everything
        return result

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join()


SPAWNER = """
import gc, importlib, json, os, pkgutil, sys
import reconciler
for found in pkgutil.walk_packages(reconciler.__path__, "reconciler."):
    if found.name != "reconciler.__main__":
        importlib.import_module(found.name)
if "coverage" in sys.modules:
    sys.modules["coverage"].Coverage.current().get_data()  # the imports are written down once, not by every child
gc.freeze()
for line in sys.stdin:
    job = json.loads(line)
    child = os.fork()
    if child == 0:
        os.chdir(job["folder"])
        os.environ.clear()
        os.environ.update(job["environment"])
        for number, name in enumerate([os.devnull, *job["streams"]]):
            os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC), number)
        sys.argv = ["reconciler", *job["args"]]
        sys.modules["reconciler.cli"].main()
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Spawner:
    """Runs the command again and again, one at a time, as children of one process.

    Tracing doubles the time; who runs the same lines hundreds of times goes without.
    """

    def __init__(self, traced: bool = True) -> None:
        self._pid = 0
        self._started = threading.Event()
        self._alone = threading.Lock()
        self._folder = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(
            [sys.executable, "-c", SPAWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**(measured() if traced else {}), "PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8"},
        )  # fmt: skip

    def run(self, workplace: Workplace, *args: str, **env: str) -> Result:
        """Run the command in a workplace to its end; one that hangs is killed, and that fails the test."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        assert self._alone.acquire(blocking=False), "one at a time: what shall run at once is started"
        streams = [Path(self._folder.name) / name for name in ("out", "err")]
        job = {
            "folder": str(workplace.folder), "environment": {**workplace.environment, **env}, "args": args,
            "streams": list(map(str, streams)),
        }  # fmt: skip
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
        self._pid = int(process.stdout.readline())
        self._started.set()
        end = threading.Timer(PATIENCE, self.kill)
        end.start()
        code = int(process.stdout.readline())
        end.cancel()
        self._started.clear()
        self._alone.release()
        return Result(code, *(stream.read_text(encoding="utf-8") for stream in streams))

    def kill(self) -> None:
        """``kill -9`` the command that runs now."""
        assert self._started.wait(PATIENCE)
        os.kill(self._pid, signal.SIGKILL)

    def __enter__(self) -> "Spawner":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=PATIENCE)
        self._folder.cleanup()
