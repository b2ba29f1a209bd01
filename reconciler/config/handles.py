"""Names for people whom the service knows: made from their e-mails, so that a reviewer reads who it is."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from reconciler.config.values import Email, Text
from reconciler.core.model import ALWAYS, Account, Entry, mail_key

_ODD: Final = re.compile(r"[^\w.+-]+|^\.+|\.+$")
_EMAIL: Final = TypeAdapter[str](Email)
_TEXT: Final = TypeAdapter[str](Text)


@dataclass(slots=True)
class Handles:
    """Who is called what; ``taken`` are all names of people and teams, ``made`` the people that are new, by name.

    ``by_id`` and ``by_email`` (as it is compared) are the handles of people whom the configuration has already.
    """

    taken: set[str] = field(default_factory=set)
    by_id: dict[str, str] = field(default_factory=dict)
    by_email: dict[str, str] = field(default_factory=dict)
    made: dict[str, dict[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, people: Iterable[Entry], names: Iterable[str]) -> "Handles":
        """The handles that a configuration has; who is there for a time only is not taken for somebody who stays."""
        found = cls(taken=set(names))
        for entry in people:
            person = entry.person
            if entry.period is ALWAYS:
                (found.by_id if person.id else found.by_email)[person.id or person.mail] = person.handle
        return found

    def name(self, accounts: Mapping[str, Account]) -> None:
        """Give a name to every account with an e-mail that has none yet, in the order of their ids."""
        mails = Counter((account.user_type, mail_key(account.email)) for account in accounts.values())
        for user in sorted(accounts.keys() - self.by_id.keys()):
            account = accounts[user]
            mail = mail_key(account.email)
            if mail in self.by_email and mails[account.user_type, mail] == 1:
                self.by_id[user] = self.by_email[mail]
            elif _is_good(_EMAIL, account.email):
                self.by_id[user] = self._new(account)

    def _new(self, account: Account) -> str:
        wished = _ODD.sub("-", account.email.partition("@")[0].lower()).strip("-") or "person"
        handle, number = wished, 1
        while handle in self.taken:
            number += 1
            handle = f"{wished}-{number}"
        self.taken.add(handle)
        named = {"name": account.name} if account.name and _is_good(_TEXT, account.name) else {}
        self.made[handle] = {"id": account.id, "email": account.email, **named}
        return handle


def _is_good(adapter: TypeAdapter[str], value: Any) -> bool:
    try:
        adapter.validate_python(value)
    except ValidationError:
        return False
    return True
