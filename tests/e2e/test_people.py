"""People end to end: by name and e-mail, for a time, leaving for good, and under another id."""

import json
from typing import Any

import pytest

from tests.e2e.command import Result, Workplace
from tests.e2e.world import World, configuration, group

PEOPLE = {
    "ana": {"id": "ana", "name": "Ana Silva"},
    "marta": {"email": "Marta@acme.example"},
    "kim": "kim@shop.example",
}
TEAMS = {"catalog": ["ana", "marta"]}


@pytest.fixture
def seed(seed: dict[str, Any]) -> dict[str, Any]:
    """Accounts with e-mails besides those of everybody else."""
    (tenant,) = seed["tenants"]
    tenant["employees"] += [
        {"id": "00uM", "contactEmail": "marta@ACME.example"},
        {"id": "00uP", "contactEmail": "new@acme.example", "status": "PROVISIONED"},
        *({"id": f"twin{number}", "contactEmail": "twin@acme.example"} for number in (1, 2)),
    ]
    tenant["customers"] = [{"id": "kim", "contactEmail": "Kim@shop.example"}, "lee", "mia"]
    tenant["assignments"].append({"groupId": "clerks", "userId": "00uM"})
    return seed


def people(*groups: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"people": PEOPLE, "teams": TEAMS, **configuration(*groups), **more}


def changes(work: Workplace, *args: str) -> dict[str, dict[str, Any]]:
    """The planned changes of members by address, as the document has them."""
    found = json.loads(work.run("plan", "--format", "json", *args).out)
    return {change["address"]: change for change in found["changes"] if "user" in change}


def test_who_is_named_becomes_a_member(work: Workplace, world: World) -> None:
    """By person, team and e-mail, employees and customers; the lockfile remembers what an e-mail led to."""
    customers = group("shop", [{"person": "kim"}], userType="CUSTOMER")
    work.configure(people(group("ours", [{"team": "catalog"}, {"person": "ana"}]), customers))
    marta = changes(work)["acmeprod/ours/00uM"]
    assert (marta["email"], marta["person"], marta["teams"]) == (
        "Marta@acme.example",
        {"handle": "marta", "email": "Marta@acme.example"},
        ["catalog"],
    )
    assert work.apply().code == 0
    assert (world.members("ours"), world.members("shop")) == ({"ana", "00uM"}, {"kim"})
    members = work.lockfile["tenants"]["acmeprod"]["ours"]["members"]
    assert [member.get("email") for member in members] == ["Marta@acme.example", None]
    assert work.run("plan", "--detailed-exitcode").code == 0
    assert "00uM" not in work.run("plan", "--offline").out


def test_it_is_said_who_the_ids_are(work: Workplace, world: World) -> None:
    """Of who comes, how and until when; of who was taken out by somebody, and of who is named nowhere any more."""
    work.configure(people(group("ours", [{"team": "catalog"}, {"id": "ben", "until": "2999-01-31"}])))
    planned = work.run("plan", "--at", "2999-01-30", "--events", "run.jsonl").out
    assert "\n      marta <Marta@acme.example>, through team catalog\n" in planned
    assert "\n      ana, Ana Silva, through team catalog\n" in planned
    assert "\n      expires in 2 days (2999-02-01 00:00 UTC)\n" in planned
    dates = (
        "\nPlanned as of: 2999-01-30 00:00 UTC\nNext change by date: 2999-02-01 00:00 UTC, in 2 days\nPlan: 4 to add"
    )
    assert dates in planned
    events = [json.loads(line) for line in (work.folder / "run.jsonl").read_text().splitlines()]
    told = {event["user"]: event for event in events if "user" in event}
    assert (told["ana"]["person"], told["ana"]["teams"]) == ({"handle": "ana", "name": "Ana Silva"}, ["catalog"])
    assert (told["ben"]["until"], events[-2]["at"]) == ("2999-02-01T00:00:00Z", "2999-01-30T00:00:00Z")
    assert events[-2]["nextDate"] == "2999-02-01T00:00:00Z"
    assert work.apply().code == 0
    world.remove("ours", "00uM")
    assert (
        "00uM was removed outside\n  - in the lockfile, no longer in the service\n      marta <Ma"
        in work.run("drift").out
    )
    assert work.apply().code == 0
    work.configure(people(group("ours", ["ana", "ben"])))
    gone = work.run("plan").out
    assert "00uM will be destroyed\n" in gone and "\n      marta <Marta@acme.example>\n" in gone


def test_a_freed_address_stops_until_it_is_accepted(work: Workplace, world: World) -> None:
    """Somebody else registered it: nothing is done, both ids are told, and one option lets it pass once."""
    work.configure(people(group("ours", [{"person": "marta"}, {"person": "ana"}])))
    assert work.apply().code == 0
    world._send("DELETE", "users/00uM")
    profile = {"firstName": "M", "lastName": "M", "preferredSite": "main", "preferredCurrency": "EUR",
               "preferredLanguage": "en", "department": "", "groupIds": []}  # fmt: skip
    new = world._send("POST", "users", json={**profile, "contactEmail": "marta@acme.example"})["id"]
    for command in (("plan",), ("apply", "--auto-approve")):
        refused = work.run(*command)
        assert refused.code in {1, 3}, refused.everything
        assert f"led to 00uM when it was applied, and leads to {new} now" in refused.err
        assert "--accept-identity Marta@acme.example" in refused.err
    assert world.members("ours") == {"ana"}
    assert work.apply("--accept-identity", "MARTA@acme.example").code == 0
    assert world.members("ours") == {"ana", new}
    assert work.run("plan", "--detailed-exitcode").code == 0


def test_an_id_given_by_e_mail_later_is_remembered(work: Workplace, world: World) -> None:
    """Nothing changes in the service, but from now on it would be noticed if the e-mail led elsewhere."""
    work.configure(configuration(group("ours", ["00uM"])))
    assert work.apply().code == 0
    work.configure(people(group("ours", [{"person": "marta"}])))
    (change,) = changes(work).values()
    assert (change["action"], change["reason"]) == ("adopt", "e-mail now remembered with this id")
    world.clear()
    assert work.apply().code == 0
    assert world.writes == []
    assert work.lockfile["tenants"]["acmeprod"]["ours"]["members"][0]["email"] == "Marta@acme.example"
    assert work.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize(
    ("member", "message"),
    [
        ("nobody@acme.example", "nobody@acme.example: no EMPLOYEE account of acmeprod has this e-mail"),
        ("twin@acme.example", "twin@acme.example: 2 EMPLOYEE accounts of acmeprod have this e-mail: twin1, twin2"),
        ({"person": "kim"}, "kim (kim@shop.example): no EMPLOYEE account of acmeprod has this e-mail"),
    ],
)
def test_an_e_mail_must_lead_to_one_account(work: Workplace, world: World, member: Any, message: str) -> None:
    work.configure(people(group("ours", [member, {"person": "ana"}])))
    result = work.apply()
    assert (result.code, world.writes) == (1, [])
    assert f"error: {message}" in result.err
    assert "reconciler.yaml:" in result.err


def test_an_unconfirmed_account_is_remarked_on(work: Workplace, world: World) -> None:
    work.configure(people(group("ours", ["new@acme.example"])))
    result = work.apply()
    assert (result.code, world.members("ours")) == (0, {"00uP"})
    assert "the account of new@acme.example (00uP) has not confirmed its e-mail" in result.out


def test_time_comes_and_goes(work: Workplace, world: World) -> None:
    """Rehearsed for any day: who is over is removed and told why, who comes is added; today's plan is today's."""
    members = [{"id": "ben", "until": "2999-01-31", "reason": "OPS-1"}, {"id": "cleo", "from": "2999-02-01"}, "dan"]
    work.configure(people(group("ours", members)))
    assert work.apply().code == 0
    assert world.members("ours") == {"ben", "dan"}
    assert work.run("plan", "--detailed-exitcode").code == 0
    assert not changes(work, "--at", "2999-01-31T23:59:59Z")
    later = changes(work, "--at", "2999-02-01")
    assert {user: (change["action"], change["reason"], change.get("note")) for user, change in later.items()} == {
        "acmeprod/ours/ben": ("delete", "its time is over", "OPS-1"),
        "acmeprod/ours/cleo": ("create", "new in configuration", None),
    }
    plan = json.loads(work.run("plan", "--format", "json").out)
    assert plan["nextDate"] == "2999-02-01T00:00:00Z"
    assert work.run("plan", "--at", "soon").code == 1
    due = work.run("due", "--within", "9d", "--at", "2999-01-25")
    assert due.out.splitlines()[1:] == [
        f"  ben leaves: acmeprod/ours  {place(work, 'until')}  (OPS-1)",
        f"  cleo joins: acmeprod/ours  {place(work, 'cleo', back=1)}",
    ]
    assert work.run("due", "--within", "1d").out == "Nothing is due.\n"
    dates = json.loads(work.run("due", "--format", "json").out)["dates"]
    assert [(date["when"], date["what"]) for date in dates] == [
        ("2999-02-01T00:00:00Z", w) for w in ("leaves", "joins")
    ]
    calendar = work.run("due", "--format", "ics").out
    assert calendar.count("BEGIN:VEVENT") == 2
    assert "DTSTART:29990201T000000Z" in calendar


def place(work: Workplace, word: str, back: int = 0) -> str:
    """Where a word of the configuration stands, or what begins some lines before it."""
    lines = (work.folder / "reconciler.yaml").read_text().splitlines()
    number = next(number for number, line in enumerate(lines) if f'"{word}"' in line) - back
    line = lines[number]
    return f"reconciler.yaml:{number + 1}:{len(line) - len(line.lstrip()) + 1}"


def test_who_left_is_nowhere(work: Workplace, world: World) -> None:
    """Also in groups that nobody manages, and with one request each; the others stay."""
    gone = {"id": "zoe", "left": "2020-01-01", "reason": "OPS-2"}
    work.configure(people(group("ours", ["ben"]), people={**PEOPLE, "zoe": gone}))
    world.add("vendor-a", "hal")
    world.clear()
    result = work.apply("--accept", fingerprint(work))
    assert result.code == 0, result.everything
    assert sorted(call for call in world.writes if "zoe" in call) == ["DELETE users/zoe/groups"]
    assert not any("zoe" in members for members in world.everything.values())
    assert world.members("clerks") == {"00uM"}
    assert work.run("plan", "--detailed-exitcode").code == 0


def fingerprint(work: Workplace) -> str:
    found: str = json.loads(work.run("plan", "--format", "json").out)["fingerprint"]
    return found


def test_offboarded_and_a_member_is_refused(work: Workplace, world: World) -> None:
    """Offline where the files tell it, and while planning where only the service does; both lines are shown."""
    document = configuration(group("ours", ["ben"]))
    document["tenants"][0]["offboarded"] = ["ben"]
    work.configure(document)
    assert work.run("validate").code == 1
    document = people(group("ours", ["00uM"]))
    document["tenants"][0]["offboarded"] = [{"person": "marta"}]
    work.configure(document)
    assert work.run("validate").code == 0
    result = work.apply()
    assert (result.code, world.writes) == (1, [])
    assert "marta (Marta@acme.example, 00uM) is offboarded, and a member of ours" in result.err
    assert "offboarded here" in result.err


def test_a_group_moves_and_nobody_loses_access(work: Workplace, world: World) -> None:
    """The new id has what the old one had, also what the file does not say, and only then the old one goes."""
    work.configure(configuration(group("ours", ["ana", "ben"], accessControls=["orders"])))
    assert work.apply().code == 0
    document = configuration(group("theirs", ["ana", "ben"]))
    document["tenants"][0]["moved"] = [{"from": "ours", "to": "theirs"}]
    work.configure(document)
    world.clear()
    for targets in (["ours"], ["ours/ana"], ["ours", "theirs/ben"]):
        result = work.apply(*(f"--target=acmeprod/{target}" for target in targets))
        assert (result.code, world.writes) == (1, []), targets
        assert "add --target acmeprod/theirs" in result.err
    world.clear()
    result, calls = work.apply(), world.calls
    assert result.code == 0, result.everything
    assert world.groups["theirs"]["accessControls"] == ["orders"]
    assert world.members("theirs") == {"ana", "ben"}
    assert "ours" not in world.groups
    order = [call for call in calls if call.startswith(("PUT", "DELETE"))]
    assert (order[0], order[-1]) == ("PUT groups/theirs", "DELETE groups/ours")
    again = work.run("plan", "--detailed-exitcode")
    assert again.code == 0
    assert "nothing to move" in again.out


def test_a_saved_move_holds_the_old_group_until_the_new_one_has_everybody(work: Workplace, world: World) -> None:
    """Who was in the new one when it was planned, and is not when it is applied, keeps the old one."""
    both = [group(name, ["ana", "ben"]) for name in ("ours", "theirs")]
    work.configure(configuration(*both))
    assert work.apply().code == 0
    document = configuration(both[1])
    document["tenants"][0]["moved"] = [{"from": "ours", "to": "theirs"}]
    work.configure(document)
    assert work.run("plan", "-o", "x.plan").code == 0
    (touched,) = json.loads((work.folder / "x.plan").read_text())["groups"]
    assert (touched["group"], touched["movedTo"]) == ("ours", "theirs")
    world.remove("theirs", "ben")
    world.clear()
    result = work.run("apply", "x.plan")
    assert (result.code, world.writes) == (1, [])
    assert "not in theirs now: ben" in result.out
    assert work.apply().code == 0
    assert ("ours" in world.groups, world.members("theirs")) == (False, {"ana", "ben"})


def test_a_move_that_takes_rights_or_leaves_a_gap_is_refused(work: Workplace, world: World) -> None:
    """Into a group that exists and grants less, or of another vendor; a move that is half done goes on."""
    work.configure(configuration(group("ours", ["ana", "ben"], accessControls=["orders"])))
    assert work.apply().code == 0
    world.edit("theirs", name={"en": "Theirs"}, userType="EMPLOYEE")
    world.clear()

    def moving(new: str, **fields: Any) -> Result:
        document = configuration(group(new, ["ana", "ben"], **fields))
        document["tenants"][0]["moved"] = [{"from": "ours", "to": new}]
        work.configure(document)
        return work.apply()

    refused = moving("theirs"), moving("other", vendorId="a")
    assert ([each.code for each in refused], world.writes) == ([1, 1], [])
    assert "exists already and grants less: accessControls" in refused[0].err
    assert 'write there what its members shall have; old: accessControls: ["orders"]' in refused[0].err
    assert "ours is moved to other, which has another vendorId: nobody can be in both" in refused[1].err
    world.fail("PUT /iam/acmeprod/groups/new/users/EMPLOYEE/ben 404")
    assert (moving("new").code, world.members("ours")) == (4, {"ana", "ben"})
    world.fail()
    assert (moving("new").code, "ours" in world.groups) == (0, False)
    assert (world.members("new"), world.groups["new"]["accessControls"]) == ({"ana", "ben"}, ["orders"])


def test_a_plan_for_another_time_is_not_applied(work: Workplace, world: World) -> None:
    """Neither one that a date has overtaken nor a rehearsal of what comes; both can be shown and compared."""
    members = ["ana", {"id": "ben", "until": "2020-01-01"}, {"id": "cleo", "from": "2999-01-01"}]
    work.configure(configuration(group("ours", members)))
    for at, why in (
        ("2019-12-31", "the plan is out of date: at 2020-01-02 00:00 UTC something began or ended"),
        ("2999-01-01", "the plan is a rehearsal for 2999-01-01 00:00 UTC, which is still to come"),
    ):
        assert work.run("plan", "--at", at, "-o", "x.plan").code == 0
        world.clear()
        result = work.run("apply", "x.plan")
        assert (result.code, world.writes) == (1, [])
        assert why in result.err
        assert "plan again" in result.err
        assert [work.run(*command, "x.plan").code for command in (("show",), ("diff", "x.plan"))] == [0, 0]
    assert work.run("plan", "-o", "x.plan").code == 0
    assert (work.run("apply", "x.plan").code, world.members("ours")) == (0, {"ana"})
