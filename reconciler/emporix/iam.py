"""What the tool asks and tells the service about groups and members, in the words of the model.

Every write is idempotent, so that it may be sent again; reading proves that it is complete (:mod:`.paging`).
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from operator import attrgetter
from typing import Literal

from reconciler.core.model import LOCALIZED, Account, Control, Fields, LiveGroup, UserType, normalise
from reconciler.core.schedule import Call, Step
from reconciler.diagnostics import ReconcilerError
from reconciler.emporix import calls, errors, wire
from reconciler.emporix.accounts import find_accounts, read_people
from reconciler.emporix.client import Client
from reconciler.emporix.memberships import NOBODY, Memberships, groups_of, missing_customers, read_memberships
from reconciler.emporix.paging import Listing, read, read_all
from reconciler.emporix.standing import Standing, examine

_id = attrgetter("id")
_user = attrgetter("userId")
_type = attrgetter("userType")
_controls = attrgetter("accessControls")


class Iam:
    """One tenant's groups and members."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._tenant = client.tenant
        self._size = client.settings.page_size

    def stop(self) -> None:
        """Ends every wait and sends nothing more (:meth:`.Client.stop`), as whoever presses Ctrl-C expects."""
        self._client.stop()

    def resume(self) -> None:
        """Lets new calls through again (:meth:`.Client.resume`): an interrupted apply still reads what it touched."""
        self._client.resume()

    def groups(self) -> dict[str, LiveGroup]:
        """All groups of the tenant by id, members not read."""
        listing = Listing(lambda number, size: calls.list_groups(self._tenant, number, size), _id, wire.live)
        return dict(sorted(read(self._client, listing, self._size).items()))

    def members(self, groups: Iterable[LiveGroup]) -> dict[str, LiveGroup]:
        """The same groups with their members, all lists read at the same time: one request a group and page."""
        wanted = {group.id: group for group in groups}
        listings = {group: self._members_of(group) for group in wanted}
        found = read_all(self._client, listings, self._size)
        return {key: _with_members(group, found[key]) for key, group in wanted.items()}

    def _members_of(self, group: str) -> Listing[wire.Assignment, UserType]:
        return Listing(lambda number, size: calls.list_members(self._tenant, group, number, size), _user, _type)

    def group(self, group_id: str) -> LiveGroup | None:
        """One group, or None if it is not there."""
        document = self._client.send(calls.get_group(self._tenant, group_id)).value
        return None if document is None else wire.live(document)

    def memberships(self, users: Mapping[str, UserType], bystanders: Mapping[str, UserType] = NOBODY) -> Memberships:
        """All groups of each user, and which of ``users`` do not exist; :mod:`.memberships` says how."""
        return read_memberships(self._client, users, bystanders)

    def accounts(
        self, emails: Mapping[UserType, Collection[str]]
    ) -> Mapping[tuple[UserType, str], tuple[Account, ...]]:
        """The accounts of each type and e-mail: none if not found, several if the service has it twice."""
        return find_accounts(self._client, emails)

    def people(self, ids: Mapping[str, UserType]) -> Mapping[str, Account]:
        """The accounts of those users that exist, so that an import can call people by their names."""
        return read_people(self._client, ids)

    def default_language(self, groups: Mapping[str, LiveGroup]) -> str | None:
        """The one language in which every text reads as it does without ``Accept-Language``; None if it can't be told.

        The configuration service that knows it is another API with scopes of its own, while without the header groups
        come back in the tenant's default language (FACTS, "Calls to read with").
        """
        listing = Listing(lambda number, size: calls.list_texts(self._tenant, number, size), _id, lambda row: row)
        candidates: set[str] | None = None
        for key, texts in read(self._client, listing, self._size).items():
            for name in LOCALIZED if key in groups else ():
                text, translations = getattr(texts, name), groups[key].fields.get(name, {})
                if text and translations:
                    fitting = {language for language, words in translations.items() if words == text}
                    candidates = fitting if candidates is None else candidates & fitting
        return next(iter(candidates)) if candidates and len(candidates) == 1 else None

    def access_controls(self) -> dict[str, Control]:
        """All access controls by id: what groups they may be attached to, and what they grant there."""
        listing = Listing(
            lambda number, size: calls.list_access_controls(self._tenant, number, size), _id, wire.control
        )
        return read(self._client, listing, self._size)

    def scopes(self, user_id: str) -> frozenset[str]:
        """The scopes that the service says a user has; none of somebody unknown (iam.openapi.yml, users/…/scopes)."""
        said = self._client.send(calls.user_scopes(self._tenant, user_id)).value
        return said.granted if said else frozenset()

    def groups_of(self, user_id: str) -> frozenset[str]:
        """The ids of one user's groups, in one request whatever the user's type."""
        return groups_of(self._client, [user_id])[user_id]

    def templates(self) -> dict[str, tuple[str, ...]]:
        """For every template its access controls: a group that refers to it gets them all (FACTS, "Access control")."""
        listing = Listing(lambda number, size: calls.list_templates(self._tenant, number, size), _id, _controls)
        return {template: tuple(found or ()) for template, found in read(self._client, listing, self._size).items()}

    def put_group(self, group_id: str, fields: Fields, version: int | None) -> Literal["created", "updated"]:
        """Creates or replaces a group; with ``version`` only if that is still the stored one.

        A new group of a vendor is created by POST under our id, since the body of a PUT knows no ``vendorId``
        (iam.openapi.yml, GroupUpdateRequest).
        """
        if version is None and fields.get("vendorId"):
            call = calls.create_group(self._tenant, group_id, fields)
        else:
            sent = {name: value for name, value in fields.items() if name != "vendorId"}
            call = calls.put_group(self._tenant, group_id, sent, version)
        answer = self._client.send(call)
        if (said := answer.refusal) is None:
            return "created" if answer.status == 201 else "updated"
        if answer.doubtful and self._holds(group_id, fields):
            return "created" if version is None else "updated"
        raise errors.refused(call, said)

    def _holds(self, group_id: str, fields: Fields) -> bool:
        """Whether the group is what was sent: then the conflict is with an earlier try of ours that lost its answer."""
        try:
            live = self.group(group_id)
        except ReconcilerError as error:
            raise errors.unknown(error) from None
        return live is not None and live.fields == normalise({"userType": UserType.EMPLOYEE.value, **fields})

    def delete_group(self, group_id: str, *, force: bool) -> None:
        """Deletes a group; with ``force`` its members too, else the service refuses while it has any."""
        self._client.send(calls.delete_group(self._tenant, group_id, force=force))

    def add_member(self, group_id: str, user_type: UserType, user_id: str) -> bool:
        """Adds a user; False if already there, but True if an earlier try, whose answer was lost, may have added it."""
        answer = self._client.send(calls.add_member(self._tenant, group_id, user_type, user_id))
        return answer.status == 201 or answer.doubtful

    def remove_member(self, group_id: str, user_id: str) -> None:
        """Removes a user from a group."""
        self._client.send(calls.remove_member(self._tenant, group_id, user_id))

    def empty_group(self, group_id: str) -> None:
        """Removes everybody from a group."""
        self._client.send(calls.empty_group(self._tenant, group_id))

    def remove_user(self, user_id: str) -> None:
        """Removes a user from all groups of the tenant."""
        self._client.send(calls.remove_user(self._tenant, user_id))

    def missing_customers(self, users: Iterable[str]) -> frozenset[str]:
        """Those of the customers that do not exist, asked for many at once."""
        return frozenset(missing_customers(self._client, sorted(users)))

    def standing(self) -> Standing:
        """What the credentials are good for; raises CredentialsError if the service refuses them."""
        return examine(self._client)

    def perform(self, step: Step) -> None:
        """Sends the one request that a step is; sending it again does no harm (FACTS, "calls")."""
        match step.call:
            case Call.PUT_GROUP:
                self.put_group(step.group, step.fields or {}, step.version)
            case Call.DELETE_GROUP:
                self.delete_group(step.group, force=step.force)
            case Call.ADD:
                self.add_member(step.group, step.user_type, step.user)
            case Call.REMOVE:
                self.remove_member(step.group, step.user)
            case Call.EMPTY_GROUP:
                self.empty_group(step.group)
            case Call.REMOVE_USER:
                self.remove_user(step.user)


Connect = Callable[[str], Iam]
"""Opens the service for one tenant; raises CredentialsError when there is no way in."""


def _with_members(group: LiveGroup, found: Mapping[str, UserType]) -> LiveGroup:
    mistyped = {user: kind for user, kind in found.items() if kind is not group.user_type}
    return replace(group, members=frozenset(found), mistyped=mistyped)
