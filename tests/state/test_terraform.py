"""Terraform itself as the second client of the server that we use: each respects the other's lock."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.diagnostics import LockHeld, StateError
from reconciler.state import LockInfo, Store, open_backend
from tests.state.http_server import PATH, Dialect, StateServer
from tests.state.place_http import environment

TERRAFORM = shutil.which("terraform") or ""

pytestmark = pytest.mark.skipif(not TERRAFORM, reason="terraform is not on this machine, and CI can't install it")

ME = LockInfo.mine("apply", info="https://ci.example/jobs/7")

CONFIGURATION = """
terraform {
  backend "http" {}
}

resource "terraform_data" "one" {
  input = "x"
}
"""


@pytest.fixture(params=[Dialect(), Dialect(lock="POST", unlock="DELETE", lock_path=f"{PATH}/lock", held=409)])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[StateServer]:
    """The variables are the same for both clients, as in a pipeline, but that Terraform has to be told all of them."""
    dialect = request.param
    with StateServer(dialect) as started:
        variables = environment(
            ADDRESS=started.url, LOCK_ADDRESS=started.lock_url, UNLOCK_ADDRESS=started.lock_url,
            LOCK_METHOD=dialect.lock, UNLOCK_METHOD=dialect.unlock,
        )  # fmt: skip
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield started


@pytest.fixture
def folder(tmp_path: Path, server: StateServer) -> Path:
    """A configuration that needs no provider from elsewhere."""
    (tmp_path / "main.tf").write_text(CONFIGURATION)
    run(tmp_path, "init")
    return tmp_path


def variables(folder: Path) -> dict[str, str]:
    """What the backend is told, and nothing that this machine tells Terraform besides."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    told = {name: value for name, value in os.environ.items() if name.startswith("TF_HTTP_") and value}
    return own | told | {"CHECKPOINT_DISABLE": "1", "HOME": str(folder)}


def run(folder: Path, *command: str, fails: bool = False) -> str:
    """What it says; ``fails`` whether it must."""
    done = subprocess.run(
        [TERRAFORM, *command, "-no-color"], cwd=folder, env=variables(folder), capture_output=True, text=True,
        stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stdout + done.stderr


def start_applying(folder: Path) -> subprocess.Popen[bytes]:
    """An apply that waits for its approval, and holds the lock meanwhile."""
    process = subprocess.Popen(
        [TERRAFORM, "apply", "-no-color"], cwd=folder, env=variables(folder),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    said = b""
    assert process.stdout is not None
    while b"Enter a value:" not in said:
        more = os.read(process.stdout.fileno(), 4096)
        assert more, said.decode()
        said += more
    return process


def test_we_wait_for_terraform(server: StateServer, folder: Path) -> None:
    """Who is refused reads Terraform's own words; then the lock is ours as soon as it is done."""
    backend = open_backend("http:")
    applying = start_applying(folder)
    with pytest.raises(LockHeld, match=r"is locked by \S+@\S+, OperationTypeApply since 2") as caught:
        backend.lock(ME)
    assert f"state unlock {server.state.lock_id}`" in caught.value.remedy
    with backend.lock(ME, timeout=60, on_wait=lambda _: finish(applying)):
        assert backend.read() is not None
    with pytest.raises(StateError, match="no lockfile"):
        Store(backend).load()


def finish(applying: subprocess.Popen[bytes]) -> None:
    said, _ = applying.communicate(b"yes\n")
    assert b"Apply complete! Resources: 1 added" in said


def test_terraform_waits_for_us(server: StateServer, folder: Path) -> None:
    """It names our id; it shows nothing else of whoever holds a lock (what it calls "Lock Info" is its own)."""
    with open_backend("http:").lock(ME):
        said = " ".join(run(folder, "apply", "-auto-approve", fails=True).split())
        assert f"HTTP remote state already locked: ID={ME.id}" in said
    assert "Apply complete!" in run(folder, "apply", "-auto-approve")


def test_terraforms_lock_can_be_taken(server: StateServer, folder: Path) -> None:
    """Then it can't store its result any more: it is told so, and keeps it in a file."""
    applying = start_applying(folder)
    assert server.state.lock_id is not None
    open_backend("http:").unlock(server.state.lock_id)
    said, _ = applying.communicate(b"yes\n")
    assert b"Failed to save state" in said
    assert server.state.content is None
    assert (folder / "errored.tfstate").exists()


def test_terraform_can_not_force_us_out(server: StateServer, folder: Path) -> None:
    """Its force-unlock sends no id to this kind of server, so ours stays."""
    with open_backend("http:").lock(ME) as lease:
        assert "Failed to unlock" in run(folder, "force-unlock", "-force", ME.id, fails=True)
        lease.check()
        assert server.state.lock_id == ME.id
