"""Saved plans are looked at and compared anywhere: without credentials, network, lockfile, YAML or environment."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.command import Result, Workplace, measured
from tests.e2e.world import World, configuration, group


@pytest.fixture
def two(work: Workplace, world: World) -> Workplace:
    """Plans ``a.plan`` and ``b.plan`` of two wishes, and ``again.plan``, the same as the first from another folder."""
    work.configure(configuration(group("desk", ["ana", "ben"]), group("old", ["cleo"])))
    assert work.apply().code == 0
    work.configure(configuration(group("desk", ["ana", "dan"]), group("old", ["cleo"])))
    assert work.run("plan", "-o", "a.plan").code == 0
    elsewhere = work.folder / "elsewhere" / "deep"
    elsewhere.mkdir(parents=True)
    shutil.copy(work.folder / "reconciler.lock", elsewhere)
    moved = "\n\n# moved\n" + (work.folder / "reconciler.yaml").read_text()
    work.configure(moved, "elsewhere/deep/access.yaml")
    assert work.run("-f", "elsewhere/deep/access.yaml", "plan", "-o", "again.plan").code == 0
    work.configure(configuration(group("desk", ["ana", "ben", "eve"], description={"en": "Desk"})))
    assert work.run("plan", "-o", "b.plan").code == 0
    world.clear()
    return work


def bare(work: Workplace, folder: Path, *args: str) -> Result:
    """The command in a folder that has nothing but plans, with nothing at all in its environment."""
    folder.mkdir(exist_ok=True)
    for name in ("a.plan", "b.plan", "again.plan"):
        shutil.copy(work.folder / name, folder)
    found = subprocess.run(work.arguments(*args), cwd=folder, env=measured(), capture_output=True, check=False)
    assert b"Traceback" not in found.stderr
    return Result(found.returncode, found.stdout.decode(), found.stderr.decode())


def test_the_difference_of_two_plans_is_told(two: Workplace, world: World, tmp_path: Path) -> None:
    """What only one of them does, removals first, each under its plan; nothing is asked of the service."""
    result = bare(two, tmp_path / "bare", "diff", "a.plan", "b.plan")
    assert (result.code, result.err) == (0, "")
    first, rest = result.out.split("Only in b.plan: 4 changes")
    assert first.splitlines()[:3] == [
        "Only in a.plan: 2 changes",
        "  - acmeprod/desk/ben will be destroyed  removed from configuration",
        "  + acmeprod/desk/dan will be created  new in configuration",
    ]
    assert "  - acmeprod/old/cleo will be destroyed  removed from configuration\n" in rest
    assert '      description.en  + "Desk"\n' in rest
    assert "The plans differ: 2 changes only in a.plan, 4 only in b.plan, 0 not the same in both.\n" in rest
    assert "# acmeprod" not in result.out
    assert world.log == []


def test_plans_of_two_folders_do_the_same(two: Workplace, tmp_path: Path) -> None:
    """Paths, lines and the place of the lockfile are no difference."""
    fingerprint = json.loads((two.folder / "a.plan").read_bytes())["fingerprint"]
    result = bare(two, tmp_path / "bare", "diff", "--detailed-exitcode", "a.plan", "again.plan")
    assert (result.code, result.out) == (0, f"Both plans do the same.\nFingerprint: {fingerprint}\n")


def test_exit_codes_tell_whether_they_differ_only_if_asked(two: Workplace) -> None:
    """0 for a comparison that worked, 2 with --detailed-exitcode for plans that differ, 1 for what is no plan."""
    assert two.run("diff", "a.plan", "b.plan").code == 0
    assert two.run("diff", "a.plan", "b.plan", "--detailed-exitcode").code == 2
    for files in (("a.plan", "missing.plan"), ("reconciler.lock", "b.plan")):
        result = two.run("diff", *files)
        assert result.code == 1
        assert result.out == ""


def test_machines_get_a_document(two: Workplace, tmp_path: Path) -> None:
    """Stdout is JSON and nothing else, with the exit codes of the text."""
    result = bare(two, tmp_path / "bare", "diff", "a.plan", "b.plan", "--format", "json", "--detailed-exitcode")
    document = json.loads(result.out)
    assert (result.code, result.err, document["kind"], document["same"]) == (2, "", "comparison", False)
    assert [change["address"] for change in document["onlyFirst"]] == ["acmeprod/desk/ben", "acmeprod/desk/dan"]


@pytest.mark.parametrize("args", [(), ("--fingerprint",), ("--format", "json"), ("--full",)])
def test_a_saved_plan_is_shown_without_anything(two: Workplace, tmp_path: Path, args: tuple[str, ...]) -> None:
    """No environment, no YAML, no lockfile: the same as where it was made."""
    result = bare(two, tmp_path / "bare", "show", "a.plan", *args)
    assert (result.code, result.err) == (0, "")
    assert result.out == two.run("show", "a.plan", *args).out


def test_every_form_of_a_saved_plan_needs_nothing(two: Workplace, tmp_path: Path) -> None:
    """Whatever forms there are: each is made from the plan file alone."""
    from reconciler.cli.formats import FORMATS

    for name in FORMATS:
        result = bare(two, tmp_path / "bare", "show", "a.plan", "--format", name)
        assert (result.code, result.err) == (0, ""), name
        assert result.out, name
