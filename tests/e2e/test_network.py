"""The network dies, or an answer never comes: what is unsure is said so, stays pending, and the next run settles it."""

from collections.abc import Callable

from tests.e2e.command import Workplace
from tests.e2e.proxy import Answer, Proxy, Request
from tests.e2e.world import World, configuration, group

ONE_BY_ONE = ("--parallelism", "1")


def test_the_network_dies_in_the_middle(work: Workplace, between: Proxy, world: World) -> None:
    """After three writes no connection lives: exit 4, what was done is recorded, the rest is pending or untried."""
    work.configure(configuration(group("ours", ["ana", "ben", "cleo", "dan"])))

    def rule(request: Request, forward: Callable[[], Answer]) -> Answer | None:
        dead = sum(earlier.writes for earlier in between.seen) > 3
        return None if dead else forward()

    between.rule = rule
    cut = work.apply(*ONE_BY_ONE)
    assert cut.code == 4, cut.everything
    assert "Traceback" not in cut.everything
    assert "May or may not have happened" in cut.out
    assert "Not verified" in cut.err
    done = world.members("ours")
    assert len(done) == 2
    assert set(work.owned["acmeprod/ours*"]) == done
    assert {change["user"] for change in work.lockfile["pending"]} == {"ana", "ben", "cleo", "dan"} - done
    between.rule = lambda _, forward: forward()
    again = work.apply()
    assert again.code == 0, again.everything
    assert work.lockfile["pending"] == []
    assert set(work.owned["acmeprod/ours*"]) == world.members("ours") == {"ana", "ben", "cleo", "dan"}


def answers_never_come(between: Proxy, world: World) -> None:
    """Every write is carried out, and its answer and all that follows is lost."""

    def rule(request: Request, forward: Callable[[], Answer]) -> Answer | None:
        lost = any(earlier.writes for earlier in between.seen)
        answer = forward() if request.writes or not lost else None
        return None if lost else answer

    between.rule = rule


def test_an_outcome_unknown_is_settled_as_done(work: Workplace, between: Proxy, world: World) -> None:
    """The write was carried out although nobody answered: it is ours, also if the file has dropped it by then."""
    theirs = {"id": "clerks", "membership": "additive"}
    work.configure(configuration({**theirs, "members": ["ana"]}))
    answers_never_come(between, world)
    lost = work.apply()
    assert lost.code == 4, lost.everything
    assert "May or may not have happened: 1 change" in lost.out
    assert "reconciler.yaml:" in lost.out
    assert world.members("clerks") == {"ana", "zoe"}
    assert [change["user"] for change in work.lockfile["pending"]] == ["ana"]
    between.rule = lambda _, forward: forward()
    work.configure(configuration({**theirs, "members": []}))
    again = work.apply()
    assert again.code == 0, again.everything
    assert world.members("clerks") == {"zoe"}
    assert work.owned == {"acmeprod/clerks": []}


def test_an_outcome_unknown_is_settled_as_not_done(work: Workplace, between: Proxy, world: World) -> None:
    """The write never arrived: the next run sends it, and what somebody else has is not ours."""
    work.configure(configuration({"id": "clerks", "membership": "additive", "members": ["ana"]}))
    between.rule = lambda request, forward: None if any(r.writes for r in between.seen) else forward()
    lost = work.apply()
    assert lost.code == 4, lost.everything
    assert world.members("clerks") == {"zoe"}
    between.rule = lambda _, forward: forward()
    work.configure(configuration({"id": "clerks", "membership": "additive", "members": []}))
    assert work.apply().code == 0
    assert world.members("clerks") == {"zoe"}
    assert work.owned == {"acmeprod/clerks": []}


def test_a_lost_answer_followed_by_a_refusal_is_no_plain_failure(work: Workplace, between: Proxy, world: World) -> None:
    """The first try was carried out, the second refused: what we made stays ours, whatever the last answer says."""
    work.configure(configuration({"id": "clerks", "membership": "additive", "members": ["ana"]}))
    world.fail("PUT **/ana reset effect=done times=1", "PUT **/ana 403")
    lost = work.apply()
    assert world.members("clerks") == {"ana", "zoe"}
    assert lost.code in {0, 4}, lost.everything
    world.fail()
    work.configure(configuration({"id": "clerks", "membership": "additive", "members": []}))
    assert work.apply().code == 0
    assert world.members("clerks") == {"zoe"}


def test_a_retried_write_is_sent_again_and_done(work: Workplace, world: World) -> None:
    """Resets, gateway errors and rate limits in the middle are nobody's business: exit 0, everything verified."""
    work.configure(configuration(group("ours", ["ana", "ben"])))
    world.fail("PUT **/ana reset effect=done times=1", "PUT **/ben 503 times=1", "PUT **/groups/ours 429 times=1")
    done = work.apply()
    assert done.code == 0, done.everything
    assert "Verified 3 of 3" in done.out
    assert work.owned == {"acmeprod/ours*": ["ana", "ben"]}


def test_no_service_at_all_changes_nothing(work: Workplace, world: World) -> None:
    """A wrong address is an error of the plan: exit 1, the address and a remedy are named, no lockfile appears."""
    work.configure(configuration(group("ours", ["ana"])))
    result = work.apply(EMPORIX_API_URL="http://127.0.0.1:9")
    assert result.code == 1, result.everything
    assert "Traceback" not in result.everything
    assert work.files == ["reconciler.yaml"]
