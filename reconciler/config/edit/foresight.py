"""What an edit will come to, as far as the files tell: who comes and goes, and which guards will object."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from reconciler.config.edit.facts import label, members_at, offboarded_at
from reconciler.core.guards import refusals
from reconciler.core.model import Desired, Membership, UserType
from reconciler.core.plan import Action, Change, Plan, Reason, Touched

Counted = Mapping[tuple[str, str], int]
"""Numbers of members by ``(tenant, group)``."""


def coming_and_going(before: Desired, after: Desired, at: datetime) -> tuple[Counted, Counted]:
    """How many members each group gains and loses at an instant."""
    old, new = members_at(before, at), members_at(after, at)
    joined = {group: len(users - old.get(group, users)) for group, users in new.items()}
    left = {group: len(old.get(group, users) - users) for group, users in new.items()}
    return _some(joined), _some(left)


def _some(numbers: Counted) -> Counted:
    return {group: number for group, number in numbers.items() if number}


def objections(before: Desired, after: Desired, at: datetime, when: str = "") -> Iterator[str]:
    """What guards say of the removals at an instant, if the service has what the configuration said before.

    ``when`` are words for an instant that is to come.
    """
    old, new = members_at(before, at), members_at(after, at)
    changes: list[Change] = []
    touched: dict[tuple[str, str], Touched] = {}
    for tenant in after.tenants:
        leaving = offboarded_at(tenant, at)
        for group in tenant.groups:
            key = tenant.name, label(group)
            gone = sorted(old.get(key, frozenset()) - new[key])
            if not gone:
                continue
            for user in gone:
                why = Reason.OFFBOARDED if user in leaving else Reason.REMOVED
                changes.append(Change(*key, user, Action.DELETE, why, UserType.EMPLOYEE))
            touched[key] = Touched(
                live=len(old[key]),
                desired=len(old[key]) - len(gone),
                membership=group.membership,
                guards=group.guards,
                emptied=not new[key] and group.membership is Membership.EXACT,
            )
    for refusal in refusals(Plan(tuple(changes), touched=touched)):
        yield f"The guard `{refusal.rule}` will refuse the plan{when}: {refusal.message}."
