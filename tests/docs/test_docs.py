"""What the READMEs say is what happens: every command is run as written, and its output is pinned for reviewers."""

import re
from pathlib import Path

import pytest

from reconciler.config import load
from reconciler.config.edit.formatting import formatted
from reconciler.sandbox import start
from tests.docs.transcript import HERE, ROOT, STORIES, commands, first_steps, run, story

CONFIGURATIONS = sorted(file for file in (ROOT / "examples").rglob("*.yaml") if file.parent.name != "sandbox")


@pytest.mark.parametrize("name", STORIES)
def test_the_commands_of_each_example_run_as_written(name: str, tmp_path: Path) -> None:
    """An example's README is a transcript: same commands, same output, same exit codes."""
    assert story(name, tmp_path) == (HERE / f"{name}.txt").read_text(encoding="utf-8")


def test_the_first_steps_of_the_readme_run_as_written(tmp_path: Path) -> None:
    """`init`, `validate` and a rehearsal work in an empty folder."""
    assert first_steps(tmp_path) == (HERE / "README.txt").read_text(encoding="utf-8")


def test_every_transcript_ends_with_nothing_to_do() -> None:
    """After the last apply of each story the plan is empty."""
    for name in STORIES:
        text = (HERE / f"{name}.txt").read_text(encoding="utf-8")
        assert text.endswith("No changes. Your configuration matches the live state.\n(exit 0)\n"), name


def test_the_pipeline_of_the_readme_applies_only_the_reviewed_plan(tmp_path: Path) -> None:
    """The two commands of the pipeline section, with the fingerprint that the first one prints."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.split("### In a pipeline")[1]
    block = re.search(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    assert block is not None
    planned, applied = block.group(1).splitlines()
    example = ROOT / "examples" / "quickstart"
    (tmp_path / "reconciler.yaml").write_bytes((example / "reconciler.yaml").read_bytes())
    with start(None, seed=example / "sandbox" / "seed.yaml") as sandbox:
        access = {
            "EMPORIX_API_URL": sandbox.url,
            "EMPORIX_CLIENT_ID": "acmeprod",
            "EMPORIX_CLIENT_SECRET": "sandbox",
        }
        plan = run(planned, tmp_path, **access)
        fingerprint = re.search(r"^Fingerprint: (\w+)$", plan.stdout, re.MULTILINE)
        assert plan.returncode == 0 and fingerprint is not None
        assert run(applied, tmp_path, FINGERPRINT="0" * 20, **access).returncode == 1
        done = run(applied, tmp_path, FINGERPRINT=fingerprint.group(1), **access)
    assert done.returncode == 0 and "Apply complete!" in done.stdout, done.stderr


@pytest.mark.parametrize("file", CONFIGURATIONS, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_example_is_valid(file: Path) -> None:
    """Every configuration in examples loads without a problem, and names the schema where it really is.

    One that refers to people of another file is loaded with its folder.
    """
    together = (file.parent / "people.yaml").exists()
    assert load([file.parent if together else file]).warnings == ()
    named = re.search(r"\$schema=(\S+)", file.read_text(encoding="utf-8"))
    assert named is not None and (file.parent / named.group(1)).resolve() == ROOT / "schema.json"


@pytest.mark.parametrize("file", CONFIGURATIONS, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_example_is_in_canonical_style(file: Path) -> None:
    """`fmt --check` finds nothing to do, so that the examples show what it makes of files."""
    assert formatted(file.read_bytes()) == file.read_bytes()


def test_the_readme_names_every_command() -> None:
    """The table of commands is complete."""
    from reconciler.cli import COMMANDS

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if name != "version" and f"| `{name}` |" not in readme] == []


def test_the_readme_has_the_two_commands_that_do_everything() -> None:
    """One installs and runs the main job, one installs and passes the tests; CI runs both in fresh environments."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for part in re.findall(r'readme_command (?:\'(.+?)\'|"(.+?)")\)', script):
        wanted = "".join(part)
        assert [line.count(wanted) for line in readme.splitlines() if wanted in line] == [1], wanted
    assert len(commands(ROOT / "README.md")) == 3
