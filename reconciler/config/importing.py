"""What was read of the service as entries, people and lists, before it is known which files they go into."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from reconciler.config.handles import Handles
from reconciler.config.portraying import Written, write
from reconciler.config.writing import visible
from reconciler.core.model import Account
from reconciler.core.portrait import Portrait

_ODD: Final = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Taken:
    """What is to be written of one tenant: its groups, and the accounts of their members if people shall be named."""

    tenant: str
    portraits: Sequence[Portrait]
    accounts: Mapping[str, Account] = field(default_factory=dict)


@dataclass(slots=True)
class Sheet:
    """All that is to be written, whichever files it goes into.

    ``groups`` are the entries of each tenant, ``lists`` the CSV files of some, each a name and
    its rows, by tenant and group id, ``people`` the handles by user id, and
    ``newcomers`` the people who have none of their own in the configuration yet.
    """

    groups: dict[str, list[Written]] = field(default_factory=dict)
    lists: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    people: Mapping[str, str] = field(default_factory=dict)
    newcomers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def written(self) -> int:
        """How many groups have an entry."""
        return sum(1 for entries in self.groups.values() for entry in entries if entry.data)

    def members(self, tenant: str, entry: Written) -> dict[str, Any]:
        """The key and value for an entry's members."""
        if entry.members is None:
            return {}
        listed = self.lists.get((tenant, entry.portrait.group.id))
        return {"membersFrom": listed[0]} if listed else {"members": entry.members}

    def listed(self) -> list[tuple[str, str, str]]:
        """Each list's tenant, name and rows."""
        return [(tenant, name, rows) for (tenant, _), (name, rows) in self.lists.items()]

    def remarks(self) -> Iterator[str]:
        """What is not as one would expect, for the reader of the terminal."""
        for tenant, entries in self.groups.items():
            for entry in entries:
                group = visible(entry.portrait.group.id)
                fate = "" if entry.data else "left out: "
                yield from (f"{tenant}/{group}: {fate}{remark}" for remark in entry.remarks)


def compose(taken: Iterable[Taken], handles: Handles, csv_from: int | None) -> Sheet:
    """Everything that was taken, as entries; groups with more than ``csv_from`` members get lists of their own."""
    sheet = Sheet(people=handles.by_id, newcomers=handles.made)
    for each in taken:
        sheet.groups[each.tenant] = entries = [write(portrait) for portrait in each.portraits]
        long = [entry for entry in entries if csv_from is not None and _is_long(entry.members or (), csv_from)]
        for entry in long:
            _list(sheet, each, entry)
        inline = {user for entry in entries if entry not in long for user in entry.members or ()}
        handles.name({user: account for user, account in each.accounts.items() if user in inline})
    return sheet


def _is_long(members: Sequence[str], csv_from: int) -> bool:
    """Whether members get a list of their own: not those that look as if a spreadsheet had spoilt their ids."""
    return len(members) > csv_from and not any("E+" in user for user in members)


def _list(sheet: Sheet, taken: Taken, entry: Written) -> None:
    """A list under a name of its own, also where case makes no difference."""
    wished = _ODD.sub("-", f"{taken.tenant}-{entry.portrait.group.id}")
    names = {name.lower() for name, _ in sheet.lists.values()}
    name, number = f"{wished}.csv", 1
    while name.lower() in names:
        number += 1
        name = f"{wished}-{number}.csv"
    sheet.lists[taken.tenant, entry.portrait.group.id] = name, _rows(entry.members or (), taken.accounts)


def _rows(members: Iterable[str], accounts: Mapping[str, Account]) -> str:
    """A CSV file: the id counts, and the name, with the e-mail, is for readers."""
    found = io.StringIO()
    rows = csv.writer(found, lineterminator="\n")
    rows.writerow(["id", "name"] if accounts else ["id"])
    for user in members:
        rows.writerow([user, _reader_name(accounts.get(user))] if accounts else [user])
    return found.getvalue()


def _reader_name(account: Account | None) -> str:
    if account is None or not (account.name and account.email):
        return (account.name or account.email) if account else ""
    return f"{account.name} <{account.email}>"
