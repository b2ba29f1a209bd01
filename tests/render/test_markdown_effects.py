"""What a plan comes to for users, in a comment: sensitive gains before all else, and access gives way to removals."""

import re
from dataclasses import replace

import pytest

from reconciler.core.effects import Effect, Effects, Grant, Right
from reconciler.core.limits import Guards
from reconciler.core.model import Person
from reconciler.core.plan import Action, Plan
from reconciler.render.fitting import size
from reconciler.render.markdown import LONGEST, SHORTEST
from tests.render.golden import cases, plan_of
from tests.render.test_markdown import ATTACKS, assert_harmless, by_github, comment, many


def gaining(count: int, *scopes: str, sensitive: bool = True) -> Effects:
    """So many users who gain these scopes, each through a group of their own."""
    effects = tuple(
        Effect(
            (Person(f"p{number}", f"00u{number:05}", f"person.{number}@acme.example", f"Person {number}"),),
            tuple(Grant(Right(scope), (f"group{number}",)) for scope in scopes),
        )
        for number in range(count)
    )
    return Effects(effects, frozenset(map(Right, scopes)) if sensitive else frozenset())


def test_what_is_sensitive_comes_first_of_all_and_is_open() -> None:
    case = next(case for case in cases() if case.name == "access")
    text = comment(plan_of(case))
    assert text.index("> **Sensitive access gained (13 users)**") < text.index("| tenant |") < text.index("Removals")
    page = by_github(text)
    assert "iam" not in page.folded
    assert "price.price_manage      was through old-prices" not in page.folded
    assert text.index("#### Access (18 users)") < text.index("<b>Additions (3)</b>")


def test_long_access_is_folded_away() -> None:
    effects = gaining(15, "order.order_read", sensitive=False)
    page = by_github(comment(replace(many(new=(Action.CREATE, 15)), effects={"acme": effects})))
    assert "order.order_read  through group7" in page.folded


def test_few_characters_have_room_for_the_first_scopes() -> None:
    """Access that does not fit is summed up by scope, and what is missing of that is told."""
    scopes = [f"order{number:02}.order_manage" for number in range(150)]
    shown = many(gone=(Action.DELETE, 40))
    text = comment(replace(shown, effects={"acme": gaining(66, *scopes, sensitive=False)}), SHORTEST)
    assert size(text) <= SHORTEST
    (at,) = re.findall(r"Access \(66 users, (\d+) of 150 entries shown\)", text)
    assert text.count(".order_manage: +66 users\n") == int(at) > 9
    assert f"{150 - int(at)} of 150 entries on the access of 66 users" in text
    assert len(re.findall(r"(?m)^- # acme/gone/\S+ will be destroyed$", text)) == 40


def test_one_user_is_told_by_scope_too_where_there_is_no_room_else() -> None:
    scopes = [f"{number:02}{'x' * 90}" for number in range(50)]
    shown = many(gone=(Action.DELETE, 40))
    text = comment(replace(shown, effects={"acme": gaining(1, *scopes, sensitive=False)}), SHORTEST)
    assert re.search(r"Access \(1 user, \d+ of 50 entries shown\)", text)


def test_access_is_summed_up_where_there_is_no_room_for_everybody() -> None:
    """Then changes get the room, and the comment says what is missing."""
    shown = many(gone=(Action.DELETE, 100), new=(Action.CREATE, 1500))
    text = comment(replace(shown, effects={"acme": gaining(1500, "order.order_read", sensitive=False)}))
    assert size(text) <= LONGEST
    assert "\n+     order.order_read: +1,500 users\n" in text
    assert "person.7@acme.example" not in text
    assert "Not shown: the single lines and notes of effects on access and additions." in text
    assert len(re.findall(r"(?m)^- # acme/gone/\S+ will be destroyed$", text)) == 100


def test_with_room_for_all_the_summary_by_scope_comes_first_and_then_everybody() -> None:
    shown = many(new=(Action.CREATE, 30))
    text = comment(replace(shown, effects={"acme": gaining(30, "order.order_read")}))
    assert text.index("order.order_read: +30 users, sensitive") < text.index("      p0 (person.0@acme.example, ")
    assert text.count("        order.order_read  sensitive, through group") == 30
    assert "Not shown" not in text


def test_removals_are_there_before_access_is() -> None:
    """Of so many removals not even all names fit: whatever else there is to tell has no room."""
    shown = many(gone=(Action.DELETE, 20_000))
    text = comment(replace(shown, effects={"acme": gaining(1500, "order.order_read", sensitive=False)}))
    assert "**Access (1,500 users, not shown)**" in text
    assert re.search(r"Not shown: [\d,]+ of 20,000 removals", text)


def test_sensitive_gains_are_summed_up_before_any_scope_is_missing() -> None:
    """Forty-five lines do not fit into the shortest comment; one for each scope and way does."""
    effects = gaining(45, "iam.group_manage", *(f"s{number}" for number in range(6)))
    grants = [Grant(Right(f"s{number}"), ("ops",)) for number in range(6)]
    some = [tuple(grant for at, grant in enumerate(grants) if bits & 2**at) for bits in range(45)]
    always = Grant(Right("iam.group_manage"), ("ops",))
    same = tuple(replace(each, gained=(always, *more)) for each, more in zip(effects.effects, some, strict=True))
    text = comment(replace(many(new=(Action.CREATE, 30)), effects={"acme": replace(effects, effects=same)}), SHORTEST)
    assert "> - `acme`: `45 users (p0, p1, p2 and 42 more)` gain `iam.group_manage` through `ops`\n" in text
    assert "sensitive gains" not in text


@pytest.mark.parametrize("max_chars", [SHORTEST, LONGEST])
def test_whatever_there_is_to_tell_of_access_refusals_and_removals_stay(max_chars: int) -> None:
    """As many sensitive gains as fit into half of the room, and the comment counts the others."""
    shown = many(gone=(Action.DELETE, 4))
    guarded = {
        key: replace(one, guards=Guards(protected=frozenset({"00u00000"}))) for key, one in shown.touched.items()
    }
    effects = {f"tenant{number}": gaining(400, "iam.group_manage", "x" * 300) for number in range(3)}
    text = comment(replace(shown, touched=guarded, effects=effects), max_chars)
    assert size(text) <= max_chars
    assert "> **Sensitive access gained (1,200 users)**" in text
    assert re.search(r"Not shown: [\d,]+ of 2,400 sensitive gains \(each user and scope\)", text)
    assert "00u00000` is protected" in text
    assert len(re.findall(r"(?m)^- # acme/gone/\S+ will be destroyed$", text)) == 4


@pytest.mark.parametrize("max_chars", [SHORTEST, 20_000, LONGEST])
def test_no_name_becomes_anything_but_a_name(max_chars: int) -> None:
    """Scopes, companies, groups and people, told one by one and summed up."""
    names = sorted({*ATTACKS} - {""})
    grants = [Grant(Right(name, name), (name, name)) for name in names]
    one_by_one = tuple(
        Effect((Person(name, name, name, name), Person(id=name)), (grant,), (grant,), (grant,))
        for name, grant in zip(names[:20], grants[:20], strict=True)
    )
    summed_up = tuple(
        Effect((Person(name, name),), (grant,), (grant,)) for name, grant in zip(names, grants, strict=True)
    )
    effects = {
        name: Effects(told, frozenset(grant.right for grant in grants), 5, {name: name + name for name in names})
        for name, told in ((ATTACKS[0], one_by_one), ("@acme", summed_up))
    }
    assert_harmless(comment(Plan(effects=effects), max_chars), max_chars)


def test_access_of_which_nothing_is_known_is_open_to_the_eye() -> None:
    text = comment(Plan(effects={"acme": Effects(uncounted=1), "beta": Effects(uncounted=1200)}))
    assert "\nAccess not computed for 1,201 users; `--access-limit N` asks for more.\n" in text
    assert "<b>Access" not in text
