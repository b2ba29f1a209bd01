"""Paths that can't be a configuration."""

import os
from pathlib import Path

from reconciler.config import load
from tests.config.world import of_groups, refusal


def test_a_missing_path(file: Path) -> None:
    """Somebody without a configuration is told how to get one."""
    assert refusal(file) == (
        "`a.yaml` does not exist\n    name another file with -f, or let `reconciler init` write a first one\n"
    )


def test_nothing_given(file: Path) -> None:
    """No path at all is a configuration without tenants."""
    assert refusal() == "the configuration has no tenants\n    add `tenants:`, or let `reconciler init` write them\n"


def test_a_folder_without_files(file: Path) -> None:
    """A folder is named for its YAML files; without any the name is probably wrong."""
    Path("empty").mkdir()
    assert refusal(Path("empty")) == (
        "the folder `empty` has no *.yaml or *.yml file\n"
        "    name another folder with -f, or let `reconciler init` write a first file\n"
    )


def test_a_missing_path_does_not_hide_other_files(file: Path) -> None:
    """All that is wrong is said at once, also of the paths that exist."""
    file.write_text("tenants: 5\n")
    assert refusal(Path("b.yaml"), file).splitlines()[::2] == [
        "`b.yaml` does not exist",
        "a.yaml:1:10: `tenants` must be a list, not text",
    ]


def test_a_pipe(file: Path) -> None:
    """A pipe is refused without waiting for somebody to write into it."""
    os.mkfifo(file)
    said = "a.yaml:1:1: this is not a regular file\n    name a file or a folder\n"
    assert refusal(file) == refusal(Path()) == said


def test_a_link_to_itself(file: Path) -> None:
    """What the operating system says about a file is passed on."""
    file.symlink_to(file)
    assert refusal(file) == "a.yaml:1:1: this can't be read: Too many levels of symbolic links\n"


def test_a_link_to_nowhere(file: Path) -> None:
    """A link is a file that somebody meant to be there, so it is not passed over."""
    file.symlink_to("nowhere")
    assert refusal(Path()) == "a.yaml:1:1: this can't be read: No such file or directory\n"


def test_a_name_too_long(file: Path) -> None:
    """A path that can't even be looked at is one problem among others."""
    name = "a" * 300
    assert refusal(Path(name)) == f"`{name}` can't be read: File name too long\n"


def test_paths_stay_as_given(tmp_path: Path) -> None:
    """Messages name files as the user named them."""
    (tmp_path / "a.yaml").write_text(of_groups("- id: a"))
    (tenant,) = load([tmp_path / "a.yaml"]).desired.tenants
    assert tenant.source is not None
    assert tenant.source.path == str(tmp_path / "a.yaml")
