"""How long the pure core takes for many members: ``python -m tests.benchmarks.core [MEMBERS]``.

Best of three, in milliseconds of CPU time, so that other work on the machine does not count; each row is a plan of its
own, each column a part of making or using it.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from time import process_time
from typing import Any

from reconciler.core import rules
from reconciler.core.diff import Differences, diff
from reconciler.core.document import decode, encode
from reconciler.core.guards import refusals
from reconciler.core.known import advance, settle
from reconciler.core.model import DesiredGroup, DesiredTenant, Known, KnownGroup, LiveGroup, Snapshot, UserType
from reconciler.core.plan import Plan
from reconciler.core.schedule import schedule
from reconciler.core.stale import check
from reconciler.diagnostics import Source

Members = dict[str, set[str]]
MAKING = ["diff", "questions", "rules", "schedule", "fingerprint"]
PARTS = [*MAKING, "guards", "encode", "decode", "stale", "advance", "settle"]


def spread(members: int, groups: int, shift: int = 0) -> Members:
    """So many memberships over so many groups, each user in one group; ``shift`` moves all to another group."""
    found: Members = {f"g{number:04}": set() for number in range(groups)}
    names = list(found)
    for number in range(members):
        found[names[(number + shift) % groups]].add(f"00u4ukqvzlEP{number:08}")
    return found


def desired(members: Members, kind: str, vendor: str | None = None) -> DesiredTenant:
    fields = {"userType": kind, "name": {"en": "Group"}} | ({"vendorId": vendor} if vendor else {})
    entries = (
        DesiredGroup(
            Source("acme.yaml", 1, 1),
            id=name,
            fields=fields,
            members={user: Source("acme.yaml", line, 9) for line, user in enumerate(sorted(users), 1)},
        )
        for name, users in members.items()
    )
    return DesiredTenant("acme", Source("acme.yaml", 1, 1), tuple(entries))


def live(members: Members, kind: str, vendor: str | None = None) -> Snapshot:
    fields = {"userType": kind, "name": {"en": "Group"}} | ({"vendorId": vendor} if vendor else {})
    groups = {
        name: LiveGroup(name, fields, UserType(kind), 1, None, frozenset(users)) for name, users in members.items()
    }
    return Snapshot("acme", groups)


def known(members: Members, kind: str) -> dict[str, KnownGroup]:
    fields = {"userType": kind, "name": {"en": "Group"}}
    return {name: KnownGroup(True, UserType(kind), frozenset(users), fields, 1) for name, users in members.items()}


def rows(count: int) -> dict[str, tuple[DesiredTenant, Snapshot, dict[str, KnownGroup]]]:
    """What is planned, by name; with many groups, whatever is quadratic in groups and users shows."""
    few, many = spread(count, 20), spread(count, 1000)
    none, none_of_many = {name: set[str]() for name in few}, {name: set[str]() for name in many}
    doubled = {name: few[name] | more for name, more in zip(few, spread(count, 20, 1).values(), strict=True)}
    return {
        "nothing to do, 20 groups": (desired(few, "EMPLOYEE"), live(few, "EMPLOYEE"), known(few, "EMPLOYEE")),
        "nothing to do, 1000 groups": (desired(many, "EMPLOYEE"), live(many, "EMPLOYEE"), known(many, "EMPLOYEE")),
        "all new, 20 groups": (desired(few, "EMPLOYEE"), live({}, "EMPLOYEE"), {}),
        "all new, 1000 groups": (desired(many, "EMPLOYEE"), live({}, "EMPLOYEE"), {}),
        "all new, a vendor's": (desired(many, "EMPLOYEE", "v"), live(none_of_many, "EMPLOYEE", "v"), {}),
        "all new, customers": (desired(many, "CUSTOMER"), live(none_of_many, "CUSTOMER"), {}),
        "all leave": (desired(none, "EMPLOYEE"), live(few, "EMPLOYEE"), known(few, "EMPLOYEE")),
        "all leave two groups": (desired(none, "EMPLOYEE"), live(doubled, "EMPLOYEE"), known(doubled, "EMPLOYEE")),
        "half leave 1000 groups": (
            desired({name: set(sorted(users)[::2]) for name, users in many.items()}, "EMPLOYEE"),
            live(many, "EMPLOYEE"),
            known(many, "EMPLOYEE"),
        ),
        "all move on, 20 groups": (
            desired(spread(count, 20, 1), "EMPLOYEE"),
            live(few, "EMPLOYEE"),
            known(few, "EMPLOYEE"),
        ),
        "all move on, 1000 groups": (
            desired(spread(count, 1000, 1), "EMPLOYEE"),
            live(many, "EMPLOYEE"),
            known(many, "EMPLOYEE"),
        ),
        "all replaced": (desired(few, "CUSTOMER"), live(few, "EMPLOYEE"), known(few, "EMPLOYEE")),
    }


def measure(wish: DesiredTenant, snapshot: Snapshot, ours: dict[str, KnownGroup]) -> tuple[dict[str, float], int]:
    """Seconds of each part, and the number of steps."""
    taken: dict[str, float] = {}

    def timed(part: str, work: Callable[[], Any]) -> Any:
        start = process_time()
        result = work()
        taken[part] = process_time() - start
        return result

    found: Differences = timed("diff", lambda: diff(wish, snapshot, ours))
    plan = Plan(tuple(found.changes), ("acme",), found.touched)
    asked = timed("questions", lambda: rules.questions(found, snapshot))
    answered = replace(snapshot, memberships=dict.fromkeys(asked.users, frozenset[str]()))
    timed("rules", lambda: rules.check(wish, found, answered))
    world = {"acme": snapshot}
    steps = timed("schedule", lambda: schedule(plan, world))
    timed("fingerprint", lambda: plan.fingerprint)
    timed("guards", lambda: refusals(plan))
    data = timed("encode", lambda: encode(plan))
    timed("decode", lambda: decode(data, "plan.json"))
    timed("stale", lambda: check(plan, world))
    lockfile: Known = {"acme": ours}
    timed("advance", lambda: advance(lockfile, plan.changes, world))
    timed("settle", lambda: settle(lockfile, plan.changes, world))
    return taken, len(steps)


def main(count: int) -> None:
    print(f"{count} memberships, milliseconds of CPU, best of three\n")
    print(f"{'':28}{'steps':>8}" + "".join(f"{part:>12}" for part in PARTS) + f"{'plan':>8}")
    for name, sides in rows(count).items():
        runs = [measure(*sides) for _ in range(3)]
        best = {part: min(taken[part] for taken, _ in runs) for part in PARTS}
        plan = sum(best[part] for part in MAKING)
        figures = "".join(f"{1000 * best[part]:>12.1f}" for part in PARTS)
        print(f"{name:28}{runs[0][1]:>8}{figures}{1000 * plan:>8.0f}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
