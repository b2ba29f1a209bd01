"""Members from a file, end to end: planned, applied, found in order, and never emptied by accident."""

from tests.e2e.command import Workplace
from tests.e2e.world import World, configuration, group

LISTED = "name,id,until\nAna,ana,\nBen,ben,2099-12-31\nCleo,cleo,2020-12-31\n"


def test_a_list_decides_who_is_a_member(work: Workplace, world: World) -> None:
    """The plan shows the row that asks for each member; the same list again is nothing to do."""
    work.configure(LISTED, "ours.csv")
    work.configure(configuration(group("ours", membersFrom="ours.csv")))
    planned = work.run("plan")
    assert planned.code == 0, planned.everything
    assert "ours.csv:2:5" in planned.out
    assert "ours.csv:3:5" in planned.out
    assert "ours.csv:4:6: warning: the time of 1 line of the configuration is over" in planned.out
    assert "    4 | Cleo,cleo,2020-12-31" in planned.out
    assert work.apply().code == 0
    assert world.members("ours") == {"ana", "ben"}
    assert "No changes." in work.run("plan").out


def test_an_empty_list_is_a_guard_s_business(work: Workplace, world: World) -> None:
    """A list whose rows are gone is as suspicious as an empty `members`; one whose file is gone is an error."""
    work.configure(LISTED, "ours.csv")
    work.configure(configuration(group("ours", membersFrom="ours.csv")))
    assert work.apply().code == 0
    work.configure("name,id,until\n", "ours.csv")
    emptied = work.apply()
    assert emptied.code == 3
    assert "acmeprod/ours: the member list is empty, so all 2 members would be removed" in emptied.out
    (work.folder / "ours.csv").unlink()
    gone = work.apply()
    assert gone.code == 1
    assert "the list `ours.csv` does not exist" in gone.err
    assert world.members("ours") == {"ana", "ben"}
