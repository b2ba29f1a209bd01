"""Paths to the bytes of files: which files the configuration is, and that each holds UTF-8 text."""

import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from reconciler.config.events import Unreadable
from reconciler.diagnostics import Diagnostic, Source

ENDINGS: Final = (".yaml", ".yml")

_UTF8_MARK: Final = b"\xef\xbb\xbf"
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_LINE_BREAKS: Final = ("\x85", "\u2028", "\u2029")


def find(paths: Sequence[Path], problems: list[Diagnostic]) -> tuple[Path, ...]:
    """The files that paths name, a folder's in alphabetical order, each file once however often it is named."""
    found: dict[Path, Path] = {}
    for path in paths:
        try:
            for file in _files(path, problems):
                found.setdefault(real(file), file)
        except OSError as error:
            problems.append(Diagnostic(f"`{path}` can't be read: {error.strerror}"))
    return tuple(found.values())


def real(file: Path) -> Path:
    """What tells whether two names are of the same file."""
    try:
        return file.resolve()
    except RuntimeError:  # a symbolic link to itself: reading it will say so
        return file


def _files(path: Path, problems: list[Diagnostic]) -> Iterator[Path]:
    if path.is_dir():
        listed = sorted(entry for entry in path.iterdir() if _is_configuration(entry))
        if not listed:
            remedy = "name another folder with -f, or let `reconciler init` write a first file"
            problems.append(Diagnostic(f"the folder `{path}` has no *.yaml or *.yml file", remedy=remedy))
        yield from listed
    elif path.exists() or path.is_symlink():
        yield path
    else:
        remedy = "name another file with -f, or let `reconciler init` write a first one"
        problems.append(Diagnostic(f"`{path}` does not exist", remedy=remedy))


def _is_configuration(entry: Path) -> bool:
    return entry.suffix in ENDINGS and not entry.name.startswith(".") and not entry.is_dir()


def read(path: Path) -> bytes:
    """The content of a YAML file without its byte order mark. Raises Unreadable if it is no file or no UTF-8 text."""
    data = contents(path)
    if not data.isascii():
        _check_lines(path, data.decode())
    return data


def contents(path: Path) -> bytes:
    """A file's content without its byte order mark. Raises Unreadable if it is no file or no UTF-8 text."""
    start = Source(str(path), 1, 1)
    try:
        # A pipe is refused before it is opened, because opening one waits for whoever writes into it.
        if not stat.S_ISREG(path.stat().st_mode):
            raise Unreadable(Diagnostic("this is not a regular file", start, "name a file or a folder"))
        data = path.read_bytes()
    except OSError as error:
        raise Unreadable(Diagnostic(f"this can't be read: {error.strerror}", start)) from error
    return checked(path, data)


def checked(path: Path, data: bytes) -> bytes:
    """A file's content without its byte order mark. Raises Unreadable if it is no UTF-8 text."""
    start = Source(str(path), 1, 1)
    if data.startswith(_UTF16_MARKS):
        raise Unreadable(Diagnostic("this is UTF-16, not UTF-8", start, "save the file as UTF-8"))
    data = data.removeprefix(_UTF8_MARK)
    if not data.isascii():
        _check_text(path, data)
    return data


def _check_text(path: Path, data: bytes) -> None:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise Unreadable(
            Diagnostic(
                f"this is not UTF-8: byte 0x{data[error.start]:02x} at offset {error.start:,}",
                place(path, data, error.start),
                "save the file as UTF-8",
            )
        ) from error


def _check_lines(path: Path, text: str) -> None:
    for character in _LINE_BREAKS:
        if (offset := text.find(character)) >= 0:
            raise Unreadable(
                Diagnostic(
                    f"the character U+{ord(character):04X} breaks lines in some versions of YAML and not in others",
                    place(path, text.encode(), len(text[:offset].encode())),
                    "remove it",
                )
            )


def place(path: Path | str, data: bytes, offset: int) -> Source:
    """Line and column of a byte."""
    before = data[:offset].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    line_start = before.rfind(b"\n") + 1
    column = len(before[line_start:].decode(errors="replace"))
    return Source(str(path), before.count(b"\n") + 1, column + 1)
