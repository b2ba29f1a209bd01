"""``add``, ``remove``, ``offboard`` and ``fmt`` as commands: what they say, what they write, and how they exit."""

from pathlib import Path

import pytest

from tests.e2e.command import Result, Spawner, Workplace

FILE = """\
people:
  ana: 00uANA     # Ana
  jon: {id: 00uJON}
teams:
  catalog: [ana]
tenants:
  - tenant: acmeprod
    groups:
      - id: managers
        name: Managers
        members:
          - team: catalog
          - 00uPLAIN      # P
      - match: {code: BO_MANAGER}
        members: [00uPLAIN]
      - {id: unmanaged, name: U}
  - tenant: acmestage
    groups:
      - {id: managers, name: Managers, members: [00uPLAIN]}
guards: {protected: [00uPLAIN]}
"""


@pytest.fixture
def place(tmp_path: Path, spawner: Spawner) -> Workplace:
    """A folder with the file, and no service at all."""
    found = Workplace(tmp_path, "http://127.0.0.1:9", spawner=spawner)
    found.configure(FILE)
    return found


def text(place: Workplace) -> str:
    return (place.folder / "reconciler.yaml").read_text(encoding="utf-8")


def said(result: Result) -> tuple[int, list[str]]:
    """The exit code and what was said, without the lines of the diff that only give context."""
    return result.code, [line for line in result.everything.splitlines() if not line.startswith((" ", "@@"))]


def test_a_member_is_added_to_several_groups(place: Workplace) -> None:
    """The diff, the files and what the plan will show; with --dry-run nothing is written, and the mode is kept."""
    path = place.folder / "reconciler.yaml"
    path.chmod(0o664)
    args = ("add", "new@acme.example", "acmeprod/managers", "code:BO_MANAGER", "--reason", "OPS: 42")
    told = [
        "--- reconciler.yaml",
        "+++ reconciler.yaml",
        '+          - {email: new@acme.example, reason: "OPS: 42"}',
        "-        members: [00uPLAIN]",
        '+        members: [00uPLAIN, {email: new@acme.example, reason: "OPS: 42"}]',
    ]
    plan = (
        "If the service has what the configuration said before, `reconciler plan` will show: "
        "+1 member in acmeprod/code:BO_MANAGER, +1 member in acmeprod/managers."
    )
    assert said(place.run(*args, "--dry-run")) == (0, [*told, "Nothing was written (--dry-run).", plan])
    assert text(place) == FILE
    assert said(place.run(*args)) == (0, [*told, "Changed reconciler.yaml.", plan])
    assert path.stat().st_mode & 0o777 == 0o664
    assert [name for name in place.files if "reconciler" in name] == ["reconciler.yaml"]
    assert place.run("validate").code == 0
    nothing = [
        "new@acme.example is a member of acmeprod/managers already (reconciler.yaml:14:13).",
        "new@acme.example is a member of acmeprod/code:BO_MANAGER already (reconciler.yaml:16:29).",
        "Nothing to do: no file changes.",
    ]
    assert said(place.run(*args)) == (0, nothing)
    assert place.run("remove", *args[1:4]).code == 0
    assert text(place) == FILE


@pytest.mark.parametrize(
    ("args", "message", "remedy"),
    [
        (
            ("add", "00u9", "managers"),
            "error: several tenants have a group `managers`",
            "say which: acmeprod/managers or acmestage/managers, or --tenant",
        ),
        (("add", "00u9", "mangers"), "error: the configuration has no group `mangers`", "did you mean `managers`?"),
        (
            ("add", "00u9", "x", "--tenant", "acmestage"),
            "error: the configuration has no group `x`",
            "there are acmestage/managers, managers",
        ),
        (
            ("add", "00u9", "x", "--tenant", "acmestag"),
            "error: the configuration has no tenant `acmestag`",
            "did you mean `acmestage`?",
        ),
        (
            ("add", "00u9", "unmanaged"),
            "reconciler.yaml:16:9: error: the members of acmeprod/unmanaged are not managed here",
            "a list would remove everybody else: write `members:` with all of them, or set `membership: additive`"
            " first",
        ),
        (
            ("remove", "Ana", "code:BO_MANAGER"),
            "reconciler.yaml:2:8: error: `Ana` is no user id, because a person is called `ana`",
            "did you mean `ana`?",
        ),
        (
            ("add", "Catalog", "code:BO_MANAGER"),
            "error: `catalog` is a team, and this command is about one person",
            "name somebody, or write `team: catalog` into the group, or take it out there, by hand",
        ),
        (
            ("add", "a b", "acmeprod/managers"),
            "error: nothing was written, because the edited configuration would be wrong: an entry of `members` can't "
            "have a blank in it: `a b` (reconciler.yaml)",
            "are these two entries that lost a line break or a dash?",
        ),
        (
            ("remove", "ana", "acmeprod/managers"),
            "reconciler.yaml:5:13: error: ana comes into acmeprod/managers through team catalog",
            "nothing was written: take the line out of the team, or `team: catalog` out of the group",
        ),
        (
            ("add", "jon", "acmeprod/managers", "--until", "tomorrow"),
            "Error: Invalid value for '--until': 'tomorrow' is no date or timestamp, such as 2026-12-31 or "
            "2026-12-31T18:00:00Z",
            "",
        ),
    ],
    ids=lambda value: "-".join(value[:3]) if isinstance(value, tuple) else "",
)
def test_what_can_not_be_done_is_refused(place: Workplace, args: tuple[str, ...], message: str, remedy: str) -> None:
    """With the place and what to do instead; the file stays."""
    result = place.run(*args)
    assert result.code == 1
    assert message in result.err.splitlines()
    assert f"  {remedy}" in result.err.splitlines() or not remedy
    assert text(place) == FILE


def test_members_are_removed(place: Workplace) -> None:
    """What guards will say is said right away; who is no member needs nothing."""
    assert said(place.run("remove", "00uPLAIN", "code:BO_MANAGER"))[1][-4:] == [
        "The guard `protected` will refuse the plan: acmeprod/code:BO_MANAGER/00uPLAIN is protected and would be"
        " removed (removed from configuration).",
        "The guard `emptied` will refuse the plan: acmeprod/code:BO_MANAGER: the member list is empty, so all 1 member"
        " would be removed.",
        "Changed reconciler.yaml.",
        "If the service has what the configuration said before, `reconciler plan` will show: "
        "-1 member in acmeprod/code:BO_MANAGER.",
    ]
    assert said(place.run("remove", "00uPLAIN", "code:BO_MANAGER")) == (
        0, ["00uPLAIN is not a member of acmeprod/code:BO_MANAGER.", "Nothing to do: no file changes."]
    )  # fmt: skip


def test_a_typing_error_of_a_name_is_pointed_out(place: Workplace) -> None:
    """It may be an id all the same."""
    result = place.run("add", "anna", "acmeprod/managers", "--dry-run")
    assert (result.code, result.err) == (0, "warning: `anna` is taken as a user id; did you mean `ana`?\n")


def test_a_team_makes_a_member_already(place: Workplace) -> None:
    """Nothing to do, unless a time or reason of its own is wanted."""
    assert said(place.run("add", "ana", "acmeprod/managers"))[1] == [
        "ana is a member of acmeprod/managers through team catalog already (reconciler.yaml:5:13).",
        "Nothing to do: no file changes.",
    ]
    assert (
        "+          - {person: ana, until: 2099-01-01}"
        in said(place.run("add", "ana", "acmeprod/managers", "--until", "2099-01-01"))[1]
    )
    assert said(place.run("add", "00uPLAIN", "acmeprod/managers", "--until", "2099-01-01"))[1][2:] == [
        "-          - 00uPLAIN      # P",
        "+          - {id: 00uPLAIN, until: 2099-01-01}      # P",
        "00uPLAIN is a member of acmeprod/managers already; the entry gets until 2099-01-01.",
        "Changed reconciler.yaml.",
        "`reconciler plan` will show no other members than before; `reconciler due` lists what is to come.",
    ]
    assert said(place.run("add", "00uPLAIN", "acmeprod/managers"))[1][0] == (
        "00uPLAIN is a member of acmeprod/managers already until 2099-01-01 (reconciler.yaml:13:13)."
    )


def test_somebody_leaves(place: Workplace) -> None:
    """By a date on the person; then nobody adds them again by mistake."""
    result = said(place.run("offboard", "ana", "--left", "2020-01-01", "--reason", "HR-1"))
    assert result[1][2:] == [
        "-  ana: 00uANA     # Ana",
        "+  ana: {id: 00uANA, left: 2020-01-01, reason: HR-1}     # Ana",
        "The entry in team catalog ends by that date (reconciler.yaml:5:13); --clean takes it out.",
        "Changed reconciler.yaml.",
        "If the service has what the configuration said before, `reconciler plan` will show: "
        "-1 member in acmeprod/managers and whatever else ana holds in acmeprod, acmestage.",
    ]
    again = place.run("add", "ana", "code:BO_MANAGER")
    assert again.code == 1
    assert "reconciler.yaml:2:21: error: ana is offboarded in acmeprod" in again.err.splitlines()


def test_what_the_files_do_not_know_of_somebody_who_leaves_is_said(place: Workplace) -> None:
    """An e-mail may be that of a listed id, and who leaves may hold more than the files say."""
    assert said(place.run("offboard", "x@acme.example", "--tenant", "acmestage"))[1][2:] == [
        "+    offboarded: [x@acme.example]",
        "Whether an id in the lists is that of x@acme.example, the files can't tell: the plan will.",
        "Changed reconciler.yaml.",
        "If the service has what the configuration said before, `reconciler plan` will show: "
        "whatever else x@acme.example holds in acmestage.",
    ]
    later = place.run("offboard", "jon", "--left", "2099-01-01")
    assert "`reconciler plan` will show no other members than before" in later.out


def test_several_files_are_written_or_none(place: Workplace) -> None:
    """One can't be written, because the name of what would take its place is too long: the other stays too."""
    second = "tenants:\n  - tenant: acmedev\n    groups:\n      - {id: devs, name: Devs, members: []}\n"
    place.configure(second, "a" * 248 + ".yaml")
    result = place.run("-f", ".", "add", "jon", "code:BO_MANAGER", "devs")
    assert result.code == 1
    assert result.err.endswith("can't be written: File name too long\n")
    assert text(place) == FILE
    assert [name for name in place.files if name.startswith(".")] == []


def test_a_link_stays_one(place: Workplace) -> None:
    """And what it leads to is edited."""
    (place.folder / "real").mkdir()
    real = place.folder / "real" / "file.yaml"
    (place.folder / "reconciler.yaml").rename(real)
    (place.folder / "reconciler.yaml").symlink_to("real/file.yaml")
    assert place.run("add", "jon", "code:BO_MANAGER").code == 0
    assert (place.folder / "reconciler.yaml").is_symlink()
    assert "members: [00uPLAIN, {person: jon}]" in real.read_text()


def test_files_are_brought_to_one_style(place: Workplace) -> None:
    """--check only lists; then the file is changed, and what is good already is not; comments and values stay."""
    other = place.configure("tenants:\r\n- tenant: acmedev   # dev\r\n  groups: [ ]\r\n", "other.yaml")
    assert said(place.run("fmt", "--check", ".")) == (1, ["other.yaml"])
    assert said(place.run("fmt", "reconciler.yaml", "other.yaml")) == (0, ["other.yaml"])
    assert other.read_bytes() == b"tenants:\n  - tenant: acmedev # dev\n    groups: []\n"
    assert said(place.run("fmt", "--check", ".")) == (0, [])
    assert text(place) == FILE


def test_what_can_not_be_formatted_stays(place: Workplace) -> None:
    """The comment that would be lost is named, and other files are formatted."""
    odd = "teams:\n  all: [\n    ana,  # why\n    jon\n  ]\n"
    place.configure(odd, "odd.yaml")
    place.configure("people:\n    ana: 00uANA\n", "plain.yaml")
    result = place.run("fmt", "odd.yaml", "plain.yaml")
    assert (result.code, result.out) == (1, "plain.yaml\n")
    assert result.err.splitlines()[0] == (
        "odd.yaml:1:1: error: this can't be formatted: the comment `# why` would be lost or moved"
    )
    assert result.err.splitlines()[-1] == "error: 1 of the files can't be formatted without loss"
    assert (place.folder / "odd.yaml").read_text() == odd
    assert (place.folder / "plain.yaml").read_text() == "people:\n  ana: 00uANA\n"
    place.configure("people: [\n", "broken.yaml")
    assert "broken.yaml:2:1: error: this is not valid YAML" in place.run("fmt", "broken.yaml").err
