"""The part of the plan document that tells what a plan changes in what people may do, and who anybody is in it."""

from collections.abc import Iterable, Mapping

from reconciler.core import document_forms as forms
from reconciler.core.effects import Effect, Effects, Grant, Right
from reconciler.core.limits import AccessGuards, Keep
from reconciler.core.model import Person


def from_person(person: Person | None) -> forms.Person | None:
    """Somebody by name; the id stands beside it."""
    return forms.Person(person.handle, person.email or "", person.name) if person else None


def to_person(person: forms.Person | None, user: str | None) -> Person | None:
    """The person that a document tells of."""
    return Person(person.handle, user, person.email or None, person.name) if person else None


def from_effects(effects: Mapping[str, Effects]) -> tuple[forms.Access, ...]:
    """What is told of each tenant, by name; the summary is for readers, it follows from the rest."""
    return tuple(
        forms.Access(
            tenant=tenant,
            summary=tuple(_total(right, found) for right in found.rights),
            effects=tuple(_from_effect(effect, found) for effect in found.effects),
            uncounted=found.uncounted,
            names=dict(found.names),
        )
        for tenant, found in sorted(effects.items())
    )


def to_effects(access: Iterable[forms.Access]) -> dict[str, Effects]:
    """What a document tells, by tenant. Raises ValueError if one stands in it twice."""
    found: dict[str, Effects] = {}
    for part in access:
        if part.tenant in found:
            raise ValueError(f"it tells the access in {part.tenant} more than once")
        found[part.tenant] = Effects(
            effects=tuple(map(_to_effect, part.effects)),
            sensitive=frozenset(
                Right(grant.scope, grant.company)
                for effect in part.effects
                for grant in effect.gained
                if grant.sensitive
            ),
            uncounted=part.uncounted,
            names=part.names,
        )
    return found


def _total(right: Right, effects: Effects) -> forms.Total:
    gained, lost = (counts.get(right, 0) for counts in (effects.gained, effects.lost))
    return forms.Total(right.scope, right.company, gained, lost, right in effects.sensitive)


def _from_effect(effect: Effect, effects: Effects) -> forms.Effect:
    return forms.Effect(
        users=tuple(map(_from_user, effect.users)),
        gained=_from_grants(effect.gained, effects.sensitive),
        lost=_from_grants(effect.lost),
        kept=_from_grants(effect.kept),
        had=_from_grants(effect.had),
    )


def _from_user(person: Person) -> forms.User:
    known = from_person(person)
    return forms.User(person.id or "", None if known == forms.Person() else known)


def _from_grants(grants: Iterable[Grant], sensitive: frozenset[Right] = frozenset()) -> tuple[forms.Grant, ...]:
    return tuple(
        forms.Grant(grant.right.scope, grant.groups, grant.right.company, grant.right in sensitive) for grant in grants
    )


def _to_effect(effect: forms.Effect) -> Effect:
    return Effect(
        tuple(to_person(each.person, each.user) or Person(id=each.user) for each in effect.users),
        *(tuple(map(_to_grant, grants)) for grants in (effect.gained, effect.lost, effect.kept, effect.had)),
    )


def _to_grant(grant: forms.Grant) -> Grant:
    return Grant(Right(grant.scope, grant.company), grant.through)


def from_guards(guards: Mapping[str, AccessGuards]) -> tuple[forms.AccessGuards, ...]:
    """The guards of each tenant, by name."""
    return tuple(
        forms.AccessGuards(
            tenant,
            found.sensitive,
            found.requires,
            found.separation,
            {scope: forms.Keep(keep.min_members, tuple(sorted(keep.protected))) for scope, keep in found.keep.items()},
        )
        for tenant, found in sorted(guards.items())
    )


def to_guards(guards: Iterable[forms.AccessGuards]) -> dict[str, AccessGuards]:
    """What a document tells, by tenant."""
    return {
        part.tenant: AccessGuards(
            sensitive=part.sensitive,
            requires=part.requires,
            separation=part.separation,
            keep={scope: Keep(keep.min_members, frozenset(keep.protected)) for scope, keep in part.keep.items()},
        )
        for part in guards
    }
