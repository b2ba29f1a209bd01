"""Dashboard users, their groups, and what a user is granted in the end."""

import pytest

PERSON = {
    "firstName": "Dan",
    "lastName": "Doe",
    "preferredSite": "main",
    "preferredCurrency": "EUR",
    "preferredLanguage": "en",
    "department": "x",
}
REQUIRED = {
    *PERSON, "id", "backofficeUserNumber", "validFrom", "isAccountLocked", "contactEmail", "status", "groupIds",
}  # fmt: skip


def update(api, user, groups):
    return api.put(f"users/{user}", json=PERSON | {"backofficeUserNumber": user, "groupIds": groups})


def test_employees_are_listed_with_their_groups(api):
    """One listing answers every employee's memberships, and all fields that the spec requires."""
    answer = api.get("users", params={"userType": "EMPLOYEE"}, headers={"X-Total-Count": "true"})
    assert answer.headers["X-Total-Count"] == "3"
    assert {user["id"]: user["groupIds"] for user in answer.json()} == {
        "ana": ["managers", "clerks"],
        "ben": [],
        "cleo": [],
    }
    assert all(user.keys() >= REQUIRED for user in answer.json())
    assert answer.json()[0]["contactEmail"] == "ana@acme.example"
    assert api.ids("users", pageSize=2, pageNumber=2) == ["cleo"]
    assert api.get("users", params={"pageNumber": 9}).json() == []


def test_groups_can_be_expanded(api):
    """The expanded group has its name in all languages and no more fields than the spec gives it."""
    group = api.get("users/ana", params={"expand": "groups"}).json()["groups"][0]
    assert group == {
        "id": "managers",
        "name": {"en": "Managers", "de": "Leiter"},
        "description": {"en": "They manage"},
        "code": "BO_MANAGER",
        "userType": "EMPLOYEE",
    }
    assert api.get("users", params={"expand": "groups"}).json()[0]["groups"][0] == group
    assert api.get("users", params={"expand": "all"}).status_code == 400


def test_customers_are_not_listed(api):
    """The service refuses the other user type in so many words."""
    answer = api.get("users", params={"userType": "CUSTOMER"})
    assert answer.status_code == 400
    assert answer.json()["message"] == "This user type is not supported yet for the user search"
    assert api.get("users/kim").status_code == 404


def test_a_vendors_users_are_those_in_its_groups(api):
    """The listing of a vendor leaves everybody else out."""
    api.put("groups/vendor-a/users/EMPLOYEE/ben")
    assert api.ids("users/vendors/a") == ["ben"]
    assert api.ids("users/vendors/c") == []


def test_a_new_employee_is_provisioned(api):
    """POST makes an account that waits for its e-mail address to be confirmed."""
    body = PERSON | {"contactEmail": "dan@acme.example", "groupIds": ["clerks"]}
    made = api.post("users", json=body)
    user = api.get(f"users/{made.json()['id']}").json()
    assert made.status_code == 201
    assert (user["status"], user["groupIds"], user["lastName"]) == ("PROVISIONED", ["clerks"], "Doe")


def test_a_known_address_gets_more_groups(api):
    """The existing user is kept, and groups that it has already are no error."""
    body = PERSON | {"contactEmail": "ben@acmeprod.example", "groupIds": ["clerks"]}
    assert api.post("users", json=body).json() == {"id": "ben"}
    assert api.post("users", json=body | {"groupIds": ["clerks", "managers"]}).json() == {"id": "ben"}
    assert api.get("users/ben").json()["groupIds"] == ["clerks", "managers"]


def test_groups_of_a_new_employee_have_to_exist_and_to_fit(api):
    """404 for a group that is not there, 400 for a rule; nobody is created."""
    body = PERSON | {"contactEmail": "dan@acme.example"}
    answer = api.post("users", json=body | {"groupIds": ["none"]})
    assert answer.status_code == 404
    assert answer.json()["message"] == "Error while getting groups provided in request."
    for groups in (["vendor-a", "vendor-b"], ["shoppers"]):
        assert api.post("users", json=body | {"groupIds": groups}).status_code == 400
    assert api.ids("users") == ["ana", "ben", "cleo"]


def test_an_update_replaces_all_groups(api):
    """Rule 7; what is refused leaves everything as it was."""
    assert update(api, "ana", ["vendor-a", "clerks"]).status_code == 400
    assert update(api, "ana", ["none"]).status_code == 404
    assert api.get("users/ana").json()["groupIds"] == ["managers", "clerks"]
    assert update(api, "ana", ["vendor-a"]).status_code == 204
    user = api.get("users/ana").json()
    assert (user["groupIds"], user["firstName"]) == (["vendor-a"], "Dan")
    assert update(api, "nobody", []).status_code == 404
    assert api.put("users/ana", json=PERSON).status_code == 400


def test_deleting_an_employee_locks_the_account(api):
    """Rule 7: out of all groups; force is for a Developer Portal admin."""
    assert api.delete("users/ana?forceDelete=true").status_code == 403
    assert api.delete("users/ana").status_code == 204
    user = api.get("users/ana").json()
    assert (user["groupIds"], user["isAccountLocked"]) == ([], True)
    assert api.delete("users/nobody").status_code == 204


def test_groups_of_a_user_of_either_type(api):
    """Somebody unknown is in no group, which is no error."""
    assert api.ids("users/ana/groups") == ["managers", "clerks"]
    assert api.ids("users/ana/groups", sort="id") == ["clerks", "managers"]
    assert api.ids("users/kim/groups") == ["shoppers"]
    assert api.ids("users/nobody/groups") == []
    assert api.get("users/ana/groups", headers={"Accept-Language": "de"}).json()[0]["name"] == "Leiter"


def test_one_group_of_a_user(api):
    """404 names the missing assignment."""
    assert api.get("users/ana/groups/clerks").json()["id"] == "clerks"
    answer = api.get("users/kim/groups/clerks")
    assert answer.status_code == 404
    assert answer.json()["message"] == "Error while getting assignment"


def test_me_is_the_person_behind_the_token(sandbox, login):
    """A service's token has nobody behind it."""
    ana = login(sandbox, "ana", "a", **{"Emporix-Tenant": "acmeprod", "Accept-Language": "*"})
    assert ana.get("users/me").json()["id"] == "ana"
    assert ana.get("users/me/scopes").json()["userId"] == "ana"
    assert ana.ids("users/me/access-controls") == ["orders", "desk"]
    service = login(sandbox)
    for path in ("users/me", "users/me/scopes", "users/me/access-controls"):
        assert service.get(path).status_code == 403


def test_scopes_are_those_of_all_groups(api):
    """Restriction-aware access controls carry each restriction; templates count; the tenant comes last."""
    assert api.get("users/ana/scopes").json() == {
        "userId": "ana",
        "scopes": "desk.open order.order_manage--DE order.order_manage--FR tenant=acmeprod",
    }
    assert api.get("users/nobody/scopes").json()["scopes"] == "tenant=acmeprod"


def test_scopes_without_restrictions_have_no_suffix(api):
    """The same access control in a group without restrictions; a vendor's user shows its vendor."""
    api.put("groups/clerks", json={"name": {"en": "x"}, "accessControls": ["orders"]})
    api.put("groups/clerks/users/EMPLOYEE/ben")
    assert api.get("users/ben/scopes").json()["scopes"] == "order.order_manage tenant=acmeprod"
    api.put("groups/vendor-a/users/EMPLOYEE/cleo")
    assert api.get("users/cleo/scopes").json()["vendorId"] == "a"


def test_access_controls_of_a_group_and_of_a_user(api):
    """Own ones first, then those of the templates, each once, paged."""
    assert api.ids("groups/managers/access-controls") == ["orders", "desk"]
    assert api.ids("groups/managers/access-controls", pageSize=1, pageNumber=2) == ["desk"]
    assert api.ids("users/ana/access-controls") == ["orders", "desk"]
    assert api.ids("users/kim/access-controls") == []
    counted = api.get("users/ana/access-controls", headers={"X-Total-Count": "true"})
    assert counted.headers["X-Total-Count"] == "2"
    for path in ("users/nobody/access-controls", "groups/none/access-controls"):
        assert api.get(path).status_code == 404


def test_access_that_leads_nowhere_grants_nothing(api):
    """An access control that was deleted stays in the group's list and is left out of what it grants."""
    api.put("access-controls/own", json={"scopes": ["a.b"]})
    api.put("groups/clerks", json={"name": {"en": "x"}, "accessControls": ["own"]})
    api.delete("access-controls/own")
    assert api.ids("groups/clerks/access-controls") == []


@pytest.mark.parametrize(("resource", "controls", "permissions"), [("order", 1, 1), ("desk", 1, 0), ("no", 0, 0)])
def test_access_for_one_resource(api, resource, controls, permissions):
    """The deprecated questions by resource."""
    assert len(api.get(f"users/ana/access-controls/{resource}").json()) == controls
    assert len(api.get(f"users/ana/permissions/{resource}").json()) == permissions
