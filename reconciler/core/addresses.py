"""What is ours, by address: listing it, letting go of it, and following a rename."""

from collections.abc import Iterator
from dataclasses import replace

from reconciler.core.model import Known, KnownGroup, address
from reconciler.diagnostics import PlanError


def addresses(known: Known) -> Iterator[str]:
    """The address of each group and member, sorted, each group before its members."""
    for tenant, groups in sorted(known.items()):
        for group, of_group in sorted(groups.items()):
            yield address(tenant, group)
            for user in sorted(of_group.members):
                yield address(tenant, group, user)


def is_under(found: str, wanted: str) -> bool:
    """Whether an address is the wanted one or belongs to it."""
    return found == wanted or found.startswith(f"{wanted}/")


def without(known: Known, wanted: str) -> Known:
    """What is ours but for a tenant, a group or a member, which is there."""
    tenant, *rest = wanted.split("/", 2)
    groups = dict(known[tenant])
    if len(rest) > 1:
        group = groups[rest[0]]
        emails = {user: email for user, email in group.emails.items() if user != rest[1]}
        groups[rest[0]] = replace(group, members=group.members - {rest[1]}, emails=emails)
    elif rest:
        del groups[rest[0]]
    else:
        groups.clear()
    return {name: of for name, of in {**known, tenant: groups}.items() if of}


def moved(known: Known, old: str, new: str) -> Known:
    """What is ours with ``new`` in the place of ``old``, which is there: a tenant, a group or a member each.

    Raises PlanError if they are not of one kind, or if ``new`` is ours already: two could not be one without losing
    what was remembered of the other.
    """
    source, target = old.split("/", 2), new.split("/", 2)
    if len(source) != len(target) or not all(target):
        raise PlanError(f"{old} and {new} are not both a tenant, a group or a member", remedy=_EXAMPLE)
    if new in {*known, *addresses(known)}:
        raise PlanError(f"{new} is in the lockfile already", remedy="`reconciler state forget` lets go of one of them")
    if len(source) == 3:
        return _with_member(known, source, target)
    rest = without(known, old)
    if len(source) == 1:
        return {**rest, new: known[old]}
    return {**rest, target[0]: {**rest.get(target[0], {}), target[1]: known[source[0]][source[1]]}}


_EXAMPLE = "write for example: acmeprod/old-id acmeprod/new-id"


def _with_member(known: Known, source: list[str], target: list[str]) -> Known:
    before = known[source[0]][source[1]]
    after: KnownGroup | None = known.get(target[0], {}).get(target[1])
    if after is None or after.user_type is not before.user_type:
        raise PlanError(
            f"{target[0]}/{target[1]} is not in the lockfile as a group of {before.user_type}",
            remedy="move a member into a group that is there and of its type",
        )
    rest = without(known, "/".join(source))
    group = rest[target[0]][target[1]]
    return {**rest, target[0]: {**rest[target[0]], target[1]: replace(group, members=group.members | {target[2]})}}
