"""What a plan changes in what people may do, in the words of every format for people.

Who gains something sensitive is told first of all. An effect has a block: its users, and a line for each scope. Where
that would be too much to read, each scope has one line with the numbers of users.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
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
GAINS: Final = "Sensitive access gained"
SENSITIVE: Final = "sensitive"


class Line(NamedTuple):
    """What happens to one scope of an effect, and through which groups it comes, came or still comes."""

    sign: str
    look: Look
    scope: str
    way: str
    is_sensitive: bool = False

    @property
    def told(self) -> str:
        """What follows the scope."""
        return f"{SENSITIVE}, {self.way}" if self.is_sensitive else self.way


class Gain(NamedTuple):
    """A sensitive scope that some users gain."""

    tenant: str
    users: tuple[Person, ...]
    right: Right
    groups: str

    def apart(self) -> Iterator["Gain"]:
        """The same of each user alone."""
        return (self._replace(users=(user,)) for user in self.users)

    @property
    def verb(self) -> str:
        """``gains`` for one user, ``gain`` for more."""
        return "gains" if len(self.users) == 1 else "gain"

    def sentence(self, who: str) -> str:
        """Who gains what, through which groups."""
        return safe(f"{safe(self.tenant)}: {who} {self.verb} {scope(self.right)} through {self.groups}")


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


def few_lines(effect: Effect, effects: Effects, full: bool) -> tuple[list[Line], int]:
    """The same as far as lists are shown, and how many lines are not: many gains hide no loss."""
    shown: list[Line] = []
    hidden = 0
    for _, side in groupby(lines(effect, effects), key=attrgetter("sign")):
        first, more = fold(list(side), full)
        shown += first
        hidden += more
    return shown, hidden


def gains(plan: Plan) -> list[Gain]:
    """All sensitive scopes that anybody gains, in the order of tenants and effects."""
    return [
        Gain(tenant, effect.users, grant.right, _groups(grant, effects))
        for tenant, effects in sorted(plan.effects.items())
        for effect in effects.effects
        for grant in effect.gained
        if grant.right in effects.sensitive
    ]


def gained(found: Sequence[Gain]) -> str:
    """The title of all gains: each user and scope counts."""
    return f"{GAINS} ({number(sum(len(gain.users) for gain in found))})"


def summed(found: Sequence[Gain]) -> Sequence[Gain]:
    """The same, by scope if that is too long: no scope is hidden by those before it."""
    return found if len(found) <= FOLDED_FROM else by_scope(found)


def by_scope(found: Sequence[Gain]) -> Sequence[Gain]:
    """One for each scope and way to it, for all who gain it so."""
    users: defaultdict[tuple[str, Right, str], list[Person]] = defaultdict(list)
    for gain in found:
        users[gain.tenant, gain.right, gain.groups] += gain.users
    return [Gain(tenant, tuple(gaining), right, groups) for (tenant, right, groups), gaining in users.items()]


def is_long(effects: Effects) -> bool:
    """Whether the effects are too many to be told one by one; one alone never is, because it names its user."""
    count = sum(len(effect.gained) + len(effect.lost) + len(effect.kept) for effect in effects.effects)
    return len(effects.effects) > FEW or (len(effects.effects) > 1 and count > FOLDED_FROM)


def totals(effects: Effects) -> list[Total]:
    """One for each scope that is gained or lost, what is gained and sensitive first."""
    return [
        Total(scope(right), effects.gained.get(right, 0), effects.lost.get(right, 0), right in effects.sensitive)
        for right in effects.rights
    ]


def kept(effects: Effects) -> str:
    """How many users keep scopes that one group does not give them any more; empty for none."""
    count = sum(len(effect.users) for effect in effects.effects if effect.kept)
    verb = "keeps" if count == 1 else "keep"
    return f"{plural(count, 'user')} {verb} scopes through other groups" if count else ""


def uncounted(effects: Effects) -> str:
    """Of how many users it is not known, and what to do about it; empty for none."""
    count = effects.uncounted
    return f"Not computed for {plural(count, 'user')}; --access-limit N asks for more" if count else ""


def _way(words: str, grant: Grant, effects: Effects) -> str:
    return f"{words} {_groups(grant, effects)}"


def _groups(grant: Grant, effects: Effects) -> str:
    return ", ".join(titled(group, effects.names.get(group, "")) for group in grant.groups)
