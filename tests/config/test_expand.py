"""Reuse across tenants: what templates, defaults, shared entries and variables make of a configuration."""

from pathlib import Path

import pytest

from reconciler.config import Given, load, places_of
from reconciler.core.model import DesiredGroup, Membership
from reconciler.diagnostics import ConfigurationError, Source
from tests.config.rendering import render

GOOD = Path(__file__).parent / "cases" / "reuse_good"
ONE = """\
vars: {place: general}
tenants:
  - tenant: [acmedev, acmeprod]
    groups: [{id: "of-${var.place}", members: []}]
  - {tenant: acmeprod, vars: {place: own}}
"""


def groups(given: Given, *paths: Path) -> dict[str, dict[str, DesiredGroup]]:
    """All groups by tenant and id, or by name if they are matched."""
    return {
        tenant.name: {group.id or (group.match and group.match.name) or "": group for group in tenant.groups}
        for tenant in load(paths, given).desired.tenants
    }


def ids(given: Given, *paths: Path) -> dict[str, list[str]]:
    return {tenant: list(found) for tenant, found in groups(given, *paths).items()}


def refusal(given: Given, *paths: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(paths, given)
    return render(caught.value.diagnostics)


def test_each_tenant_gets_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two files, two templates, three tenants: ids, texts, members, dates and guards are each tenant's."""
    monkeypatch.chdir(GOOD)
    found = groups(Given(), Path("a.yaml"), Path("b.yaml"))
    assert {name: list(each) for name, each in found.items()} == {
        "acmedev": ["catalog-managers", "Buyer", "other", "new-acmedev"],
        "acmestage": ["catalog-managers", "Buyer"],
        "acmeprod": ["catalog", "other"],
    }
    dev, prod = found["acmedev"]["catalog-managers"], found["acmeprod"]["catalog"]
    assert dev.fields == {
        "name": {"en": "Access of acmedev"},
        "description": "costs $5, and ${var.price} is no variable",
        "mixins": {"stage": "acmedev", "number": 5},
        "userType": "CUSTOMER",
    }
    assert dev.members is not None
    assert list(dev.members) == ["00u-acmedev", "00u1-deputy"]
    assert [(entry.person.id, entry.person.email, entry.reason) for entry in dev.entries] == [
        (None, "ana@acme.example", "for acmedev"),
        ("00u1", None, ""),
    ]
    assert str(dev.entries[1].period.end) == "2027-01-01 00:00:00+00:00"
    assert prod.fields is not None
    assert prod.fields["userType"] == "EMPLOYEE"  # the defaults are those of the other file
    assert prod.members is not None
    assert list(prod.members) == ["00u-acmeprod", "00u2-deputy"]
    assert found["acmedev"]["Buyer"].membership is Membership.EXACT
    assert found["acmedev"]["Buyer"].fields is None
    assert found["acmedev"]["Buyer"].guards.protected == {"00u1"}
    assert (dev.membership, prod.membership) == (Membership.ADDITIVE, Membership.ADDITIVE)


def test_sources_are_where_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was taken over stands in the template, a default among the defaults, and a group in its file."""
    monkeypatch.chdir(GOOD)
    group = groups(Given(), Path("a.yaml"), Path("b.yaml"))["acmestage"]["catalog-managers"]
    assert group.source == Source("a.yaml", 20, 9)
    assert group.field_sources["name"] == Source("a.yaml", 3, 11)
    assert group.field_sources["description"] == Source("a.yaml", 7, 5)
    assert group.field_sources["userType"] == Source("a.yaml", 15, 12)
    assert group.members is not None
    assert group.members["00u-acmestage"] == Source("a.yaml", 11, 9)


def test_the_nearest_value_counts(file: Path) -> None:
    """A tenant's value wins over the general one, a file of the command line over both, ``--var`` over all."""
    file.write_text(ONE)
    extra = Path("extra.yaml")
    extra.write_text("place: file\nother: unused\n")
    assert ids(Given(), file) == {"acmedev": ["of-general"], "acmeprod": ["of-own"]}
    assert ids(Given(files=(extra,)), file) == {"acmedev": ["of-file"], "acmeprod": ["of-file"]}
    said = Given({"place": "option"}, (extra,))
    assert ids(said, file) == {"acmedev": ["of-option"], "acmeprod": ["of-option"]}


def test_a_variable_that_nothing_knows_is_refused(file: Path) -> None:
    """A slip on the command line would leave the configuration's own value in force."""
    file.write_text(ONE)
    assert refusal(Given({"plase": "x"}), file) == (
        "`--var plase=…`: no text has `${var.plase}` in it\n    did you mean `place`?\n"
    )


def test_values_of_the_command_line_are_checked(file: Path) -> None:
    """What an option makes of a text is refused where the text stands."""
    file.write_text(ONE)
    assert refusal(Given({"place": "a b"}), file) == (
        "a.yaml:4:19: `id` can't have a blank in it: `of-a b`\n"
        "    are these two entries that lost a line break or a dash?\n"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[place]\n", "v.yaml:1:1: `vars` must be a mapping, not a list\n"),
        ("place: [x]\n", "v.yaml:1:8: `place` must be text, not a list\n"),
        ("place: ${tenant}\n", "v.yaml:1:8: `place` can't have `${` in it\n"),
        ("place: 'x\n", "v.yaml:2:1: this is not valid YAML: found unexpected end of stream\n"),
        ("p lace: x\n", "v.yaml:1:1: the key `p lace` is no name of a variable\n"),
    ],
)
def test_a_bad_file_of_variables(file: Path, text: str, said: str) -> None:
    """A file of variables has its own places in messages."""
    file.write_text(ONE)
    Path("v.yaml").write_text(text)
    assert refusal(Given(files=(Path("v.yaml"),)), file).startswith(said)


def test_files_of_variables_agree(file: Path) -> None:
    """Two files that set a variable differently are refused with both places; an empty or missing one sets nothing."""
    file.write_text(ONE)
    one, other, empty = Path("one.yaml"), Path("other.yaml"), Path("empty.yaml")
    one.write_text("place: one\n")
    other.write_text("place: other\n")
    empty.write_text("# nothing\n")
    assert refusal(Given(files=(one, other)), file) == (
        "other.yaml:1:1: the variable `place` is set twice, and differently\n"
        "    keep one\n"
        "    the other is here: one.yaml:1:8\n"
    )
    assert ids(Given(files=(one, empty)), file)["acmeprod"] == ["of-one"]
    assert "missing.yaml:1:1: this can't be read" in refusal(Given(files=(Path("missing.yaml"),)), file)


def test_a_long_list_is_shared(file: Path) -> None:
    """A template's members are read once, and shared by whoever uses them, because there may be a million."""
    listed = "\n".join(f"    - 00u{number}" for number in range(20_000))
    file.write_text(
        f"templates:\n  all:\n    id: all\n    members:\n{listed}\n"
        "tenants: [{tenant: [acmedev, acmestage, acmeprod], groups: [{extends: all}]}]\n"
    )
    first, *others = (found["all"].members for found in groups(Given(), file).values())
    assert first is not None
    assert len(first) == 20_000
    assert [each is first for each in others] == [True, True]


def test_places_need_no_variables(file: Path) -> None:
    """Where the lockfile and the policy are can be told without the values that groups need."""
    Path("access.rego").write_text("package reconciler\n")
    groups = "tenants: [{tenant: [acmedev, acmeprod], groups: [{id: '${var.unset}'}, {extends: nothing}]}]\n"
    rule = "ownership: [{files: b.yaml, may: ['acmedev/a-*']}]\n"
    file.write_text(f"state: {{url: 's3://acme/lock'}}\npolicy: [access.rego]\n{rule}{groups}")
    Path("b.yaml").write_text(groups.replace("[acmedev, acmeprod]", "acmedev"))
    found = places_of([file, Path("b.yaml")])
    assert (found.state, found.policy) == ("s3://acme/lock", (Path("access.rego"),))


def test_places_are_not_taken_from_a_file_that_may_not_name_them(file: Path) -> None:
    """Ownership holds for them as well, because a lockfile's place is where credentials are sent to."""
    file.write_text("ownership: [{files: b.yaml, may: ['acmedev/*']}]\ntenants: [{tenant: acmedev}]\n")
    Path("b.yaml").write_text("state: {url: 's3://elsewhere/lock'}\n")
    with pytest.raises(ConfigurationError) as caught:
        places_of([file, Path("b.yaml")])
    assert "this file may not state `state`" in render(caught.value.diagnostics)


def test_each_tenant_has_a_list_of_its_own(file: Path) -> None:
    """A path that is filled in leads to another file for each tenant, from the folder of the template that says it."""
    Path("shared").mkdir()
    for name in ("acmedev", "acmeprod"):
        Path(f"shared/{name}.csv").write_text(f"id\n00u-{name}\n")
    template = Path("shared/templates.yaml")
    template.write_text("templates: {all: {id: all, membersFrom: '${tenant}.csv'}}\n")
    file.write_text("tenants: [{tenant: [acmedev, acmeprod], groups: [{extends: all}]}]\n")
    found = groups(Given(), file, template)
    listed = {name: list(each["all"].members or ()) for name, each in found.items()}
    assert listed == {"acmedev": ["00u-acmedev"], "acmeprod": ["00u-acmeprod"]}
    file.write_text("tenants: [{tenant: acmeeu, groups: [{extends: all}]}]\n")
    assert refusal(Given(), file, template) == (
        "shared/templates.yaml:1:41: the list `acmeeu.csv` does not exist\n"
        "    a path starts at this file's folder\n    used by this group: a.yaml:1:37\n"
    )
