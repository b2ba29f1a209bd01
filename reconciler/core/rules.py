"""What the service would refuse, found while planning: rules 1 to 5 of FACTS on the state that the plan leads to.

Rule 6 (platform access controls can't be changed) needs no check, because no request of ours writes an access control.
Rule 7 warns of calls that we never send.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from reconciler.core.diff import Differences
from reconciler.core.holdings import Holdings
from reconciler.core.model import Control, DesiredGroup, DesiredTenant, Snapshot, UserType
from reconciler.core.plan import Action, Change
from reconciler.core.terms import COMPANY_CODES, Terms, terms
from reconciler.diagnostics import Diagnostic, Source

WRITES = frozenset({Action.CREATE, Action.UPDATE, Action.REPLACE})
ENDS = frozenset({Action.DELETE, Action.REPLACE})


@dataclass(frozen=True, slots=True)
class Questions:
    """What must be read besides groups and their members before the rules can be checked and steps be chosen.

    ``users``: all groups of these, and whether they exist; ``bystanders``: all groups of these; ``existing``: whether
    these exist; ``groups``: the members of these; ``controls``: to which userType each access control is restricted.
    """

    users: Mapping[str, UserType]
    existing: Mapping[str, UserType]
    groups: frozenset[str]
    controls: bool
    templates: bool = False
    bystanders: Mapping[str, UserType] = field(default_factory=dict)

    def __bool__(self) -> bool:
        people = self.users or self.existing or self.bystanders
        return bool(people or self.groups or self.controls or self.templates)


NO_QUESTIONS: Final = Questions({}, {}, frozenset(), controls=False)
"""Nothing needs to be read."""


def questions(found: Differences, live: Snapshot) -> Questions:
    """What else to read, and nothing that the answer does not need: a plan without changes asks nothing.

    New employees are looked up, because their other groups bind them to a vendor; new customers must exist, and a
    company's sibling groups show who already has a role there. Who loses several memberships may lose
    all of them at once.
    """
    joining: dict[str, UserType] = {change.user or "": change.user_type for change in found.changes if _joins(change)}
    employees = {user: kind for user, kind in joining.items() if kind is UserType.EMPLOYEE}
    leaving = _leaving_several(found, live, joining)
    return Questions(
        users={**employees, **leaving},
        existing={user: kind for user, kind in joining.items() if kind is UserType.CUSTOMER},
        groups=_siblings(found, live),
        controls=any(_gained(change, name) for change in found.changes for name in ("accessControls", "templates")),
        templates=any(_gained(change, "templates") for change in found.changes),
    )


def _joins(change: Change) -> bool:
    return change.user is not None and change.action in {Action.CREATE, Action.REPLACE}


def _leaving_several(found: Differences, live: Snapshot, joining: Collection[str]) -> dict[str, UserType]:
    """Users with several removals that no deletion of a group covers, who join nothing and whose groups are not known.

    Only they can be removed from all their groups at once.
    """
    gone = {change.group for change in found.changes if not change.user and change.action in ENDS}
    kinds: dict[str, UserType] = {}
    several: dict[str, UserType] = {}
    for change in found.changes:
        if change.user and change.action is Action.DELETE and change.group not in gone and change.user not in joining:
            (several if change.user in kinds else kinds)[change.user] = change.user_type
    holdings = Holdings(several, live)
    return {user: kind for user, kind in several.items() if holdings.all_of(user) is None}


def _siblings(found: Differences, live: Snapshot) -> frozenset[str]:
    """The unread company groups of companies in whose groups somebody joins (FACTS, rule 4)."""
    companies = {
        live.groups[change.group].legal_entity_id
        for change in found.changes
        if _joins(change) and change.group in live.groups and live.groups[change.group].code in COMPANY_CODES
    }
    return frozenset(
        group.id
        for group in live.groups.values()
        if group.members is None and group.code in COMPANY_CODES and group.legal_entity_id in companies
    )


def _gained(change: Change, name: str) -> list[str]:
    """The access controls or templates that a definition gains, or all of them when its userType changes."""
    if change.action not in WRITES or not change.after:
        return []
    before = change.before if change.before and change.action is Action.UPDATE else {}
    return sorted(set(change.after.get(name, ())) - set(before.get(name, ())))


def check(desired: DesiredTenant, found: Differences, live: Snapshot) -> list[Diagnostic]:
    """Everything that the service would refuse, with the rule, whom it concerns and which lines."""
    after = _After(desired, found, live)
    return [
        *after.nameless(),
        *after.missing_users(),
        *after.both_types(),
        *after.several_vendors(),
        *after.customers_of_vendors(),
        *after.several_roles(),
        *after.controls(),
    ]


class _After:
    """The tenant as the plan would leave it: each group's terms, and the groups of each user who joins one."""

    def __init__(self, desired: DesiredTenant, found: Differences, live: Snapshot) -> None:
        self.desired, self.live = desired, live
        self.entries: dict[str, DesiredGroup] = {group.id or "": group for group in desired.groups}
        self.written = {c.group: c for c in found.changes if c.user is None and c.action in WRITES}
        self.joins = [change for change in found.changes if _joins(change)]
        self.joined: dict[str, set[str]] = {}
        for change in self.joins:
            self.joined.setdefault(change.user or "", set()).add(change.group)
        self.ended = {(c.group, c.user) for c in found.changes if c.user and c.action is Action.DELETE}
        self.holdings = Holdings(self.joined, live)
        self.terms = {group: self._terms(group) for group in live.groups.keys() | self.written.keys()}

    def _terms(self, group: str) -> Terms:
        """A group's terms afterwards; one made anew has no code, because only the service gives codes."""
        live, change = self.live.groups.get(group), self.written.get(group)
        fields = (change.after if change else live.fields if live else None) or {}
        kept = live is not None and (change is None or change.action is Action.UPDATE)
        return terms(fields, live.code if live and kept else None)

    def _terms_held(self, user: str) -> dict[str, Terms]:
        """The user's groups afterwards, as far as they are known, sorted, with their terms; none if it is one."""
        held = {group for group in self.holdings.known_of(user) if (group, user) not in self.ended}
        held |= self.joined[user]
        return {group: self.terms[group] for group in sorted(held) if group in self.terms} if len(held) > 1 else {}

    def _places(self, user: str, groups: Iterable[str]) -> tuple[tuple[str, Source], ...]:
        entries = [(group, self.entries[group]) for group in groups if group in self.entries]
        return tuple((group, (entry.members or {}).get(user, entry.source)) for group, entry in entries)

    def nameless(self) -> Iterator[Diagnostic]:
        """The service requires a name (iam.openapi.yml, group upsert); one in no language is none."""
        for change in self.written.values():
            if not (change.after or {}).get("name"):
                yield Diagnostic(
                    f"{change.address} would have no name",
                    self._field_source(change, "name"),
                    "give it a name in one language at least",
                    address=change.address,
                    rule="a group has a name",
                )

    def missing_users(self) -> Iterator[Diagnostic]:
        """The service answers 404 to an assignment of a user that it does not know."""
        for change in self.joins:
            if change.user in self.live.missing:
                yield Diagnostic(
                    f"there is no {change.user_type} {change.user} in {change.tenant}",
                    change.source,
                    "correct the id, or create the user first; a group takes users of its own userType,"
                    " and ids are case-sensitive",
                    address=change.address,
                    rule="1: members exist and have the group's userType",
                )

    def both_types(self) -> Iterator[Diagnostic]:
        """Rule 1: a group's members have its userType, so nobody can be in groups of both."""
        listed: dict[UserType, dict[str, list[str]]] = {kind: {} for kind in UserType}
        for group in self.desired.groups:
            of = self.terms.get(group.id or "")
            if of is not None:  # or else it is to be created, but not among the targets of this plan
                for user in self.joined.keys() & (group.members or {}).keys():
                    listed[of.user_type].setdefault(user, []).append(group.id or "")
        for change in self.joins:
            for kind in UserType:
                others = listed[kind].get(change.user or "")
                if others and kind is not change.user_type:
                    yield Diagnostic(
                        f"{change.user} is listed in the {change.user_type} group {change.group} and in the"
                        f" {kind} group {others[0]}, but a user has one userType",
                        change.source,
                        "remove the user from the groups of the wrong userType",
                        related=self._places(change.user or "", others),
                        address=change.address,
                        rule="1: members have the group's userType",
                    )

    def several_vendors(self) -> Iterator[Diagnostic]:
        """Rule 2: all groups of one employee share the same vendor, none counting as one."""
        if not any(group.vendor for group in self.terms.values()):
            return
        for change in _first_by_user(self.joins, UserType.EMPLOYEE):
            held = self._terms_held(change.user or "")
            vendors = {group: of.vendor for group, of in held.items() if of.user_type is UserType.EMPLOYEE}
            if len(set(vendors.values())) > 1:
                told = ", ".join(f"{group} ({f'vendor {v}' if v else 'no vendor'})" for group, v in vendors.items())
                yield Diagnostic(
                    f"{change.user} would be in groups of different vendors: {told}",
                    change.source,
                    "keep the user in the groups of one vendor only",
                    related=self._places(change.user or "", vendors),
                    address=change.address,
                    rule="2: all groups of an employee share one vendor",
                )

    def customers_of_vendors(self) -> Iterator[Diagnostic]:
        """Rule 3: a group with a vendor takes employees only."""
        for change in self.written.values():
            after = change.after or {}
            if after.get("vendorId") and change.user_type is UserType.CUSTOMER:
                yield Diagnostic(
                    f"{change.address} has the vendorId {after['vendorId']} and userType CUSTOMER",
                    self._field_source(change, "vendorId"),
                    "a vendor's group takes employees: drop vendorId, or set userType: EMPLOYEE",
                    address=change.address,
                    rule="3: a vendor's group takes employees only",
                )

    def several_roles(self) -> Iterator[Diagnostic]:
        """Rule 4: a customer has one role per company: Admin, Buyer or Requester."""
        for change in _first_by_user(self.joins, UserType.CUSTOMER):
            roles: dict[str, list[str]] = {}
            for group, of in self._terms_held(change.user or "").items():
                if of.company and of.user_type is UserType.CUSTOMER:
                    roles.setdefault(of.company, []).append(group)
            for company, groups in roles.items():
                if len(groups) > 1:
                    yield Diagnostic(
                        f"{change.user} would have {len(groups)} roles in company {company}: {', '.join(groups)}",
                        change.source,
                        "keep one of Admin, Buyer and Requester",
                        related=self._places(change.user or "", groups),
                        address=change.address,
                        rule="4: one predefined group per company",
                    )

    def controls(self) -> Iterator[Diagnostic]:
        """Rule 5: an access control, also one that a template brings, may be restricted to groups of one userType."""
        known, templates = self.live.controls or {}, self.live.templates or {}
        for change in self.written.values() if self.live.controls is not None else ():
            for control in _gained(change, "accessControls"):
                yield from self._control(change, "accessControls", control, f"the access control {control}", known)
            for template in _gained(change, "templates"):
                if template not in templates:
                    yield self._unknown(change, "templates", f"the template {template}")
                for control in templates.get(template, ()):
                    through = f"the access control {control} of the template {template}"
                    yield from self._control(change, "templates", control, through, known)

    def _control(
        self, change: Change, field: str, control: str, told: str, known: Mapping[str, Control]
    ) -> Iterator[Diagnostic]:
        if control not in known:
            yield self._unknown(change, field, told)
        elif not known[control].fits(change.user_type):
            yield Diagnostic(
                f"{change.address} has userType {change.user_type}, but {told} is for {known[control].restricted_to}",
                self._field_source(change, field),
                "choose an access control for this userType",
                address=change.address,
                rule="5: restrictedTo",
            )

    def _unknown(self, change: Change, field: str, told: str) -> Diagnostic:
        source = self._field_source(change, field)
        message = f"{change.address} refers to {told}, which does not exist"
        return Diagnostic(message, source, "correct the id", address=change.address, rule="5: restrictedTo")

    def _field_source(self, change: Change, name: str) -> Source | None:
        entry = self.entries.get(change.group)
        return entry.field_sources.get(name, change.source) if entry else change.source


def _first_by_user(changes: list[Change], kind: UserType) -> list[Change]:
    return list({change.user: change for change in reversed(changes) if change.user_type is kind}.values())[::-1]
