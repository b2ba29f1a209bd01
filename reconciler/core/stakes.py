"""What is at stake in a plan: the rights that its groups grant before and after, and what else must be read for it.

A user's scopes are those of all its groups (FACTS, "Access control"), so groups outside the configuration count, and
the service has to be asked about them. What is not worth asking is said here: nothing of a plan that changes no group
that grants anything, and of nobody whose other groups grant nothing that is at stake.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from reconciler.core.access import SUFFIX, Catalog, company_of, fits, grants
from reconciler.core.diff import Differences
from reconciler.core.effects import Right
from reconciler.core.limits import AccessGuards
from reconciler.core.model import Fields, LiveGroup, Person, Snapshot, UserType
from reconciler.core.plan import Action, Change

GRANTING: Final = ("accessControls", "templates", "restrictions", "b2b")
"""The fields of a group on which it depends what its members may do, and where."""

NOTHING: Final[frozenset[Right]] = frozenset()
NO_GROUPS: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Shift:
    """What changes do to the groups of a tenant.

    ``before`` and ``after`` are the definitions of all groups by id; ``joins`` and ``leaves`` the groups of each user
    who does; ``redefined`` the groups that go on and may grant something else. ``kinds`` are the types of the users,
    ``people`` who they are as far as the changes know.
    """

    before: Mapping[str, Fields]
    after: Mapping[str, Fields]
    joins: Mapping[str, frozenset[str]]
    leaves: Mapping[str, frozenset[str]]
    redefined: frozenset[str]
    kinds: Mapping[str, UserType]
    people: Mapping[str, Person]

    @property
    def moved(self) -> frozenset[str]:
        """The groups that somebody joins or leaves."""
        return NO_GROUPS.union(*self.joins.values(), *self.leaves.values())

    @property
    def may_matter(self) -> bool:
        """Whether any concerned group has something attached, so that it has to be known what that grants."""
        sides = (side.get(group, {}) for group in self.moved | self.redefined for side in (self.before, self.after))
        return any(fields.get("accessControls") or fields.get("templates") for fields in sides)

    @property
    def uses_templates(self) -> bool:
        """Whether any group has templates, before or after."""
        return any(fields.get("templates") for side in (self.before, self.after) for fields in side.values())


def shift(found: Differences, live: Snapshot) -> Shift:
    """What the changes do to the groups."""
    before = {group.id: group.fields for group in live.groups.values()}
    after = dict(before)
    joins: defaultdict[str, set[str]] = defaultdict(set)
    leaves: defaultdict[str, set[str]] = defaultdict(set)
    kinds: dict[str, UserType] = {}
    people: dict[str, Person] = {}
    redefined = set()
    for change in found.changes:
        if change.user is None:
            if change.action is Action.DELETE:
                after.pop(change.group, None)  # it may be gone by the time that a saved plan is looked at again
            elif change.after is not None:
                after[change.group] = change.after
                if change.group in before and _grants_differ(before[change.group], change.after):
                    redefined.add(change.group)
        elif change.action in {Action.CREATE, Action.DELETE}:
            (joins if change.action is Action.CREATE else leaves)[change.user].add(change.group)
            kinds[change.user] = _type_of(change, live)
            if change.person:
                people[change.user] = change.person
    return Shift(before, after, _frozen(joins), _frozen(leaves), frozenset(redefined), kinds, people)


def _type_of(change: Change, live: Snapshot) -> UserType:
    """Of whom the change is: who leaves a group that is made anew is of the type that it had."""
    group = live.groups.get(change.group) if change.action is Action.DELETE else None
    return group.mistyped.get(change.user or "", group.user_type) if group else change.user_type


def _frozen(found: Mapping[str, set[str]]) -> dict[str, frozenset[str]]:
    return {user: frozenset(groups) for user, groups in found.items()}


def _grants_differ(before: Fields, after: Fields) -> bool:
    return any(before.get(name) != after.get(name) for name in GRANTING)


def rights(fields: Fields, catalog: Catalog) -> frozenset[Right]:
    """What a group with this definition grants: at its company, if it is a company's."""
    company = company_of(fields)
    return frozenset(Right(scope, company) for scope in grants(fields, catalog))


@dataclass(frozen=True, slots=True)
class Concern:
    """Whom the changes concern: ``counted`` can be told of, once the groups of those ``asked`` are read.

    The groups of ``uncounted`` would have to be read as well, and there are too many.
    """

    counted: frozenset[str]
    asked: Mapping[str, UserType]
    uncounted: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Stakes:
    """What is at stake: the rights that each group grants, before and after.

    ``granted`` says of each scope and pattern that guards name whether any access control of the tenant grants such.
    """

    shift: Shift
    before: Mapping[str, frozenset[Right]]
    after: Mapping[str, frozenset[Right]]
    guards: AccessGuards
    granted: Mapping[str, bool] = field(default_factory=dict)

    @cached_property
    def regranting(self) -> frozenset[str]:
        """The groups that go on and grant something else: all their members are concerned."""
        return frozenset(group for group in self.shift.redefined if self.before[group] != self.after[group])

    @cached_property
    def rights(self) -> frozenset[Right]:
        """All rights that somebody may gain or lose."""
        moved = (side.get(group, NOTHING) for group in self.shift.moved for side in (self.before, self.after))
        return NOTHING.union(*moved, *(self.before[group] ^ self.after[group] for group in self.regranting))

    @cached_property
    def patterns(self) -> tuple[str, ...]:
        """What besides must be known of who may gain a scope of a pair to be kept apart: both sides of it."""
        joined = (self.after.get(group, NOTHING) for groups in self.shift.joins.values() for group in groups)
        gained = NOTHING.union(*joined, *(self.after[group] - self.before[group] for group in self.regranting))
        pairs = (pair for pair in self.guards.separation if any(fits(side, r.scope) for side in pair for r in gained))
        return tuple(sorted({side for pair in pairs for side in pair}))

    @cached_property
    def kept(self) -> frozenset[str]:
        """The scopes that somebody may lose and of which somebody must go on being a holder."""
        left = (self.before.get(group, NOTHING) for groups in self.shift.leaves.values() for group in groups)
        lost = NOTHING.union(*left, *(self.before[group] - self.after[group] for group in self.regranting))
        return frozenset(scope for scope in self.guards.keep if Right(scope) in lost)

    def unread(self, live: Snapshot) -> list[LiveGroup]:
        """The groups whose members must be read: who grant something else, and all who grant what is to be kept.

        Nobody can count the holders of a scope without those who have it through a group that nobody manages.
        """
        wanted = {group for group in live.groups if self._grants_kept(group)} | self.regranting
        return [group for name, group in live.groups.items() if name in wanted and group.members is None]

    def _grants_kept(self, group: str) -> bool:
        granted = self.before.get(group, NOTHING) | self.after.get(group, NOTHING)
        return any(Right(scope) in granted for scope in self.kept)

    def concern(self, live: Snapshot, limit: int, told: Collection[str] = ()) -> Concern:
        """Whom the changes concern, and whose other groups must be read, all members of groups that regrant being read.

        Employees cost one list, whoever they are; of customers, each of whom costs a request, at most ``limit`` are
        asked about. The groups of those in ``told`` are read anyhow, and some may have been read already.
        """
        kinds = {**self._members_concerned(live), **self.shift.kinds}
        weighty = {group.user_type for group in live.groups.values() if group.members is None and self._weighs(group)}
        known = {*told, *live.memberships}
        unknown = sorted(user for user, kind in kinds.items() if kind in weighty and user not in known)
        customers = [user for user in unknown if kinds[user] is UserType.CUSTOMER]
        uncounted = frozenset(customers[limit:])
        asked = {user: kinds[user] for user in unknown if user not in uncounted}
        return Concern(frozenset(kinds.keys() - uncounted), asked, uncounted)

    def _members_concerned(self, live: Snapshot) -> dict[str, UserType]:
        groups = (live.groups[name] for name in sorted(self.regranting))
        return {
            user: group.mistyped.get(user, group.user_type) for group in groups for user in group.members or frozenset()
        }

    def _weighs(self, group: LiveGroup) -> bool:
        """Whether it makes a difference that somebody is in the group."""
        granted = self.before[group.id]
        return bool(granted & self.rights) or any(fits(each, r.scope) for each in self.patterns for r in granted)


def stakes(found: Shift, catalog: Catalog, guards: AccessGuards) -> Stakes:
    """What is at stake, by what access controls and templates grant."""
    before = {group: rights(fields, catalog) for group, fields in found.before.items()}
    after = {
        group: before[group] if found.before.get(group) is fields else rights(fields, catalog)
        for group, fields in found.after.items()
    }
    return Stakes(found, before, after, guards, _granted(guards, catalog))


def _granted(guards: AccessGuards, catalog: Catalog) -> dict[str, bool]:
    named = {*guards.sensitive, *guards.keep, *(side for pair in guards.separation for side in pair)}
    scopes = {scope for control in catalog.controls.values() for scope in control.scopes}
    return {each: any(fits(each.partition(SUFFIX)[0], scope) for scope in scopes) for each in sorted(named)}
