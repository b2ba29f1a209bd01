"""Groups with long lists: their members go into CSV files beside the configuration."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.sandbox import Sandbox
from tests.e2e.desk import Desk
from tests.e2e.test_import import actions

MANY = [f"{number:05}" for number in range(1000)]
SPOILT = [*MANY[:200], "1E+5"]
"""An id that a list would take for the work of a spreadsheet."""


@pytest.fixture
def seed() -> dict[str, Any]:
    """A thousand shoppers in one group, a hundred of them in another."""
    return {
        "tenants": [
            {
                "tenant": "acmeprod",
                "groups": [
                    {"id": "all: shoppers", "name": {"en": "Odd id"}, "userType": "CUSTOMER"},
                    *(
                        {"id": group, "name": {"en": "Shoppers"}, "userType": "CUSTOMER"}
                        for group in ("Shop.Pers", "shop.pers", "few", "spoilt")
                    ),
                ],
                "customers": [
                    {"id": MANY[0], "contactEmail": "c00000@x.example", "firstName": 'A "B", C'},
                    *({"id": user, "contactEmail": f"c{user}@x.example"} for user in MANY[1:]),
                    "1E+5",
                ],
                "assignments": [
                    *({"groupId": group, "userId": user} for user in MANY for group in ("Shop.Pers", "shop.pers")),
                    *({"groupId": "few", "userId": user} for user in MANY[:100]),
                    *({"groupId": "spoilt", "userId": user} for user in SPOILT),
                ],
            }
        ]
    }  # fmt: skip


@pytest.fixture
def desk(sandbox: Sandbox, tmp_path: Path) -> Desk:
    return Desk(tmp_path, sandbox.url)


@pytest.mark.parametrize("people", [(), ("--with-people",)], ids=["ids", "people"])
def test_long_lists_stand_in_files_of_their_own(desk: Desk, people: tuple[str, ...]) -> None:
    done = desk.run("import", "--tenant", "acmeprod", *people, "-o", "reconciler.yaml")
    assert done.code == 0, done.err
    assert desk.files == ["acmeprod-Shop.Pers.csv", "acmeprod-shop.pers-2.csv", "reconciler.yaml"]
    text = (desk.folder / "reconciler.yaml").read_text()
    assert "membersFrom: acmeprod-shop.pers-2.csv" in text and text.count("\n") < 540
    rows = (desk.folder / "acmeprod-Shop.Pers.csv").read_text().splitlines()
    named = ["id,name", '00000,"A ""B"", C <c00000@x.example>"', "00001,c00001@x.example"]
    assert (len(rows), rows[:3]) == (1001, named if people else ["id", "00000", "00001"])
    assert desk.run("validate").code == 0
    assert {action: len(found) for action, found in actions(desk).items()} == {"adopt": 4 + 2301}
    assert desk.run("apply", "--auto-approve").code == 0
    assert desk.run("plan", "--detailed-exitcode").code == 0


def test_how_long_is_for_the_user_to_say(desk: Desk) -> None:
    """And to the screen everything is shown in one piece."""
    assert desk.run("import", "--tenant", "acmeprod", "-o", "a.yaml", "--csv-from", "1000").code == 0
    assert desk.files == ["a.yaml"]
    assert desk.run("import", "--tenant", "acmeprod").out == (desk.folder / "a.yaml").read_text()
    assert desk.run("import", "--tenant", "acmeprod", "-o", "b/", "--csv-from", "99").code == 0
    assert "acmeprod-few.csv" in [path.name for path in (desk.folder / "b").iterdir()]


def test_no_list_is_written_over_and_none_is_left_behind(desk: Desk, serve: Callable[..., Sandbox]) -> None:
    """A list that is there stops everything; so does a configuration that would not be adopted."""
    (desk.folder / "acmeprod-Shop.Pers.csv").write_text("mine")
    done = desk.run("import", "--tenant", "acmeprod", "-o", "reconciler.yaml")
    assert done.code == 1 and "acmeprod-Shop.Pers.csv exists already" in done.err
    assert (desk.files, (desk.folder / "acmeprod-Shop.Pers.csv").read_text()) == (["acmeprod-Shop.Pers.csv"], "mine")
    (desk.folder / "acmeprod-Shop.Pers.csv").unlink()
    desk.configure("people: {one: {id: '00001', left: 2020-01-01}}\ntenants: [{tenant: acmeprod}]\n")
    done = desk.run("import", "--tenant", "acmeprod", "-o", "reconciler.yaml")
    assert done.code == 1, done.err
    assert desk.files == ["reconciler.yaml"]
