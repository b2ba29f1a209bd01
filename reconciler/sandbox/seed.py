"""Seeds: the world that a sandbox starts with, as YAML or JSON with the API's own field names.

Everything a seed says is checked before a row is written: a world that the service would not allow is as
much a mistake as a misspelt key.
"""

import gc
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from reconciler.sandbox import rules
from reconciler.sandbox.auth import ALL_SCOPES
from reconciler.sandbox.errors import SeedError
from reconciler.sandbox.seedfile import SeedAssignment, SeedClient, SeedFile, SeedTenant
from reconciler.sandbox.store import (
    ACCESS_CONTROLS,
    CUSTOMERS,
    EMPLOYEES,
    GROUPS,
    PERMISSIONS,
    RESOURCES,
    ROLES,
    SCOPES,
    TEMPLATES,
    Store,
    new_id,
    now,
)

CATALOG = (ACCESS_CONTROLS, TEMPLATES, SCOPES, ROLES, RESOURCES, PERMISSIONS, GROUPS)
_DEFAULTS: dict[str, dict[str, Any]] = {
    GROUPS: {"userType": "EMPLOYEE", "accessControls": [], "templates": []},
    ACCESS_CONTROLS: {"scopes": []},
    TEMPLATES: {"accessControls": []},
}
_EMPLOYEE = {
    "firstName": "",
    "lastName": "",
    "preferredSite": "main",
    "preferredCurrency": "EUR",
    "preferredLanguage": "en",
    "department": "",
    "isAccountLocked": False,
    "status": "ACTIVE",
}
DEFAULT_SECRET = "sandbox"  # noqa: S105  (a public default: the sandbox listens on loopback only)


def read(seed: Path | Mapping[str, Any]) -> SeedFile:
    """Read and check the form of a seed: a .json file, a YAML file or a mapping."""
    place = str(seed) if isinstance(seed, Path) else "seed"
    try:
        with _uncollected():
            if not isinstance(seed, Path):
                return msgspec.convert(seed, SeedFile)
            if seed.suffix == ".json":
                return msgspec.json.decode(seed.read_bytes(), type=SeedFile)
            return msgspec.convert(_yaml(seed), SeedFile)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SeedError(f"{place}: {error}") from None


def _yaml(path: Path) -> Any:
    import yaml

    try:
        return yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise SeedError(f"{path}: {error}") from None


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector: it would walk a million fresh objects again and again and find nothing."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def plant(store: Store, seed: SeedFile) -> dict[str, int]:
    """Add or replace the tenants of a seed, all or none, and return how many of each thing there are."""
    counts: Counter[str] = Counter()
    with store.writing():
        for tenant in seed.tenants:
            counts.update(_Planting(store, tenant).run())
    return dict(counts)


class _Planting:
    """One tenant on its way into the store."""

    def __init__(self, store: Store, seed: SeedTenant) -> None:
        self.store, self.seed, self.tenant = store, seed, seed.tenant
        self.assignments = list(seed.assignments)
        self.moment = now()
        self.counts: Counter[str] = Counter(tenants=1)

    def run(self) -> Counter[str]:
        """Write everything and return the counts."""
        if not self.seed.languages:
            raise self.error("languages must name at least one language")
        self.store.drop_tenant(self.tenant)
        self.store.add_tenant(self.tenant, self.seed.languages)
        self._clients()
        documents = {kind: self._catalog(kind) for kind in CATALOG}
        self._references(documents)
        people = {"EMPLOYEE": self._people(EMPLOYEES), "CUSTOMER": self._people(CUSTOMERS)}
        both = people["EMPLOYEE"].keys() & people["CUSTOMER"].keys()
        if both:
            # An assignment is removed by the user's id alone, so an id can stand for one user only.
            raise self.error(f"'{min(both)}' is both an employee and a customer")
        self._assignments(documents[GROUPS], people)
        return self.counts

    def error(self, detail: str) -> SeedError:
        """An error that names the tenant."""
        return SeedError(f"tenant '{self.tenant}': {detail}")

    def _clients(self) -> None:
        default = SeedClient(client_id=self.tenant, client_secret=DEFAULT_SECRET)
        for client in self.seed.clients if self.seed.clients is not None else [default]:
            scopes = ALL_SCOPES if client.scopes is None else client.scopes
            if self.store.has_client(client.client_id):
                raise self.error(f"client '{client.client_id}' exists already")
            self.store.add_client(client.client_id, client.client_secret, self.tenant, scopes, client.userId)

    def _catalog(self, kind: str) -> dict[str, dict[str, Any]]:
        documents: dict[str, dict[str, Any]] = {}
        for entry in getattr(self.seed, kind):
            document = msgspec.to_builtins(entry)
            key = document["id"]
            if key in documents:
                raise self.error(f"{kind} has '{key}' twice")
            documents[key] = self._completed(kind, document)
        self._write(kind, documents)
        return documents

    def _completed(self, kind: str, document: dict[str, Any]) -> dict[str, Any]:
        for field in ("name", "description"):
            if isinstance(document.get(field), str):
                document[field] = {self.seed.languages[0]: document[field]}
            unknown = set(document.get(field) or ()) - set(self.seed.languages)
            if unknown:
                raise self.error(f"{kind} '{document['id']}': {field} has unknown languages {sorted(unknown)}")
        fresh = {"version": 1, "createdAt": self.moment, "modifiedAt": self.moment}
        if kind != TEMPLATES:
            document["metadata"] = fresh | document.get("metadata", {})
        if kind == GROUPS:
            document.setdefault("name", {self.seed.languages[0]: document["id"]})
        return {"id": document["id"]} | _DEFAULTS.get(kind, {}) | document

    def _references(self, documents: dict[str, dict[str, dict[str, Any]]]) -> None:
        controls, templates = documents[ACCESS_CONTROLS], documents[TEMPLATES]
        for kind in (GROUPS, TEMPLATES):
            for document in documents[kind].values():
                where = f"{kind} '{document['id']}'"
                self._known(where, "access control", document.get("accessControls", ()), controls)
                self._known(where, "template", document.get("templates", ()), templates)
        for group in documents[GROUPS].values():
            granted = [*group["accessControls"]]
            for key in group["templates"]:
                granted += templates[key].get("accessControls", [])
            reasons = [rules.why_not_attached(controls[key], group["userType"]) for key in granted]
            reasons.append(rules.why_not_type(msgspec.convert(group, rules.GroupFacts)))
            for reason in filter(None, reasons):
                raise self.error(f"groups '{group['id']}': {reason}")

    def _known(self, where: str, name: str, keys: Any, known: Mapping[str, Any]) -> None:
        for key in keys:
            if key not in known:
                raise self.error(f"{where} refers to {name} '{key}', which is not in the seed")

    def _people(self, kind: str) -> dict[str, list[rules.GroupFacts]]:
        """Write the users of a type; the answer holds for each id the groups found so far."""
        entries = {}
        for entry in getattr(self.seed, kind):
            person = {"id": entry} if isinstance(entry, str) else msgspec.to_builtins(entry)
            if person["id"] in entries:
                raise self.error(f"{kind} has '{person['id']}' twice")
            entries[person["id"]] = self._person(kind, person)
        self._write(kind, entries)
        return {key: [] for key in entries}

    def _person(self, kind: str, given: dict[str, Any]) -> dict[str, Any]:
        key = given["id"]
        person = {"contactEmail": f"{key}@{self.tenant}.example"} | given
        if kind == CUSTOMERS:
            return {"customerNumber": key, "active": True} | person
        for group in person.pop("groupIds", ()):
            self.assignments.append(SeedAssignment(groupId=group, userId=key))
        return _EMPLOYEE | {"backofficeUserNumber": key, "validFrom": self.moment} | person

    def _assignments(
        self,
        groups: dict[str, dict[str, Any]],
        people: dict[str, dict[str, list[rules.GroupFacts]]],
    ) -> None:
        facts = {key: msgspec.convert(group, rules.GroupFacts) for key, group in groups.items()}
        taken: dict[str, set[str]] = defaultdict(set)
        rows = []
        for number, entry in enumerate(self.assignments):
            where = f"assignments[{number}]"
            group = facts.get(entry.groupId)
            if group is None:
                raise self.error(f"{where}: there is no group '{entry.groupId}'")
            user_type = entry.userType or group.userType
            others = people[user_type].get(entry.userId)
            if others is None:
                raise self.error(f"{where}: there is no {user_type} '{entry.userId}'")
            reason = rules.why_not_member(group, user_type, others)
            if entry.userId in taken[group.id]:
                reason = f"'{entry.userId}' is in group '{group.id}' already"
            if reason:
                raise self.error(f"{where}: {reason}")
            taken[group.id].add(entry.userId)
            others.append(group)
            rows.append((self.tenant, group.id, entry.userId, user_type, new_id()))
        self.store.assign_many(rows)
        self.counts["assignments"] += len(rows)

    def _write(self, kind: str, documents: dict[str, dict[str, Any]]) -> None:
        self.store.put_many(self.tenant, kind, documents.values())
        self.counts[kind] += len(documents)
