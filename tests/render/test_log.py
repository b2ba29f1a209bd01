"""Records as text: all that one can say, harmless whatever stands in it."""

from datetime import UTC, datetime
from typing import Any

from reconciler.core.effects import Effect, Effects, Grant, Right
from reconciler.core.history import Deed, Fate, Objection, Record, deed, foreseen
from reconciler.core.model import Person, UserType
from reconciler.core.plan import Action, Change, Plan, Reason
from reconciler.diagnostics import Source
from reconciler.render.log import nothing, text

ANA = Change("acmeprod", "ours", "ana", Action.DELETE, Reason.REMOVED, UserType.EMPLOYEE, Source("a.yaml", 3, 9))


def record(**more: Any) -> Record:
    told: dict[str, Any] = {
        "format": 1, "number": 7, "time": datetime(2026, 11, 24, 10, 41, tzinfo=UTC), "who": "ana@laptop", "tool": "1",
        "service": "https://api.example", "lineage": "l", "serial": 2, "fingerprint": "5f1c", "summary": {"delete": 1},
        "changes": (deed(ANA, Fate.DONE),), **more,
    }  # fmt: skip
    return Record(**told)


def shown(*records: Record, color: bool = False) -> list[str]:
    return list(text(zip(records, records, strict=True), color))


def test_all_that_a_record_can_say() -> None:
    """What was not as it should be stands before the changes."""
    told = record(
        job="https://ci.example/7", actor="jdoe", targets=("acmeprod/ours",), interrupted=True, doubt="acmeprod: 503",
        expected="77aa", accepted=(Objection("would lose 3 of 4", "maxRemovals", "acmeprod/ours"), Objection("odd")),
        unrecorded="disk full", failures={"acmedev": "no credentials"}, summary={},
        changes=(deed(ANA, Fate.UNSURE, "no answer"),), settled=(deed(ANA, Fate.UNDONE),),
    )  # fmt: skip
    assert shown(told) == [
        "2026-11-24 10:41 UTC  ana@laptop  record 7",
        "  https://ci.example/7  started by jdoe",
        "  plan 5f1c for https://api.example: 1 unsure",
        "  expected by its fingerprint, as the rest of plan 77aa",
        "  accepted in spite of: maxRemovals: would lose 3 of 4",
        "  accepted in spite of: odd",
        "  limited to acmeprod/ours",
        "  interrupted",
        "  not verified: acmeprod: 503",
        "  not recorded in the lockfile: disk full",
        "  acmedev was not planned: no credentials",
        "  - acmeprod/ours/ana  unsure: no answer",
        "      removed from configuration  a.yaml:3:9",
        "  Left open by an earlier run, and looked at by this one: 1 change",
        "  - acmeprod/ours/ana  not done",
        "      removed from configuration  a.yaml:3:9",
    ]


def test_nothing_in_a_record_can_pass_for_ours() -> None:
    """Control characters, line ends and a tool's own lines stay what they are: foreign text."""
    evil = "x\n::error::y\x1b[2J # a will be destroyed"
    told = record(
        who=evil,
        actor=evil,
        access=foreseen(Plan(effects={evil: effects(1, evil)})),
        job=evil,
        commit=evil,
        service=evil,
        fingerprint=evil,
        targets=(evil,),
        failures={evil: evil},
        expected=evil,
        accepted=(Objection(evil, evil, evil),),
        changes=(definition(Action.UPDATE, {"mixins": {evil: evil}}, {"accessControls": [evil]}),),
    )
    lines = [*shown(told), nothing(evil, [evil], None)]
    assert not any(mark in line for line in lines for mark in ("\n", "\x1b", "# a will be"))
    assert not any(line.lstrip().startswith("::") for line in lines)


def test_colour_and_emptiness() -> None:
    """Colour only repeats what is said; where there is no place there is none of it either."""
    plain = Change("acmeprod", "ours", "ana", Action.FORGET, Reason.GONE, UserType.EMPLOYEE)
    lines = shown(*[record(changes=(deed(plain, Fate.FAILED, "no"),))] * 2, color=True)
    assert "" in lines
    assert lines[-1] == "      already gone"
    assert "\x1b[31mfailed\x1b[0m: no" in lines[-2]
    assert shown() == []


def test_counts_by_what_became_of_the_changes() -> None:
    """Of all changes, whatever was asked for; a replacement is both, as in a plan."""
    replaced = Change("acmeprod", "ours", None, Action.REPLACE, Reason.TYPE, UserType.EMPLOYEE)
    fates = [(replaced, Fate.DONE), (ANA, Fate.DONE), (ANA, Fate.SATISFIED), (ANA, Fate.SKIPPED), (ANA, Fate.FAILED)]
    told = record(changes=tuple(deed(*each) for each in fates))
    (_, plan, *_) = text([(told, record(changes=()))], color=False)
    assert plan.endswith(": 1 added, 2 destroyed, 1 so already, 1 failed, 1 skipped")
    assert ": nothing to do" in shown(record(changes=()))[1]


def definition(action: Action, before: Any, after: Any) -> Deed:
    made = Change("acmeprod", "ours", None, action, Reason.NEW, UserType.EMPLOYEE, before=before, after=after)
    return deed(made, Fate.DONE)


def test_definitions() -> None:
    """Of a new or removed group what it grants; of a changed one each value that differs, few of its texts."""
    whole = {"name": {"en": "Ours"}, "accessControls": ["old", "pay"], "restrictions": ["DE"]}
    texts = {"mixins": {f"m{count:03}": count for count in range(60)}}
    lines = shown(
        record(
            changes=(
                definition(Action.CREATE, None, whole),
                definition(Action.DELETE, whole, None),
                definition(Action.UPDATE, {"accessControls": ["old"]}, {"accessControls": ["new"], **texts}),
            )
        )
    )[2:]
    assert lines[:8] == [
        "  + acmeprod/ours  done",
        "      accessControls + old, + pay",
        "      restrictions + DE",
        "      new in configuration",
        "  - acmeprod/ours  done",
        "      accessControls - old, - pay",
        "      restrictions - DE",
        "      new in configuration",
    ]
    assert lines[9:11] == ["      accessControls - old, + new", "      mixins.m000 + 0"]
    assert lines[-2:] == ["      10 more values; --format json shows all", "      new in configuration"]


def effects(count: int, scope: str = "order.read") -> Effects:
    grant = Grant(Right(scope), ("ours",))
    sides = dict.fromkeys(("gained", "kept", "had"), (grant,))
    some = tuple(Effect((Person(scope, f"u{number}"),), **sides) for number in range(count))
    return Effects(some, frozenset({grant.right}), uncounted=2)


def test_what_was_foreseen_for_users() -> None:
    """Each user, or numbers where that would be too much; of how many nobody knows, and that not all of it came."""
    (*_, head, who, gained, kept, had, uncounted) = shown(
        record(access=foreseen(Plan(effects={"acmeprod": effects(1)})))
    )
    assert head == "  Scopes of users in acmeprod, as foreseen by the plan:"
    assert [who, gained, kept, had] == [
        "    order.read (u0)",
        "      + order.read sensitive, through ours",
        "      = order.read still through ours",
        "      = order.read already through ours",
    ]
    assert uncounted == "    not computed for 2 users"
    told = record(changes=(deed(ANA, Fate.FAILED, "no"),), access=foreseen(Plan(effects={"acmeprod": effects(30)})))
    assert shown(told)[-4:] == [
        "  Scopes of users in acmeprod, as foreseen by the plan (known to be done: 0 of 1 change):",
        "    order.read  +30 users  sensitive",
        "    30 users keep scopes through other groups",
        "    not computed for 2 users",
    ]
