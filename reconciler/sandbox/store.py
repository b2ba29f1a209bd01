"""SQLite: every row of the sandbox, and nothing that knows HTTP or a rule.

Documents (groups, users, access controls...) are kept as the JSON that the API answers, so that a listing
can be served without decoding a row. Assignments are columns, because rules and listings ask for them by
group and by user.
"""

import sqlite3
import time
import uuid
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from reconciler.sandbox.patterns import matches

GROUPS, EMPLOYEES, CUSTOMERS = "groups", "employees", "customers"
ACCESS_CONTROLS, TEMPLATES, SCOPES = "accessControls", "templates", "scopes"
ROLES, RESOURCES, PERMISSIONS = "roles", "resources", "permissions"

SCHEMA = """
CREATE TABLE IF NOT EXISTS tenant (name TEXT PRIMARY KEY, languages TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS client (
    id TEXT PRIMARY KEY, secret TEXT NOT NULL, tenant TEXT NOT NULL, scopes TEXT NOT NULL, user_id TEXT);
CREATE TABLE IF NOT EXISTS token (
    token TEXT PRIMARY KEY, tenant TEXT NOT NULL, scopes TEXT NOT NULL, user_id TEXT, expires REAL NOT NULL);
CREATE TABLE IF NOT EXISTS document (
    seq INTEGER PRIMARY KEY, tenant TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
    email TEXT GENERATED ALWAYS AS (json_extract(body, '$.contactEmail')) VIRTUAL,
    UNIQUE (tenant, kind, id));
CREATE INDEX IF NOT EXISTS document_order ON document (tenant, kind, seq);
CREATE INDEX IF NOT EXISTS document_email ON document (tenant, kind, email) WHERE email IS NOT NULL;
CREATE TABLE IF NOT EXISTS assignment (
    seq INTEGER PRIMARY KEY, tenant TEXT NOT NULL, group_id TEXT NOT NULL, user_id TEXT NOT NULL,
    user_type TEXT NOT NULL, id TEXT NOT NULL, UNIQUE (tenant, user_id, group_id));
CREATE INDEX IF NOT EXISTS assignment_order ON assignment (tenant, group_id, seq);
"""
# The version of the tables above, kept in the file.
LAYOUT = 1
# Only a crash of the machine could lose a commit, not one of the server: enough for a sandbox, and it
# makes a write cost microseconds.
PRAGMAS = (
    f"PRAGMA user_version = {LAYOUT}; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY;"
)

ASSIGNMENT_ROW = "(tenant, group_id, user_id, user_type, id)"


class Token(NamedTuple):
    """What an access token stands for; `user_id` is set for the token of a person, not of a service."""

    tenant: str
    scopes: frozenset[str]
    user_id: str | None


def new_id() -> str:
    """A fresh identifier in the form that the vendor generates (a UUID)."""
    return str(uuid.uuid4())


def now() -> str:
    """The present moment as the API writes it, milliseconds and Z (spec: GET groups, example)."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Store:
    """One open database; used from a single thread, the one that runs the server's loop.

    Folders on the way to the file are made. Raises OSError for the file of another version.
    """

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self.db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        if self.db.execute("PRAGMA user_version").fetchone()[0] not in (0, LAYOUT):
            self.db.close()
            raise OSError(f"{path} was made by another version of the sandbox: delete it and seed again")
        self.db.executescript(PRAGMAS + SCHEMA)
        self.db.create_function("regexp", 2, matches, deterministic=True)
        self._rolls: dict[tuple[str, str, str], array[int]] = {}
        self._seen = 0

    def close(self) -> None:
        """Close the database; a file keeps everything that was committed."""
        self.db.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """All or nothing: a refusal in the middle of a call leaves no trace."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK")
            self._rolls.clear()
            raise
        self.db.execute("COMMIT")

    # Tenants, clients, tokens

    def tenants(self) -> list[str]:
        """Names of all tenants."""
        return [name for (name,) in self.db.execute("SELECT name FROM tenant ORDER BY name")]

    def languages(self, tenant: str) -> list[str]:
        """Languages of a tenant, the default one first; the tenant exists, since a token names it."""
        row = self.db.execute("SELECT languages FROM tenant WHERE name = ?", (tenant,)).fetchone()
        languages: list[str] = msgspec.json.decode(row[0])
        return languages

    def drop_tenant(self, tenant: str) -> None:
        """Remove everything of a tenant, so that a seed can replace it."""
        for table in ("client", "token", "document", "assignment"):
            self.db.execute(f"DELETE FROM {table} WHERE tenant = ?", (tenant,))  # noqa: S608
        self.db.execute("DELETE FROM tenant WHERE name = ?", (tenant,))
        self._rolls.clear()

    def add_tenant(self, tenant: str, languages: Sequence[str]) -> None:
        """Add an empty tenant."""
        self.db.execute("INSERT INTO tenant VALUES (?, ?)", (tenant, _text(languages)))

    def add_client(self, client: str, secret: str, tenant: str, scopes: Iterable[str], user_id: str | None) -> None:
        """Let a client ask for tokens; with a `user_id` its tokens are those of that person."""
        row = (client, secret, tenant, " ".join(scopes), user_id)
        self.db.execute("INSERT INTO client VALUES (?, ?, ?, ?, ?)", row)

    def has_client(self, client: str) -> bool:
        """Whether the id of a client is taken."""
        return self.db.execute("SELECT 1 FROM client WHERE id = ?", (client,)).fetchone() is not None

    def client(self, client: str, secret: str) -> Token | None:
        """What a client with this secret may have at most, or None if there is no such client."""
        query = "SELECT tenant, scopes, user_id FROM client WHERE id = ? AND secret = ?"
        return _token(self.db.execute(query, (client, secret)).fetchone())

    def add_token(self, text: str, token: Token, lifetime: float) -> None:
        """Remember a token, so that it stays valid when the server restarts."""
        self.db.execute("DELETE FROM token WHERE expires <= ?", (time.time(),))
        row = (text, token.tenant, " ".join(token.scopes), token.user_id, time.time() + lifetime)
        self.db.execute("INSERT INTO token VALUES (?, ?, ?, ?, ?)", row)

    def token(self, text: str) -> Token | None:
        """What a token stands for, or None when it is unknown or has expired."""
        query = "SELECT tenant, scopes, user_id FROM token WHERE token = ? AND expires > ?"
        return _token(self.db.execute(query, (text, time.time())).fetchone())

    # Documents

    def get(self, tenant: str, kind: str, key: str) -> dict[str, Any] | None:
        """One document as the API answers it, or None."""
        body = self.body(tenant, kind, key)
        return None if body is None else msgspec.json.decode(body)

    def body(self, tenant: str, kind: str, key: str) -> str | None:
        """One document as JSON text, or None."""
        query = "SELECT body FROM document WHERE tenant = ? AND kind = ? AND id = ?"
        row = self.db.execute(query, (tenant, kind, key)).fetchone()
        return None if row is None else row[0]

    def has(self, tenant: str, kind: str, key: str) -> bool:
        """Whether a document exists."""
        return self.body(tenant, kind, key) is not None

    def put(self, tenant: str, kind: str, document: dict[str, Any]) -> None:
        """Insert or replace a document; a replaced one keeps its place in listings."""
        self.put_many(tenant, kind, [document])

    def put_many(self, tenant: str, kind: str, documents: Iterable[dict[str, Any]]) -> None:
        """Insert or replace many documents."""
        self._rolls.pop(("document", tenant, kind), None)
        self.db.executemany(
            "INSERT INTO document (tenant, kind, id, body) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (tenant, kind, id) DO UPDATE SET body = excluded.body",
            ((tenant, kind, document["id"], _text(document)) for document in documents),
        )

    def remove(self, tenant: str, kind: str, key: str) -> None:
        """Remove a document if it is there."""
        self._rolls.pop(("document", tenant, kind), None)
        self.db.execute("DELETE FROM document WHERE tenant = ? AND kind = ? AND id = ?", (tenant, kind, key))

    # Assignments

    def assign(self, tenant: str, group: str, user: str, user_type: str) -> str:
        """Add an assignment that is not there yet and return its generated id."""
        key = new_id()
        self.assign_many([(tenant, group, user, user_type, key)])
        self._rolls.pop(("assignment", tenant, group), None)
        return key

    def assign_many(self, rows: Iterable[tuple[str, str, str, str, str]]) -> None:
        """Add rows (tenant, group, user, userType, id) while no listing is being read, as seeds do."""
        self.db.executemany(f"INSERT INTO assignment {ASSIGNMENT_ROW} VALUES (?, ?, ?, ?, ?)", rows)  # noqa: S608

    def unassign(self, tenant: str, *, group: str | None = None, user: str | None = None) -> None:
        """Remove the assignments of a group, of a user, or the one of both."""
        given = {"tenant": tenant, "group_id": group, "user_id": user}
        where = {column: value for column, value in given.items() if value is not None}
        condition = " AND ".join(f"{column} = ?" for column in where)
        self.db.execute(f"DELETE FROM assignment WHERE {condition}", tuple(where.values()))  # noqa: S608
        self._rolls.clear()

    def is_assigned(self, tenant: str, group: str, user: str) -> bool:
        """Whether the user is in the group."""
        query = "SELECT 1 FROM assignment WHERE tenant = ? AND user_id = ? AND group_id = ?"
        return self.db.execute(query, (tenant, user, group)).fetchone() is not None

    def has_members(self, tenant: str, group: str) -> bool:
        """Whether anybody is in the group."""
        query = "SELECT 1 FROM assignment WHERE tenant = ? AND group_id = ? LIMIT 1"
        return self.db.execute(query, (tenant, group)).fetchone() is not None

    def groups_of(self, tenant: str, user: str) -> list[str]:
        """Bodies of the groups that a user is in, oldest membership first."""
        query = (
            # CROSS keeps the order of the tables: the planner would walk all groups to find those of a user.
            "SELECT body FROM assignment AS a CROSS JOIN document AS d"
            " ON d.tenant = a.tenant AND d.kind = 'groups' AND d.id = a.group_id"
            " WHERE a.tenant = ? AND a.user_id = ? ORDER BY a.seq"
        )
        return [body for (body,) in self.db.execute(query, (tenant, user))]

    def group_ids(self, tenant: str, user: str) -> list[str]:
        """Ids of the groups that a user is in, oldest membership first."""
        query = "SELECT group_id FROM assignment WHERE tenant = ? AND user_id = ? ORDER BY seq"
        return [group for (group,) in self.db.execute(query, (tenant, user))]

    # Whole listings in their natural order

    def roll(self, table: str, tenant: str, key: str) -> "array[int]":
        """Row numbers of a group's assignments or a kind's documents, in order.

        Kept until the next write, because an OFFSET into 100,000 rows costs as much as reading them and a
        client that reads page after page would pay it for every page; the length is the total count.
        """
        # Another process may have written: `sandbox seed` on the database of a running server.
        seen: int = self.db.execute("PRAGMA data_version").fetchone()[0]
        if seen != self._seen:
            self._rolls.clear()
            self._seen = seen
        roll = self._rolls.get((table, tenant, key))
        if roll is None:
            column = "group_id" if table == "assignment" else "kind"
            query = f"SELECT seq FROM {table} WHERE tenant = ? AND {column} = ? ORDER BY seq"  # noqa: S608
            roll = array("q", [seq for (seq,) in self.db.execute(query, (tenant, key))])
            self._rolls[table, tenant, key] = roll
        return roll


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _token(row: tuple[str, str, str | None] | None) -> Token | None:
    return None if row is None else Token(row[0], frozenset(row[1].split()), row[2])
