"""How long the renderings of a plan take: ``python tests/benchmarks/render_text.py [CHANGES]`` prints one table.

Half of the changes are additions; a tenth of the groups has a changed definition, which deepdiff compares. Everybody is
known by name, and every third membership ends some day. Who is added or removed gains or loses three scopes, and one of
them is sensitive.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from reconciler.core.document import encode
from reconciler.core.effects import Effect, Effects, Grant, Right
from reconciler.core.limits import Guards
from reconciler.core.model import Membership, Person, UserType
from reconciler.core.plan import Action, Change, Plan, Reason, Touched
from reconciler.diagnostics import Source
from reconciler.render import html, markdown, terminal, terraform

TENANTS, GROUPS = 5, 50
AT = datetime(2026, 11, 24, tzinfo=UTC)
KINDS = (
    (Action.CREATE, Reason.NEW),
    (Action.CREATE, Reason.DRIFT_REMOVED),
    (Action.DELETE, Reason.REMOVED),
    (Action.ADOPT, Reason.EXISTS),
)


def world(count: int) -> Plan:
    changes = []
    for index in range(count):
        tenant, group = f"tenant{index % TENANTS}", f"group-{index // TENANTS % GROUPS:03}"
        action, reason = KINDS[index % len(KINDS)]
        source = Source("iam/members.yaml", index, 11)
        changes.append(
            Change(
                tenant,
                group,
                f"00u4ukqvz{index:08}",
                action,
                reason,
                UserType.EMPLOYEE,
                source,
                f"OPS-{index}",
                person=Person(f"person{index}", email=f"person.{index}@acme.example", name=f"Person {index}"),
                teams=(f"team{group}",),
                until=AT + timedelta(days=index % 90 + 1) if index % 3 == 0 else None,
            )
        )
    for tenant in range(TENANTS):
        for group in range(0, GROUPS, 10):
            before, after = ({"name": {"en": name}, "accessControls": [name, "b"]} for name in ("Old", "New"))
            changes.append(
                Change(
                    f"tenant{tenant}",
                    f"group-{group:03}",
                    None,
                    Action.UPDATE,
                    Reason.DIFFERS,
                    UserType.EMPLOYEE,
                    before=before,
                    after=after,
                )
            )
    changes.sort(key=lambda change: change.key)
    touched = {
        (change.tenant, change.group): Touched(10**6, 10**6, Membership.EXACT, Guards(), name="A group")
        for change in changes
    }
    effects = {f"tenant{tenant}": _effects(changes, f"tenant{tenant}") for tenant in range(TENANTS)}
    return Plan(tuple(changes), touched=touched, at=AT, next_date=AT + timedelta(days=1), effects=effects)


def _effects(changes: list[Change], tenant: str) -> Effects:
    found = []
    for change in changes:
        if change.tenant == tenant and change.person and change.action in {Action.CREATE, Action.DELETE}:
            scopes = (f"{change.group}.order_manage", "order.order_read", "product.product_read")
            grants = tuple(Grant(Right(scope), (change.group,)) for scope in scopes)
            sides = (grants, ()) if change.action is Action.CREATE else ((), grants)
            found.append(Effect((replace(change.person, id=change.user),), *sides))
    gained = {grant.right for effect in found for grant in effect.gained}
    return Effects(tuple(found), frozenset(right for right in gained if right.scope.endswith("_manage")))


def timed(lines: Callable[[], Iterator[str]]) -> tuple[float, float, int]:
    """Seconds to the first line, seconds in all, and how many lines there were."""
    begin = time.perf_counter()
    found = lines()
    next(found)
    first = time.perf_counter() - begin
    count = 1 + sum(1 for _ in found)
    return first, time.perf_counter() - begin, count


def import_cost() -> float:
    """Milliseconds that the rendering adds to a process which has imported core already."""
    code = (
        "import time, reconciler.core.guards, reconciler.core.fields; begin = time.perf_counter();"
        "import reconciler.render.terminal; print(1000 * (time.perf_counter() - begin))"
    )
    runs = (subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout for _ in range(7))
    return sorted(map(float, runs))[3]


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    plan = world(count)
    rows = {
        "plan": lambda: terminal.plan(plan, color=False, width=120),
        "plan, full": lambda: terminal.plan(plan, color=False, width=120, full=True),
        "plan, full, colour": lambda: terminal.plan(plan, color=True, width=120, full=True),
        "drift, full, colour": lambda: terminal.drift(plan, color=True, width=120, full=True),
        "markdown": lambda: markdown.plan(plan, key="reconciler.yaml"),
        "markdown, all of it": lambda: markdown.plan(plan, key="reconciler.yaml", max_chars=10**9),
        "html": lambda: html.plan(plan),
        "json": lambda: iter(encode(plan).splitlines()),
        "terraform": lambda: terraform.plan(plan),
    }
    print(f"{len(plan.changes)} changes      first line   all lines      lines")
    for name, lines in rows.items():
        first, seconds, found = timed(lines)
        print(f"{name:20} {first:10.3f} s {seconds:9.3f} s {found:10}")
    print(f"import {import_cost():.1f} ms")


if __name__ == "__main__":
    main()
