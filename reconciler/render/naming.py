"""What a user is called in every rendering for people: the one place to say more of somebody than the id."""

from reconciler.core.model import Person
from reconciler.core.plan import Change
from reconciler.render.text import safe, safe_address


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
    """A person by all that is known: handle, then e-mail, name and id; each once, made harmless."""
    names = (person.handle, person.email or "", person.name, person.id or "")
    first, *others = list(dict.fromkeys(safe(name) for name in names if name))
    return f"{first} ({', '.join(others)})" if others else first
