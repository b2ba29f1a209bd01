"""Seeds: what they may say, what is refused, and how they replace one another."""

import json
from pathlib import Path

import pytest
import yaml

from reconciler.sandbox import SeedError, load_seed, reset


def seed(**tenant):
    return {"tenants": [{"tenant": "acmeprod", **tenant}]}


@pytest.mark.parametrize("name", ["seed.json", "seed.yaml", "seed.yml"])
def test_a_seed_is_json_or_yaml(tmp_path, world, name):
    """Both say the same, and the counts tell what was loaded."""
    path = tmp_path / name
    path.write_text(json.dumps(world) if name.endswith("json") else yaml.safe_dump(world), "utf-8")
    counts = load_seed(tmp_path / "s.db", path)
    assert counts["tenants"] == 2
    assert (counts["groups"], counts["employees"], counts["customers"], counts["assignments"]) == (14, 3, 3, 3)


def test_ids_are_enough(launch, login):
    """Everything else has a default: the name is the id, the address is made up, credentials are known."""
    world = seed(groups=[{"id": "g"}], employees=["e"], customers=["c"], assignments=[{"groupId": "g", "userId": "e"}])
    api = login(launch(world))
    group = api.get("groups/g").json()
    assert (group["name"], group["userType"]) == ("g", "EMPLOYEE")
    assert api.get("users/e").json()["contactEmail"] == "e@acmeprod.example"


def test_what_a_seed_says_is_kept(launch, login):
    """Metadata, languages, groups of an employee, plain names in the default language."""
    world = seed(
        languages=["de", "en"],
        groups=[{"id": "g", "name": "Gruppe", "metadata": {"version": 9}, "mixins": {"a": {"b": 1}}}],
        employees=[{"id": "e", "groupIds": ["g"], "status": "PROVISIONED", "isAccountLocked": True}],
    )
    api = login(launch(world), **{"Accept-Language": "*"})
    group = api.get("groups/g").json()
    assert (group["name"], group["metadata"]["version"], group["mixins"]) == ({"de": "Gruppe"}, 9, {"a": {"b": 1}})
    user = api.get("users/e").json()
    assert (user["groupIds"], user["status"], user["isAccountLocked"]) == (["g"], "PROVISIONED", True)


GROUP = {"id": "g"}
BUYER = {"userType": "CUSTOMER", "code": "BUYER", "b2b": {"legalEntityId": "X"}}


@pytest.mark.parametrize(
    ("tenant", "message"),
    [
        ({"group": []}, r"unknown field `group` - at `\$.tenants\[0\]`"),
        ({"groups": [{"id": "g", "usertype": "X"}]}, r"unknown field `usertype` - at `\$.tenants\[0\].groups\[0\]`"),
        ({"groups": [{"name": "g"}]}, r"missing required field `id`"),
        ({"groups": [{"id": 7}]}, r"Expected `str`, got `int`"),
        ({"groups": [GROUP, GROUP]}, "groups has 'g' twice"),
        ({"employees": ["a", {"id": "a"}]}, "employees has 'a' twice"),
        ({"employees": ["a"], "customers": ["a"]}, "'a' is both an employee and a customer"),
        ({"languages": []}, "at least one language"),
        ({"groups": [{"id": "g", "name": {"fr": "x"}}]}, r"groups 'g': name has unknown languages \['fr'\]"),
        ({"groups": [{"id": "g", "accessControls": ["x"]}]}, "groups 'g' refers to access control 'x'"),
        ({"groups": [{"id": "g", "templates": ["x"]}]}, "groups 'g' refers to template 'x'"),
        ({"templates": [{"id": "t", "accessControls": ["x"]}]}, "templates 't' refers to access control 'x'"),
        (
            {
                "accessControls": [{"id": "a", "restrictedTo": "CUSTOMER"}],
                "groups": [{"id": "g", "accessControls": ["a"]}],
            },
            "groups 'g': Access control 'a' is restricted",
        ),
        (
            {
                "accessControls": [{"id": "a", "restrictedTo": "CUSTOMER"}],
                "templates": [{"id": "t", "accessControls": ["a"]}],
                "groups": [{"id": "g", "templates": ["t"]}],
            },
            "groups 'g': Access control 'a' is restricted",
        ),
        ({"groups": [{"id": "g", "vendorId": "v", "userType": "CUSTOMER"}]}, "groups 'g': Group 'g' has a vendorId"),
        ({"assignments": [{"groupId": "g", "userId": "u"}]}, r"assignments\[0\]: there is no group 'g'"),
        (
            {"groups": [GROUP], "customers": ["u"], "assignments": [{"groupId": "g", "userId": "u"}]},
            r"assignments\[0\]: there is no EMPLOYEE 'u'",
        ),
        (
            {
                "groups": [GROUP],
                "customers": ["u"],
                "assignments": [{"groupId": "g", "userId": "u", "userType": "CUSTOMER"}],
            },
            r"assignments\[0\]: Group 'g' takes users of type 'EMPLOYEE'",
        ),
        (
            {"groups": [GROUP], "employees": ["u"], "assignments": [{"groupId": "g", "userId": "u"}] * 2},
            r"assignments\[1\]: 'u' is in group 'g' already",
        ),
        (
            {"groups": [GROUP, {"id": "v", "vendorId": "v"}], "employees": [{"id": "u", "groupIds": ["g", "v"]}]},
            r"assignments\[1\]: Groups 'v' and 'g' do not share",
        ),
        (
            {
                "groups": [{"id": "a"} | BUYER, {"id": "b"} | BUYER | {"code": "ADMIN"}],
                "customers": ["u"],
                "assignments": [{"groupId": "a", "userId": "u"}, {"groupId": "b", "userId": "u"}],
            },
            r"assignments\[1\]: The user is already in group 'a'",
        ),
        ({"clients": [{"client_id": "a", "client_secret": "b"}] * 2}, "client 'a' exists already"),
    ],
)
def test_a_wrong_seed_is_refused_and_says_where(tmp_path, tenant, message):
    """Misspelt keys, dangling references and states that the service would not allow."""
    with pytest.raises(SeedError, match=message):
        load_seed(tmp_path / "s.db", seed(**tenant))


@pytest.mark.parametrize("text", ["tenants: [", "tenants: 1", "{}", "a: b", "\xff", "[]"])
def test_a_file_that_is_no_seed_is_named(tmp_path, text):
    """The message begins with the path."""
    for name in ("s.yaml", "s.json"):
        path = tmp_path / name
        path.write_bytes(text.encode("latin-1"))
        with pytest.raises(SeedError) as error:
            load_seed(tmp_path / "s.db", path)
        assert str(error.value).startswith(str(path))


def test_a_wrong_seed_changes_nothing(launch, login, tmp_path, world):
    """All tenants of a seed are loaded, or none."""
    load_seed(tmp_path / "s.db", world)
    broken = {"tenants": [{"tenant": "acmeprod"}, {"tenant": "x", "assignments": [{"groupId": "a", "userId": "b"}]}]}
    with pytest.raises(SeedError):
        load_seed(tmp_path / "s.db", broken)
    assert len(login(launch(None, tmp_path / "s.db")).ids("groups")) == 13


def test_a_seed_replaces_its_tenants_and_leaves_others(launch, login, tmp_path, world):
    """Tenant by tenant, while a server has the database open."""
    db = tmp_path / "s.db"
    api = login(launch(world, db))
    other = login(launch(None, db), "otherco", tenant="otherco")
    assert (len(api.ids("groups")), other.ids("groups")) == (13, ["theirs"])
    load_seed(db, seed(groups=[{"id": "only"}], clients=[]))
    assert api.get("groups").status_code == 401
    assert other.ids("groups") == ["theirs"]
    load_seed(db, {"tenants": [{"tenant": "otherco", "groups": [{"id": "new"}]}]})
    fresh = login(launch(None, db), "otherco", tenant="otherco")
    assert fresh.ids("groups") == ["new"]


def test_a_running_server_sees_what_another_process_wrote(launch, login, tmp_path, world):
    """The order of a listing is kept between requests, but not beyond somebody else's write."""
    db = tmp_path / "s.db"
    api, same = (login(launch(world, db)) for _ in range(2))
    assert len(api.ids("groups")) == 13
    same.put("groups/new", json={"name": {"en": "x"}}, headers={"Content-Language": "*"})
    assert len(api.ids("groups")) == 14


def test_a_database_with_tenants_is_not_seeded_again(launch, login, tmp_path, world):
    """What commands have changed survives the next start."""
    db = tmp_path / "s.db"
    first = launch(world, db)
    login(first).delete("groups/managers/users")
    first.close()
    assert login(launch(world, db)).get("groups/managers/users").json() == []


def test_reset_empties_a_database(launch, tmp_path, world):
    """No tenant is left, so that the next start can seed it."""
    db = tmp_path / "s.db"
    load_seed(db, world)
    reset(db)
    assert load_seed(db, {"tenants": []}) == {}
    sandbox = launch(None, db)
    assert Path(db).exists()
    assert sandbox.url.startswith("http://127.0.0.1:")
