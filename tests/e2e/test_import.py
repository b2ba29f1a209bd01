"""``import`` and ``adopt``: what is live becomes a configuration that adopts it and changes nothing."""

import difflib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.sandbox import Sandbox
from tests.e2e.desk import Desk
from tests.e2e.world import World

MIXINS: dict[str, Any] = {
    "types": {"yes": True, "number": 1.5, "text": "1.5", "null": None, "no": "no", "big": 12345678901, "neg": -0.5},
    "lists": [
        1,
        [2, {"~": "~"}],
        {},
        [],
        "",
        "a: b",
        "- x",
        "#",
        "true",
        "null",
        " blank ",
        "line\nbreak",
        "\u2028\x07",
    ],
    "<<": {"=": "12:30", "00123": "00123"},
    "": "x" * 200,
}

LIVE: dict[str, Any] = {
    "tenants": [
        {
            "tenant": "acmeprod",
            "languages": ["en", "de", "pt-BR"],
            "accessControls": [{"id": "orders"}, {"id": "00123"}, {"id": "no"}, {"id": "1e5"}],
            "templates": [{"id": "2026-12-31", "accessControls": ["orders"]}],
            "groups": [
                {"id": "bo-manager", "code": "BO_MANAGER", "name": {"en": "Managers: all #1"}},
                {"id": "bo-user", "code": "BO_USER", "name": {"en": "Users"}},
                {"id": "clerks", "name": {"en": "Clerks"}},
                {"id": "00123", "name": {"en": "00123", "de": "no", "pt-BR": "Ünïcode “çã” 日本 👩\u200d🔬"},
                 "description": {"en": " null ", "de": "two\nlines\tand a tab"}, "mixins": MIXINS,
                 "accessControls": ["orders", "1e5", "00123", "no"], "templates": ["2026-12-31"],
                 "restrictions": ["FR", "DE", "no", "1e5", "a blank"]},
                {"id": "null", "name": {"en": "~"}, "restrictions": []},
                {"id": "vendor-a", "name": {"en": "Vendor's, of A"}, "vendorId": "0x1F"},
                {"id": "dollars", "name": {"en": "${tenant} $${x} ${"}, "mixins": {"a": ["${var.x}", {"b": "$"}]}},
                {"id": "with blank", "name": {"en": "Odd id"}},
                {"id": "bell", "name": {"en": "Odd\u0007name"}},
                {"id": "odd-field", "name": {"en": "Odd field"}, "restrictions": [" lead"]},
                *[
                    {"id": f"{code}-{company}".lower(), "name": {"en": code.title()}, "userType": "CUSTOMER",
                     "code": code, "b2b": {"legalEntityId": company}}
                    for company in ("X", "Y") for code in ("ADMIN", "BUYER")
                ],
                {"id": "second-buyer-y", "name": {"en": "Buyer"}, "userType": "CUSTOMER", "code": "BUYER",
                 "b2b": {"legalEntityId": "Y"}},
                {"id": "company", "name": {"en": "Of a company"}, "userType": "CUSTOMER",
                 "b2b": {"legalEntityId": "X"}},
            ],
            "employees": [
                {"id": "00u1", "contactEmail": "Marta.Ruiz@acme.example", "firstName": "Marta", "lastName": "Ruiz"},
                {"id": "00u2", "contactEmail": "marta.ruiz@other.example"},
                {"id": "1e5", "contactEmail": "null@acme.example", "firstName": "O'No: #1"},
                {"id": "no", "contactEmail": "catalog@acme.example"},
                {"id": "007", "contactEmail": "not an e-mail"},
                "zoe",
            ],
            "customers": ["kim", {"id": "34751075", "contactEmail": "lee+shop@acme.example"}],
            "assignments": [
                *[{"groupId": "00123", "userId": user} for user in ("00u1", "00u2", "1e5", "no", "007")],
                *[{"groupId": group, "userId": "00u1"} for group in ("bo-manager", "null", "with blank", "bell")],
                {"groupId": "odd-field", "userId": "zoe"},
                {"groupId": "buyer-x", "userId": "kim"},
                {"groupId": "second-buyer-y", "userId": "34751075"},
                {"groupId": "company", "userId": "34751075"},
            ],
        },
        {
            "tenant": "acmestage",
            "languages": ["en"],
            "groups": [{"id": "clerks", "name": {"en": "Clerks"}}],
            "employees": [{"id": "s1", "contactEmail": "marta.ruiz@acme.example"}],
            "assignments": [{"groupId": "clerks", "userId": "s1"}],
        },
    ]
}  # fmt: skip
"""Two tenants with groups of every kind, ids that look like anything else, and texts of all sorts."""

BOTH = ("--tenant", "acmeprod", "--tenant", "acmestage")


@pytest.fixture
def seed() -> dict[str, Any]:
    return LIVE


@pytest.fixture
def desk(sandbox: Sandbox, tmp_path: Path) -> Desk:
    return Desk(tmp_path, sandbox.url, {"EMPORIX_CLIENT_ID_ACMESTAGE": "acmestage"})


def actions(desk: Desk, *args: str) -> dict[str, set[str]]:
    """The plan's addresses by action."""
    plan = json.loads(desk.run(*args, "plan", "--format", "json").out)
    found: dict[str, set[str]] = {}
    for change in plan["changes"]:
        found.setdefault(change["action"], set()).add(change["address"])
    return found


def added(before: str, after: str) -> list[str]:
    """The lines that are new; nothing else may differ."""
    diff = [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] != "?"]
    assert [line for line in diff if line.startswith("- ")] == []
    return [line[2:] for line in diff if line.startswith("+ ")]


@pytest.mark.parametrize("people", [(), ("--with-people",)], ids=["ids", "people"])
@pytest.mark.parametrize("out", ["reconciler.yaml", "access"])
def test_what_is_live_is_adopted_and_nothing_else(desk: Desk, world: World, out: str, people: tuple[str, ...]) -> None:
    """Import, validate, plan, apply, plan: everything that can be said is ours then, and the service is as it was."""
    live, members = world.groups, world.everything
    world.clear()
    done = desk.run("import", *BOTH, *people, "-o", out)
    assert done.code == 0, done.err
    assert "acmeprod/with blank: left out: `id` can't have a blank in it: `with blank`" in done.err
    assert desk.run("-f", out, "validate").code == 0
    assert set(actions(desk, "-f", out)) == {"adopt"}
    assert desk.run("-f", out, "apply", "--auto-approve").code == 0
    assert world.writes == []
    again = desk.run("-f", out, "plan", "--detailed-exitcode")
    assert (again.code, again.out.splitlines()[-2:][0][:11]) == (0, "No changes.")
    assert (world.groups, world.everything) == (live, members)
    if out == "reconciler.yaml":
        owned = {name for name in desk.owned if name.endswith("*")}
        ours = ("00123", "clerks", "company", "dollars", "null", "odd-field", "vendor-a")
        assert owned == {*(f"acmeprod/{name}*" for name in ours), "acmestage/clerks*"}
        assert {name.partition("/")[2] for name in set(desk.owned) - owned} == {
            "admin-x", "admin-y", "bell", "bo-manager", "bo-user", "buyer-x", "buyer-y", "second-buyer-y",
        }  # fmt: skip


def test_two_imports_of_the_same_are_the_same(desk: Desk) -> None:
    """Nothing in it depends on when, where or in which order something was read."""
    first, second = (desk.run("import", *BOTH, "--with-people") for _ in range(2))
    assert first.code == 0 and first.out == second.out


def test_an_import_is_in_canonical_style(desk: Desk) -> None:
    """`fmt` finds nothing to do, but for texts that only a machine would write."""
    groups = [part for name in ("*-*", "clerks", "null", "company") for part in ("--group", name)]
    done = desk.run("import", "--tenant", "acmeprod", "--with-people", *groups, "-o", "reconciler.yaml")
    assert done.code == 0, done.err
    assert desk.run("fmt", "--check").code == 0


def test_an_import_reads_as_the_documentation_says(desk: Desk) -> None:
    """The form of each kind of group, person and remark."""
    done = desk.run("import", "--tenant", "acmeprod", "--with-people")
    assert done.code == 0, done.err
    for expected in (
        """
people:
  catalog: {id: "no", email: catalog@acme.example}
""",
        """
  marta.ruiz: {id: 00u1, email: Marta.Ruiz@acme.example, name: Marta Ruiz}
  marta.ruiz-2: {id: 00u2, email: marta.ruiz@other.example}
  "null": {id: "1e5", email: null@acme.example, name: "O'No: #1"}
""",
        """
      - id: "00123"
        name: {en: "00123", de: "no", pt-BR: "Ünïcode “çã” 日本 👩\\u200d🔬"}
        description: {en: " null ", de: "two\\nlines\\tand a tab"}
        userType: EMPLOYEE
        accessControls:
          - "00123"
          - "1e5"
          - "no"
          - orders
        templates:
          - "2026-12-31"
""",
        """
        members:
          - "007"
          - person: marta.ruiz
          - person: marta.ruiz-2
          - person: "null"
          - person: catalog
""",
        """
      - match: {code: BUYER, legalEntityId: X}  # Buyer
        members:
          - person: kim
      - match: {id: buyer-y}  # Buyer
        members: []
""",
        """
      - match: {code: BO_MANAGER}  # Managers: all #1
""",
        """
      - match: {id: bell}  # Odd\\u0007name
        # The definition is not managed: `name` can't have the character U+0007.
        members:
""",
        """
      - id: odd-field
        # `restrictions` is not managed: it can't start or end with a blank: `lead`.
        name: {en: Odd field}
""",
        """
      # The group with blank is left out: `id` can't have a blank in it: `with blank`
""",
    ):
        assert expected[1:] in done.out


def test_few_requests(desk: Desk, world: World) -> None:
    """One for the groups, one for each group's members, one for each type of people."""
    assert desk.run("import", "--tenant", "acmeprod", "--group", "buyer-?", "--group", "clerks").code == 0
    groups = ["GET groups/buyer-x/users", "GET groups/buyer-y/users", "GET groups/clerks/users"]
    assert sorted(world.calls[1:]) == ["GET groups", *groups]
    world.clear()
    assert desk.run("import", "--tenant", "acmeprod", "--with-people").code == 0
    assert len(world.calls) == 1 + 1 + len(LIVE["tenants"][0]["groups"]) + 2


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("import",), "it is not said of which tenant"),
        (("import", "--tenant", "acmeprod", "--group", "clerkz"), "no group is like clerkz"),
        (("import", "--tenant", "acmeprod", "--group", "clerkz"), "did you mean clerks?"),
        (("adopt", "acmeprod"), "write TENANT/GROUP"),
        (("adopt", "acmeprod/bo-managr"), "did you mean bo-manager"),
        (("adopt", "acmeprod/qqqqqqqq"), "`import` shows all groups"),
        (("adopt", "acmeprod/Buyer"), "3 groups are called Buyer"),
        (("import", "--tenant", "acmeprod", "-o", "/proc/x.yaml"), "can't be written"),
    ],
)
def test_what_can_not_be_done_says_why(desk: Desk, args: tuple[str, ...], says: str) -> None:
    done = desk.run(*args)
    assert done.code == 1 and says in done.err
    assert desk.files == []


def test_one_tenant_that_fails_hides_no_other(desk: Desk) -> None:
    """What could be read is written, and the exit code tells of the rest."""
    done = desk.run("import", "--tenant", "elsewhere", "--tenant", "acmestage", "-o", "access")
    assert done.code == 1 and "elsewhere" in done.err
    assert [path.name for path in (desk.folder / "access").iterdir()] == ["acmestage.yaml"]


GROWING = {
    "block": """\
# Ours.
people:
  ruiz: 00u1       # Marta
  # more to come
teams:
  catalog: [ruiz]

tenants:
    -   tenant: acmeprod   # the real one
        groups:
        -   match: {code: BO_USER}
            members: []
            # - 00uOLD, until 2020

        # The clerks.
        -   id:  clerks
            name: {"en": 'Clerks'}
            members:
            # nobody yet
              []
            # the end of the clerks

guards: {maxRemovals: 25%}   # as ever
""",
    "null": "tenants:\n  - tenant: acmeprod\n    groups:   # none yet\n    guards: {minMembers: 0}",
    "missing": "people: {}\ntenants:\n- tenant: acmeprod\n",
    "flow": "tenants: [{tenant: acmeprod, groups: [{match: {code: BO_USER}, members: [zoe]}]}]\n",
    "brackets": '{"people": {"ruiz": {"id": "00u1"}}, "tenants": [{"tenant": "acmeprod"}]}',
    "all in brackets": '{"tenants": [{"tenant": "acmestage", "groups": []}]}\n',
    "empty brackets": "tenants:\n  - {tenant: acmeprod, groups: }   # all\npeople: {ruiz: 00u1}",
    "other tenant": "tenants:\n  - tenant: acmestage\n    groups:\n      - {id: clerks, name: {en: Clerks}}\n",
    "no tenants": "people:\n  ruiz: {email: MARTA.RUIZ@acme.example}\nguards: {minMembers: 0}\n",
    "comments": "# All that is ours will stand here.",
    "windows": "tenants:\r\n  - tenant: acmeprod\r\n    groups:\r\n      - match: {code: BO_USER}\r\n",
}


@pytest.mark.parametrize("name", GROWING)
def test_a_file_that_is_there_only_grows(desk: Desk, name: str) -> None:
    """Comments, order and style stay; every group that had no entry has one, and what was bound stays bound."""
    path = desk.configure(GROWING[name])
    done = desk.run("import", "--tenant", "acmeprod", "--with-people", "-o", "reconciler.yaml")
    assert done.code == 0, done.err
    before, after = GROWING[name], path.read_bytes().decode()
    before = before.replace("people: {}", "people:")
    left = iter(after)
    assert all(character in left for character in before)
    if "{" not in before[:20] and "[{" not in before and "- {tenant" not in before:
        new = added(before, after)
        assert len(new) > 60 and not any(line.rstrip() != line for line in new)
        assert after.count("\r") == (after.count("\n") if "\r" in before else 0)
    assert desk.run("validate").code == 0
    assert "acmeprod/00123/00u1" in actions(desk)["adopt"]
    if name == "block":
        assert (
            '# Marta\n  # more to come\n  catalog-2: {id: "no"' in after and "\n              - person: ruiz\n" in after
        )
        assert "            # the end of the clerks\n        -   id: " in after
    again = desk.run("import", "--tenant", "acmeprod", "--with-people", "-o", "reconciler.yaml")
    assert again.code == 0 and "Every group has an entry already" in again.err
    assert path.read_bytes().decode() == after


def test_a_folder_grows_where_its_tenants_and_people_are(desk: Desk) -> None:
    """Each file keeps its subject; a new tenant gets a file of its own."""
    folder = desk.folder / "access"
    folder.mkdir()
    (folder / "who.yaml").write_text("people:\n  ruiz: {id: 00u1}\n")
    (folder / "prod.yaml").write_text("tenants:\n  - tenant: acmeprod\n    groups:\n      - match: {code: BO_USER}\n")
    done = desk.run("import", *BOTH, "--with-people", "-o", "access")
    assert done.code == 0, done.err
    assert sorted(path.name for path in folder.iterdir()) == ["acmestage.yaml", "prod.yaml", "who.yaml"]
    assert "  marta.ruiz: {id: 00u2" in (folder / "who.yaml").read_text()
    assert "person: ruiz" in (folder / "prod.yaml").read_text()
    command = "reconciler -f access plan"
    assert done.err.endswith(f"Whatever else the configuration says is planned as well.\nNext: `{command}`.\n")
    assert desk.run(*command.split()[1:]).code in {0, 2}


def test_adopting_one_group(desk: Desk) -> None:
    """By id, code or name, into the configuration at hand, and never twice."""
    desk.configure("tenants:\n  - tenant: acmeprod\n    groups:\n      - match: {code: BO_USER}\n        members: []\n")
    for name in ("clerks", "BO_MANAGER", "Vendor's, of A"):
        done = desk.run("adopt", f"acmeprod/{name}", "--with-people")
        assert done.code == 0 and "is live already: the plan adopts 1 group" in done.err, done.err
        assert done.err.endswith("\nNext: `reconciler plan`.\n")
    assert set(actions(desk)) == {"adopt"}
    text = (desk.folder / "reconciler.yaml").read_text()
    again = desk.run("adopt", "acmeprod/bo-manager")
    assert again.code == 0 and "has an entry for acmeprod/bo-manager already" in again.err
    assert (desk.folder / "reconciler.yaml").read_text() == text


def test_guards_that_are_there_are_minded(desk: Desk) -> None:
    """They would stop the adoption as well, so it is said while there is time to set them right."""
    desk.configure("tenants:\n  - tenant: acmeprod\nguards: {minMembers: 1}\n")
    done = desk.run("adopt", "acmeprod/clerks")
    assert done.code == 0
    assert "will refuse the first plan: acmeprod/clerks would have 0 members, fewer than minMembers 1" in done.err


def test_adopting_makes_the_first_file(desk: Desk) -> None:
    assert desk.run("adopt", "acmestage/clerks").code == 0
    assert "- id: clerks" in (desk.folder / "reconciler.yaml").read_text()
    assert set(actions(desk)) == {"adopt"}


def test_what_a_file_may_not_touch_is_not_written_into_it(desk: Desk) -> None:
    """Ownership is judged like all else, before anything is written."""
    (desk.folder / "access").mkdir()
    owner = "ownership: [{files: '**', may: []}]\ntenants: [{tenant: acmeprod}]\n"
    (desk.folder / "access" / "main.yaml").write_text(owner)
    done = desk.run("import", "--tenant", "acmestage", "-o", "access")
    assert done.code == 1 and "nothing was written" in done.err and "acmestage.yaml" in done.err
    assert [path.name for path in (desk.folder / "access").iterdir()] == ["main.yaml"]


def test_who_left_is_not_imported_as_a_member(desk: Desk) -> None:
    """A plan would take the person out again, also where not all groups are looked at."""
    desk.configure("people: {ruiz: {id: 00u1, left: 2020-01-01}}\ntenants: [{tenant: acmeprod}]\n")
    done = desk.run("import", "--tenant", "acmeprod", "--group", "null", "--group", "00123", "-o", "reconciler.yaml")
    assert done.code == 1 and "acmeprod/00123/00u1 delete" in done.err and "acmeprod/null/00u1 delete" in done.err


@pytest.mark.parametrize(
    ("there", "says"),
    [
        ("people:\n  ruiz: {id: 00u1, left: 2020-01-01}\ntenants:\n  - tenant: acmeprod\n", "would not be empty"),
        ("tenants:\n  - &a {tenant: acmestage}\n  - {tenant: acmeprod, groups: *a}\n", "problem"),
        ("tenants:\n  - tenant: acmeprod\n    groups:\n      - match: {code: NONE}\n", "does not fit the service"),
    ],
)
def test_nothing_is_written_that_would_not_be_adopted(desk: Desk, there: str, says: str) -> None:
    """The result is read back and planned before it takes the file's place."""
    path = desk.configure(there)
    done = desk.run("import", "--tenant", "acmeprod", "-o", "reconciler.yaml")
    assert done.code == 1 and says in done.err, done.err
    assert path.read_text() == there and desk.files == ["reconciler.yaml"]


def test_the_sandbox_is_imported_from_too(desk: Desk, serve: Callable[..., Sandbox]) -> None:
    """A rehearsal's world can be taken into a file, of all tenants that the configuration names."""
    desk.configure("tenants:\n  - tenant: acmeprod\n    groups:\n      - {id: clerks, name: {en: Clerks}}\n")
    assert desk.run("--sandbox", "apply", "--auto-approve").code == 0
    done = desk.run("--sandbox", "import")
    assert done.code == 0 and "- id: clerks" in done.out, done.err
