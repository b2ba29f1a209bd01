"""What is odd about people and entries: lines whose time is over, e-mails that lead nowhere, ids of somebody else."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from reconciler.core.model import DesiredTenant, Entry, UserType
from reconciler.core.people import Accounts, told
from reconciler.core.plan import Action, Change
from reconciler.diagnostics import Diagnostic, Severity, Source

MOST_NAMED: Final = 5


def overdue(tenants: Iterable[DesiredTenant], at: datetime) -> Iterator[Diagnostic]:
    """One remark on all lines whose time is over: they do nothing any more, and hide what does.

    Of somebody who left those are the entries that still name the person: the date of leaving goes on to hold.
    """
    over: dict[Source, Entry] = {}
    for tenant in tenants:
        left = {entry.person for entry in tenant.offboarded if entry.period.start and entry.period.has_begun(at)}
        for group in tenant.groups:
            for entry in group.entries:
                if entry.period.is_over(at):
                    place = entry.source if entry.person in left else entry.period.bound or entry.source
                    over.setdefault(place, entry)
    if over:
        first, *others = sorted(over)
        lines = "1 line" if len(over) == 1 else f"{len(over)} lines"
        more = len(others) - MOST_NAMED
        yield Diagnostic(
            f"the time of {lines} of the configuration is over"
            + (f"; {MOST_NAMED + 1} of them are shown" if more > 0 else ""),
            first,
            "take out what is no longer needed",
            tuple((told(over[place].person), place) for place in others[:MOST_NAMED]),
            severity=Severity.WARNING,
        )


def ungranted(known: Iterable[Mapping[str, bool] | None]) -> Iterator[Diagnostic]:
    """A remark on each scope or pattern of guards that no access control grants: a misspelt one guards nothing.

    Guards of a file hold for many tenants, so it is odd only if it is so in all of them, and known of all.
    """
    told = list(known)
    found: Counter[str] = Counter()
    for granted in told:
        for name, is_granted in (granted or {}).items():
            found[name] += is_granted
    for name in sorted(name for name, times in found.items() if not times) if None not in told else ():
        yield Diagnostic(
            f"guards name {name}, which no access control grants",
            remedy="correct it if it is misspelt: as it stands it guards nothing",
            severity=Severity.WARNING,
        )


def claims(changes: Iterable[Change]) -> dict[UserType, set[str]]:
    """The e-mails that the configuration says belong to ids which join a group, to be looked up."""
    wanted: defaultdict[UserType, set[str]] = defaultdict(set)
    for change in changes:
        if _claims(change) and change.person:
            wanted[change.user_type].add(change.person.email or "")
    return dict(wanted)


def _claims(change: Change) -> bool:
    joins = change.action in {Action.CREATE, Action.REPLACE} and not change.email
    return joins and change.person is not None and change.person.id == change.user and bool(change.person.email)


def mistaken(changes: Iterable[Change], found: Accounts) -> Iterator[Diagnostic]:
    """Where id and e-mail of a person are those of two users: a reviewer would let a stranger in under a known name."""
    told_of: set[str] = set()
    for change in changes:
        if not _claims(change) or change.person is None or change.user is None or change.user in told_of:
            continue
        accounts = found.get((change.user_type, change.person.mail))
        if accounts is None or change.user in {account.id for account in accounts}:
            continue
        told_of.add(change.user)
        named = ", ".join(account.id for account in accounts)
        yield Diagnostic(
            f"{told(change.person, change.user)}: the e-mail "
            + (f"leads to {named}, not to this id" if accounts else "leads to no account"),
            change.source,
            "correct the person's `id` or `email`",
            address=change.address,
            severity=Severity.ERROR if accounts else Severity.WARNING,
        )


def unheard_of(nowhere: Collection[frozenset[Entry]]) -> Iterator[Diagnostic]:
    """A remark on each who left and has no account in any tenant: a misspelt e-mail would keep somebody in."""
    for entry in sorted(frozenset.intersection(*nowhere) if nowhere else (), key=lambda entry: entry.source):
        yield Diagnostic(
            f"{told(entry.person)} left, and no account of any tenant has this e-mail",
            entry.source,
            "if the accounts are gone there is nothing to do; otherwise correct it, or give the id",
            severity=Severity.WARNING,
        )
