"""A place to write configurations to."""

from pathlib import Path

import pytest


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file's relative name in an empty working directory, so that messages are the same everywhere."""
    monkeypatch.chdir(tmp_path)
    return Path("a.yaml")
