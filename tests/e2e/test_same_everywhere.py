"""One fingerprint on every machine: what was reviewed here is what is applied there, however the files lie about.

The same wish is planned against the same service from other folders, files, orders, locales, hash seeds, time zones and
clocks. Python's version is one more of these: the fingerprint is pinned, so whichever runs this test must agree.
"""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Workplace
from tests.e2e.world import World, configuration, group

PINNED = "4e989f74a249ba822ba5"

DESK = group(
    "desk", ["ana", "dan", "eve"], description={"en": "Desk — früh"}, accessControls=["carts", "orders"],
    userType="EMPLOYEE",
)  # fmt: skip
NEW = group("new", ["gus", "fay"], mixins={"b": {"y": 1, "x": [2, 1]}, "a": None})
CLERKS = {"match": {"id": "clerks"}, "membership": "additive", "members": ["hal", "ben"]}
GROUPS = [DESK, NEW, CLERKS]

CLOCK = """
import time
_time, _time_ns = time.time, time.time_ns
time.time = lambda: _time() - 20 * 365 * 86400
time.time_ns = lambda: _time_ns() - 20 * 365 * 86400 * 10**9
"""
"""A sitecustomize by which a Python thinks it is twenty years ago."""


@pytest.fixture
def seed(seed: dict[str, Any]) -> dict[str, Any]:
    """Access controls that everybody may have."""
    seed["tenants"][0]["accessControls"] = [{"id": name, "scopes": [f"{name}.read"]} for name in ("orders", "carts")]
    return seed


@pytest.fixture
def applied(work: Workplace, world: World) -> Workplace:
    """Something is there already, so that there is every kind of change."""
    before = group("desk", ["ana", "ben"], accessControls=["orders"])
    work.configure(configuration(before, group("old", ["cleo"]), CLERKS | {"members": ["ida"]}))
    assert work.apply().code == 0
    (work.folder / "reconciler.yaml").unlink()
    world.clear()
    return work


def planned(work: Workplace, *args: str, **env: str) -> str:
    """The fingerprint of the plan; the one that is shown, saved and told by ``show`` must be the same."""
    result = work.run(*args, "plan", "-o", "x.plan", **env)
    assert result.code == 0, result.everything
    shown = work.run("show", "--fingerprint", "x.plan", **env).out.strip()
    assert f"Fingerprint: {shown}\n" in result.out
    assert json.loads((work.folder / "x.plan").read_bytes())["fingerprint"] == shown
    return shown


def mirrored(value: Any) -> Any:
    """The same mapping with its keys the other way round, at every depth."""
    if isinstance(value, dict):
        return {key: mirrored(value[key]) for key in reversed(value)}
    return [mirrored(item) for item in value] if isinstance(value, list) else value


def moved(work: Workplace) -> None:
    """Into another folder, whose name is strange, with the lockfile."""
    there = work.folder / "elsewhere" / "näher dran"
    there.mkdir(parents=True)
    shutil.move(work.folder / "reconciler.lock", there)
    work.folder = there
    work.configure(configuration(*GROUPS))


def shuffled(work: Workplace) -> None:
    """Groups, members, access controls, translations and keys in another order."""
    groups = [mirrored(entry) for entry in reversed(GROUPS)]
    for entry in groups:
        for name in ("members", "accessControls"):
            if name in entry:
                entry[name].reverse()
    work.configure(mirrored(configuration(*groups)))


def in_yaml(work: Workplace) -> None:
    """Block style, comments, quotes and an anchor instead of JSON."""
    work.configure("""
# the same wish
tenants:
  - tenant: acmeprod
    groups:
      - match: {id: clerks}
        membership: additive
        members: [ben, "hal"]
      - id: new
        name: {en: New}
        mixins: {a: null, b: {x: [2, 1], y: 1}}
        members: ["fay", gus]
      - id: 'desk'
        accessControls: [orders, carts]
        description:
          en: "Desk \\u2014 fr\\xfch"
        name: {"en": Desk}
        members:
          - id: dan
          - {id: eve, reason: OPS-42}
          - &someone ana
""")


WAYS: dict[str, tuple[Callable[[Workplace], None] | None, dict[str, str]]] = {
    "another folder": (moved, {}),
    "another order": (shuffled, {}),
    "YAML": (in_yaml, {}),
    "LANG=C": (None, {"LANG": "C", "LC_ALL": "C"}),
    "another language": (None, {"LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8", "PYTHONUTF8": "0"}),
    "hash seed 0": (None, {"PYTHONHASHSEED": "0"}),
    "hash seed 4711": (None, {"PYTHONHASHSEED": "4711"}),
    "another time zone": (None, {"TZ": "Pacific/Kiritimati"}),
    "a narrow terminal": (None, {"COLUMNS": "40", "NO_COLOR": "1"}),
    "optimised": (None, {"PYTHONOPTIMIZE": "2"}),
}


@pytest.mark.parametrize("way", WAYS)
def test_it_is_the_same_however_it_is_planned(applied: Workplace, way: str) -> None:
    """And the plan has changes of every kind that a fingerprint is made from."""
    prepare, environment = WAYS[way]
    (prepare or (lambda work: work.configure(configuration(*GROUPS))))(applied)
    assert planned(applied, **environment) == PINNED
    summary = json.loads((applied.folder / "x.plan").read_bytes())["summary"]
    assert {action: count > 0 for action, count in summary.items()} == {
        "create": True, "update": True, "delete": True, "replace": False, "adopt": False, "forget": False,
    }  # fmt: skip


def test_it_is_the_same_at_another_time(applied: Workplace, tmp_path: Path) -> None:
    """On a machine whose clock is twenty years behind, with files as old."""
    path = applied.configure(configuration(*GROUPS))
    os.utime(path, (0, 0))
    os.utime(applied.folder / "reconciler.lock", (0, 0))
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock" / "sitecustomize.py").write_text(CLOCK)
    assert planned(applied, PYTHONPATH=str(tmp_path / "clock")) == PINNED


def test_it_is_the_same_from_several_files(applied: Workplace) -> None:
    """One file or one for each group, as a folder or by name, in any order."""
    folder = applied.folder / "access"
    folder.mkdir()
    for number, entry in enumerate(GROUPS):
        applied.configure(configuration(entry), f"access/{number}.yaml")
    lockfile = ("--state", "file:reconciler.lock")
    names = [f"access/{number}.yaml" for number in range(len(GROUPS))]
    found = [planned(applied, *lockfile, "-f", "access")]
    orders = ([part for name in order for part in ("-f", name)] for order in (names, names[::-1]))
    found += [planned(applied, *lockfile, *order) for order in orders]
    assert found == [PINNED] * 3


def test_what_is_reviewed_here_is_applied_there(applied: Workplace, world: World) -> None:
    """The pinned fingerprint opens the apply from another folder, in another order, under another locale."""
    shuffled(applied)
    text = (applied.folder / "reconciler.yaml").read_text(encoding="utf-8")
    moved(applied)
    applied.configure(text)
    result = applied.apply("--expect", PINNED, LANG="C", LC_ALL="C", TZ="America/Adak", PYTHONHASHSEED="1")
    assert result.code == 0, result.everything
    assert world.members("desk") == {"ana", "dan", "eve"}
