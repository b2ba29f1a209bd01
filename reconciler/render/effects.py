"""What a plan changes in what people may do, in the words of every format for people.

Who gains something sensitive is told first of all. An effect has a block: its users, and a line for each scope, but one
line for all that they had already. Where that would be too much to read, each scope has one line with the numbers of
users.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final, NamedTuple

from reconciler.core.effects import Effect, Effects, Grant, Right
from reconciler.core.model import Person
from reconciler.core.plan import Plan
from reconciler.render.layout import FOLDED_FROM, fold
from reconciler.render.naming import called, short, titled
from reconciler.render.style import Look
from reconciler.render.text import number, plural, safe

FEW: Final = 20
"""Up to so many effects of a tenant are told one by one."""

MOST_NAMED: Final = 3
MOST_HAD: Final = 5
"""Up to so many scopes that users had already are told where they gain and lose nothing."""

GAINS: Final = "Sensitive access gained"
SENSITIVE: Final = "sensitive"


class Line(NamedTuple):
    """What happens to one scope of an effect, and through which groups it comes, came, or comes all the same."""

    sign: str
    look: Look
    scope: str
    way: str
    is_sensitive: bool = False

    @property
    def told(self) -> str:
        """What follows the scope."""
        return f"{SENSITIVE}, {self.way}" if self.is_sensitive else self.way


class Way(NamedTuple):
    """Scopes that come through the same groups."""

    rights: tuple[Right, ...]
    groups: str


class Gain(NamedTuple):
    """The sensitive scopes that some users gain alike."""

    tenant: str
    users: tuple[Person, ...]
    ways: tuple[Way, ...]

    def apart(self) -> Iterator["Gain"]:
        """The same of each user alone."""
        return (self._replace(users=(user,)) for user in self.users)

    @property
    def verb(self) -> str:
        """``gains`` for one user, ``gain`` for more."""
        return "gains" if len(self.users) == 1 else "gain"

    @property
    def size(self) -> int:
        """How often a user gains a scope."""
        return len(self.users) * sum(len(way.rights) for way in self.ways)

    def what(self, scopes: Callable[[str], str], groups: Callable[[str], str], full: bool = False) -> str:
        """Which scopes through which groups, each as the two write it; very long lists end with a number."""
        return "; ".join(f"{_listed(way, scopes, full)} through {groups(way.groups)}" for way in self.ways)

    def sentence(self, who: str, full: bool) -> str:
        """Who gains what, through which groups."""
        return safe(f"{safe(self.tenant)}: {who} {self.verb} {self.what(str, str, full)}")


class Total(NamedTuple):
    """How many users gain and lose a scope."""

    scope: str
    gained: int
    lost: int
    is_sensitive: bool = False

    @property
    def numbers(self) -> tuple[str, str]:
        """``+12 users`` and ``-1``, empty for none; the first of them has the word."""
        gained = f"+{plural(self.gained, 'user')}" if self.gained else ""
        lost = number(self.lost) if gained else plural(self.lost, "user")
        return gained, f"-{lost}" if self.lost else ""


def scope(right: Right) -> str:
    """A scope, and the company if it holds only there."""
    return f"{safe(right.scope)} at company {safe(right.company)}" if right.company else safe(right.scope)


def who(users: Sequence[Person], most: int = MOST_NAMED) -> str:
    """The one user by all that is known, or how many there are and the first of them by their shortest names."""
    if len(users) == 1:
        return safe(called(users[0]))
    more = f" and {number(len(users) - most)} more" if len(users) > most else ""
    return safe(f"{plural(len(users), 'user')} ({', '.join(map(short, users[:most]))}{more})")


def lines(effect: Effect, effects: Effects) -> Iterator[Line]:
    """All that changes for the users of an effect, what they gain and is sensitive first."""
    for grant in sorted(effect.gained, key=lambda grant: grant.right not in effects.sensitive):
        is_sensitive = grant.right in effects.sensitive
        yield Line("+", Look.ADD, scope(grant.right), _way("through", grant, effects), is_sensitive)
    for grant in effect.lost:
        yield Line("-", Look.REMOVE, scope(grant.right), _way("was through", grant, effects))
    for grant in effect.kept:
        yield Line("=", Look.DIM, scope(grant.right), _way("still through", grant, effects))


def already(effect: Effect, effects: Effects, full: bool = False) -> tuple[list[Line], list[Line]]:
    """What the users had already, and the lines for which the last one stands, if it stands for several.

    Only where nothing else is to be told are the first ones told one by one.
    """
    found = [Line("=", Look.DIM, scope(grant.right), _way("already through", grant, effects)) for grant in effect.had]
    most = 0 if effect.gained or effect.lost or effect.kept else MOST_HAD
    if full or len(found) <= most + 1:
        return found, []
    groups = sorted({group for grant in effect.had[most:] for group in grant.groups})
    named = _way("already through", Grant(effect.had[most].right, tuple(groups)), effects)
    rest = found[most:]
    return [*found[:most], Line("=", Look.DIM, f"{number(len(rest))} more scopes", named)], rest


def few_lines(effect: Effect, effects: Effects, full: bool) -> tuple[list[Line], int]:
    """All lines as far as lists are shown, and how many are not: many gains hide no loss."""
    shown: list[Line] = []
    hidden = 0
    for _, side in groupby(lines(effect, effects), key=attrgetter("sign")):
        first, more = fold(list(side), full)
        shown += first
        hidden += more
    return shown + already(effect, effects, full)[0], hidden


def gains(plan: Plan) -> list[Gain]:
    """Who gains sensitive scopes, in the order of tenants and effects: one for all who gain the same alike."""
    users: defaultdict[tuple[str, tuple[Way, ...]], list[Person]] = defaultdict(list)
    for tenant, effects in sorted(plan.effects.items()):
        for effect in effects.effects:
            if ways := _sensitive(effect, effects):
                users[tenant, ways] += effect.users
    return [Gain(tenant, tuple(gaining), ways) for (tenant, ways), gaining in users.items()]


def gained(found: Sequence[Gain]) -> str:
    """The title of all gains."""
    return f"{GAINS} ({plural(sum(len(gain.users) for gain in found), 'user')})"


def summed(found: Sequence[Gain]) -> Sequence[Gain]:
    """The same, by scope if that is too long: no scope is hidden by those before it."""
    return found if sum(len(gain.ways) for gain in found) <= FOLDED_FROM else by_scope(found)


def by_scope(found: Sequence[Gain]) -> Sequence[Gain]:
    """One for each scope and way to it, for all who gain it so."""
    users: defaultdict[tuple[str, Way], list[Person]] = defaultdict(list)
    for gain in found:
        for way in gain.ways:
            for right in way.rights:
                users[gain.tenant, Way((right,), way.groups)] += gain.users
    return [Gain(tenant, tuple(gaining), (way,)) for (tenant, way), gaining in users.items()]


def is_long(effects: Effects) -> bool:
    """Whether the effects are too many to be told one by one; one alone never is, because it names its user."""
    sides = ((effect.gained, effect.lost, effect.kept, effect.had[:1]) for effect in effects.effects)
    count = sum(len(side) for effect in sides for side in effect)
    return len(effects.effects) > FEW or (len(effects.effects) > 1 and count > FOLDED_FROM)


def totals(effects: Effects) -> list[Total]:
    """One for each scope that is gained or lost, what is gained and sensitive first."""
    return [
        Total(scope(right), effects.gained.get(right, 0), effects.lost.get(right, 0), right in effects.sensitive)
        for right in effects.rights
    ]


def asides(effects: Effects) -> Iterator[str]:
    """How many users keep scopes that one group does not give them any more, and how many only get what they had."""
    if count := sum(len(effect.users) for effect in effects.effects if effect.kept):
        yield f"{plural(count, 'user')} {'keeps' if count == 1 else 'keep'} scopes through other groups"
    others = (effect for effect in effects.effects if not (effect.gained or effect.lost or effect.kept))
    if count := sum(len(effect.users) for effect in others):
        yield f"{plural(count, 'user')} {'gains' if count == 1 else 'gain'} only what other groups gave already"


def concerned(effects: Effects) -> int:
    """How many users the effects concern."""
    return sum(len(effect.users) for effect in effects.effects)


def uncounted(effects: Effects) -> str:
    """Of how many users it is not known, and what to do about it; empty for none."""
    count = effects.uncounted
    return f"Not computed for {plural(count, 'user')}; --access-limit N asks for more" if count else ""


def _way(words: str, grant: Grant, effects: Effects) -> str:
    return f"{words} {_groups(grant, effects)}"


def _groups(grant: Grant, effects: Effects) -> str:
    return ", ".join(titled(group, effects.names.get(group, "")) for group in grant.groups)


def _sensitive(effect: Effect, effects: Effects) -> tuple[Way, ...]:
    """What is sensitive of that which the users gain, together what comes through the same groups."""
    found: defaultdict[str, list[Right]] = defaultdict(list)
    for grant in effect.gained:
        if grant.right in effects.sensitive:
            found[_groups(grant, effects)].append(grant.right)
    return tuple(Way(tuple(rights), groups) for groups, rights in found.items())


def _listed(way: Way, write: Callable[[str], str], full: bool) -> str:
    shown, hidden = fold(way.rights, full)
    more = f" and {plural(hidden, 'more scope')}" if hidden else ""
    return ", ".join(write(scope(right)) for right in shown) + more
