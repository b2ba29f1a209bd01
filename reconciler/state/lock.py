"""Who holds a lock, for what, since when and, where a place can hold it, until when.

Written as JSON under Terraform's names, because servers of its protocol and people know them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self

import msgspec


@dataclass(frozen=True, slots=True)
class LockInfo:
    """Who holds a lock, so that whoever has to wait knows whom to ask.

    ``who`` is user@host, ``info`` free text such as the address of a CI job, ``version`` ours, ``created`` and
    ``expires`` ISO 8601 in UTC, ``path`` what is locked: the place fills it in. Without ``expires`` a lock does not end
    by itself, unless the place notices that its holder died.
    """

    id: str
    operation: str
    info: str = ""
    who: str = ""
    version: str = ""
    created: str = ""
    path: str = ""
    expires: str = ""

    @classmethod
    def mine(cls, operation: str, *, info: str = "", version: str = "") -> Self:
        """What this process says of itself now, under an id that nobody else has."""
        import getpass
        import os
        import socket
        import uuid

        try:
            user = getpass.getuser()
        except (KeyError, OSError):  # containers run under numbers that have no name
            user = str(os.getuid())
        return cls(
            id=str(uuid.uuid4()),
            operation=operation,
            info=info,
            who=f"{user}@{socket.gethostname()}",
            version=version,
            created=timestamp(datetime.now(UTC).replace(microsecond=0)),
        )

    @classmethod
    def parse(cls, data: bytes) -> Self | None:
        """The holder that ``data`` tells of, or None if it tells of nobody."""
        try:
            found = msgspec.json.decode(data, type=dict[str, object])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        texts = {name: value for name, value in found.items() if isinstance(value, str)}
        if not texts.get("ID"):
            return None
        return cls(**{field: texts.get(name, "") for field, name in _TERRAFORM.items()})

    def json(self) -> bytes:
        """The same for the other side's :meth:`parse`; ``Expires``, which Terraform does not have, only if set."""
        texts = {name: getattr(self, field) for field, name in _TERRAFORM.items()}
        return msgspec.json.encode({name: text for name, text in texts.items() if text or name != "Expires"})

    @property
    def end(self) -> datetime | None:
        """The moment of ``expires``, or None if it says none that can be told."""
        try:
            found = datetime.fromisoformat(self.expires)
        except ValueError:
            return None
        return found if found.tzinfo else None  # a date without a zone is nothing that we wrote

    @property
    def ends(self) -> str:
        """The same for people, to the second; empty if it says none."""
        return timestamp(self.end.replace(microsecond=0)) if self.end else ""

    def lasts(self, now: datetime) -> bool:
        """Whether it says until when it lasts, and that is not over: no process is needed to keep it up."""
        return self.end is not None and now < self.end

    def is_over(self, now: datetime) -> bool:
        """Whether it says until when it lasts, and that is over: whoever held it may be dead, or late."""
        return self.end is not None and now >= self.end

    def __str__(self) -> str:
        since = f" since {self.created}" if self.created else ""
        info = f" ({self.info})" if self.info else ""
        return f"{self.who or 'somebody unknown'}, {self.operation or 'unknown operation'}{info}{since}"


_TERRAFORM: Final = {
    "id": "ID",
    "operation": "Operation",
    "info": "Info",
    "who": "Who",
    "version": "Version",
    "created": "Created",
    "path": "Path",
    "expires": "Expires",
}

OnWait = Callable[[LockInfo], None]
"""Told once for each holder that is waited for."""


def timestamp(moment: datetime) -> str:
    """A moment as lock information has it: ISO 8601 in UTC, to the microsecond only where there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
