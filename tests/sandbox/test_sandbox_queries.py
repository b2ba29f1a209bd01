"""The q language, filters, sorting, paging and languages of listings."""

import pytest

from reconciler.sandbox.qlang import Condition, parse

X_GROUPS = ["admin-x", "buyer-x", "requester-x", "contact-x"]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("id:clerks", ["clerks"]),
        ("id:(clerks,managers)", ["managers", "clerks"]),
        ("id:( clerks , managers )", ["managers", "clerks"]),
        ("id:in(clerks,none)", ["clerks"]),
        ('id:"clerks"', ["clerks"]),
        ("name.en:Managers", ["managers"]),
        ('name.en:"Vendor A"', ["vendor-a"]),
        ('name.en:("Vendor A","Vendor B")', ["vendor-a", "vendor-b"]),
        ("name.en:(Vendor A)", ["vendor-a"]),
        ("name.de:Managers", []),
        ("code:BO_MANAGER", ["managers"]),
        ("b2b.legalEntityId:X", X_GROUPS),
        ("b2b.legalEntityId:X code:(ADMIN,BUYER)", ["admin-x", "buyer-x"]),
        ("name.en:~^Vend", ["vendor-a", "vendor-b"]),
        ("name.en:(~Vendor (A|C))", ["vendor-a"]),
        ("id:~(ers|ks)$", ["managers", "clerks", "shoppers"]),
        ('id:~"^man"', ["managers"]),
        ("vendorId:exists", ["vendor-a", "vendor-b"]),
        ("vendorId:missing code:missing userType:EMPLOYEE", ["clerks"]),
        ("name.de:null userType:EMPLOYEE code:null vendorId:null", ["clerks"]),
        ("accessControls:orders", ["managers"]),
        ("accessControls:null vendorId:exists", ["vendor-a", "vendor-b"]),
        ("metadata.version:1 id:clerks", ["clerks"]),
        ("metadata.version:>=2", []),
        ("metadata.version:(>=1 AND <2) id:clerks", ["clerks"]),
        ('metadata.modifiedAt:(>="2020-01-01T00:00:00.000Z" AND <"2021-01-01")', []),
        ('metadata.modifiedAt:>"2020-01-01T00:00:00+02:00" id:clerks', ["clerks"]),
        ('metadata.createdAt:<="2999-12-31" id:clerks', ["clerks"]),
        ("metadata.createdAt:>2020-01-01 id:clerks", ["clerks"]),
        ("unknown.field:x", []),
        ('id:"null"', []),
        ("", None),
    ],
)
def test_a_query_finds_what_matches_all_its_conditions(api, q, found):
    """Every form of a value, alone and together with others."""
    assert api.ids("groups", q=q) == (found if found is not None else api.ids("groups"))


@pytest.mark.parametrize(
    "q",
    ["clerks", "id:", "id", ":x", "id:(a", "id:()", "id:(a,,b)", "id:(a,)", 'id:("a"b)', "id:(a)b", "id:~", "id:~(",
     'id:"a', 'id:"a"b', "id:(a(b))", "metadata.version:>x", 'metadata.version:(>1 AND x)', "id.:x", "x'y:z", "id:)",
     'metadata.createdAt:>"0001-01-01T00:00:00+10:00"', "id:(~[)"],
)  # fmt: skip
def test_a_query_that_cannot_be_read_is_a_400(api, q):
    """It is refused instead of finding nothing, so that a typo is not an answer."""
    answer = api.get("groups", params={"q": q})
    assert (answer.status_code, answer.json()["message"]) == (400, "Query parameter validation failed")


def test_quotes_escapes_and_brackets_are_read():
    """Inside quotes a bracket, a comma and an escaped quote are text."""
    assert parse('a:"x \\"y\\" (z)"') == [Condition("a", "in", ('x "y" (z)',))]
    assert parse('a:("x,y)","\\)") b:1') == [Condition("a", "in", ("x,y)", ")")), Condition("b", "in", ("1",))]
    assert parse("a:(~x\\)y)") == [Condition("a", "regex", ("x\\)y",))]


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"name": "manag"}, ["managers"]),
        ({"name": "LEITER"}, ["managers"]),
        ({"description": "they"}, ["managers"]),
        ({"userType": "CUSTOMER", "name": "shop"}, ["shoppers"]),
        ({"b2b.legalEntityId": "X"}, X_GROUPS),
        ({"b2b.legalEntityId": "X", "q": "code:BUYER"}, ["buyer-x"]),
        ({"metadataModifiedAt": "2999-01-01"}, []),
        ({"metadataModifiedAt": "2020-01-01", "q": "id:clerks"}, ["clerks"]),
    ],
)
def test_filters(api, params, found):
    """Names are searched in all accepted languages, ignoring case."""
    assert api.ids("groups", **params) == found


def test_a_name_is_searched_in_the_accepted_languages(api):
    """With one language the text of another does not count."""
    assert api.get("groups", params={"name": "leiter"}, headers={"Accept-Language": "de"}).json()[0]["name"] == "Leiter"
    assert api.get("groups", params={"name": "leiter"}, headers={"Accept-Language": "en"}).json() == []


@pytest.mark.parametrize(
    "params",
    [{"userType": "ROBOT"}, {"metadataModifiedAt": "20200101"}, {"metadataModifiedAt": "2020-02-30"},
     {"pageNumber": 0}, {"pageNumber": "x"}, {"pageSize": 0}, {"pageSize": -1}, {"pageSize": "1.5"},
     {"sort": "id:up"}, {"sort": "i'd"}, {"sort": "id,"}],
)  # fmt: skip
def test_a_wrong_parameter_is_a_400(api, params):
    """Parameters are checked against the spec's schema."""
    assert api.get("groups", params=params).status_code == 400


@pytest.mark.parametrize(
    ("sort", "first"),
    [("id", "admin-x"), ("id:desc", "vendor-b"), ("name.en:ASC", "admin-x"), ("userType:desc,id:desc", "vendor-b"),
     ("code:desc,b2b.legalEntityId:desc", "requester-y"), ("", "managers")],
)  # fmt: skip
def test_sorting(api, sort, first):
    """By one field or several, ascending unless told otherwise, else in the order of creation."""
    assert api.ids("groups", sort=sort)[0] == first


def test_pages_are_sixty_rows_unless_asked_otherwise(launch, login, world):
    """All pages together are everything, each row once."""
    world["tenants"][0]["groups"] += [{"id": f"g{number:03}"} for number in range(100)]
    api = login(launch(world))
    assert len(api.ids("groups")) == 60
    for params in ({}, {"sort": "id"}):
        pages = [api.ids("groups", pageSize=40, pageNumber=number, **params) for number in (1, 2, 3, 4)]
        assert [len(page) for page in pages] == [40, 40, 33, 0]
        assert len({row for page in pages for row in page}) == 113
    assert len(api.ids("groups", pageSize=10**30)) == 113
    assert api.ids("groups", pageSize=10**30, pageNumber=10**30) == []


def test_a_page_can_be_capped(launch, login):
    """The cap is silent, as a real server's would be."""
    api = login(launch(page_cap=2))
    assert api.ids("groups", pageSize=100) == ["managers", "clerks"]
    assert api.ids("groups", pageSize=1) == ["managers"]


def test_the_total_is_counted_on_demand(api):
    """X-Total-Count is answered only if asked for, and counts what the filter finds."""

    def total(value, **params):
        return api.get("groups", params=params, headers={"X-Total-Count": value}).headers.get("X-Total-Count")

    assert "X-Total-Count" not in api.get("groups").headers
    assert (total("true"), total("TRUE", q="code:ADMIN"), total("true", pageSize=1)) == ("13", "2", "13")
    assert total("false") is None
    assert api.get("groups", headers={"X-Total-Count": "perhaps"}).status_code == 400


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (None, "Managers"),
        ("", "Managers"),
        ("de", "Leiter"),
        ("en;q=0.5, de", "Leiter"),
        ("de;q=0.1,en;q=0.9", "Managers"),
        ("de, *;q=0.1", "Leiter"),
        ("de;q=0", "Managers"),
        ("*", {"en": "Managers", "de": "Leiter"}),
        ("*;q=0.8", {"en": "Managers", "de": "Leiter"}),
    ],
)
def test_localized_fields_are_answered_as_accepted(sandbox, login, header, name):
    """Strings in the best language, the default one without the header, maps for `*`."""
    headers = {} if header is None else {"Accept-Language": header}
    assert login(sandbox).get("groups/managers", headers=headers).json()["name"] == name
    assert login(sandbox).get("groups", headers=headers).json()[0]["name"] == name


def test_a_field_without_a_translation_is_left_out(api):
    """A factor names the language to fall back to."""
    german = api.get("groups/clerks", headers={"Accept-Language": "de"}).json()
    assert "name" not in german
    either = api.get("groups/clerks", headers={"Accept-Language": "de,en;q=0.1"}).json()
    assert either["name"] == "Clerks"


@pytest.mark.parametrize("header", ["ru", "en, ru;q=0.1", "en;q=2", "en de", "*;x"])
def test_an_unsupported_language_is_a_400(api, header):
    """The body is that of the spec's example."""
    answer = api.get("groups", headers={"Accept-Language": header})
    assert (answer.status_code, answer.json()["message"]) == (400, "Language header validation failed")


def test_the_unsupported_languages_are_named(api):
    """So that a user can see which."""
    answer = api.get("groups", headers={"Accept-Language": "ru,fr"})
    assert answer.json()["details"] == ["Following languages are not supported: 'ru', 'fr'"]


def put(api, header, **fields):
    return api.put("groups/clerks", json=fields, headers={"Content-Language": header})


def test_the_content_language_is_required(sandbox, login):
    """A write of localized fields has to say in which languages it is."""
    answer = login(sandbox).put("groups/new", json={"name": {"en": "x"}})
    assert answer.json()["details"] == ["Header 'Content-Language' is required"]


def test_a_string_replaces_the_one_translation(api):
    """With a single language, a string is taken for it and the others stay."""
    assert put(api, "de", name="Angestellte", description="Neu").status_code == 204
    body = api.get("groups/clerks").json()
    assert body["name"] == {"en": "Clerks", "de": "Angestellte"}
    assert body["description"] == {"de": "Neu"}


def test_maps_are_taken_with_any_header(api):
    """The spec's schema knows maps only."""
    assert put(api, "en,de", name={"en": "A", "de": "B"}).status_code == 204
    assert put(api, "en", name={"de": "B"}).status_code == 204
    assert api.get("groups/clerks").json()["name"] == {"de": "B"}


@pytest.mark.parametrize(
    ("header", "name"), [("*", "x"), ("en,de", "x"), ("ru", {"en": "x"}), ("*", {"ru": "x"}), ("en", {"ru": "x"})]
)
def test_what_does_not_fit_the_content_language_is_a_400(api, header, name):
    """A string needs one language, and every language has to be the tenant's."""
    assert put(api, header, name=name).json()["message"] == "Language header validation failed"
