"""What a plan comes to for users: sensitive gains are told first of all, and nothing is too long to be read."""

from itertools import chain, combinations

import pytest

from reconciler.core.effects import Effect, Effects, Grant, Right
from reconciler.core.model import Person, UserType
from reconciler.core.plan import Action, Change, Plan, Reason
from reconciler.render import terminal
from reconciler.render.effects import Total, is_long
from tests.render.golden import cases, plan_of

CHANGE = Change("acme", "ops", "00u0", Action.CREATE, Reason.NEW, UserType.EMPLOYEE)


def people(count: int) -> tuple[Person, ...]:
    return tuple(Person(f"p{number}", f"00u{number}") for number in range(count))


def grant(scope: str, *groups: str) -> Grant:
    return Grant(Right(scope), groups or ("ops",))


def told(*effects: Effect, sensitive: tuple[str, ...] = (), full: bool = False) -> list[str]:
    """The lines of a plan with these effects."""
    found = Effects(effects, frozenset(map(Right, sensitive)))
    return list(terminal.plan(Plan((CHANGE,), effects={"acme": found}), color=False, width=100, full=full))


def apart(count: int, *scopes: str) -> list[Effect]:
    """So many users who gain these scopes, each with an effect of its own."""
    return [Effect((user,), tuple(map(grant, scopes))) for user in people(count)]


def test_what_is_sensitive_is_told_before_all_changes_and_the_summary_last() -> None:
    lines = told(*apart(1, "iam.group_manage", "order.order_read"), sensitive=("iam.group_manage",))
    assert lines[:4] == [
        "Sensitive access gained (1 user)",
        "  + acme: p0 (00u0) gains iam.group_manage through ops",
        "",
        "Tenant acme  1 to add",
    ]
    assert lines[-7:-2] == [
        "Access in acme",
        "  p0 (00u0)",
        "    + iam.group_manage  sensitive, through ops",
        "    + order.order_read  through ops",
        "",
    ]
    assert lines[-2] == "Plan: 1 to add, 0 to change, 0 to destroy."


def test_a_long_list_of_sensitive_gains_hides_no_scope() -> None:
    """Beyond fifty lines there is one for each scope and way, so that the one of the last user is seen as well."""
    scopes = [f"{letter}_manage" for letter in "abcdef"]
    some = chain.from_iterable(combinations(scopes, size) for size in range(1, 7))
    effects = [Effect((user,), tuple(map(grant, each))) for user, each in zip(people(63), some, strict=True)]
    effects.append(Effect(people(1), (grant("z_manage", "ops", "desk"),)))
    lines = told(*effects, sensitive=(*scopes, "z_manage"))
    assert lines[:2] == [
        "Sensitive access gained (64 users)",
        "  + acme: 32 users (p0, p6, p7 and 29 more) gain a_manage through ops",
    ]
    assert lines[6:9] == [
        "  + acme: 32 users (p5, p10, p14 and 29 more) gain f_manage through ops",
        "  + acme: p0 (00u0) gains z_manage through ops, desk",
        "",
    ]
    full = told(*effects, sensitive=(*scopes, "z_manage"), full=True)
    assert full[63] == f"  + acme: p62 (00u62) gains {', '.join(scopes)} through ops"


def test_what_users_gain_alike_is_one_line_whatever_else_they_lose() -> None:
    """With all its scopes, together those that come through the same groups."""
    gained = (grant("iam.group_manage", "ops"), grant("iam.user_manage", "desk"), grant("iam.user_read", "ops"))
    users = people(3)
    effects = [
        Effect(users[:1], gained),
        Effect(users[1:2], (*gained, grant("a")), (grant("b"),)),
        Effect(users[2:], gained[:1]),
    ]
    sensitive = tuple(each.right.scope for each in gained)
    assert told(*effects, sensitive=sensitive)[:4] == [
        "Sensitive access gained (3 users)",
        "  + acme: 2 users (p0, p1) gain iam.group_manage, iam.user_read through ops; iam.user_manage through desk",
        "  + acme: p2 (00u2) gains iam.group_manage through ops",
        "",
    ]


def test_even_the_list_of_sensitive_scopes_has_an_end_that_is_said() -> None:
    scopes = [f"s{number:02}" for number in range(60)]
    lines = told(*apart(1, *scopes), sensitive=tuple(scopes))
    assert lines[0] == "Sensitive access gained (1 user)"
    assert lines[1].endswith(", s48, s49 and 10 more scopes through ops")
    assert told(*apart(1, *scopes), sensitive=tuple(scopes), full=True)[1].endswith(", s58, s59 through ops")


def test_ways_to_sensitive_scopes_have_an_end_too() -> None:
    scopes = [f"s{number:02}" for number in range(60)]
    effects = [Effect((user,), (grant(each),)) for user, each in zip(people(60), scopes, strict=True)]
    assert told(*effects, sensitive=tuple(scopes))[51] == "  + 10 more scopes; --full shows all"
    one = Effect(people(1), tuple(grant(each, f"g{each}") for each in scopes))
    assert told(one, sensitive=tuple(scopes))[51] == "  + 10 more scopes; --full shows all"


def test_what_users_had_already_is_one_line_beside_what_changes() -> None:
    had = (grant("s1", "legacy"), grant("s2", "desk", "legacy"), grant("s3", "legacy"))
    effect = Effect(people(1), (grant("a"),), had=had)
    lines = told(effect)
    assert (
        lines[lines.index("    + a              through ops") + 1]
        == "    = 3 more scopes  already through desk, legacy"
    )
    assert "    = s2  already through desk, legacy" in told(effect, full=True)
    assert "    = s1  already through legacy" in told(Effect(people(1), (grant("a"),), had=had[:1]))


def test_who_only_gets_what_was_there_sees_the_first_of_it() -> None:
    had = tuple(grant(f"s{number}", "legacy") for number in range(9))
    lines = told(Effect(people(1), had=had))
    start = lines.index("  p0 (00u0)")
    assert lines[start + 1 : start + 7] == [
        *(f"    = s{number}             already through legacy" for number in range(5)),
        "    = 4 more scopes  already through legacy",
    ]
    assert "    = s5  already through legacy" in told(Effect(people(1), had=had[:6]))


def test_many_effects_are_told_scope_by_scope() -> None:
    """With numbers of users, and where the users are."""
    effects = [
        *apart(21, "a", "b"),
        Effect(people(1), (), (grant("b"),), (grant("c"),)),
        Effect(people(2), (), (grant("d"),)),
        Effect(people(3), had=(grant("e", "desk"),)),
    ]
    lines = told(*effects, sensitive=("b",))
    start = lines.index("Access in acme")
    assert lines[start + 1 : start + 8] == [
        "  b: +21 users, -1  sensitive",
        "  d: -2 users",
        "  a: +21 users",
        "  1 user keeps scopes through other groups",
        "  3 users gain only what other groups gave already",
        "  --full shows the users",
        "",
    ]
    assert told(*effects, full=True).count("    + a  through ops") == 21


def test_scopes_beyond_what_is_shown_are_counted() -> None:
    scopes = [f"s{number:02}" for number in range(70)]
    assert "  --full shows 20 more scopes and the users" in told(*apart(2, *scopes))


def test_one_effect_is_never_summed_up() -> None:
    """Who gets a job with many scopes is named, and the scopes end where lists end."""
    scopes = [f"s{number:02}" for number in range(70)]
    assert not is_long(Effects(tuple(apart(1, *scopes))))
    lines = told(*apart(1, *scopes))
    assert "  p0 (00u0)" in lines
    assert "    20 more scopes; --full shows all" in lines
    assert "    + s69  through ops" in told(*apart(1, *scopes), full=True)


def test_many_gains_of_a_user_hide_no_loss() -> None:
    gained = tuple(grant(f"s{number:02}") for number in range(70))
    lines = told(Effect(people(1), gained, (grant("price.price_manage"),)))
    assert "    - price.price_manage  was through ops" in lines
    assert "    20 more scopes; --full shows all" in lines


def test_in_full_everybody_who_shares_an_effect_is_named() -> None:
    effect = Effect(people(120), (grant("a"),))
    assert "  120 users (p0, p1, p2 and 117 more)" in told(effect)
    full = told(effect, full=True)
    start = full.index("  120 users:")
    assert full[start + 1 : start + 122] == [*(f"      p{at} (00u{at})" for at in range(120)), "    + a  through ops"]


def test_without_effects_nothing_is_said() -> None:
    assert not [line for line in told() if "ccess" in line]


@pytest.mark.parametrize(
    ("gained", "lost", "numbers"),
    [(12, 1, ("+12 users", "-1")), (1, 0, ("+1 user", "")), (0, 1, ("", "-1 user")), (0, 2000, ("", "-2,000 users"))],
)
def test_numbers_of_users_have_their_word_once(gained: int, lost: int, numbers: tuple[str, str]) -> None:
    assert Total("a", gained, lost).numbers == numbers


def test_who_could_not_be_asked_about_is_said() -> None:
    plan = Plan((CHANGE,), effects={"acme": Effects(uncounted=1), "beta": Effects()})
    lines = list(terminal.plan(plan, color=False, width=100))
    start = lines.index("Access in acme")
    assert lines[start + 1 : start + 3] == ["  Not computed for 1 user; --access-limit N asks for more", ""]
    assert "Access in beta" not in lines


def test_drift_tells_nothing_of_what_is_to_come() -> None:
    case = next(case for case in cases() if case.name == "access")
    assert not [line for line in terminal.drift(plan_of(case), color=False, width=100) if line.startswith("Access in")]
