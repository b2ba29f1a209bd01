"""The report for a review of access, end to end: what stands apart, in which order, in how many requests."""

import csv
import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.sandbox import Sandbox
from tests.e2e.command import Workplace
from tests.e2e.world import World

CONFIGURATION = """\
people:
  marta: {email: Marta@acme.example}
teams:
  ops: [marta]
tenants:
  - tenant: acmeprod
    groups:
      - id: ours
        name: {en: =Ours}
        userType: EMPLOYEE
        templates: [office]
        restrictions: [DE]
        membership: additive
        members:
          - {team: ops, until: 2999-12-31, reason: '=HYPERLINK("http://evil.example")'}
          - {id: ben, until: 2990-01-01, reason: OPS-7}
          - lost
"""


UNKNOWN = "Since when is not known: the configuration names no audit file, in which applies would record it."


@pytest.fixture
def seed(seed: dict[str, Any]) -> dict[str, Any]:
    """One tenant with somebody of every kind, and a formula for a name."""
    (tenant,) = seed["tenants"]
    tenant["accessControls"] = [
        {"id": "orders", "name": {"en": "Orders"}, "scopes": ["order.manage"], "restrictionAware": True},
        {"id": "desk", "scopes": ["desk.open"]},
    ]
    tenant["templates"] = [{"id": "office", "accessControls": ["orders"]}]
    groups = {each["id"]: each for each in tenant["groups"]}
    groups["bo-manager"]["accessControls"] = ["desk"]
    tenant["employees"] += [
        {"id": "00uM", "contactEmail": "marta@acme.example", "firstName": "<b>", "lastName": "+cmd|' /C calc'!A0"},
        {"id": "lost", "contactEmail": "lost@acme.example", "isAccountLocked": True},
    ]
    tenant["assignments"] = [
        {"groupId": "bo-manager", "userId": "zoe"},
        {"groupId": "buyer-x", "userId": "kim", "userType": "CUSTOMER"},
    ]
    return seed


@pytest.fixture
def applied(work: Workplace, world: World) -> Workplace:
    """What the configuration asks for, and then somebody else's doing."""
    work.configure(CONFIGURATION)
    assert work.apply().code == 0
    world.add("ours", "eve")
    world.clear()
    return work


def test_every_kind_of_membership(applied: Workplace) -> None:
    """Dormant, unmanaged and listed stand apart, with scopes, the way to them, the end, the reason and the line."""
    found = applied.run("access", "--at", "2026-11-24")
    assert (found.code, found.err) == (0, "")
    told = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in found.out.splitlines()]
    way = "access control orders (Orders) <- template office"
    heading = ["User", "Group", "Scope", "Through", "Since", "Until", "Why", "Line"]
    foreign = "the group is outside the configuration"
    assert told == [
        ["4 of 6 memberships need a look."],
        [UNKNOWN],
        ["acmeprod: 6 users, 6 memberships, 2 scopes"],
        [],
        ["Dormant (1): accounts that are locked, inactive or gone, and entries whose time is over"],
        heading,
        ["lost@acme.example (lost)", "ours (=Ours)", "order.manage--DE", way, "the account is locked",
         "reconciler.yaml:17:13"],
        [],
        ["Unmanaged (3): groups outside the configuration, and members that it does not list, or not yet"],
        heading,
        ["eve@acmeprod.example (eve)", "ours (=Ours)", "order.manage--DE", way, "not listed in the configuration",
         "reconciler.yaml:8:9"],
        ["kim@acmeprod.example (kim)", "buyer-x (Buyer)", "no scope", foreign],
        ["zoe@acmeprod.example (zoe)", "bo-manager (Managers)", "desk.open", "access control desk", foreign],
        [],
        ["Listed (2): asked for by a line of the configuration"],
        heading,
        ["ben@acmeprod.example (ben)", "ours (=Ours)", "order.manage--DE", way, "2990-01-02 00:00 UTC", "OPS-7",
         "reconciler.yaml:16:13"],
        ['marta (Marta@acme.example, "<b> +cmd|\' /C calc\'!A0", 00uM)', "ours (=Ours)", "order.manage--DE", way,
         "3000-01-01 00:00 UTC", 'team ops; =HYPERLINK("http://evil.example")', "reconciler.yaml:4:9"],
        [],
    ]  # fmt: skip


def test_an_entry_whose_time_is_over_is_dormant(applied: Workplace) -> None:
    """Seen from a later day; whoever is to come in only then is unmanaged until that day."""
    document = json.loads(applied.run("access", "--at", "2995-01-01", "--format", "json").out)
    held = {each["user"]["id"]: each for each in document["tenants"][0]["memberships"]}
    assert (held["ben"]["standing"], held["ben"]["why"]) == ("dormant", "listed, but its time is over")
    assert held["00uM"] == {
        "standing": "listed", "userType": "EMPLOYEE", "group": "ours", "groupName": "=Ours", "listed": True,
        "user": {"id": "00uM", "handle": "marta", "email": "Marta@acme.example", "name": "<b> +cmd|' /C calc'!A0"},
        "scopes": [{"scope": "order.manage--DE", "through": [{"accessControl": "orders", "template": "office"}]}],
        "source": {"file": "reconciler.yaml", "line": 4, "column": 9}, "teams": ["ops"],
        "reason": '=HYPERLINK("http://evil.example")', "until": "3000-01-01T00:00:00Z",
    }  # fmt: skip
    assert (document["kind"], document["at"], document["failures"]) == ("access", "2995-01-01T00:00:00Z", {})


def test_who_is_offboarded_and_still_there(applied: Workplace) -> None:
    """They stand first with the line that offboards them, be it a list, or the day on which somebody left."""
    gone = CONFIGURATION.replace("{email: Marta@acme.example}", "{email: Marta@acme.example, left: 2026-11-01}")
    applied.configure(f"{gone}    offboarded: [{{id: zoe, reason: HR-1}}]\n")
    found = applied.run("access", "--at", "2026-11-24").out.splitlines()
    assert found[0] == "5 of 6 memberships need a look."
    assert found[4] == "Offboarded (2): to be in no group at all, and still in one"
    told = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in found[6:8]]
    marta = "marta (Marta@acme.example, \"<b> +cmd|' /C calc'!A0\", 00uM)"
    still = "offboarded, but still a member"
    assert told == [
        [marta, "ours (=Ours)", "order.manage--DE", "access control orders (Orders) <- template office", still,
         "reconciler.yaml:2:38"],
        ["zoe@acmeprod.example (zoe)", "bo-manager (Managers)", "desk.open", "access control desk", f"{still}; HR-1",
         "reconciler.yaml:18:18"],
    ]  # fmt: skip
    explained = applied.run("explain", "zoe").out.splitlines()
    assert explained[1].endswith(f"group bo-manager (Managers) <- reconciler.yaml:18:18 ({still}; HR-1)")


AUDIT = "audit: {url: file:audit.jsonl}\n"
JOB = {"GITHUB_SERVER_URL": "https://forge.example", "GITHUB_REPOSITORY": "acme/access", "GITHUB_RUN_ID": "71",
       "GITHUB_SHA": "=9f1c2ab"}  # fmt: skip


def test_since_when(work: Workplace, world: World) -> None:
    """Who came by an apply has its day, commit and job; who was there before has its bound; of others nobody knows."""
    world.add("clerks", "ana")
    adopts = "      - match: {id: clerks}\n        membership: additive\n        members: [ana]\n"
    work.configure(f"{AUDIT}{CONFIGURATION}{adopts}")
    waiting = work.run("access").out.splitlines()
    assert re.fullmatch(r"Since when is not known: no apply has written to file:\S+/audit.jsonl yet.", waiting[1])
    assert work.apply(**JOB).code == 0
    (day, at) = (json.loads((work.folder / "audit.jsonl").read_text())["time"][:end] for end in (10, 20))
    who = json.loads((work.folder / "audit.jsonl").read_text())["who"]
    origin = {"who": who, "commit": "=9f1c2ab", "job": "https://forge.example/acme/access/actions/runs/71",
              "record": 1}  # fmt: skip
    document = json.loads(work.run("access", "--format", "json").out)
    since = {each["user"]["id"]: each.get("since") for each in document["tenants"][0]["memberships"]}
    assert since == {
        "00uM": {"at": at, **origin}, "ben": {"at": at, **origin}, "lost": {"at": at, **origin},
        "ana": {"before": at, **origin}, "kim": None, "zoe": None,
    }  # fmt: skip
    (note,) = document["notes"]
    assert re.fullmatch(r"Empty Since: not in the records of file:\S+, which begin .{20}.", note)
    rows = {row["user"]: row for row in csv.DictReader(io.StringIO(work.run("access", "--format", "csv").out))}
    told = [[rows[user][column] for column in ("memberSince", "bound", "record")] for user in ("ben", "ana", "zoe")]
    assert told == [[at, "", "1"], [at, "before", "1"], ["", "", ""]]
    assert (rows["ben"]["by"], rows["ben"]["commit"], rows["ben"]["job"]) == (who, "'=9f1c2ab", origin["job"])
    table = [line for line in work.run("access").out.splitlines() if line.startswith(("  ana@", "  ben@"))]
    assert [f"  before {day}  " in table[0], f"  {day}  " in table[1], len(table)] == [True, True, 2]
    assert f"<td><span>{day}</span> <small>by {who}, commit =9f1c2ab, {origin['job']}, record 1</small></td>" in (
        work.run("access", "--format", "html").out
    )


def test_since_when_of_a_record_that_was_changed(work: Workplace) -> None:
    """The report says that it can't be relied on, and how to find out what is wrong."""
    work.configure(f"{AUDIT}{CONFIGURATION}")
    assert work.apply().code == 0
    path = work.folder / "audit.jsonl"
    path.write_text(path.read_text().replace('"who":"', '"who":"nobody or ') + "torn")
    found = work.run("access")
    assert (found.code, found.err) == (0, "")
    (told,) = [line for line in found.out.splitlines() if "log --verify" in line]
    assert re.fullmatch(
        r"file:\S+ has 2 flaws, so since when may be wrong: `reconciler log --verify` names them.", told
    )


def test_a_spreadsheet(applied: Workplace) -> None:
    """A row for each user, group and scope; no formula among the cells; the same file whenever nothing has changed."""
    args = ("access", "--format", "csv", "--at", "2026-11-24")
    found = applied.run(*args, "-o", "review.csv")
    assert (found.code, found.out, found.err) == (0, "", f"Wrote review.csv.\n{UNKNOWN}\n")
    path = applied.folder / "review.csv"
    data = path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    assert data.startswith(b"\xef\xbb\xbf"), "spreadsheets want to be told that it is UTF-8"
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert [(row["standing"], row["user"], row["group"], row["scope"]) for row in rows] == [
        ("dormant", "lost", "ours", "order.manage--DE"),
        ("unmanaged", "eve", "ours", "order.manage--DE"),
        ("unmanaged", "kim", "buyer-x", ""),
        ("unmanaged", "zoe", "bo-manager", "desk.open"),
        ("listed", "ben", "ours", "order.manage--DE"),
        ("listed", "00uM", "ours", "order.manage--DE"),
    ]
    assert rows[-1] == {
        "tenant": "acmeprod", "standing": "listed", "change": "", "user": "00uM", "handle": "marta",
        "name": "<b> +cmd|' /C calc'!A0", "email": "Marta@acme.example", "userType": "EMPLOYEE", "account": "",
        "group": "ours", "groupName": "'=Ours", "scope": "order.manage--DE", "sensitive": "", "conflict": "",
        "through": "access control orders (Orders) <- template office", "memberSince": "", "removedAt": "", "bound": "",
        "until": "3000-01-01T00:00:00Z", "reason": "'=HYPERLINK(\"http://evil.example\")", "team": "ops",
        "configuration": "listed", "line": "reconciler.yaml:4:9", "by": "", "actor": "", "commit": "", "job": "",
        "record": "", "attachedSince": "", "detachedSince": "", "asOf": "2026-11-24T00:00:00Z", "service": applied.url,
        "comparedWith": "",
    }  # fmt: skip
    assert applied.run(*args).out == data.decode("utf-8-sig")


def test_few_requests(applied: Workplace, world: World) -> None:
    """Groups, access controls, templates and employees once, each group's members once, customers by search."""
    assert applied.run("access").code == 0
    groups = ["ours", "bo-manager", "clerks", "vendor-a", "admin-x", "buyer-x", "requester-x"]
    asked = [call.split()[1].split("?")[0] for call in world.calls if "/oauth/" not in call]
    expected = ["groups", "access-controls", "templates", "users", *(f"groups/{group}/users" for group in groups)]
    assert sorted(asked) == sorted([*expected, "/customer/acmeprod/customers/search"])


def test_one_page(applied: Workplace) -> None:
    """The page is told apart by tenant and standing, and a name that is markup is text."""
    page = applied.run("access", "--format", "html").out
    assert page.startswith("<!doctype html>\n")
    assert "4 of 6 memberships need a look" in page
    assert "&lt;b&gt; +cmd" in page and "<b> +cmd" not in page


def test_a_tenant_that_cannot_be_read(applied: Workplace, serve: Callable[..., Sandbox], seed: dict[str, Any]) -> None:
    """It is named in every form, so that none looks complete; the others are there, and the exit code is 1."""
    applied.configure(CONFIGURATION + "  - tenant: otherco\n")
    for form, mark in {
        "text": "otherco: could not be read: ",
        "csv": '"otherco","unread",',
        "markdown": "Tenant `otherco` could not be read: ",
        "html": "tenant <b>otherco</b> is left out: ",
        "json": '"otherco": "',
    }.items():
        found = applied.run("access", "--format", form)
        assert found.code == 1
        assert mark in found.out, form
        assert "otherco" in found.err and "bo-manager" in found.out
        assert form in {"csv", "json"} or "Incomplete: 1 tenant could not be read" in found.out
    asked = applied.run("who", "desk.*")
    assert (asked.code, asked.out.splitlines()[0]) == (1, "Incomplete: otherco could not be read.")
    nothing = applied.run("access", "--tenant", "otherco")
    assert (nothing.code, nothing.out.splitlines()[0]) == (1, "No tenant could be read.")
    only = applied.run("access", "--tenant", "acmeprod", "--format", "table")
    assert (only.code, "otherco" in only.out) == (0, False)


def test_a_file_that_cannot_be_written(applied: Workplace) -> None:
    found = applied.run("access", "-o", "none/review.txt")
    assert (found.code, found.out) == (1, "")
    assert "none" in found.err and "Traceback" not in found.err
