"""What covers secrets in text that somebody else wrote: a service may quote a token in its own error message."""

from collections.abc import Iterable

COVER = "***"
LONGEST = 500
SHORTEST = 4
"""A shorter secret stands in too many words: covering it would tell it, and make messages unreadable."""


class Veil:
    """Knows the secrets of one client and covers them; the longest first, as one may hold another."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: tuple[str, ...] = ()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """One more secret to cover, such as a token that was just issued."""
        if len(secret) >= SHORTEST and secret not in self._secrets:
            self._secrets = tuple(sorted((*self._secrets, secret), key=len, reverse=True))

    def __call__(self, text: str) -> str:
        """The text on one line, without secrets and not longer than a reader bears."""
        for secret in self._secrets:
            text = text.replace(secret, COVER)
        line = " ".join(text.split())
        return line if len(line) <= LONGEST else f"{line[:LONGEST]}..."
