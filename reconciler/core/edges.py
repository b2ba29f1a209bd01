"""A tenant's planned memberships as edges that end and edges that begin, and which of them wait for which.

A replaced membership does both: it ends with its old userType, or with its old group, and begins anew.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from reconciler.core.cover import Edge
from reconciler.core.holdings import Holdings
from reconciler.core.model import Snapshot, UserType
from reconciler.core.moves import precedence
from reconciler.core.plan import Action, Change
from reconciler.core.terms import Terms, terms

BEGINS = frozenset({Action.CREATE, Action.REPLACE})


class Edges:
    """One tenant's changes by what they do, each as an index into the plan's changes.

    ``before_leaving`` has for an ending edge the edges that must begin first, ``before_joining`` for a beginning edge
    those that must end first. ``whole_groups`` stay and lose every live member, ``whole_users`` lose every live
    membership and gain none: for these, one request does what is planned and nothing else. ``regrouped`` are groups
    whose new definition changes with which others they may be held.
    """

    def __init__(self, changes: Sequence[Change], indices: Iterable[int], live: Snapshot) -> None:
        self.changes, self.live = changes, live
        self.definitions: dict[str, int] = {}
        self.begins: dict[Edge, int] = {}
        self.ends: dict[Edge, int] = {}
        for index in indices:
            self._sort_in(index, changes[index])
        self.leaving = self._defined_by(Action.DELETE)
        self.replaced = self._defined_by(Action.REPLACE)
        self.lost_by, self.lost_in = _grouped(self.ends)
        self.regrouped = {group for group in self._defined_by(Action.UPDATE) if len(self._terms(group)[0]) > 1}
        self.before_leaving: dict[Edge, list[Edge]] = {}
        self.before_joining: dict[Edge, list[Edge]] = {}
        self._find_moves()
        self.whole_groups = self._find_whole_groups()
        self.whole_users = self._find_whole_users()

    def _sort_in(self, index: int, change: Change) -> None:
        if change.user is None:
            self.definitions[change.group] = index
            return
        if change.action in BEGINS:
            self.begins[change.group, change.user] = index
        if change.action is Action.DELETE or (change.action is Action.REPLACE and self._is_live(change)):
            self.ends[change.group, change.user] = index

    def _is_live(self, change: Change) -> bool:
        """Whether a membership to be replaced is there: of a saved plan it may be gone by now."""
        group = self.live.groups.get(change.group)
        return group is not None and change.user in (group.members or ())

    def _defined_by(self, action: Action) -> set[str]:
        return {group for group, index in self.definitions.items() if self.changes[index].action is action}

    def _find_moves(self) -> None:
        """What each user who both joins and leaves groups must do first."""
        joined_by, _ = _grouped([edge for edge in self.begins if edge[1] in self.lost_by])
        known: dict[str, tuple[set[Terms], Terms]] = {}

        def terms_of(group: str) -> tuple[set[Terms], Terms]:
            if group not in known:
                known[group] = self._terms(group)
            return known[group]

        def forbidden(left: str, joined: str) -> bool:
            return left == joined or any(terms_of(joined)[1].forbid(old) for old in terms_of(left)[0])

        for user in sorted(joined_by):
            found = precedence(self.lost_by[user], joined_by[user], forbidden)
            for group, first in found.before_leaving.items():
                self.before_leaving[group, user] = [(other, user) for other in first]
            for group, first in found.before_joining.items():
                self.before_joining[group, user] = [(other, user) for other in first]

    def _terms(self, group: str) -> tuple[set[Terms], Terms]:
        """The terms that a group may have while it is left, and those under which it is joined.

        They differ only if its definition changes. A group made anew has no code: only the service gives codes.
        """
        live = self.live.groups.get(group)
        now = terms(live.fields, live.code) if live else Terms(UserType.EMPLOYEE)
        after = self.changes[self.definitions[group]].after if group in self.definitions else None
        if after is None:
            return {now}, now
        if group in self.replaced:
            return {now}, terms(after, None)
        then = terms(after, live.code if live else None)
        return {now, then}, then

    def _find_whole_groups(self) -> set[str]:
        stay = self.lost_in.keys() - self.leaving - self.replaced
        live = self.live.groups
        return {group for group in stay if group in live and live[group].members == frozenset(self.lost_in[group])}

    def _find_whole_users(self) -> set[str]:
        gaining = {user for _, user in self.begins}
        several = {user for user, lost in self.lost_by.items() if len(lost) > 1 and user not in gaining}
        holdings = Holdings(several, self.live)
        return {user for user in several if holdings.all_of(user) == frozenset(self.lost_by[user])}


def _grouped(edges: Collection[Edge]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Each user's groups and each group's users."""
    of_user: defaultdict[str, list[str]] = defaultdict(list)
    of_group: defaultdict[str, list[str]] = defaultdict(list)
    for group, user in edges:
        of_user[user].append(group)
        of_group[group].append(user)
    return of_user, of_group
