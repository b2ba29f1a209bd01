"""The three-way table of DESIGN section 4: desired, live and known to changes with reasons.

A group whose three member sets are equal costs three comparisons and makes no value at all, which is what lets a plan
of a hundred thousand members that finds nothing to do cost milliseconds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.core.fields import overlay, same, title
from reconciler.core.limits import Guards
from reconciler.core.model import (
    IMMUTABLE,
    DesiredGroup,
    DesiredTenant,
    Fields,
    KnownGroup,
    LiveGroup,
    Membership,
    Person,
    Snapshot,
    UserType,
    address,
    mail_key,
)
from reconciler.core.plan import Action, Change, Reason, Touched
from reconciler.diagnostics import Source

NOBODY: frozenset[str] = frozenset()
WHY_REPLACED = {"userType": Reason.TYPE, "vendorId": Reason.VENDOR}


@dataclass(frozen=True, slots=True)
class Differences:
    """What differs in one tenant: sorted changes, the groups they touch, what stays and what is left alone."""

    changes: list[Change] = field(default_factory=list)
    touched: dict[tuple[str, str], Touched] = field(default_factory=dict)
    left: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unchanged: int = 0


def diff(desired: DesiredTenant, live: Snapshot, known: Mapping[str, KnownGroup]) -> Differences:
    """Compare one tenant's bound configuration with what is live and what is known."""
    wanted = {group.id: group for group in desired.groups if group.id is not None}
    compared = [
        _Group(desired, group_id, wanted.get(group_id), live.groups.get(group_id), known.get(group_id))
        for group_id in sorted(wanted.keys() | known.keys())
    ]
    for group in compared:
        group.compare(live.language, desired.guards)
    return Differences(
        changes=[change for group in compared for change in group.changes],
        touched={key: touched for group in compared for key, touched in group.touched.items()},
        left={group.address: tuple(sorted(group.left)) for group in compared if group.left},
        unchanged=sum(group.unchanged for group in compared),
    )


def replaces(desired: DesiredGroup, live: LiveGroup | None) -> list[str]:
    """The fields that ask for another group under the same id, because they can't change in place (FACTS, "Calls")."""
    if live is None or desired.fields is None:
        return []
    return [
        name for name in IMMUTABLE if name in desired.fields and (desired.fields[name] or None) != live.fields.get(name)
    ]


class _Group:
    """One group under comparison: its three sides, and the changes found so far."""

    def __init__(
        self,
        tenant: DesiredTenant,
        group_id: str,
        desired: DesiredGroup | None,
        live: LiveGroup | None,
        known: KnownGroup | None,
    ) -> None:
        self.tenant, self.people = tenant.name, tenant.people
        self.id, self.desired, self.live, self.known = group_id, desired, live, known
        self.address = address(self.tenant, group_id)
        self.source = desired.source if desired else None
        self.changes: list[Change] = []
        self.touched: dict[tuple[str, str], Touched] = {}
        self.left: frozenset[str] = NOBODY
        self.unchanged = 0
        self.replaced: Reason | None = None
        self.is_ours: frozenset[str] = known.members if known else NOBODY
        self.emails: Mapping[str, str] = known.emails if known else {}
        self.is_live: frozenset[str] = (live.members if live else None) or NOBODY
        self.user_type = self._user_type()

    def compare(self, language: str | None, guards: Guards) -> None:
        """Find all changes; ``guards`` are the tenant's, for a group that has left the configuration."""
        if self.desired is None:
            self.leave_configuration()
        else:
            self.compare_definition(self.desired, language)
            self.compare_members(self.desired)
        self.touch(guards)

    def _user_type(self) -> UserType:
        if self.desired and self.desired.fields is not None:
            return UserType(self.desired.fields["userType"])
        if self.live:
            return self.live.user_type
        return self.known.user_type if self.known else UserType.EMPLOYEE

    def change_members(self, users: Iterable[str], action: Action, reason: Reason) -> None:
        for user in sorted(users):
            self.changes.append(self._change_of(user, action, reason))

    def _change_of(self, user: str, action: Action, reason: Reason) -> Change:
        """The change of one member, with what the configuration and the lockfile know of who it is."""
        desired, person = self.desired, self.people.get(user)
        if desired is None:
            return Change(
                self.tenant, self.id, user, action, reason, self.user_type, person=person or self._remembered_as(user)
            )
        source = (desired.members or {}).get(user)
        note, entry, email = desired.reasons.get(user, ""), desired.named.get(user), ""
        if source is None and (entry := desired.ended.get(user) or desired.upcoming.get(user)):
            source, note = entry.period.bound or entry.source, entry.reason
            if reason in {Reason.REMOVED, Reason.NEVER_OURS}:
                reason = Reason.EXPIRED if user in desired.ended else Reason.UPCOMING
        elif entry and not entry.person.id:
            email = entry.person.email or ""
        return Change(
            self.tenant,
            self.id,
            user,
            action,
            reason,
            self.user_type,
            source or self.source,
            note,
            email=email,
            person=person or (entry.person if entry else self._remembered_as(user)),
            teams=entry.teams if entry else (),
            until=entry.period.end if entry else None,
        )

    def _remembered_as(self, user: str) -> Person | None:
        email = self.emails.get(user)
        return Person(id=user, email=email) if email else None

    def leave_configuration(self) -> None:
        """What becomes of a group that the configuration no longer names: ours is deleted, another's is let go."""
        if self.live is None:
            self._definition(Action.FORGET, Reason.GONE)
        elif self.known and self.known.owned:
            self._definition(Action.DELETE, Reason.REMOVED)
            self.change_members(self.is_live & self.is_ours, Action.DELETE, Reason.REMOVED)
            self.change_members(self.is_live - self.is_ours, Action.DELETE, Reason.NEVER_OURS)
        else:
            self._definition(Action.FORGET, Reason.LET_GO)
            self.change_members(self.is_live & self.is_ours, Action.DELETE, Reason.REMOVED)
        self.change_members(self.is_ours - self.is_live, Action.FORGET, Reason.GONE)

    def compare_definition(self, desired: DesiredGroup, language: str | None) -> None:
        """Create, update, replace or adopt the definition; one that is somebody else's is only remembered."""
        if desired.fields is None:
            if self.known is None:
                self._definition(Action.ADOPT, Reason.EXISTS)
            elif self.known.owned:
                self._definition(Action.ADOPT, Reason.DISOWNED)
            else:
                self.unchanged += 1
            return
        before = self.live.fields if self.live else None
        after = overlay(desired.fields, before or self._remembered(), language)
        immutable = replaces(desired, self.live)
        if before is None:
            self._definition(Action.CREATE, Reason.DRIFT_REMOVED if self.known else Reason.NEW, after, owned=True)
        elif immutable:
            self.replaced = WHY_REPLACED[immutable[0]]
            self._definition(Action.REPLACE, self.replaced, after, owned=True)
        elif not same(before, after):
            self._definition(Action.UPDATE, self._why_it_differs(), after, owned=True)
        elif self.known is None or not self.known.owned:
            self._definition(Action.ADOPT, Reason.EXISTS, after, owned=True)
        else:
            self.unchanged += 1

    def _remembered(self) -> Fields:
        """What we last applied to a definition of ours that is gone: it comes back whole, unmanaged fields included."""
        return (self.known.fields if self.known and self.known.owned else None) or {}

    def _why_it_differs(self) -> Reason:
        if self.known is None or not self.known.owned:
            return Reason.EXISTS
        drifted = (
            self.live is not None and self.known.fields is not None and not same(self.live.fields, self.known.fields)
        )
        return Reason.DRIFT if drifted else Reason.DIFFERS

    def _definition(
        self, action: Action, reason: Reason, after: dict[str, object] | None = None, *, owned: bool = False
    ) -> None:
        before = self.live.fields if self.live else None
        version = self.live.version if self.live else None
        self.changes.append(
            Change(
                self.tenant,
                self.id,
                None,
                action,
                reason,
                self.user_type,
                self.source,
                before=before,
                after=after,
                version=version,
                owned=owned,
            )
        )

    def compare_members(self, desired: DesiredGroup) -> None:
        """Compare the members; a list that is not given is not managed, and what was ours in it is let go."""
        if self.replaced:
            self._replace_members(desired, self.replaced)
        elif desired.members is None:
            self.change_members(self.is_ours & self.is_live, Action.FORGET, Reason.UNMANAGED)
            self.change_members(self.is_ours - self.is_live, Action.FORGET, Reason.GONE)
        else:
            self._compare_lists(desired, desired.members)

    def _compare_lists(self, desired: DesiredGroup, members: Mapping[str, Source]) -> None:
        wanted = members.keys()
        retyped = wanted & self.live.mistyped.keys() if self.live else NOBODY
        pinned = self._newly_led_to(desired)
        if wanted == self.is_live == self.is_ours and not retyped and not pinned:
            self.unchanged += len(members)
            return
        present = wanted & self.is_live
        surplus = self.is_live - wanted
        foreign = surplus - self.is_ours
        self.change_members(surplus & self.is_ours, Action.DELETE, Reason.REMOVED)
        if desired.membership is Membership.EXACT:
            self.change_members(foreign, Action.DELETE, Reason.NEVER_OURS)
        else:
            self.left = foreign
        self._create(wanted - self.is_live)
        self.change_members(retyped, Action.REPLACE, Reason.TYPE)
        self.change_members(present - self.is_ours - retyped, Action.ADOPT, Reason.EXISTS)
        same = (present & self.is_ours) - retyped
        self.change_members(same & pinned, Action.ADOPT, Reason.PINNED)
        self.change_members(self.is_ours - wanted - self.is_live, Action.FORGET, Reason.GONE)
        self.unchanged += len(same - pinned)

    def _newly_led_to(self, desired: DesiredGroup) -> frozenset[str]:
        """The members whose e-mail is not remembered with them yet: once it leads elsewhere, that must be noticed."""
        return frozenset(
            user
            for user, entry in desired.named.items()
            if not entry.person.id and entry.person.mail != mail_key(self.emails.get(user, ""))
        )

    def _create(self, users: Iterable[str]) -> None:
        missing = frozenset(users)
        self.change_members(missing - self.is_ours, Action.CREATE, Reason.NEW)
        self.change_members(missing & self.is_ours, Action.CREATE, Reason.DRIFT_REMOVED)

    def _replace_members(self, desired: DesiredGroup, why: Reason) -> None:
        """Deleting the group removes everybody: those who stay are added anew, the others are shown as removed."""
        wanted = (desired.members or {}).keys()
        surplus = self.is_live - wanted
        self.change_members(surplus & self.is_ours, Action.DELETE, Reason.REMOVED)
        self.change_members(surplus - self.is_ours, Action.DELETE, Reason.NEVER_OURS)
        self.change_members(wanted & self.is_live, Action.REPLACE, why)
        self._create(wanted - self.is_live)
        self.change_members(self.is_ours - wanted - self.is_live, Action.FORGET, Reason.GONE)

    def touch(self, guards: Guards) -> None:
        """Sort the changes and note what guards and readers need to know of the group, if it has any change."""
        if not self.changes:
            return
        self.changes.sort(key=lambda change: change.key)
        removed = sum(1 for change in self.changes if change.user and change.action is Action.DELETE)
        created = sum(1 for change in self.changes if change.user and change.action is Action.CREATE)
        desired, members = self.desired, self.desired.members if self.desired else None
        self.touched[self.tenant, self.id] = Touched(
            live=len(self.is_live),
            desired=len(self.is_live) - removed + created,
            membership=desired.membership if desired else Membership.EXACT,
            guards=desired.guards if desired else guards,
            first_contact=self.live is not None and self.known is None,
            emptied=members is not None
            and not members
            and desired is not None
            and desired.membership is Membership.EXACT
            and not desired.has_dates,
            vanished=members is None and bool(self.is_ours) and self.live is not None,
            unlisted=members is None,
            leaves=desired is None,
            name=group_name(self.live, desired),
            source=self.source,
        )


def group_name(live: LiveGroup | None, desired: DesiredGroup | None) -> str:
    """A group's name for readers, in English if there is one; empty if it has none."""
    return title((live.fields if live else desired.fields if desired else None) or {})
