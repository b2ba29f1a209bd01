"""Opening a place by its URL, and what a holder says of itself."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.diagnostics import StateError
from reconciler.extras import required
from reconciler.state import LockInfo, open_backend
from reconciler.state.backend import held


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:reconciler.lock", "here/reconciler.lock"),
        ("file:a/b.lock", "here/a/b.lock"),
        ("file:../b.lock", "b.lock"),
        ("FILE:b.lock", "here/b.lock"),
        ("b.lock", "here/b.lock"),
        ("./x:y.lock", "here/x:y.lock"),
        ("file:x:y.lock", "here/x:y.lock"),
        ("file:50%25.lock", "here/50%25.lock"),
        ("{tmp}/b.lock", "b.lock"),
        ("file:{tmp}/b.lock", "b.lock"),
        ("file://{tmp}/b.lock", "b.lock"),
        ("file://localhost{tmp}/b.lock", "b.lock"),
        ("file://{tmp}/50%25%20b.lock", "50% b.lock"),
    ],
)
def test_a_url_names_a_file(tmp_path: Path, url: str, path: str) -> None:
    """Relative paths start at the given folder; only a URL with slashes has escapes, for the others are plain paths."""
    url = url.format(tmp=tmp_path)
    backend = open_backend(url, folder=tmp_path / "here")
    backend.write(b"one", expected=None)
    assert (tmp_path / path).read_bytes() == b"one"
    assert backend.url == url


def test_relative_paths_start_at_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with every other command that is given a path."""
    monkeypatch.chdir(tmp_path)
    open_backend("file:b.lock").write(b"one", expected=None)
    assert (tmp_path / "b.lock").read_bytes() == b"one"


def test_an_unknown_scheme_is_refused_without_its_password() -> None:
    """The message names the schemes that exist and repeats nothing of the URL but its scheme."""
    with pytest.raises(StateError, match="ftp:") as caught:
        open_backend("ftp://ana:secret@host/reconciler.lock")
    assert "file:" in caught.value.remedy
    assert "secret" not in str(caught.value) + caught.value.remedy


@pytest.mark.parametrize("url", ["", "file:", "file://", "file:///", "file:a/", "file://server/share.lock", "a\0b"])
def test_what_names_no_file_is_refused(url: str) -> None:
    """A URL that can't be a file of this machine is refused before anything is done."""
    with pytest.raises(StateError) as caught:
        open_backend(url)
    assert "file:" in caught.value.remedy


def test_a_missing_package_is_named_with_the_extra_that_has_it() -> None:
    """Places that need an optional package say so in a line that can be run."""
    with pytest.raises(StateError, match=r"at far: needs the Python package no_such_package") as caught:
        required("no_such_package", "distance", "a lockfile at far:", StateError)
    assert caught.value.remedy == "pip install 'emporix-reconciler[distance]'"
    assert required("json", "distance", "a lockfile at far:", StateError).loads("1") == 1


def test_lock_information_has_terraforms_names() -> None:
    """Servers of Terraform's protocol and people who know it read the same fields."""
    info = LockInfo("7", "apply", "job 5", "ana@laptop", "1.2.3", "2026-11-23T10:00:00Z", "reconciler.lock")
    assert json.loads(info.json()) == {
        "ID": "7",
        "Operation": "apply",
        "Info": "job 5",
        "Who": "ana@laptop",
        "Version": "1.2.3",
        "Created": "2026-11-23T10:00:00Z",
        "Path": "reconciler.lock",
    }
    assert LockInfo.parse(info.json()) == info
    assert str(info) == "ana@laptop, apply (job 5) since 2026-11-23T10:00:00Z"


@pytest.mark.parametrize("data", [b"", b"busy", b"\xff", b'"busy"', b"[]", b"{}", b'{"ID": 7}', b"[" * 100_000])
def test_what_names_no_holder_is_nobody(data: bytes) -> None:
    """Some servers answer a bare string, or a killed writer left half a text: that is no error."""
    assert LockInfo.parse(data) is None


def test_a_holder_may_say_little() -> None:
    """Fields that are missing or of another type are left empty, and the sentence stays one."""
    holder = LockInfo.parse(b'{"ID": "7", "Who": 5, "Other": true}')
    assert holder == LockInfo("7", "")
    assert str(holder) == "somebody unknown, unknown operation"


def test_a_holder_without_an_id_can_not_be_freed() -> None:
    """Some servers tell of a holder in words only: then there is no id to unlock with."""
    assert "state unlock 7" in held("file:x", LockInfo("7", "")).remedy
    for holder in (None, LockInfo("", "", info="the server says: busy")):
        assert "unlock" not in held("file:x", holder).remedy


def test_each_lock_has_its_own_id() -> None:
    """Two runs of the same user are two holders."""
    one, two = LockInfo.mine("apply"), LockInfo.mine("apply")
    assert one.id != two.id
    assert one.who == two.who
    assert one.created.endswith("Z")


NAMELESS = """
import getpass, os, pwd, socket, uuid, datetime
from reconciler.state import LockInfo
if os.getuid() == 0:
    os.setuid(54321)
print(os.getuid(), LockInfo.mine("apply").who)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become a user without a name")
def test_a_user_without_a_name_is_a_number() -> None:
    """Containers run under numbers that no file knows."""
    environment = {
        name: value for name, value in os.environ.items() if name not in {"LOGNAME", "USER", "LNAME", "USERNAME"}
    }
    done = subprocess.run([sys.executable, "-c", NAMELESS], env=environment, capture_output=True, text=True, check=True)
    number, who = done.stdout.split()
    assert who.startswith(f"{number}@")


def test_starting_costs_no_package_that_only_some_runs_need() -> None:
    """Every command imports this room, so what only locking and writing need is imported there."""
    wanted = {"socket", "fcntl", "getpass", "asyncio", "filelock", "json", "cryptography", "reconciler.state.local"}
    code = f"import sys, reconciler.state; print(*({wanted} & set(sys.modules)))"
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run([sys.executable, "-c", code], env=unmeasured, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
