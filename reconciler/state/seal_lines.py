"""Sealing line by line: records that only who has the key can read, in a file that is only ever appended to.

::

    {"sealed":1,"cipher":"AES-256-GCM","key":"5d1c0e9a","nonce":"…","ciphertext":"…"}

What :mod:`reconciler.state.seal` says of envelopes holds here too, but that nothing of what is sealed stands in the
clear: where a line belongs is told by the record in it, which has the hash of the one before.
"""

import os
from typing import Final

import msgspec

from reconciler.state.keys import Key, Scrypt, id_of
from reconciler.state.seal import SEALED, Cipher, KeyId, Nonce, Seal, check_version, decrypted, encrypted

_START: Final = b'{"sealed":'


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    sealed: int
    cipher: Cipher
    key: KeyId
    nonce: Nonce
    kdf: Scrypt | None = None


class _Line(_Header, frozen=True, kw_only=True):
    ciphertext: bytes


class _Form(msgspec.Struct):
    sealed: int


_LINE: Final = msgspec.json.Decoder(_Line)
_FORM: Final = msgspec.json.Decoder(_Form)


def is_sealed(line: bytes) -> bool:
    """Whether a line begins as sealed ones do, whatever became of the rest of it."""
    return line.startswith(_START)


def seal_line(text: bytes, key: Key) -> bytes:
    """One line, without its end, for the text of another; no two are equal."""
    kdf, secret = key.to_seal()
    header = _Header(SEALED, "AES-256-GCM", id_of(secret), os.urandom(12), kdf)
    clear = msgspec.json.encode(header)
    return _text(clear, encrypted(secret, header.nonce, text, clear))


def open_line(line: bytes, seal: Seal, name: str) -> bytes | None:
    """The text that was sealed in a line without its end; None if it was changed since, or is torn.

    Raises StateError, calling the line ``name``, if it is of a newer version or no key at hand opens it.
    """
    try:
        check_version(_FORM.decode(line).sealed, name)
        found = _LINE.decode(line)
    except (ValueError, RecursionError):
        return None
    clear = msgspec.json.encode(_Header(found.sealed, found.cipher, found.key, found.nonce, found.kdf))
    if line != _text(clear, found.ciphertext):
        return None
    return decrypted(seal.secret(found.key, found.kdf, name), found.nonce, found.ciphertext, clear)


def _text(clear: bytes, ciphertext: bytes) -> bytes:
    return b'%b,"ciphertext":%b}' % (clear[:-1], msgspec.json.encode(ciphertext))
