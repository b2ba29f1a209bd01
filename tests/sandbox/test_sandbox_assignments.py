"""Assignments: the five writes, the listing, and the rules of membership."""

import pytest


def put(api, group, user, user_type="EMPLOYEE"):
    return api.put(f"groups/{group}/users/{user_type}/{user}")


def members(api, group):
    return [row["userId"] for row in api.get(f"groups/{group}/users").json()]


def test_a_member_is_listed_with_its_assignment(api):
    """A row has an id of its own, the group, the user and the type."""
    made = put(api, "shoppers", "lee", "CUSTOMER")
    assert made.status_code == 201
    row = api.get("groups/shoppers/users").json()[-1]
    assert row == {"id": made.json()["id"], "groupId": "shoppers", "userId": "lee", "userType": "CUSTOMER"}


def test_put_is_idempotent(api):
    """The second answer is 204 and nothing changes."""
    assert put(api, "clerks", "ben").status_code == 201
    before = api.get("groups/clerks/users").json()
    again = put(api, "clerks", "ben")
    assert (again.status_code, again.content) == (204, b"")
    assert api.get("groups/clerks/users").json() == before


def test_post_adds_an_employee_by_default(api):
    """userType defaults to EMPLOYEE; adding somebody twice is refused, as only PUT is idempotent."""
    assert api.post("groups/clerks/users", json={"userId": "ben"}).status_code == 201
    assert api.post("groups/clerks/users", json={"userId": "ben"}).status_code == 400
    body = {"userId": "lee", "userType": "CUSTOMER"}
    assert api.post("groups/shoppers/users", json=body).status_code == 201


@pytest.mark.parametrize("user_type", ["ROBOT", "employee"])
def test_a_wrong_user_type_is_a_400_of_its_own_kind(api, user_type):
    """The spec's example has the reason in `status`."""
    for answer in (
        put(api, "clerks", "ben", user_type),
        api.post("groups/clerks/users", json={"userId": "ben", "userType": user_type}),
    ):
        assert answer.status_code == 400
        assert answer.json() == {
            "resourceId": "clerks",
            "code": 400,
            "status": "Constraint validation failed",
            "message": f"'{user_type}' is not supported",
        }


def test_an_unknown_user_or_group_is_a_404(api):
    """A customer is unknown as an employee."""
    expected = {"resourceId": "nobody", "code": 404, "status": "Not Found", "message": "User not found"}
    assert put(api, "clerks", "nobody").json() == expected
    assert put(api, "clerks", "kim").status_code == 404
    assert put(api, "none", "ben").json()["message"] == "Error while getting group"
    assert api.post("groups/clerks/users", json={"userId": "nobody"}).status_code == 404
    assert api.get("groups/none/users").status_code == 404


def test_members_are_of_the_groups_type(api):
    """Rule 1."""
    answer = put(api, "shoppers", "ben")
    assert answer.json()["details"] == ["Group 'shoppers' takes users of type 'CUSTOMER', not 'EMPLOYEE'"]
    assert put(api, "clerks", "kim", "CUSTOMER").status_code == 400


def test_an_employees_groups_share_one_vendor(api):
    """Rule 2: no vendor counts as one, so ana's groups and a vendor's do not mix."""
    assert put(api, "vendor-a", "ben").status_code == 201
    refused = put(api, "vendor-b", "ben")
    detail = "Groups 'vendor-b' and 'vendor-a' do not share the same vendor identifier"
    assert (refused.status_code, refused.json()["details"]) == (400, [detail])
    assert put(api, "clerks", "ben").status_code == 400
    assert put(api, "vendor-a", "ana").status_code == 400
    assert members(api, "vendor-b") == []


def test_a_vendors_group_takes_employees_only(api):
    """Rule 3."""
    answer = put(api, "vendor-a", "kim", "CUSTOMER")
    detail = "Group 'vendor-a' belongs to a vendor and takes users of type 'EMPLOYEE' only"
    assert (answer.status_code, answer.json()["details"]) == (400, [detail])


def test_a_customer_has_one_predefined_group_of_a_legal_entity(api):
    """Rule 4: another entity, Contact and the shoppers are free; moving needs the removal first."""
    assert put(api, "buyer-x", "kim", "CUSTOMER").status_code == 201
    assert put(api, "admin-x", "kim", "CUSTOMER").status_code == 400
    assert put(api, "requester-x", "kim", "CUSTOMER").status_code == 400
    assert put(api, "contact-x", "kim", "CUSTOMER").status_code == 201
    assert put(api, "admin-y", "kim", "CUSTOMER").status_code == 201
    assert put(api, "buyer-x", "kim", "CUSTOMER").status_code == 204
    api.delete("groups/buyer-x/users/kim")
    assert put(api, "admin-x", "kim", "CUSTOMER").status_code == 201


def test_removing_a_member_twice_is_no_error(api):
    """204 whether anybody was there or not, in a group that exists or not."""
    for path in ("managers/users/ana", "managers/users/ana", "none/users/ana", "none/users"):
        assert api.delete(f"groups/{path}").status_code == 204
    assert members(api, "managers") == []


def test_a_group_can_be_emptied_and_a_user_taken_out_everywhere(api):
    """The two deletions of many."""
    put(api, "clerks", "ben")
    assert api.delete("users/ana/groups").status_code == 204
    assert members(api, "clerks") == ["ben"]
    assert api.delete("groups/clerks/users").status_code == 204
    assert members(api, "clerks") == []


def test_a_removed_member_comes_back_at_the_end(api):
    """The listing is in the order of the assignments, so pages shift while others write."""
    put(api, "clerks", "ben")
    api.delete("groups/clerks/users/ana")
    put(api, "clerks", "ana")
    assert members(api, "clerks") == ["ben", "ana"]


def test_members_are_paged_and_counted(api):
    """The pages together are the whole, and the count is of all of them."""
    for user in ("ben", "cleo"):
        put(api, "clerks", user)
    pages = [
        api.get("groups/clerks/users", params={"pageSize": 2, "pageNumber": n}, headers={"X-Total-Count": "true"})
        for n in (1, 2, 3)
    ]
    assert [[row["userId"] for row in page.json()] for page in pages] == [["ana", "ben"], ["cleo"], []]
    assert {page.headers["X-Total-Count"] for page in pages} == {"3"}


def test_ids_are_any_string(api, world, launch, login):
    """Quotes and letters beyond ASCII come back as they were sent."""
    world["tenants"][0]["customers"].append('ü"\\ö')
    odd = login(launch(world))
    assert put(odd, "shoppers", "%C3%BC%22%5C%C3%B6", "CUSTOMER").status_code == 201
    assert members(odd, "shoppers") == ["kim", 'ü"\\ö']
