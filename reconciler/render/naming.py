"""What a user is called in every rendering for people: the one place to say more of somebody than the id."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from reconciler.core.model import Person
from reconciler.core.plan import Change
from reconciler.render.dates import lasts
from reconciler.render.text import columns, head, quoted, safe, safe_address

UNBOUNDED: Final = sys.maxsize
"""Room enough for everything."""
_MARKS: Final = re.compile(r'[,<>()"]')
_SPACED: Final = re.compile(r'[\s,()"]')


def user(user_id: str) -> str:
    """Somebody of whom only the id is known, such as a foreign member who is left alone."""
    return safe_address(user_id)


def member(change: Change) -> str:
    """The user of a change, where tenant and group stand above."""
    return user(change.user or "")


def subject(change: Change) -> str:
    """What a change is about, by its address: tools look for exactly that before ``will be created``."""
    return safe_address(change.address)


def called(person: Person) -> str:
    """A person by all that is known: handle, then e-mail, name and id; each once, made harmless.

    A name that could be taken for more than one stands in quotes.
    """
    first, *others = names(person)
    return f"{first} ({', '.join(others)})" if others else first


def names(person: Person) -> list[str]:
    """All names of a person, the first the one to call it by."""
    known = (*map(_single, (person.handle, person.email or "", person.name)), person.id or "")
    return list(dict.fromkeys(safe(name) for name in known if name))


def short(person: Person) -> str:
    """The shortest name of a person, as one word."""
    return _word(person.handle or person.email or person.name or person.id or "")


def titled(name: str, title: str) -> str:
    """A group or access control by its id, and its title where it has another."""
    return f"{safe(name)} ({safe(title)})" if title and title != name else safe(name)


def who(change: Change) -> str:
    """What is known of the user besides the id: ``marta, Marta Ruiz <marta@acme.example>``; empty if nothing is."""
    return safe(_who(change))


def through(change: Change) -> str:
    """The teams through which the user is a member, from the group's own to the one that has the user."""
    return safe(" > ".join(map(_single, change.teams)))


def nickname(change: Change) -> str:
    """The shortest name of the user besides the id, as one word; empty if there is none."""
    person = change.person
    return _word((person and (person.handle or person.email or person.name)) or change.email)


def about(
    change: Change, at: datetime | None, room: int = UNBOUNDED, cut: Callable[[str, int], str] = head
) -> Iterator[str]:
    """Who it is, through which teams it came, and how long it lasts: one line, or more where that does not fit.

    ``cut`` shortens what is too long for a line of its own, so that a long name hides neither team nor date.
    """
    way = f"through team {through(change)}" if change.teams else ""
    line = ""
    for told in filter(None, (who(change), way, lasts(change, at))):
        if line and columns(line) + columns(told) + 2 > room:
            yield cut(safe(line), room)
            line = ""
        line += f", {told}" if line else told
    if line:
        yield cut(safe(line), room)


def _who(change: Change) -> str:
    """As mail programs write it: whatever could be taken for the next part stands in quotes."""
    person = change.person or Person()
    email = person.email or change.email
    names = ", ".join(dict.fromkeys(_single(name) for name in (person.handle, person.name) if name not in {"", email}))
    return f"{names} <{_single(email)}>" if names and email else names or _single(email)


def _word(name: str) -> str:
    return quoted(name) if _SPACED.search(name) else safe(name)


def _single(text: str) -> str:
    return json.dumps(text, ensure_ascii=False) if _MARKS.search(text) else text
