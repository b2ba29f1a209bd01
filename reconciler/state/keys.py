"""The keys that lockfiles are sealed with: from the environment, or from a file with a passphrase that it names.

No value ever gets into a message or a repr, not even a wrong one: whoever mixes up two variables would find the key in
a pipeline's log.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Protocol

import msgspec

from reconciler.diagnostics import StateError
from reconciler.extras import required

KEY: Final = "RECONCILER_STATE_KEY"
PASSPHRASE_FILE: Final = "RECONCILER_STATE_PASSPHRASE_FILE"  # noqa: S105 - a name
OLD_KEY: Final = "RECONCILER_STATE_OLD_KEY"
OLD_PASSPHRASE_FILE: Final = "RECONCILER_STATE_OLD_PASSPHRASE_FILE"  # noqa: S105 - a name

SHORTEST: Final = 12
"""Bytes of a passphrase: scrypt makes each guess expensive, but no number of guesses is too expensive for a word."""

LONGEST: Final = 4096
"""Bytes of a passphrase's file: a file that is longer is another one, named by mistake."""


class Scrypt(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="name", tag="scrypt"):
    """How a key is made from a passphrase; the bounds hold for what is read, because it comes from strangers.

    The largest that is allowed takes 256 MiB and a few seconds.
    """

    salt: Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
    n: Annotated[int, msgspec.Meta(ge=2**14, le=2**18)]
    r: Annotated[int, msgspec.Meta(ge=1, le=8)]
    p: Annotated[int, msgspec.Meta(ge=1, le=4)]

    def __post_init__(self) -> None:
        if self.n & (self.n - 1):
            raise ValueError("n is no power of two")


COST: Final = (2**17, 8, 1)
"""scrypt's n, r and p for what is written: 128 MiB and about half a second, as OWASP advises."""


class Key(Protocol):
    """What seals and opens."""

    @property
    def variable(self) -> str:
        """Where it comes from, for messages."""

    def to_seal(self) -> tuple[Scrypt | None, bytes]:
        """The 32 bytes to seal with, and how they are made from a passphrase where they are."""

    def to_open(self, key_id: str, kdf: Scrypt | None) -> bytes | None:
        """The 32 bytes with this id, or None if this key can't be what something was sealed with."""

    def instead(self, kdf: Scrypt | None) -> str:
        """What a message says it is, where something was sealed with another key."""


@dataclass(frozen=True, slots=True)
class RandomKey:
    """32 bytes that were drawn by chance."""

    variable: str
    secret: bytes = field(repr=False)

    def to_seal(self) -> tuple[Scrypt | None, bytes]:
        """See :meth:`Key.to_seal`."""
        return None, self.secret

    def to_open(self, key_id: str, kdf: Scrypt | None) -> bytes | None:
        """See :meth:`Key.to_open`."""
        return self.secret if kdf is None and id_of(self.secret) == key_id else None

    def instead(self, kdf: Scrypt | None) -> str:
        """See :meth:`Key.instead`."""
        return f"{self.variable} is {id_of(self.secret)}"


@dataclass(slots=True, eq=False)
class Passphrase:
    """Something that a person chose: keys are made from it, each once, because that is slow on purpose.

    What is written has the salt of what was opened, so that a run makes one key and not two, and so that a whole
    history is read with one.
    """

    variable: str
    text: bytes = field(repr=False)
    _made: dict[Scrypt, bytes] = field(default_factory=dict, repr=False)
    _mine: Scrypt | None = field(default=None, repr=False)

    def to_seal(self) -> tuple[Scrypt | None, bytes]:
        """See :meth:`Key.to_seal`."""
        if self._mine is None:
            self._mine = Scrypt(os.urandom(16), *COST)
        return self._mine, self._key(self._mine)

    def to_open(self, key_id: str, kdf: Scrypt | None) -> bytes | None:
        """See :meth:`Key.to_open`."""
        if kdf is None or id_of(self._key(kdf)) != key_id:
            return None
        if self._mine is None and (kdf.n, kdf.r, kdf.p) == COST:
            self._mine = kdf
        return self._key(kdf)

    def instead(self, kdf: Scrypt | None) -> str:
        """See :meth:`Key.instead`."""
        return f"{self.variable} has {'another one' if kdf else 'a passphrase'}"

    def _key(self, kdf: Scrypt) -> bytes:
        if kdf not in self._made:
            self._made[kdf] = _derived(self.text, kdf)
        return self._made[kdf]


def id_of(secret: bytes) -> str:
    """What a key is called in lockfiles and messages: enough to tell keys apart, and nothing to guess them by."""
    import hashlib

    return hashlib.sha256(secret).hexdigest()[:8]


def keys_in(environ: Mapping[str, str]) -> tuple[Key | None, Key | None]:
    """The key to seal with and an older one to read with, as far as the environment has them.

    An empty value is refused, because pipelines give one for a secret that is missing, and nobody would notice that
    nothing is sealed. Only the older key may be empty. Raises StateError, which repeats no value.
    """
    current = _key(environ, KEY, PASSPHRASE_FILE)
    old = _key({name: value for name, value in environ.items() if value}, OLD_KEY, OLD_PASSPHRASE_FILE)
    if old is not None and current is None:
        raise StateError(
            f"{old.variable} is set, and there is no key to seal with",
            remedy=f"set {KEY} or {PASSPHRASE_FILE} to the new key, or unset {old.variable}",
        )
    return current, old


def _key(environ: Mapping[str, str], key: str, file: str) -> Key | None:
    if key in environ and file in environ:
        raise StateError(f"{key} and {file} are both set", remedy="unset the one that does not hold")
    if key in environ:
        return RandomKey(key, _random(environ[key], key))
    return Passphrase(file, _passphrase(environ[file], file)) if file in environ else None


def _random(text: str, variable: str) -> bytes:
    """The 32 bytes; both alphabets of base64 are read, with padding or without."""
    import binascii

    text = text.strip().rstrip("=").replace("-", "+").replace("_", "/")
    try:
        secret = binascii.a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)
    except ValueError:  # also for what is not ASCII
        secret = b""
    if len(secret) != 32:
        what = "not 32 bytes in base64" if text else "empty"
        raise StateError(f"{variable} is {what}", remedy="make a key with `openssl rand -base64 32`, or unset it")
    return secret


def _passphrase(path: str, variable: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            text = file.read(LONGEST + 1)
    except (OSError, ValueError) as error:  # a path may be no path at all, such as the passphrase itself
        reason = getattr(error, "strerror", None) or "it is no path"
        raise StateError(
            f"the file that {variable} names can't be read: {reason}",
            remedy="set it to the path of a file that has the passphrase in it, or unset it",
        ) from None
    stripped = text.rstrip(b"\r\n")
    if len(stripped) < SHORTEST or len(text) > LONGEST:
        what = "empty" if not stripped else "too short" if len(stripped) < SHORTEST else "too long"
        raise StateError(
            f"the passphrase in the file that {variable} names is {what}",
            remedy=f"{SHORTEST} to {LONGEST} bytes are taken: `openssl rand -base64 24` makes a good one",
        )
    return stripped


def _derived(text: bytes, kdf: Scrypt) -> bytes:
    scrypt = needed("cryptography.hazmat.primitives.kdf.scrypt")
    try:
        made: bytes = scrypt.Scrypt(salt=kdf.salt, length=32, n=kdf.n, r=kdf.r, p=kdf.p).derive(text)
    except MemoryError:
        size = 128 * kdf.n * kdf.r // 2**20
        raise StateError(
            f"there is not enough memory to make a key from a passphrase, which takes {size} MiB",
            remedy=f"give this run more memory, or seal with {KEY}, which takes none",
        ) from None
    return made


def needed(module: str) -> Any:
    """A module of the library that seals; raises StateError if it is missing, as most installations need none."""
    return required(module, "encryption", "a sealed lockfile", StateError)
