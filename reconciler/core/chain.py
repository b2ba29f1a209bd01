"""Whether records follow one another as they were written: what was changed, removed, moved or put in can be told.

What can't be told from the records alone: that some were cut off at the end, or that all from one on were written anew
with hashes of their own. Whoever kept a hash finds both, for it is not in the chain then; that the lockfile was written
since is a hint at the first.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from reconciler.core.history import Link, is_intact, link

SHORTEST: Final = 8
"""Digits of a hash that name a record well enough."""


@dataclass(slots=True)
class Chain:
    """The records read so far: how many lines, the last record, and whether the hash that somebody kept was among them.

    ``serials`` has the last serial of each lockfile by its lineage.
    """

    kept: str = ""
    lines: int = 0
    records: int = 0
    last: Link | None = None
    met: bool = False
    serials: dict[str, int] = field(default_factory=dict)

    def follow(self, text: bytes) -> Iterator[str]:
        """What is wrong with the next line, which may or may not have its end, seen from those before."""
        self.lines += 1
        found = link(text)
        if found is None:
            torn = "" if text.endswith(b"\n") else ", perhaps one that a run was writing when it died"
            yield f"this line is no record{torn}"
            return
        if not is_intact(text.rstrip(b"\r\n")):
            yield f"record {found.number} was changed: its content does not have the hash that it says"
        elif not text.endswith(b"\n"):
            yield f"record {found.number} has no line end: a run died while it wrote it, or the file was edited"
        yield from self._misplaced(found)
        self.records += 1
        self.last = found
        self.met |= bool(self.kept) and found.hash.startswith(self.kept)
        self.serials[found.lineage] = found.serial

    def _misplaced(self, found: Link) -> Iterator[str]:
        before, previous = (self.last.number, self.last.hash) if self.last else (0, "")
        missing = found.number - before - 1
        if missing == 1:
            yield f"record {found.number - 1} is missing before record {found.number}"
        elif missing > 1:
            yield f"records {before + 1} to {found.number - 1} are missing before record {found.number}"
        elif missing < 0:
            yield f"record {found.number} stands after record {before}: it was moved, or stands twice"
        elif found.previous != previous:
            yield f"record {found.number} does not follow the record before it: one of the two was replaced"


def hint(written: int, recorded: int) -> str:
    """What the lockfile's serial, and the one in its last record, say together of records after that; empty if nothing.

    ``recorded`` is 0 where no record is of this lockfile. Other commands write it too, so this is no proof of anything.
    """
    if written == recorded:
        return ""
    if not recorded:
        return (
            f"The lockfile was written (serial {written}) and no record is of it: none was kept so far, or records "
            "were removed. This can't be told apart."
        )
    if written < recorded:
        return (
            f"The lockfile (serial {written}) is older than the last record (serial {recorded}): an earlier one was "
            "put in its place."
        )
    return (
        f"The lockfile was written after the last record (serial {written} and {recorded}): by a `state` command, "
        "a run that died or one that kept no record, or records were cut off at the end. This can't be told apart."
    )
