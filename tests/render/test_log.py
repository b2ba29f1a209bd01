"""Records as text: all that one can say, harmless whatever stands in it."""

from datetime import UTC, datetime
from typing import Any

from reconciler.core.history import Fate, Objection, Record, deed
from reconciler.core.model import UserType
from reconciler.core.plan import Action, Change, Reason
from reconciler.diagnostics import Source
from reconciler.render.log import text

ANA = Change("acmeprod", "ours", "ana", Action.DELETE, Reason.REMOVED, UserType.EMPLOYEE, Source("a.yaml", 3, 9))


def record(**more: Any) -> Record:
    told: dict[str, Any] = {
        "format": 1, "number": 7, "time": datetime(2026, 11, 24, 10, 41, tzinfo=UTC), "who": "ana@laptop", "tool": "1",
        "service": "https://api.example", "lineage": "l", "serial": 2, "fingerprint": "5f1c", "summary": {"delete": 1},
        "changes": (deed(ANA, Fate.DONE),), **more,
    }  # fmt: skip
    return Record(**told)


def test_all_that_a_record_can_say() -> None:
    """What was not as it should be stands before the changes."""
    told = record(
        job="https://ci.example/7", targets=("acmeprod/ours",), interrupted=True, doubt="acmeprod: 503",
        expected="77aa", accepted=(Objection("would lose 3 of 4", "maxRemovals", "acmeprod/ours"), Objection("odd")),
        unrecorded="disk full", failures={"acmedev": "no credentials"}, summary={},
        changes=(deed(ANA, Fate.UNSURE, "no answer"),), settled=(deed(ANA, Fate.UNDONE),),
    )  # fmt: skip
    assert list(text([told], color=False)) == [
        "2026-11-24 10:41 UTC  ana@laptop  record 7",
        "  https://ci.example/7",
        "  plan 5f1c for https://api.example: nothing to do",
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
        job=evil,
        commit=evil,
        service=evil,
        fingerprint=evil,
        targets=(evil,),
        failures={evil: evil},
        expected=evil,
        accepted=(Objection(evil, evil, evil),),
    )
    lines = list(text([told], color=False))
    assert not any(mark in line for line in lines for mark in ("\n", "\x1b", "# a will be"))
    assert not any(line.lstrip().startswith("::") for line in lines)


def test_colour_and_emptiness() -> None:
    """Colour only repeats what is said; where there is no place there is none of it either."""
    plain = Change("acmeprod", "ours", "ana", Action.FORGET, Reason.GONE, UserType.EMPLOYEE)
    lines = list(text([record(changes=(deed(plain, Fate.FAILED, "no"),))] * 2, color=True))
    assert "" in lines
    assert lines[-1] == "      already gone"
    assert "\x1b[31mfailed\x1b[0m: no" in lines[-2]
    assert list(text([], color=True)) == ["No record says anything of that."]
