"""What the two forges have in common: comments that can be listed, written and replaced."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment as it is there.

    ``mine`` says that the token's user wrote it, and ``altered`` that somebody else is known to have edited it since.
    """

    id: str
    body: str
    mine: bool
    altered: bool = False
    url: str = ""


class Forge(Protocol):
    """The comments on one request; each method may raise ForgeError, and Unanswered where trying again may help."""

    limit: int

    def comments(self) -> Iterator[Comment]:
        """All comments, oldest first."""
        ...

    def create(self, body: str) -> None:
        """Post a comment."""
        ...

    def update(self, comment: Comment, body: str) -> None:
        """Replace a comment's text."""
        ...

    def request_of(self, commit: str) -> int | None:
        """The number of the request whose merge made this commit, if exactly one did."""
        ...
