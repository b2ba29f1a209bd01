"""``plan --offline``: what a change would do, from configuration and lockfile alone, and never more than is known."""

import json
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.sandbox import Sandbox
from tests.e2e.command import Result, Workplace, measured
from tests.e2e.world import World, configuration, group

QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart"
FIRST = configuration(
    group("desk", ["ana", "ben"], description={"en": "Desk"}),
    group("old", ["cleo"]),
    {"match": {"id": "clerks"}, "membership": "additive", "members": ["dan"]},
    {"match": {"code": "BO_MANAGER"}, "membership": "additive", "members": ["eve"]},
)
SECOND = configuration(
    group("desk", ["ana", "fay"], description={"en": "Front desk"}),
    group("new", ["gus"]),
    {"match": {"id": "clerks"}, "membership": "additive", "members": ["dan", "hal"]},
    {"match": {"code": "BO_MANAGER"}, "membership": "additive", "members": ["eve"]},
)


@pytest.fixture
def applied(work: Workplace, world: World) -> Workplace:
    """The first configuration is applied, the second one is proposed."""
    work.configure(FIRST)
    assert work.apply().code == 0
    work.configure(SECOND)
    world.clear()
    return work


def fork(work: Workplace, *args: str) -> Result:
    """What a pull request from a fork has: the folder, and not one variable."""
    found = subprocess.run(work.arguments(*args), cwd=work.folder, env=measured(), capture_output=True, check=False)
    assert b"Traceback" not in found.stderr
    assert b"a bug in" not in found.stderr
    return Result(found.returncode, found.stdout.decode(), found.stderr.decode())


def fingerprint(work: Workplace, name: str) -> str:
    found: str = json.loads((work.folder / name).read_bytes())["fingerprint"]
    return found


def test_it_needs_no_credentials_and_asks_nothing(applied: Workplace, world: World) -> None:
    """Not even a token: the service hears nothing, with its address in the environment and without."""
    result = fork(applied, "plan", "--offline", "-o", "x.plan")
    assert (result.code, result.err) == (0, "")
    assert "# acmeprod/desk/fay will be created" in result.out
    credentials = {"EMPORIX_CLIENT_ID": "", "EMPORIX_CLIENT_SECRET": ""}
    assert applied.run("plan", "--offline", **credentials).out == result.out
    assert applied.run("plan", "--offline").code == 0
    assert world.log == []


def test_without_drift_it_is_the_same_plan(applied: Workplace, world: World) -> None:
    """Same fingerprint as with the service: versions and definitions before are those in the lockfile."""
    assert fork(applied, "plan", "--offline", "-o", "offline.plan").code == 0
    assert applied.run("plan", "-o", "online.plan").code == 0
    told = fork(applied, "diff", "offline.plan", "online.plan", "--detailed-exitcode")
    assert told.code == 0, told.out
    assert "offline  - yes" in told.out
    same = fingerprint(applied, "offline.plan")
    assert told.out.endswith(f"Both plans do the same.\nFingerprint: {same}\n")
    assert applied.apply("--expect", same).code == 0
    assert world.members("desk") == {"ana", "fay"}


def test_what_it_can_not_know_is_told(applied: Workplace) -> None:
    """A warning each: which lockfile, the match by code, the group that may exist, and newcomers that may not."""
    lockfile = applied.lockfile
    result = fork(applied, "plan", "--offline")
    for said in (
        f"planned offline against the lockfile of serial {lockfile['serial']}, written {lockfile['writtenAt']};"
        " what was changed outside since, and members who were never ours, are not seen",
        "acmeprod: match {code: BO_MANAGER} is somebody else's group that the lockfile can't find",
        "acmeprod/bo-manager: somebody else's group, and only the service can tell",
        "acmeprod: new is not in the lockfile and so shown as new",
        "acmeprod: whether new members exist and may join, by their other groups, is not checked: fay, gus, hal",
    ):
        assert f"warning: {said}" in result.out, said
    assert result.out.count("warning:") == 5
    document = json.loads(fork(applied, "plan", "--offline", "--format", "json").out)
    assert document["offline"] is True
    assert len(document["warnings"]) == 5


def test_drift_is_not_seen_and_no_match_with_the_live_state_is_claimed(applied: Workplace, world: World) -> None:
    """With nothing to do it says against what: the live state was not read."""
    applied.configure(FIRST)
    world.remove("desk", "ben")
    result = fork(applied, "plan", "--offline", "--detailed-exitcode")
    assert result.code == 0
    assert result.out.endswith("No changes against the lockfile. The live state was not read.\n")
    assert "matches the live state" not in result.out
    assert applied.run("plan", "--detailed-exitcode").code == 2


def test_without_a_lockfile_everything_is_new(work: Workplace) -> None:
    """And that is said, because it may all be there."""
    work.configure(SECOND)
    result = fork(work, "plan", "--offline", "--detailed-exitcode")
    assert result.code == 2
    assert "there is no lockfile at file:reconciler.lock yet: everything is shown as new" in result.out
    assert "Plan: 5 to add, 0 to change, 0 to destroy." in result.out
    assert "reconciler.lock" not in work.files


def test_guards_speak_offline_too(applied: Workplace) -> None:
    """Whoever is protected, and whoever leaves nobody, is refused as ever: exit 3."""
    applied.configure(configuration(group("desk", ["ana"]), guards={"protected": ["ben"]}))
    result = fork(applied, "plan", "--offline")
    assert result.code == 3
    assert "acmeprod/desk/ben is protected and would be removed" in result.out


def test_mistakes_are_found_offline_too(applied: Workplace) -> None:
    """What is wrong in the file, and what the service would refuse by what the lockfile knows: exit 1."""
    applied.configure(configuration(group("desk", ["ana"]), group("kids", ["ana"], userType="CUSTOMER")))
    result = fork(applied, "plan", "--offline")
    assert result.code == 1
    assert "ana is listed in the CUSTOMER group kids and in the EMPLOYEE group desk" in result.everything
    applied.configure(configuration(group("desk", ["ana"]), group("kids", ["kim"], userType="CUSTOMER")))
    assert "is not checked: kim" in fork(applied, "plan", "--offline").out
    applied.configure(configuration(group("desk", name="Plain"), group("old", name={"de": "Alt"})))
    assert "plain texts are taken for en" in fork(applied, "plan", "--offline").out


def test_an_offline_plan_is_shown_and_compared_but_not_applied(applied: Workplace, world: World) -> None:
    """Nobody held it against the service; as the reviewed plan it will do, because a fresh one is made."""
    assert fork(applied, "plan", "--offline", "-o", "x.plan").code == 0
    shown = fork(applied, "show", "x.plan")
    assert shown.code == 0
    assert "planned offline against the lockfile" in shown.out
    refused = applied.run("apply", "x.plan")
    assert (refused.code, refused.out) == (1, "")
    assert "x.plan was planned offline, against the lockfile alone, and can't be applied" in refused.err
    assert "apply --expect FILE" in refused.err
    assert world.log == []
    path = applied.folder / "x.plan"
    document = json.loads(path.read_bytes())
    del document["offline"]
    path.write_text(json.dumps(document))
    assert "changed after it was written" in applied.run("apply", "x.plan").err


def test_the_expected_plan_may_be_an_offline_one(applied: Workplace, world: World) -> None:
    """It goes on if the plan made with the service does the same, and shows what differs if not."""
    assert applied.run("plan", "--offline", "-o", "x.plan").code == 0
    world.add("desk", "fay")
    refused = applied.apply("--expect", "x.plan")
    assert refused.code == 1
    assert "  acmeprod/desk/fay\n      action  create -> adopt\n" in refused.out
    assert "offline  - yes" in refused.out
    world.remove("desk", "fay")
    assert applied.apply("--expect", "x.plan").code == 0


@pytest.mark.parametrize("args", [("--sandbox", "plan", "--offline"), ("plan", "--offline", "--sandbox")])
def test_a_rehearsal_is_not_offline(applied: Workplace, args: tuple[str, ...]) -> None:
    """--sandbox is a service."""
    result = applied.run(*args)
    assert result.code == 1
    assert "--offline plans without the service, and --sandbox brings one along" in result.err
    assert ".reconciler" not in applied.files


def test_what_an_unfinished_run_left_open_is_told(applied: Workplace) -> None:
    """Whether it was done is not known offline."""
    path = applied.folder / "reconciler.lock"
    pending = {
        "tenant": "acmeprod", "group": "desk", "user": "fay", "action": "create", "reason": "new in configuration",
        "userType": "EMPLOYEE",
    }  # fmt: skip
    path.write_text(json.dumps({**applied.lockfile, "pending": [pending]}))
    result = fork(applied, "plan", "--offline")
    assert result.code == 0
    assert "acmeprod: 1 change of an unfinished run may or may not have been done; planned as if not" in result.out
    assert "# acmeprod/desk/fay will be created" in result.out


def test_the_quickstart_is_planned_alike(work: Workplace, serve: Callable[..., Sandbox]) -> None:
    """The example after its first apply: a member more, one less, another description, a group that leaves."""
    seed = QUICKSTART / "sandbox" / "seed.yaml"
    work.url = serve(seed).url
    text = (QUICKSTART / "reconciler.yaml").read_text(encoding="utf-8")
    work.configure(text)
    assert work.apply().code == 0
    assert fork(work, "plan", "--offline").out.endswith("The live state was not read.\n")
    changed = text.replace("catalog: [ana]", "catalog: [marta]")
    changed = changed.replace("Maintain products and categories", "Maintain products").replace("25%", "60%")
    assert changed.count("[marta]") == 1
    work.configure(changed)
    assert work.run("plan", "-o", "online.plan").code == 0
    assert fork(work, "plan", "--offline", "-o", "offline.plan").code == 0
    assert json.loads((work.folder / "online.plan").read_bytes())["summary"]["update"] == 1
    assert fingerprint(work, "offline.plan") == fingerprint(work, "online.plan")
    assert work.apply("--expect", "offline.plan").code == 0


@pytest.mark.parametrize("number", range(4))
def test_random_worlds_are_planned_alike(work: Workplace, number: int) -> None:
    """Groups of ours with any members and definitions, changed at random after an apply: the same fingerprint."""
    chance = random.Random(number)

    def wish() -> dict[str, Any]:
        groups = []
        for name in chance.sample(["g1", "g2", "g3", "g4"], chance.randint(1, 4)):
            members = [user for user in ("ana", "ben", "cleo", "dan") if chance.random() < 0.5]
            fields: dict[str, Any] = {"name": {"en": chance.choice("xyz")}} if chance.random() < 0.5 else {}
            if chance.random() < 0.5:
                fields["description"] = {"en": chance.choice("xyz")}
            if chance.random() < 0.5:
                fields["accessControls"] = ["orders"]
            groups.append(group(name, members, **fields, membership=chance.choice(["exact", "additive"])))
        return configuration(*groups, guards={"maxRemovals": "100%"})

    for _ in range(3):
        work.configure(wish())
        online = work.run("plan", "-o", "online.plan")
        assert work.run("plan", "--offline", "-o", "offline.plan").code == online.code
        told = work.run("diff", "offline.plan", "online.plan").out
        assert fingerprint(work, "offline.plan") == fingerprint(work, "online.plan"), told
        assert work.apply("--accept", fingerprint(work, "online.plan")).code == 0


def test_it_works_in_a_checkout_that_has_only_the_files(applied: Workplace, tmp_path: Path) -> None:
    """Elsewhere, from configuration and lockfile alone: the same plan."""
    assert fork(applied, "plan", "--offline", "-o", "here.plan").code == 0
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    for name in ("reconciler.yaml", "reconciler.lock"):
        shutil.copy(applied.folder / name, checkout)
    place = Workplace(checkout, "")
    assert fork(place, "plan", "--offline", "-o", "there.plan").code == 0
    assert fingerprint(place, "there.plan") == fingerprint(applied, "here.plan")
