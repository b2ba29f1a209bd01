"""Which file of a configuration what was read of the service goes into: where its tenant and its people are already."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.config.adding import add, names_in
from reconciler.config.files import ENDINGS
from reconciler.config.handles import Handles
from reconciler.config.importing import Sheet
from reconciler.config.loading import Loaded, load
from reconciler.config.newfile import text
from reconciler.config.variables import NOTHING_GIVEN, Given
from reconciler.core.model import DesiredTenant
from reconciler.diagnostics import ConfigurationError

STDOUT = Path("-")
"""The name of a file that is shown and not written."""


@dataclass(frozen=True, slots=True)
class Place:
    """A configuration that grows, ``loaded`` as it is there: a ``folder`` with a file a tenant, or a ``file``."""

    loaded: Loaded
    file: Path = STDOUT
    folder: Path | None = None

    @classmethod
    def of(cls, paths: Sequence[Path], given: Given = NOTHING_GIVEN) -> "Place":
        """The place that paths name: what ends like no file of a configuration is a folder."""
        loaded = load([path for path in paths if path.exists() and not _is_empty(path)], given, growing=True)
        first = paths[0] if paths else STDOUT
        is_file = first == STDOUT or (first.suffix in ENDINGS and not first.is_dir()) or first.is_file()
        return cls(loaded, first) if is_file else cls(loaded, folder=first)

    def tenant(self, name: str) -> DesiredTenant | None:
        """What the configuration says of a tenant."""
        return next((tenant for tenant in self.loaded.desired.tenants if tenant.name == name), None)

    def handles(self) -> Handles:
        """The names that people and teams have already."""
        names = (name for file in self.loaded.files for name in names_in(file.read_bytes()))
        return Handles.of(self.loaded.desired.people, names)

    def drafts(self, sheet: Sheet, header: Iterable[str]) -> dict[Path, bytes]:
        """What the files will say that have to change or to be there; ``header`` is the comment in a new one."""
        tenants = [name for name, entries in sheet.groups.items() if any(entry.data for entry in entries)]
        if not self.loaded.files:
            tenants = list(sheet.groups)
        by_file: dict[Path, list[str]] = {}
        for name in tenants:
            by_file.setdefault(self._of_tenant(name), []).append(name)
        people = self._of_people(tenants) if sheet.newcomers else None
        if people is not None:
            by_file = {people: by_file.get(people, []), **by_file}
        header = list(header)
        return {
            file: add(file.read_bytes(), sheet, names, with_people=file == people)
            if file.exists()
            else text(header, sheet, names, people=file == people).encode()
            for file, names in by_file.items()
        }

    @property
    def is_shown(self) -> bool:
        """Whether it is no file at all."""
        return self.folder is None and self.file == STDOUT

    def lists(self, sheet: Sheet) -> dict[Path, bytes]:
        """The lists, each beside the file that names it. Raises ConfigurationError rather than write over one."""
        found = {self._of_tenant(tenant).parent / name: rows.encode() for tenant, name, rows in sheet.listed()}
        for path in found:
            if path.exists():
                raise ConfigurationError(f"{path} exists already", remedy="move it away, or raise --csv-from")
        return found

    def _of_tenant(self, name: str) -> Path:
        tenant = self.tenant(name)
        if tenant is not None and tenant.source is not None:
            return Path(tenant.source.path)
        return self.file if self.folder is None else self.folder / f"{name}.yaml"

    def _of_people(self, tenants: Sequence[str]) -> Path:
        """Where there are people already; in a folder without any a file of their own."""
        people = self.loaded.desired.people
        if people:
            return Path(people[0].source.path)
        return self._of_tenant(tenants[0]) if self.folder is None else self.folder / "people.yaml"


def _is_empty(path: Path) -> bool:
    """Whether a folder has no file of a configuration."""
    return path.is_dir() and not any(entry.suffix in ENDINGS for entry in path.iterdir())
