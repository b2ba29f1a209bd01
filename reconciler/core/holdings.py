"""Who is in which groups now, for many users at once."""

from collections import defaultdict
from collections.abc import Iterable

from reconciler.core.model import Snapshot


class Holdings:
    """The groups of the given users, found in one pass over the tenant's groups however many users there are."""

    def __init__(self, users: Iterable[str], live: Snapshot) -> None:
        wanted = frozenset(users)
        self._told = live.memberships
        self._complete = all(group.members is not None for group in live.groups.values())
        self._seen: defaultdict[str, set[str]] = defaultdict(set)
        for group in live.groups.values():
            for user in wanted & (group.members or frozenset()):
                self._seen[user].add(group.id)

    def all_of(self, user: str) -> frozenset[str] | None:
        """All groups of a user; None unless the user was asked about or the members of every group were read."""
        if user in self._told:
            return self._told[user]
        return self.seen_of(user) if self._complete else None

    def seen_of(self, user: str) -> frozenset[str]:
        """The user's groups among those whose members were read: what is known when not all is."""
        return frozenset(self._seen.get(user, ()))

    def known_of(self, user: str) -> frozenset[str]:
        """All groups of a user as far as anybody has asked."""
        told = self.all_of(user)
        return self.seen_of(user) if told is None else told
