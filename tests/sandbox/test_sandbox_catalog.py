"""Access controls, templates, scopes, and the deprecated kinds."""

import pytest


def test_access_controls_are_listed_and_filtered(api):
    """By role, by resource, by query, by date."""
    assert api.ids("access-controls") == ["orders", "carts", "desk"]
    assert api.ids("access-controls", roleId="editor") == ["orders"]
    assert api.ids("access-controls", resourceId="desk") == ["desk"]
    assert api.ids("access-controls", q="scopes:cart.cart_read") == ["carts"]
    assert api.ids("access-controls", metadataModifiedAt="2020-01-01") == ["orders", "carts", "desk"]


def test_roles_and_resources_can_be_expanded(api):
    """In a listing and in one document; what is not there is left out."""
    body = api.get("access-controls/orders", params={"expand": "role,resource"}).json()
    assert (body["role"]["id"], body["resource"]["id"]) == ("editor", "order")
    rows = api.get("access-controls", params={"expand": "role"}).json()
    assert [("role" in row, "resource" in row) for row in rows] == [(True, False), (False, False), (False, False)]
    for wrong in ("roles", "role,role", "role,"):
        assert api.get("access-controls", params={"expand": wrong}).status_code == 400
    assert api.get("access-controls/none").status_code == 404


def test_an_own_access_control_is_upserted_and_deleted(api):
    """201, 204, 204, and gone."""
    body = {"scopes": ["a.b"], "name": {"en": "Own"}, "domains": ["d"], "restrictedTo": "EMPLOYEE"}
    first = api.put("access-controls/own", json=body)
    assert (first.status_code, first.json()) == (201, {"id": "own"})
    assert api.put("access-controls/own", json=body | {"metadata": {"version": 1}}).status_code == 204
    assert api.put("access-controls/own", json=body | {"metadata": {"version": 1}}).status_code == 409
    stored = api.get("access-controls/own").json()
    assert (stored["predefined"], stored["metadata"]["version"], stored["domains"]) == (False, 2, ["d"])
    assert api.delete("access-controls/own").status_code == 204
    assert api.get("access-controls/own").status_code == 404
    assert api.delete("access-controls/own").status_code == 204


def test_what_the_platform_ships_cannot_be_changed(api):
    """Rule 6."""
    for answer in (
        api.put("access-controls/orders", json={"scopes": ["a.b"]}),
        api.delete("access-controls/orders"),
        api.put("scopes/order.order_manage", json={}),
        api.delete("scopes/order.order_manage"),
    ):
        assert answer.status_code == 403
        assert "cannot be changed" in answer.json()["details"][0]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"scopes": []},
        {"scopes": ["a", "a"]},
        {"scopes": ["a"], "restrictedTo": "X"},
        {"scopes": ["a"], "metadata": {"x": 1}},
        {"scopes": ["a"], "name": {"fr": "x"}},
    ],
)
def test_a_wrong_access_control_is_a_400(api, body):
    """Scopes are neither empty nor repeated, metadata knows the version only."""
    assert api.put("access-controls/own", json=body).status_code == 400


def test_restricted_to_is_set_at_creation_only(api):
    """It is immutable (spec), so leaving it out of an update is a change too."""
    answer = api.put("access-controls/carts", json={"scopes": ["a.b"]})
    assert answer.json()["details"] == ["restrictedTo can only be set when the access control is created"]


def test_templates_are_listed_and_expanded(api):
    """Expanded documents stand beside the ids."""
    assert api.ids("templates", sort="id:desc") == ["shop", "office"]
    assert api.ids("templates", name="büro") == ["office"]
    shop, office = api.get("templates", params={"expand": "accessControls"}).json()
    assert [row["id"] for row in office["accessControlsDocuments"]] == office["accessControls"] == ["orders", "desk"]
    assert office["accessControlsDocuments"][0]["role"]["id"] == "editor"
    api.delete("access-controls/carts")
    shop = api.get("templates", params={"expand": "accessControls"}).json()[0]
    assert (shop["accessControls"], shop["accessControlsDocuments"]) == (["carts"], [])


def test_scopes_are_listed_as_maps(api):
    """They take no Accept-Language in a listing, one does."""
    rows = api.get("scopes", params={"q": "domain:custom"}, headers={"Accept-Language": "de"}).json()
    assert rows[0]["description"] == {"en": "One", "de": "Eins"}
    one = api.get("scopes/custom.one", headers={"Accept-Language": "de"}).json()
    assert one["description"] == "Eins"
    missing = api.get("scopes/none")
    assert missing.json() == {"resourceId": "none", "code": 404, "status": "Not Found", "message": "Scope not found"}


def test_an_own_scope_is_upserted_and_deleted(api):
    """Ids are limited to letters, digits, dots, hyphens and underscores."""
    body = {"description": {"en": "x"}, "domain": "d"}
    assert api.put("scopes/my.scope", json=body).json() == {"id": "my.scope"}
    assert api.put("scopes/my.scope", json={"metadata": {"version": 1}}).status_code == 204
    assert api.put("scopes/my.scope", json={"metadata": {"version": 1}}).status_code == 409
    assert api.delete("scopes/my.scope").status_code == 204
    assert api.put("scopes/my%20scope", json={}).status_code == 400
    assert api.put("scopes/my.scope", json={"description": {"fr": "x"}}).status_code == 400


@pytest.mark.parametrize(("kind", "key"), [("roles", "editor"), ("resources", "order"), ("permissions", "write")])
def test_deprecated_kinds_can_be_read(api, kind, key):
    """Listing and one document, with the usual filters."""
    assert api.ids(kind, name="NONE") == []
    assert api.ids(kind, sort="id") == [key]
    assert api.get(f"{kind}/{key}", headers={"Accept-Language": "en"}).json()["id"] == key
    missing = api.get(f"{kind}/none").json()
    assert missing["message"] == f"Error while getting {kind[:-1]}"
