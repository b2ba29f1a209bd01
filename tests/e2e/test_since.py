"""The difference between two reviews, end to end: what has come and gone since a lockfile, or a revision of git."""

import csv
import io
import json
import re
import subprocess
from typing import Any

import pytest

from tests.e2e.command import Result, Workplace
from tests.e2e.test_sealed import KEY
from tests.e2e.world import World, configuration, group, tenant
from tests.state.http_server import StateServer
from tests.state.place_http import environment

PEOPLE = {"marta": {"id": "ben", "name": "Marta"}}


@pytest.fixture
def seed(seed: dict[str, Any]) -> dict[str, Any]:
    """With an access control that the groups of ours have."""
    (there,) = seed["tenants"]
    there["employees"] += [{"id": "00uM", "contactEmail": "max@acme.example"}]
    there["accessControls"] += [{"id": "pay", "scopes": ["payment.pay"]}, {"id": "price", "scopes": ["price.read"]}]
    there["templates"] = [{"id": "office", "accessControls": ["pay"]}]
    return seed


def ours(*members: Any, clerks: list[Any] | None = None, audit: bool = True) -> dict[str, Any]:
    adopted = {"match": {"id": "clerks"}, "membership": "additive", "members": clerks or []}
    found = configuration(group("ours", list(members), accessControls=["orders"]), adopted, people=PEOPLE)
    return {**found, **({"audit": {"url": "file:audit.jsonl"}} if audit else {})}


def passes(result: Result) -> Result:
    assert result.code == 0, result.everything
    return result


def git(work: Workplace, *args: str) -> str:
    mine = ["-c", "user.name=Ana", "-c", "user.email=ana@acme.example", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *mine, *args], cwd=work.folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def second_review(work: Workplace, world: World, *, audit: bool = True) -> None:
    """A first apply, whose lockfile is kept as ``old.lock``, and what happened since."""
    work.configure(ours("ana", "max@acme.example", {"person": "marta"}, "cleo", clerks=["ana"], audit=audit))
    passes(work.apply())
    (work.folder / "old.lock").write_bytes((work.folder / "reconciler.lock").read_bytes())
    world.add("clerks", "dan")
    world.add("clerks", "eve")
    work.configure(ours("ana", "fay", "cleo", clerks=["dan"], audit=audit))
    passes(work.apply())
    world.remove("ours", "cleo")
    world.clear()


def turns(work: Workplace, *args: str) -> dict[tuple[str, str], str]:
    rows = csv.DictReader(io.StringIO(passes(work.run("access", "--format", "csv", *args)).out))
    return {(row["user"], row["group"]): row["change"] for row in rows}


def test_what_has_come_and_gone(work: Workplace, world: World) -> None:
    """Told apart in every form, each with its scopes: added, adopted, removed, never ours; the others are counted."""
    second_review(work, world)
    assert turns(work, "--since", "old.lock") == {
        ("00uM", "ours"): "removed", ("ben", "ours"): "removed", ("cleo", "ours"): "removed",
        ("ana", "clerks"): "removed", ("ana", "ours"): "", ("fay", "ours"): "added", ("dan", "clerks"): "adopted",
        ("eve", "clerks"): "perhaps added", ("zoe", "clerks"): "perhaps added", ("zoe", "bo-manager"): "perhaps added",
    }  # fmt: skip
    told = passes(work.run("access", "--since", "file:old.lock")).out.splitlines()
    assert told[0] == "3 of 6 memberships need a look."
    assert re.fullmatch(
        r"Since file:old.lock \(serial 2, .{20}\): 1 added, 1 adopted, 3 perhaps added, 4 removed, 1 unchanged.",
        told[1],
    )
    assert told[2].startswith("A lockfile knows only memberships that are ours")
    day = json.loads((work.folder / "audit.jsonl").read_text().splitlines()[0])["time"][:10]
    assert [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in told[6:12]] == [
        ["Removed (4): no memberships any more, with the scopes that their groups grant now"],
        ["User", "Group", "Scope", "Through", "Since", "Until", "Why", "Line"],
        ["ana@acmeprod.example (ana)", "clerks (Clerks)", "no scope", f"removed {day}",
         "not listed in the configuration", "reconciler.yaml:21:5"],
        ["cleo@acmeprod.example (cleo)", "ours (Ours)", "order.order_manage", "access control orders", "removed",
         "still listed", "reconciler.yaml:18:7"],
        ["marta (ben@acmeprod.example, Marta, ben)", "ours (Ours)", "order.order_manage", "access control orders",
         f"removed {day}", "not listed in the configuration", "reconciler.yaml:6:5"],
        ["max@acme.example (00uM)", "ours (Ours)", "order.order_manage", "access control orders", f"removed {day}",
         "not listed in the configuration", "reconciler.yaml:6:5"],
    ]  # fmt: skip
    document = json.loads(passes(work.run("access", "--since", "old.lock", "--format", "json")).out)
    assert document["since"].items() >= {
        "lockfile": "old.lock", "serial": 2, "added": 1, "adopted": 1, "perhapsAdded": 3, "removed": 4, "unchanged": 1,
    }.items()  # fmt: skip
    (found,) = document["tenants"]
    assert [(each["user"]["id"], each["change"]) for each in found["removed"]] == [
        ("ana", "removed"), ("cleo", "removed"), ("ben", "removed"), ("00uM", "removed"),
    ]  # fmt: skip
    assert [each.get("change") for each in found["memberships"] if each["user"]["id"] in {"ana", "fay"}] == [
        "added", None,
    ]  # fmt: skip
    page = passes(work.run("access", "--since", "old.lock", "--format", "html")).out
    assert '<li class="forget"><b>4</b> removed</li>' in page and "Since old.lock (serial 2" in page
    assert f"<td>added <span>{day}</span> <small>by " in page and "<td>perhaps added</td>" in page
    markdown = passes(work.run("access", "--since", "old.lock", "--format", "markdown")).out
    assert "#### Removed (4): " in markdown and f"| added {day}<br>`by " in markdown


def test_who_was_never_ours_and_was_removed(work: Workplace, world: World) -> None:
    """Only the audit file tells of it, with its record; not of what was removed before that lockfile was written."""
    offboards = {**ours("ana"), "tenants": [tenant(offboarded=["eve"], groups=ours("ana")["tenants"][0]["groups"])]}
    world.add("bo-manager", "eve")
    work.configure(offboards)
    passes(work.apply())
    (work.folder / "old.lock").write_bytes((work.folder / "reconciler.lock").read_bytes())
    assert ("eve", "bo-manager") not in turns(work, "--since", "old.lock")
    offboards["tenants"][0]["offboarded"].append("zoe")
    work.configure(offboards)
    passes(work.apply())
    rows = csv.DictReader(io.StringIO(passes(work.run("access", "--format", "csv", "--since", "old.lock")).out))
    told = {row["group"]: row for row in rows if row["user"] == "zoe"}
    time = json.loads((work.folder / "audit.jsonl").read_text().splitlines()[1])["time"]
    for group_id in ("bo-manager", "clerks"):
        row = told[group_id]
        assert (row["change"], row["removedAt"], row["memberSince"], row["record"]) == ("removed", time, "", "2")
        assert (row["configuration"], row["comparedWith"]) == ("offboarded; not ours then", "old.lock")
    found = passes(work.run("access", "--since", "old.lock")).out
    assert "Removed (2): " in found and "known from records of applies only" in found
    document = json.loads(passes(work.run("access", "--since", "old.lock", "--format", "json")).out)
    assert [each["wasOurs"] for each in document["tenants"][0]["removed"]] == [False, False]


def test_groups_that_grant_otherwise(work: Workplace, world: World) -> None:
    """Whoever was a member then may do something else: said of the group in every form, and how many it concerns."""
    work.configure(ours("ana", "ben", clerks=["ana"]))
    passes(work.apply())
    (work.folder / "old.lock").write_bytes((work.folder / "reconciler.lock").read_bytes())
    world.edit("ours", name={"en": "Ours"}, userType="EMPLOYEE", templates=["office"], accessControls=["pay", "price"])
    told = passes(work.run("access", "--since", "old.lock")).out
    changed = "+ pay, + price, + template office, - orders (2 members)"
    assert "Granting otherwise (1): groups that have something else attached than then\n" in told
    assert f"  ours (Ours) grants otherwise since: {changed}\n" in told
    assert "\nOf the unchanged ones 2 are in groups that may grant other scopes since.\n" in told
    page = passes(work.run("access", "--since", "old.lock", "--format", "html")).out
    assert f"<li><b>ours (Ours)</b> grants otherwise since: {changed}</li>" in page
    markdown = passes(work.run("access", "--since", "old.lock", "--format", "markdown")).out
    assert "- `ours (Ours)` grants otherwise since: " in markdown
    document = json.loads(passes(work.run("access", "--since", "old.lock", "--format", "json")).out)
    assert document["tenants"][0]["regranted"] == [
        {"group": "ours", "groupName": "Ours", "added": {"accessControls": ["pay", "price"], "templates": ["office"]},
         "removed": {"accessControls": ["orders"]}},
    ]  # fmt: skip
    rows = csv.DictReader(io.StringIO(passes(work.run("access", "--format", "csv", "--since", "old.lock")).out))
    assert {(row["group"], row["attachedSince"], row["detachedSince"]) for row in rows} == {
        ("ours", "pay, price, template office", "orders"), ("clerks", "", ""), ("bo-manager", "", ""),
    }  # fmt: skip


def test_without_an_audit_file(work: Workplace, world: World) -> None:
    """What became ours is called added, and the report says that it may have been adopted."""
    second_review(work, world, audit=False)
    found = turns(work, "--since", "old.lock")
    assert (found["fay", "ours"], found["dan", "clerks"]) == ("added", "added")
    told = passes(work.run("access", "--since", "old.lock")).out
    assert "What became ours since counts as added where no record says since when" in told
    assert "Who was a member then without being ours, and is none any more, is not known without an audit file." in told


def test_no_more_requests(work: Workplace, world: World) -> None:
    """Those who are gone are looked up with all others."""
    second_review(work, world)
    passes(work.run("access"))
    before = sorted(world.calls)
    world.clear()
    passes(work.run("access", "--since", "old.lock"))
    assert sorted(world.calls) == before


def test_who_and_what_exists_no_more(work: Workplace, world: World) -> None:
    """A group that is gone is called as the lockfile has it, somebody without an account by the e-mail there."""
    work.configure(ours("ana"))
    passes(work.apply())
    lockfile = work.lockfile
    (then,) = [lockfile["tenants"]["acmeprod"]["ours"]]
    then["members"].append({"id": "gone", "userType": "EMPLOYEE", "email": "gone@acme.example"})
    lockfile["pending"] = [{"tenant": "acmeprod", "group": "ours", "user": "eve", "action": "create",
                            "reason": "new in configuration", "userType": "EMPLOYEE"}]  # fmt: skip
    lockfile["tenants"]["oldco"], lockfile["writtenAt"] = {}, "yesterday"
    (work.folder / "old.lock").write_text(json.dumps(lockfile))
    work.configure(configuration())
    passes(work.apply("--accept", json.loads(work.run("plan", "--format", "json").out)["fingerprint"]))
    told = passes(work.run("access", "--since", "old.lock")).out
    assert "Since old.lock (serial 2): 0 added, 2 perhaps added, 2 removed, 0 unchanged." in told
    assert "Not compared: oldco, of which neither the configuration nor today's lockfile knows." in told
    assert "is none any more, is not known of a lockfile that does not say when it was written." in told
    assert "An apply was under way then: 1 change may have been done already." in told
    rows = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in told.splitlines()]
    assert [row[:3] + row[-1:] for row in rows if row and row[0].startswith(("ana@", "gone@"))] == [
        ["ana@acmeprod.example (ana)", "ours (Ours)", "no scope", "the group is gone"],
        ["gone@acme.example (gone)", "ours (Ours)", "no scope", "the account does not exist; the group is gone"],
    ]
    assert "Not compared" not in passes(work.run("access", "--since", "old.lock", "--tenant", "acmeprod")).out


def test_a_revision_of_git(work: Workplace, world: World) -> None:
    """Any name that git knows, for a lockfile in a folder of the repository; a file of that name comes first."""
    (work.folder / "access").mkdir()
    work.configure({**ours("ana"), "state": {"url": "file:access/my state.lock"}})
    passes(work.apply())
    git(work, "init", "-q", "-b", "main")
    git(work, "add", "access")
    git(work, "commit", "-q", "-m", "first: one member")
    git(work, "tag", "review")
    work.configure({**ours("ben"), "state": {"url": "file:access/my state.lock"}})
    passes(work.apply())
    git(work, "commit", "-q", "-a", "-m", "second")
    commit = git(work, "rev-parse", "review")
    for revision in ("review", "HEAD~1", commit[:10], "main^", "HEAD^{/first: one}"):
        told = passes(work.run("access", "--since", revision)).out.splitlines()
        assert told[1].startswith(f"Since my state.lock at {revision}, commit {commit[:8]} (serial 2, ")
        assert ": 1 added, 2 perhaps added, 1 removed, 0 unchanged." in told[1]
    assert ": 0 added, 2 perhaps added, 0 removed, 1 unchanged." in passes(work.run("access", "--since", "HEAD")).out
    (work.folder / "review").write_bytes((work.folder / "access" / "my state.lock").read_bytes())
    assert "Since review (serial " in passes(work.run("access", "--since", "review")).out
    (work.folder / "main").mkdir()
    assert "my state.lock at main, commit " in passes(work.run("access", "--since", "main")).out
    git(work, "rm", "-q", "--cached", "access/my state.lock")
    git(work, "commit", "-q", "-m", "third")
    refused = refuses(work, "HEAD")
    assert "git has no my state.lock at HEAD: " in refused
    assert "none begins with a hyphen" in refuses(work, "--output=stolen") and not (work.folder / "stolen").exists()
    assert f"nowhere is neither a file nor a revision that {work.folder} has" in refuses(work, "nowhere")
    assert "is neither a file nor a revision" in refuses(work, "x" * 5000)
    assert "is neither a file nor a revision" in refuses(work, "review:access")
    no_git = work.run("access", "--since", "HEAD", PATH="/nowhere")
    assert (no_git.code, "there is no git to ask" in no_git.err) == (1, True)


def refuses(work: Workplace, since: str, **env: str) -> str:
    """Why nothing was reported, and that it was told as errors are."""
    found = work.run("access", "--since", since, **env)
    assert (found.code, found.out) == (1, ""), found.everything
    assert "Traceback" not in found.err
    return found.err


def test_what_is_no_earlier_lockfile(work: Workplace, world: World) -> None:
    """Each is refused before the service is asked anything, with what would be right."""
    work.configure(ours("ana"))
    passes(work.apply())
    world.clear()
    assert "is in no git work tree: " in refuses(work, "HEAD")
    assert "none.lock can't be read" in refuses(work, "file:none.lock")
    yaml = refuses(work, "reconciler.yaml")
    assert "error: reconciler.yaml is no lockfile: " in yaml and "name an earlier content of this lockfile" in yaml
    (work.folder / "newer.lock").write_text(json.dumps({**work.lockfile, "format": 99}))
    assert "newer.lock has lockfile format 99" in refuses(work, "newer.lock")
    other = {**work.lockfile, "lineage": "another"}
    (work.folder / "other.lock").write_text(json.dumps(other))
    assert "other.lock has lineage another" in refuses(work, "other.lock")
    assert [call for call in world.calls if "/oauth/" not in call] == []


def test_a_sealed_lockfile(work: Workplace, world: World) -> None:
    """The key opens an earlier one; a plain one is read with a remark; without the key a sealed one is refused."""
    work.configure(ours("ana", audit=False))
    passes(work.apply())
    (work.folder / "plain.lock").write_bytes((work.folder / "reconciler.lock").read_bytes())
    passes(work.run("state", "encrypt", RECONCILER_STATE_KEY=KEY))
    (work.folder / "sealed.lock").write_bytes((work.folder / "reconciler.lock").read_bytes())
    sealed = passes(work.run("access", "--since", "sealed.lock", RECONCILER_STATE_KEY=KEY)).out
    plain = passes(work.run("access", "--since", "plain.lock", RECONCILER_STATE_KEY=KEY)).out
    told = "That lockfile is not sealed, as today's is"
    assert [(told in each, ", 1 unchanged." in each) for each in (sealed, plain)] == [(False, True), (True, True)]
    (work.folder / "reconciler.lock").write_bytes((work.folder / "plain.lock").read_bytes())
    assert "sealed.lock is sealed with key" in refuses(work, "sealed.lock")


def test_a_lockfile_elsewhere(work: Workplace, world: World) -> None:
    """Git has none of its revisions, and what was pulled then is compared all the same."""
    with StateServer() as server:
        work.more |= {**environment(), "RECONCILER_STATE": server.url}
        work.configure(ours("ana"))
        passes(work.apply())
        (work.folder / "pulled.lock").write_text(passes(work.run("state", "pull")).out)
        assert "and git has no revision of a lockfile at http" in refuses(work, "HEAD")
        assert ", 1 unchanged." in passes(work.run("access", "--since", "pulled.lock")).out


def test_a_tenant_of_two(work: Workplace, world: World) -> None:
    """A tenant that can't be read is in no count, and the report says that it is incomplete."""
    second_review(work, world)
    document = json.loads((work.folder / "reconciler.yaml").read_text())
    document["tenants"].append(tenant("otherco"))
    work.configure(document)
    found = work.run("access", "--since", "old.lock")
    assert found.code == 1
    assert "Incomplete" in found.out and "4 removed, 1 unchanged." in found.out
