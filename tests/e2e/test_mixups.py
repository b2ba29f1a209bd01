"""Nothing is taken for something else: a rehearsal for the real thing, drift for a plan, one service for another."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from reconciler.core import document as internals
from reconciler.core import document_forms as forms
from tests.e2e.command import Workplace
from tests.e2e.proxy import Proxy
from tests.e2e.world import World, configuration, group

SECRET = "pa55word-of-somebody-else"


@pytest.fixture
def applied(work: Workplace, world: World) -> Workplace:
    """Two in a group of ours, and a configuration that exchanges one of them."""
    work.configure(configuration(group("ours", ["ana", "ben"])))
    assert work.apply().code == 0
    work.configure(configuration(group("ours", ["ana", "cleo"])))
    world.clear()
    return work


def test_a_rehearsal_ignores_where_the_real_lockfile_is(applied: Workplace, world: World) -> None:
    """With --sandbox neither RECONCILER_STATE nor the file's own ``state`` is read or written."""
    before = (applied.folder / "reconciler.lock").read_bytes()
    elsewhere = f"file:{applied.folder}/elsewhere.lock"
    settings = configuration(group("ours", ["ana"]), state={"url": f"file:{applied.folder}/third.lock"})
    for document in (configuration(group("ours", ["ana"])), settings):
        applied.configure(document)
        result = applied.run("--sandbox", "apply", "--auto-approve", RECONCILER_STATE=elsewhere)
        assert result.code == 0, result.everything
    assert (applied.folder / ".reconciler" / "sandbox.lock").is_file()
    assert not {"elsewhere.lock", "third.lock"} & set(applied.files)
    assert (applied.folder / "reconciler.lock").read_bytes() == before
    listed = applied.run("--sandbox", "state", "list", RECONCILER_STATE=f"file:{applied.folder}/reconciler.lock")
    assert listed.out.split() == ["acmeprod/ours", "acmeprod/ours/ana"]
    assert world.log == []


@pytest.mark.parametrize(
    "args",
    [
        ("--sandbox", "--state", "file:reconciler.lock", "apply", "--auto-approve"),
        ("apply", "--auto-approve", "--sandbox", "--state", "file:reconciler.lock"),
        ("--sandbox", "state", "forget", "acmeprod/ours", "--state", "file:reconciler.lock"),
    ],
)
def test_a_rehearsal_refuses_a_lockfile(applied: Workplace, args: tuple[str, ...]) -> None:
    """--sandbox and --state together are an error, wherever they stand, and the real lockfile stays as it was."""
    before = (applied.folder / "reconciler.lock").read_bytes()
    result = applied.run(*args)
    assert result.code == 1
    assert "--sandbox keeps a lockfile of its own" in result.err
    assert (applied.folder / "reconciler.lock").read_bytes() == before


def test_a_rehearsed_plan_is_not_applied_in_earnest(applied: Workplace, world: World) -> None:
    """And one made in earnest is not rehearsed: each names both services, exit 1, no request."""
    assert applied.run("--sandbox", "plan", "-o", "rehearsed.plan").code == 0
    assert applied.run("plan", "-o", "real.plan").code == 0
    world.clear()
    refused = applied.run("apply", "rehearsed.plan")
    assert refused.code == 1
    assert f"the plan was made for sandbox, and this run is for {applied.url}" in refused.err
    refused = applied.run("--sandbox", "apply", "real.plan")
    assert refused.code == 1
    assert f"the plan was made for {applied.url}, and this run is for sandbox" in refused.err
    assert world.log == []
    assert applied.run("--sandbox", "apply", "rehearsed.plan").code == 0
    assert applied.run("apply", "real.plan").code == 0
    assert world.members("ours") == {"ana", "cleo"}


def test_a_plan_for_one_address_is_not_applied_at_another(applied: Workplace, world: World, between: Proxy) -> None:
    """Another EMPORIX_API_URL is refused even though it leads to the same service."""
    assert applied.run("plan", "-o", "x.plan").code == 0
    world.clear()
    refused = applied.run("apply", "x.plan", EMPORIX_API_URL=between.target.join(("http://", "")))
    assert refused.code == 1
    assert f"the plan was made for {between.url}" in refused.err
    assert world.log == []
    assert applied.run("apply", "x.plan").code == 0


def test_drift_is_no_plan(applied: Workplace, world: World) -> None:
    """Applied as one it would undo what somebody did: apply and show refuse it and say what it is."""
    world.add("ours", "zoe")
    found = applied.run("drift", "--format", "json")
    assert [entry["drift"] for entry in json.loads(found.out)["drift"]] == ["added outside"]
    (applied.folder / "drift.json").write_text(found.out)
    world.clear()
    for command in ("apply", "show"):
        result = applied.run(command, "drift.json")
        assert result.code == 1
        assert "drift.json is a drift document and no plan" in result.err
        assert result.out == ""
    assert world.log == []


def resigned(path: Path, **changes: Any) -> None:
    """Change a plan file and sign it anew, as anybody can who has read how."""
    document = {**json.loads(path.read_bytes()), **changes}
    parsed = msgspec.convert(document, forms.Document)
    document["checksum"] = internals._checksum(parsed)
    path.write_text(json.dumps(document))


@pytest.fixture
def forged(applied: Workplace) -> Workplace:
    """A saved plan, ``x.plan``, and a file that is nobody's business."""
    assert applied.run("plan", "-o", "x.plan").code == 0
    (applied.folder / "secret.env").write_text(f"# settings\nPASSWORD={SECRET}\n")
    return applied


def test_a_plan_file_signed_again_is_shown(forged: Workplace) -> None:
    """The checksum keeps out mistakes, not intent: what is sensible is taken."""
    resigned(forged.folder / "x.plan", unchanged=41)
    assert json.loads(forged.run("show", "x.plan", "--format", "json").out)["unchanged"] == 41


@pytest.mark.parametrize("command", ["show", "apply"])
def test_a_plan_file_can_not_make_us_quote_a_file(forged: Workplace, command: str) -> None:
    """Warnings, changes and groups that name a line of another file as their source show its place, not its text."""
    path = forged.folder / "x.plan"
    place = {"file": str(forged.folder / "secret.env"), "line": 2, "column": 1}
    found = json.loads(path.read_bytes())
    guards = {"minMembers": 9, "maxRemovals": "1%"}
    resigned(
        path,
        warnings=[{"message": "Look", "rule": "R1", "source": place, "related": [{"label": "and", "source": place}]}],
        changes=[{**change, "source": place} for change in found["changes"]],
        groups=[{**group, "source": place, "guards": guards} for group in found["groups"]],
    )
    result = forged.run(command, "x.plan")
    assert "secret.env:2:1" in result.everything
    assert SECRET not in result.everything


LIES: dict[str, tuple[str, Any, str]] = {
    "fingerprint": ("fingerprint", "0" * 20, "its fingerprint is not that of its changes"),
    "address": ("changes", {"address": "acmeprod/ours/zoe"}, "the address acmeprod/ours/zoe is not that of its change"),
    "empty user": ("changes", {"address": "acmeprod/ours/", "user": ""}, "is not that of its change"),
    "empty group": ("changes", {"address": "acmeprod//ana", "group": ""}, "is not that of its change"),
    "no groups": ("groups", None, "what it says of acmeprod/ours is not what it does there"),
    "counts": ("groups", {"live": 0}, "what it says of acmeprod/ours is not what it does there"),
    "definition": ("changes", {"after": {"name": 7}}, "is not a plan file"),
    "definition's field": ("changes", {"after": {"userType": "ROBOT"}}, "is not a plan file"),
}


def fingerprint_of(document: dict[str, Any]) -> str:
    """The documented digest of what will happen."""
    essence = sorted(
        [
            change["tenant"], change["group"], change.get("user") or "", change["action"], change["userType"],
            msgspec.json.encode(
                [change.get("before"), change.get("after"), change.get("version"), change.get("owned", False)],
                order="deterministic",
            ).decode(),
        ]
        for change in document["changes"]
    )  # fmt: skip
    return hashlib.sha256(msgspec.json.encode(essence, order="deterministic")).hexdigest()[:20]


@pytest.mark.parametrize("lie", LIES)
def test_a_plan_file_that_belies_itself_is_refused(forged: Workplace, world: World, lie: str) -> None:
    """With a message and exit 1 by show and apply alike, before any request, however well it is signed."""
    path = forged.folder / "x.plan"
    document = json.loads(path.read_bytes())
    assert fingerprint_of(document) == document["fingerprint"]
    field, change, message = LIES[lie]
    if field == "fingerprint":
        document[field] = change
    else:
        document[field] = [{**entry, **change} for entry in document[field]] if change else []
        document["fingerprint"] = fingerprint_of(document)
    resigned(path, **document)
    world.clear()
    for command in ("show", "apply"):
        result = forged.run(command, "x.plan")
        assert result.code == 1, result.everything
        assert message in result.err
        assert result.out == ""
        assert "Traceback" not in result.err
        assert "a bug in" not in result.err
    assert world.log == []


def test_an_honest_plan_file_names_its_lockfile_from_where_it_is(applied: Workplace, world: World) -> None:
    """Saved into the folder above and applied from yet another one, it is applied to the same lockfile."""
    outside, inside = applied.folder, applied.folder / "project"
    inside.mkdir()
    for name in ("reconciler.yaml", "reconciler.lock"):
        (outside / name).rename(inside / name)
    applied.folder = inside
    assert applied.run("plan", "-o", "../x.plan").code == 0
    other = outside / "other"
    other.mkdir()
    applied.folder = other
    result = applied.run("apply", "../x.plan")
    assert result.code == 0, result.everything
    assert not (other / "reconciler.lock").exists()
    applied.folder = inside
    assert applied.owned == {"acmeprod/ours*": ["ana", "cleo"]}
    assert applied.run("plan", "--detailed-exitcode").code == 0


def test_a_plan_file_is_written_whole_for_its_owner(applied: Workplace) -> None:
    """Over an older file that others may read it gets mode 0600, and nothing else is left beside it."""
    path = applied.folder / "x.plan"
    older = '{"format": 1, "kind": "plan"}' + " " * 60_000
    path.write_text(older)
    path.chmod(0o644)
    with path.open() as reader:
        assert applied.run("plan", "-o", "x.plan").code == 0
        assert reader.read() == older, "who reads the older file reads all of it"
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_bytes())["tenants"] == ["acmeprod"]
    assert [name for name in applied.files if "x.plan" in name] == ["x.plan"]


def test_a_plan_can_be_saved_to_what_is_no_file(applied: Workplace) -> None:
    """A pipe is written to and not replaced."""
    pipe = applied.folder / "pipe"
    os.mkfifo(pipe)
    descriptor = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert applied.run("plan", "-o", "pipe").code == 0
        assert json.loads(os.read(descriptor, 65536))["tenants"] == ["acmeprod"]
    finally:
        os.close(descriptor)
    assert pipe.is_fifo()


@pytest.mark.parametrize("place", ["reconciler.yaml/x.plan", "/proc/x.plan", "missing/x.plan"])
def test_a_plan_that_can_not_be_saved_is_an_error(applied: Workplace, place: str) -> None:
    """Under a file, where nothing can be made, and in a folder that is not there: a message and exit 1."""
    result = applied.run("plan", "-o", place)
    assert result.code == 1, result.everything
    assert f"the plan can't be saved to {place}" in result.err
    assert "Traceback" not in result.everything
    assert [name for name in applied.files if "x.plan" in name] == []
