"""Every folder of ``cases`` is a configuration; ``expected.txt`` has all that is said about it, in order."""

from pathlib import Path

import pytest

from reconciler.config import load
from reconciler.diagnostics import ConfigurationError
from tests.config.rendering import render

CASES = sorted(path.parent for path in (Path(__file__).parent / "cases").glob("*/expected.txt"))


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_case(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration is met with exactly the messages that its folder expects."""
    monkeypatch.chdir(folder)
    try:
        said = render(load([Path()]).warnings)
    except ConfigurationError as error:
        said = render(error.diagnostics)
    assert said == Path("expected.txt").read_text(encoding="utf-8")


def test_no_case_is_forgotten() -> None:
    """Every folder under ``cases`` says what it expects."""
    folders = {path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir()}
    assert folders == set(CASES)
