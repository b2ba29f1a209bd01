"""Sealing: a lockfile that only who has the key can read, and that nobody else can write.

::

    {
      "sealed": 1,                         the version of this envelope
      "lineage": "0b6a…", "serial": 7,     as in the lockfile: servers and messages tell of it without a key
      "writtenBy": "…", "writtenAt": "…",
      "cipher": "AES-256-GCM",
      "key": "5d1c0e9a",                   which key: the start of its SHA-256
      "kdf": {"name": "scrypt", …},        how the key is made from a passphrase, only where it is
      "nonce": "…",                        new for each write
      "ciphertext": "…"                    the lockfile as :mod:`reconciler.state.lockfile` writes it, in base64
    }

All that stands in the clear is authenticated with the ciphertext. An envelope is read only as it was written, white
space aside, because nobody edits one.

What it does not protect from: an older envelope of the same key that is put back as a whole, or the lockfile's removal
(who may write the place can do both; its history and the serial in git or a plan tell); who wrote when, how often and
how much; and what lies elsewhere, such as plan files, logs, the configuration, and contents from before the sealing.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self

import msgspec

from reconciler.diagnostics import StateError
from reconciler.state import damage
from reconciler.state.keys import (
    KEY,
    OLD_KEY,
    OLD_PASSPHRASE_FILE,
    PASSPHRASE_FILE,
    Key,
    Scrypt,
    id_of,
    keys_in,
    needed,
)
from reconciler.state.lockfile import Lockfile, decode, encode

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SEALED: Final = 1
"""The version of the envelope that is written and read; newer ones are refused.

An older one could not be upgraded like a lockfile, because what is authenticated would change: it needs a reader of its
own here.
"""


Cipher = Literal["AES-256-GCM"]
KeyId = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{8}$")]
Nonce = Annotated[bytes, msgspec.Meta(min_length=12, max_length=12)]


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    sealed: int
    lineage: str
    serial: int
    written_by: str = msgspec.field(name="writtenBy")
    written_at: str = msgspec.field(name="writtenAt")
    cipher: Cipher
    key: KeyId
    nonce: Nonce
    kdf: Scrypt | None = None


class _Envelope(_Header, frozen=True, kw_only=True):
    ciphertext: bytes


class _Form(msgspec.Struct):
    sealed: int | msgspec.UnsetType = msgspec.UNSET


_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)
_FORM: Final = msgspec.json.Decoder(_Form)


@dataclass(frozen=True, slots=True)
class Seal:
    """In which form lockfiles are written, and which forms are read; the default is the plain one only.

    ``writes`` is the key for what is written, None to write it plain; ``reads`` are the keys for what is read;
    ``plain`` tells whether an unsealed lockfile is read as well.
    """

    writes: Key | None = None
    reads: tuple[Key, ...] = ()
    plain: bool = True

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Self:
        """What the environment asks for: with a key in it nothing plain is read, for a stranger may have put it there.

        Raises StateError, which repeats no value, for keys that can't be used.
        """
        current, old = keys_in(environ)
        return cls(current, tuple(key for key in (current, old) if key), plain=current is None)

    def or_plain(self) -> Self:
        """The same, which also reads what is not sealed."""
        return replace(self, plain=True)

    def broken(self) -> Self:
        """One that reads the same and what is plain, and writes plain."""
        return replace(self, writes=None, plain=True)

    def encode(self, lockfile: Lockfile) -> bytes:
        """The lockfile as it is written; sealed, no two writes are equal."""
        return encode(lockfile) if self.writes is None else _sealed(lockfile, self.writes)

    def decode(self, data: bytes, name: str) -> Lockfile:
        """The lockfile in ``data``, which messages call ``name``; raises StateError for a form that is not read."""
        if self.plain and b'"sealed"' not in data:  # most are plain, and looking takes a tenth of parsing
            return decode(data, name)
        if not _is_sealed(data, name):
            if not self.plain:
                raise _unsealed(name, self.writes)
            return decode(data, name)
        header, text = self._opened(data, name)
        lockfile = decode(text, name)
        if (lockfile.lineage, lockfile.serial) != (header.lineage, header.serial):
            raise StateError(f"{name} has another lockfile in it than it says", remedy=damage.RESTORE)
        return lockfile

    def has_form_of(self, data: bytes) -> bool:
        """Whether a lockfile in ``data`` is in the form that a write gives it; raises StateError for what is none."""
        if not _is_sealed(data, "the lockfile"):
            return self.writes is None
        found = _envelope(data, "the lockfile")
        return self.writes is not None and self.writes.to_open(found.key, found.kdf) is not None

    def _opened(self, data: bytes, name: str) -> tuple[_Header, bytes]:
        envelope = _envelope(data, name)
        secret = self.secret(envelope.key, envelope.kdf, name)
        header = _header(envelope)
        text = decrypted(secret, header.nonce, envelope.ciphertext, _clear(header))
        if text is None:
            raise _changed(name)
        return header, text

    def secret(self, key_id: str, kdf: Scrypt | None, name: str) -> bytes:
        """The 32 bytes that open what messages call ``name``; raises StateError if no key at hand has that id."""
        for key in self.reads:
            secret = key.to_open(key_id, kdf)
            if secret is not None:
                return secret
        with_ = "a passphrase" if kdf else f"key {key_id}"
        if not self.reads:
            variable = PASSPHRASE_FILE if kdf else KEY
            raise StateError(
                f"{name} is sealed with {with_}, and neither {KEY} nor {PASSPHRASE_FILE} is set",
                remedy=f"set {variable} to what it was sealed with",
            )
        mine = " and ".join(key.instead(kdf) for key in self.reads)
        raise StateError(
            f"{name} is sealed with {with_}, and {mine}",
            remedy=f"set the key that it was sealed with, as {OLD_KEY} or {OLD_PASSPHRASE_FILE} to replace it",
        )


PLAIN: Final = Seal()
"""The form that seals nothing, and reads nothing that is sealed."""


def _sealed(lockfile: Lockfile, key: Key) -> bytes:
    kdf, secret = key.to_seal()
    header = _Header(
        sealed=SEALED,
        lineage=lockfile.lineage,
        serial=lockfile.serial,
        written_by=lockfile.written_by,
        written_at=lockfile.written_at,
        cipher="AES-256-GCM",
        key=id_of(secret),
        nonce=os.urandom(12),
        kdf=kdf,
    )
    return b"".join(_text(header, encrypted(secret, header.nonce, encode(lockfile), _clear(header))))


def _is_sealed(data: bytes, name: str) -> bool:
    """Whether it is an envelope of ours; raises StateError for a newer one, and for what is no JSON object."""
    try:
        version = _FORM.decode(data).sealed
    except (ValueError, RecursionError) as error:
        raise damage.explain(data, name, error) from None
    if version is msgspec.UNSET:
        return False
    check_version(version, name)
    return True


def check_version(version: int, name: str) -> None:
    """Raise StateError for another version of the seal than the one that is known."""
    if version != SEALED:
        raise StateError(
            f"{name} has version {version} of the seal, and this reconciler knows version {SEALED}",
            remedy="use the reconciler that wrote it, or a newer one",
        )


def _envelope(data: bytes, name: str) -> _Envelope:
    try:
        found = _ENVELOPE.decode(data)
    except (ValueError, RecursionError) as error:
        raise damage.explain(data, name, error) from None
    if not _is_as_written(data, found):
        raise _changed(name)
    return found


def _header(envelope: _Envelope) -> _Header:
    return _Header(**{name: getattr(envelope, name) for name in _Header.__struct_fields__})


def _clear(header: _Header) -> bytes:
    """What stands before the ciphertext, which is also what is authenticated with it."""
    return msgspec.json.format(msgspec.json.encode(header), indent=2).removesuffix(b"\n}")


def _text(header: _Header, ciphertext: bytes) -> Iterator[bytes]:
    yield _clear(header) + b',\n  "ciphertext": '
    yield msgspec.json.encode(ciphertext)
    yield b"\n}\n"


def _is_as_written(data: bytes, envelope: _Envelope) -> bool:
    """Apart from white space, which a checkout changes: no key twice, no other spelling of the same bytes."""
    parts = list(_text(_header(envelope), envelope.ciphertext))
    offset = 0
    for part in parts:
        if not data.startswith(part, offset):
            return _bare(data) == _bare(b"".join(parts))
        offset += len(part)
    return not data[offset:].strip()


def _bare(data: bytes) -> bytes:
    return data.translate(None, b" \t\r\n")


def _cipher(secret: bytes) -> "AESGCM":
    made: AESGCM = needed("cryptography.hazmat.primitives.ciphers.aead").AESGCM(secret)
    return made


def encrypted(secret: bytes, nonce: bytes, text: bytes, clear: bytes) -> bytes:
    """The text, sealed together with what stands in the ``clear`` beside it."""
    return _cipher(secret).encrypt(nonce, text, clear)


def decrypted(secret: bytes, nonce: bytes, ciphertext: bytes, clear: bytes) -> bytes | None:
    """The text again; None if it, or what stands in the clear, is not what was sealed."""
    cipher = _cipher(secret)
    from cryptography.exceptions import InvalidTag

    try:
        return cipher.decrypt(nonce, ciphertext, clear)
    except InvalidTag:
        return None


def _changed(name: str) -> StateError:
    return StateError(f"{name} was changed after it was sealed, or is damaged", remedy=damage.RESTORE)


def _unsealed(name: str, key: Key | None) -> StateError:
    variable = KEY if key is None else key.variable
    return StateError(
        f"{name} is not sealed, and {variable} is set: somebody without the key may have written it",
        remedy=f"if it is yours, seal it with `reconciler state encrypt`; to work without a seal, unset {variable}",
    )
