"""How a configuration has to speak of a live group so that its plan adopts it and changes nothing."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.core.diff import group_name
from reconciler.core.model import Fields, LiveGroup, Match


@dataclass(frozen=True, slots=True)
class Portrait:
    """One live group as a configuration may say it.

    ``match`` finds somebody else's group, of which only the members are ours; None means the definition is ours as
    well. ``obstacle`` says why the members can't be listed as they are, empty if they can.
    """

    group: LiveGroup
    match: Match | None = None
    obstacle: str = ""

    @property
    def name(self) -> str:
        """The group's name for readers."""
        return group_name(self.group, None)

    @property
    def fields(self) -> Fields:
        """The definition that is ours: all of it, so that what somebody changes later is noticed."""
        return {} if self.match else self.group.fields

    @property
    def members(self) -> tuple[str, ...] | None:
        """The members in order; None if they can't be managed without changing anything."""
        return None if self.obstacle else tuple(sorted(self.group.members or ()))


def portray(chosen: Iterable[LiveGroup], everything: Mapping[str, LiveGroup]) -> list[Portrait]:
    """The chosen groups in an order that depends on nothing but them: by name, then by id.

    ``everything`` are all groups of the tenant, because a match must fit one of them only.
    """
    fitting = Counter(criteria for group in everything.values() for criteria in _criteria(group))
    found = [Portrait(group, _match(group, fitting), _obstacle(group)) for group in chosen]
    return sorted(found, key=lambda portrait: (portrait.name.casefold(), portrait.group.id))


def _criteria(group: LiveGroup) -> set[tuple[str | None, str | None]]:
    """The code alone, which finds the groups of all companies, and the code within the group's company."""
    return {(group.code, None), (group.code, group.legal_entity_id)}


def _match(group: LiveGroup, fitting: Mapping[tuple[str | None, str | None], int]) -> Match | None:
    """A predefined group is the service's own, so it is found by its code, which reads the same in every tenant.

    What has no name can't be ours, because the service requires one whenever a group is written.
    """
    if group.code and fitting[group.code, group.legal_entity_id] == 1:
        return Match(code=group.code, legal_entity_id=group.legal_entity_id)
    return Match(id=group.id) if group.code or not group.fields.get("name") else None


def _obstacle(group: LiveGroup) -> str:
    """Members of the wrong type would be removed and added again by the first apply."""
    count = len(group.mistyped)
    if not count:
        return ""
    return f"{count} of them {'is' if count == 1 else 'are'} in it as another userType than the group's"
