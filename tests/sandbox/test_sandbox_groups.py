"""Groups: reading, creating, upserting, locking, deleting."""

import re

import pytest

NAME = {"name": {"en": "New"}}


def test_a_group_is_answered_with_its_fields(api):
    """A stored group has everything that the spec's schema names, and its metadata."""
    body = api.get("groups/managers").json()
    assert body["name"] == {"en": "Managers", "de": "Leiter"}
    assert body["userType"] == "EMPLOYEE"
    assert body["code"] == "BO_MANAGER"
    assert body["metadata"]["version"] == 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body["metadata"]["createdAt"])


def test_an_unknown_group_is_a_404_that_names_it(api):
    """The body is that of the spec's example."""
    answer = api.get("groups/none")
    assert answer.status_code == 404
    assert answer.json() == {
        "resourceId": "none",
        "code": 404,
        "status": "Not Found",
        "message": "Error while getting group",
        "details": ["Group with id 'none' not found"],
    }


def test_ids_are_case_sensitive_and_may_contain_a_slash(api):
    """Custom ids are taken as they are; a slash is sent encoded."""
    assert api.put("groups/a%2Fb", json=NAME).json() == {"id": "a/b"}
    assert api.get("groups/a%2Fb").json()["id"] == "a/b"
    assert api.get("groups/Managers").status_code == 404


def test_post_creates_with_or_without_an_own_id(api):
    """Without an id the service makes one up; the default userType is EMPLOYEE."""
    made = api.post("groups", json=NAME)
    assert made.status_code == 201
    assert api.get(f"groups/{made.json()['id']}").json()["userType"] == "EMPLOYEE"
    own = api.post("groups", json=NAME | {"id": "mine", "userType": "CUSTOMER"})
    assert own.json() == {"id": "mine"}
    assert api.get("groups/mine").json()["userType"] == "CUSTOMER"


def test_post_of_a_taken_id_is_a_409(api):
    """The body is that of the spec's example."""
    answer = api.post("groups", json=NAME | {"id": "clerks"})
    assert answer.status_code == 409
    assert answer.json()["message"] == "Duplicated key"
    assert answer.json()["resourceId"] == "clerks"


def test_put_creates_then_updates(api):
    """201 with the id first, 204 without a body afterwards; the version counts the writes."""
    first, second = api.put("groups/new", json=NAME), api.put("groups/new", json=NAME)
    assert (first.status_code, first.json()) == (201, {"id": "new"})
    assert (second.status_code, second.content) == (204, b"")
    metadata = api.get("groups/new").json()["metadata"]
    assert metadata["version"] == 2
    assert metadata["modifiedAt"] >= metadata["createdAt"]


def test_put_replaces_what_it_leaves_out(api):
    """A PUT is the whole group; only the code and the vendorId stay as they were."""
    api.put("groups/managers", json={"name": {"en": "Other"}})
    body = api.get("groups/managers").json()
    assert body["name"] == {"en": "Other"}
    assert body["accessControls"] == body["templates"] == []
    assert body["code"] == "BO_MANAGER"
    assert not {"description", "restrictions"} & body.keys()


def test_put_writes_every_field(api):
    """What is sent comes back."""
    sent = NAME | {
        "description": {"de": "Neu"},
        "userType": "CUSTOMER",
        "accessControls": ["carts"],
        "templates": ["shop"],
        "restrictions": ["DE"],
        "b2b": {"legalEntityId": "Z"},
        "mixins": {"a": {"b": "c"}},
    }
    api.put("groups/new", json=sent)
    body = api.get("groups/new").json()
    assert {key: body[key] for key in sent} == sent


def test_null_lists_are_empty(api):
    """The spec's schema makes accessControls, templates and userType nullable."""
    sent = NAME | {"accessControls": None, "templates": None, "userType": None}
    assert api.put("groups/new", json=sent).status_code == 201
    assert api.get("groups/new").json()["accessControls"] == []


def test_a_matching_version_is_accepted_and_a_stale_one_is_a_409(api):
    """Sending metadata.version turns optimistic locking on."""
    assert api.put("groups/clerks", json=NAME | {"metadata": {"version": 1}}).status_code == 204
    stale = api.put("groups/clerks", json=NAME | {"metadata": {"version": 1}})
    assert stale.status_code == 409
    assert stale.json()["details"] == ["Version 1 was sent, version 2 is stored"]
    assert api.put("groups/clerks", json=NAME | {"metadata": {}}).status_code == 204


def test_a_version_does_not_stop_a_creation(api):
    """Locking is applied for updates, so a group that is gone comes back."""
    assert api.put("groups/new", json=NAME | {"metadata": {"version": 7}}).status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": {}},
        {"name": 1},
        {"name": None},
        NAME | {"userType": "ROBOT"},
        NAME | {"b2b": 1},
        NAME | {"mixins": []},
    ],
)
def test_a_body_against_the_schema_is_a_400(api, body):
    """The details say what is wrong."""
    answer = api.put("groups/new", json=body)
    assert (answer.status_code, answer.json()["status"]) == (400, "Bad Request")
    assert answer.json()["details"]


def test_a_body_that_is_not_json_is_a_400(api):
    """So is one that does not say it is JSON."""
    json = {"Content-Type": "application/json"}
    for content in (b"", b"{", b"\xff", b"[" * 100_000):
        assert api.put("groups/new", content=content, headers=json).status_code == 400
    text = api.put("groups/new", content=b'{"name":{"en":"x"}}', headers={"Content-Type": "text/plain"})
    assert text.json()["details"] == ["Content-Type 'text/plain' is not supported"]


def test_the_user_type_of_a_group_cannot_be_changed(api):
    """Leaving it out means EMPLOYEE, so a customers' group needs it in every PUT."""
    assert api.put("groups/shoppers", json=NAME | {"userType": "EMPLOYEE"}).status_code == 400
    assert api.put("groups/shoppers", json=NAME).status_code == 400
    assert api.put("groups/shoppers", json=NAME | {"userType": "CUSTOMER"}).status_code == 204


def test_a_vendor_is_set_by_post_only(api):
    """The schema of a PUT does not know vendorId: it is ignored there, at creation too."""
    api.post("groups", json=NAME | {"id": "posted", "vendorId": "a"})
    api.put("groups/posted", json=NAME | {"vendorId": "b"})
    api.put("groups/put", json=NAME | {"vendorId": "b"})
    assert api.get("groups/posted").json()["vendorId"] == "a"
    assert "vendorId" not in api.get("groups/put").json()


def test_a_vendors_group_is_for_employees(api):
    """Rule 3 holds for the group itself."""
    answer = api.post("groups", json=NAME | {"vendorId": "a", "userType": "CUSTOMER"})
    assert answer.json()["message"] == "Constraint validation failed"


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"accessControls": ["none"]}, "Access control with id 'none' not found"),
        ({"templates": ["none"]}, "Template with id 'none' not found"),
        ({"accessControls": ["carts"]}, "Access control 'carts' is restricted to groups of type 'CUSTOMER'"),
        ({"templates": ["shop"]}, "Access control 'carts' is restricted to groups of type 'CUSTOMER'"),
    ],
)
def test_access_has_to_exist_and_to_fit_the_type(api, fields, detail):
    """Rule 5, for access controls and for those inside templates."""
    answer = api.put("groups/new", json=NAME | fields)
    assert (answer.status_code, answer.json()["details"]) == (400, [detail])
    assert api.get("groups/new").status_code == 404


def test_a_template_whose_access_control_is_gone_cannot_be_used(api):
    """Deleting an access control leaves the template that names it behind."""
    api.delete("access-controls/carts")
    assert api.put("groups/new", json=NAME | {"userType": "CUSTOMER", "templates": ["shop"]}).status_code == 400


def test_a_group_with_members_is_deleted_by_force_only(api):
    """400 without forceDelete, and its members are gone with it."""
    refused = api.delete("groups/managers")
    assert (refused.status_code, refused.json()["resourceId"]) == (400, "managers")
    assert api.delete("groups/managers?forceDelete=false").status_code == 400
    assert api.delete("groups/managers?forceDelete=true").status_code == 204
    assert api.get("groups/managers").status_code == 404
    assert api.ids("users/ana/groups") == ["clerks"]


def test_force_needs_the_scope_for_assignments(sandbox, login):
    """Also when the group is empty: the parameter itself requires it (spec: DELETE group)."""
    manager = login(sandbox, "manager", "m")
    answer = manager.delete("groups/vendor-a?forceDelete=true")
    assert answer.json()["details"] == ["Missing required scopes '[iam.assignment_manage]'"]
    assert manager.delete("groups/vendor-a").status_code == 204


def test_deleting_what_is_not_there_is_no_error(api):
    """The spec lists no 404 for a DELETE."""
    assert api.delete("groups/none").status_code == 204
    assert api.delete("groups/clerks?forceDelete=maybe").status_code == 400


def test_unknown_paths_and_methods_have_json_errors(api):
    """404 and 405 carry the same fields as all other errors; 405 says what is allowed."""
    assert api.get("nothing/here").json()["code"] == 404
    answer = api.patch("groups/clerks")
    assert (answer.status_code, answer.json()["status"]) == (405, "Method Not Allowed")
    assert {"GET", "PUT", "DELETE"} <= set(answer.headers["Allow"].split(", "))


def test_head_is_get_without_a_body(api):
    """The headers are those of the GET."""
    answer = api.head("groups", headers={"X-Total-Count": "true"})
    assert (answer.status_code, answer.content, answer.headers["X-Total-Count"]) == (200, b"", "13")
