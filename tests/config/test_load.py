"""What good configurations mean."""

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.config import Loaded, load
from reconciler.core.limits import AccessGuards, Guards, Keep, Limit, Requirement
from reconciler.core.model import Desired, DesiredGroup, DesiredTenant, Match, Membership
from reconciler.diagnostics import ConfigurationError, Severity, Source
from tests.config.world import of_groups, one_group, read


def test_the_whole_file(file: Path) -> None:
    """Each key of the file has its place in what is desired, with the position of what asked for it."""
    text = """\
# yaml-language-server: $schema=../schema.json
tenants:
  - tenant: acmeprod
    groups:
      - id: catalog-managers
        name: {en: Catalog managers, no: Katalogsjefer}
        description: Maintain the catalog
        userType: CUSTOMER
        accessControls: [5ac869fc, 00123]
        templates: []
        restrictions:
        b2b: {legalEntityId: 0149b1314144a01491314z128}
        vendorId: acme
        mixins: {costCentre: 4711}
        members:
          - 00u1
          - {id: 00u2, reason: OPS-42}
          - {reason: OPS-43, id: 00u3}
      - match: {code: BO_MANAGER}
        membership: additive
        members: [00u1]
state: {url: file:/var/lib/reconciler.lock}
"""
    group = DesiredGroup(
        source=Source("a.yaml", 5, 9),
        id="catalog-managers",
        fields={
            "userType": "CUSTOMER",
            "name": {"en": "Catalog managers", "no": "Katalogsjefer"},
            "description": "Maintain the catalog",
            "accessControls": ["5ac869fc", "00123"],
            "templates": [],
            "restrictions": None,
            "b2b": {"legalEntityId": "0149b1314144a01491314z128"},
            "vendorId": "acme",
            "mixins": {"costCentre": 4711},
        },
        members={
            "00u1": Source("a.yaml", 16, 13),
            "00u2": Source("a.yaml", 17, 18),
            "00u3": Source("a.yaml", 18, 34),
        },
        reasons={"00u2": "OPS-42", "00u3": "OPS-43"},
        field_sources={
            name: Source("a.yaml", line, 9)
            for line, name in enumerate(
                (
                    "name",
                    "description",
                    "userType",
                    "accessControls",
                    "templates",
                    "restrictions",
                    "b2b",
                    "vendorId",
                    "mixins",
                ),
                start=6,
            )
        },
    )
    matched = DesiredGroup(
        source=Source("a.yaml", 19, 9),
        match=Match(code="BO_MANAGER"),
        membership=Membership.ADDITIVE,
        members={"00u1": Source("a.yaml", 21, 19)},
    )
    tenant = DesiredTenant("acmeprod", Source("a.yaml", 3, 5), (group, matched))
    assert read(file, text) == Loaded(
        desired=Desired((tenant,), state="file:/var/lib/reconciler.lock"),
        files=(Path("a.yaml"),),
        warnings=(),
    )


def test_an_owned_group_has_a_user_type(file: Path) -> None:
    """The service's default is written down when the file leaves the userType out, so that a change of it shows."""
    assert one_group(file, "- {id: a, name: A}").fields == {"userType": "EMPLOYEE", "name": "A"}


def test_a_group_without_a_name_is_somebody_elses(file: Path) -> None:
    """Without a name there is no definition, only members."""
    group = one_group(file, "- {id: a, members: [00u1]}")
    assert group.fields is None
    assert list(group.members or {}) == ["00u1"]


@pytest.mark.parametrize(
    ("written", "members"),
    [("", None), ("members:", {}), ("members: null", {}), ("members: []", {}), ("members: ~", {})],
)
def test_members_left_out_are_not_managed(file: Path, written: str, members: object) -> None:
    """No key means that the members are somebody else's business; an empty key means nobody."""
    assert one_group(file, f"- id: a\n  {written}\n").members == members


@pytest.mark.parametrize(
    ("written", "value"),
    [("null", None), ("", None), ("{}", {}), ("{legalEntityId: null}", {"legalEntityId": None})],
)
def test_empty_fields_are_kept(file: Path, written: str, value: object) -> None:
    """An empty value is an instruction to empty the field, other than leaving the key out."""
    fields = one_group(file, f"- id: a\n  name: A\n  b2b: {written}\n").fields
    assert fields == {"userType": "EMPLOYEE", "name": "A", "b2b": value}


def test_all_criteria_of_a_match(file: Path) -> None:
    """A match has all criteria that the file gives, each as written."""
    group = one_group(file, "- match: {id: 007, code: no, name: 1e5, legalEntityId: 0x1F, vendorId: 12:30}")
    assert group.match == Match(id="007", code="no", name="1e5", legal_entity_id="0x1F", vendor_id="12:30")
    assert group.id is None


def test_texts_may_be_in_any_script(file: Path) -> None:
    """Wide blanks, joiners and direction marks belong to texts, though an id must not have them."""
    japanese, persian, hebrew = "\u30a4\u3000\u62c5", "\u0645\u06cc\u200c\u062e", "\u05d0\u200f"
    text = f"{japanese} {persian} {hebrew} \U0001f468\u200d\U0001f33e"
    assert (one_group(file, f"- match: {{name: '{text}'}}").match or Match()).name == text
    assert (one_group(file, f"- id: a\n  name: '{text}'\n").fields or {})["name"] == text
    assert one_group(file, f"- id: a\n  members: [{{id: x, reason: '{text}'}}]\n").reasons == {"x": text}


def test_mixins_are_json_as_yaml_1_2_reads_it(file: Path) -> None:
    """Mixins are data of the user's own, typed as editors type it; quotes make text, and keys are always text."""
    text = """\
- id: a
  name: A
  mixins:
    null: [null, ~, Null, "null", '']
    bool: [true, False, "true", yes, no, on]
    int: [1, -17, +3, 0o17, 0x1F, 017, 1_000, "1"]
    float: [1.5, -.5, 1., 1e3, 12e-2, .e]
    text: [2026-12-31, 12:30, a b, 0b1]
    1: one
    true: {deep: [{deeper: 1}]}
"""
    text = text.replace("    null: [", '    "null": [')
    fields = one_group(file, text).fields
    assert fields is not None
    mixins = fields["mixins"]
    assert mixins == {
        "null": [None, None, None, "null", ""],
        "bool": [True, False, "true", "yes", "no", "on"],
        "int": [1, -17, 3, 15, 31, 17, "1_000", "1"],
        "float": [1.5, -0.5, 1.0, 1000.0, 0.12, ".e"],
        "text": ["2026-12-31", "12:30", "a b", "0b1"],
        "1": "one",
        "true": {"deep": [{"deeper": 1}]},
    }
    assert [type(value) for value in mixins["int"]] == [int] * 6 + [str] * 2


def test_guards_of_inner_levels_win_key_by_key(file: Path) -> None:
    """A level overrides only the keys that it has; protected ids add up, because protection should not get lost."""
    text = """\
guards: {maxRemovals: 25%, minMembers: 1, protected: [00u1]}
tenants:
  - tenant: acmeprod
    guards: {maxRemovals: 10, protected: [00u2]}
    groups:
      - id: a
        guards: {minMembers: 0, protected: [00u3]}
      - id: b
        guards:
      - id: c
        guards: {protected: }
  - tenant: acmestage
    groups: [{id: a, guards: {maxRemovals: 12.5%}}]
"""
    desired = read(file, text).desired
    production, stage = desired.tenants
    of_tenant = Guards(Limit(10), 1, frozenset({"00u1", "00u2"}))
    assert desired.guards == Guards(Limit(25, percent=True), 1, frozenset({"00u1"}))
    assert production.guards == of_tenant
    assert [group.guards for group in production.groups] == [
        Guards(Limit(10), 0, frozenset({"00u1", "00u2", "00u3"})),
        of_tenant,
        of_tenant,
    ]
    assert stage.groups[0].guards == Guards(Limit(12.5, percent=True), 1, frozenset({"00u1"}))


def test_guards_on_access_add_up_from_file_to_tenant(file: Path) -> None:
    """Lists of both levels hold; of what is required and of each number the tenant's own; variables are filled in."""
    text = """\
guards:
  sensitive: {scopes: [iam.*, "*_manage"], requires: both}
  separation: [[a, b], [order.*, pay.*]]
  keep: {iam.x: 3, iam.y: {protected: [00u1]}, iam.z: {minMembers: 2, protected: [00u2]}}
vars: {scope: price.*, number: "1", word: until}
tenants:
  - tenant: acmeprod
    guards:
      sensitive: {scopes: ["*_manage", "${var.scope}"], requires: "${var.word}"}
      separation: [[b, a], [c, "${var.scope}"]]
      keep: {iam.x: "${var.number}", iam.y: {minMembers: 5, protected: [00u3]}, iam.z: {protected: [00u4]}, iam.w: 1}
    groups: [{id: a, members: [], guards: {minMembers: 0}}]
  - tenant: acmestage
    guards: {sensitive: [price.*], maxRemovals: 5}
  - tenant: acmetest
    guards: {sensitive: , separation: , keep: }
"""
    desired = read(file, text).desired
    production, stage, test = desired.tenants
    assert desired.access == AccessGuards(
        sensitive=("iam.*", "*_manage"),
        requires=Requirement.BOTH,
        separation=(("a", "b"), ("order.*", "pay.*")),
        keep={"iam.x": Keep(3), "iam.y": Keep(None, frozenset({"00u1"})), "iam.z": Keep(2, frozenset({"00u2"}))},
    )
    assert production.access == AccessGuards(
        sensitive=("iam.*", "*_manage", "price.*"),
        requires=Requirement.UNTIL,
        separation=(("a", "b"), ("order.*", "pay.*"), ("c", "price.*")),
        keep={
            "iam.x": Keep(1),
            "iam.y": Keep(5, frozenset({"00u1", "00u3"})),
            "iam.z": Keep(2, frozenset({"00u2", "00u4"})),
            "iam.w": Keep(1),
        },
    )
    assert stage.access == replace(desired.access, sensitive=("iam.*", "*_manage", "price.*"))
    assert test.access == desired.access


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("reason", "reason", "reason"),
        ("reason", "until", "both"),
        ("reason", "either", "reason"),
        ("until", "either", "until"),
        ("either", "either", "either"),
        ("both", "either", "both"),
        ("both", "reason", "both"),
        ("either", None, "either"),
        (None, None, None),
    ],
)
def test_a_tenant_of_two_files_is_bound_by_both(file: Path, one: str | None, other: str | None, both: str) -> None:
    """Whatever order they are read in, what satisfies the guards on access of one file satisfies those of the other."""

    def level(scope: str, required: str | None, fewest: int) -> str:
        demand = f", requires: {required}" if required else ""
        return (
            f"guards: {{sensitive: {{scopes: [{scope}]{demand}}}, separation: [[x, {scope}]], "
            f"keep: {{k: {fewest}, {scope}: {{protected: [00u{scope}]}}}}}}\ntenants: [{{tenant: acmeprod}}]\n"
        )

    file.write_text(level("a", one, 2))
    Path("b.yaml").write_text(level("b", other, 3))
    for order in ([file, Path("b.yaml")], [Path("b.yaml"), file]):
        desired = load(order).desired
        first, second = (path.stem for path in order)
        assert desired.access == AccessGuards(
            sensitive=(first, second),
            requires=Requirement(both) if both else None,
            separation=(("x", first), ("x", second)),
            keep={"k": Keep(3), **{scope: Keep(None, frozenset({f"00u{scope}"})) for scope in "ab"}},
        )
        assert desired.tenants[0].access == desired.access


def test_files_merge_tenant_by_tenant(file: Path) -> None:
    """A tenant has the groups of all files, in the files' order; a file's guards are for its own groups."""
    Path("b.yaml").write_text(
        "guards: {maxRemovals: 5, minMembers: 2}\n"
        "tenants: [{tenant: acmeprod, groups: [{id: b}]}, {tenant: acmestage}]\n"
    )
    Path("a.yaml").write_text("guards: {maxRemovals: 50%}\ntenants: [{tenant: acmeprod, groups: [{id: a}]}]\n")
    desired = load([Path("b.yaml"), file]).desired
    assert [(tenant.name, [group.id for group in tenant.groups]) for tenant in desired.tenants] == [
        ("acmeprod", ["b", "a"]),
        ("acmestage", []),
    ]
    first, second = desired.tenants[0].groups
    assert (first.guards, second.guards) == (Guards(Limit(5), 2), Guards(Limit(50, percent=True)))


def test_what_left_the_configuration_is_guarded_by_the_strictest_file(file: Path) -> None:
    """A tenant or group that is gone stands in no file any more, so all files' limits hold for it."""
    Path("b.yaml").write_text(
        "guards: {maxRemovals: 5, minMembers: 2, protected: [00u2]}\ntenants: [{tenant: acmeprod}]\n"
    )
    file.write_text("guards: {maxRemovals: 50%, protected: [00u1]}\ntenants: [{tenant: acmeprod}]\n")
    desired = load([Path()]).desired
    strictest = Guards(Limit(5, also=Limit(50, percent=True)), 2, frozenset({"00u1", "00u2"}))
    assert (desired.guards, desired.tenants[0].guards) == (strictest, strictest)


def test_a_folder_is_its_yaml_files(tmp_path: Path) -> None:
    """Files of a folder are read in alphabetical order; hidden files, other files and folders within are not read."""
    for name in ("b.yaml", "a.yml", ".hidden.yaml", "notes.txt", "c.yaml.bak"):
        (tmp_path / name).write_text(f"tenants: [{{tenant: acmeprod, groups: [{{id: {name}}}]}}]\n")
    (tmp_path / "d.yaml").mkdir()
    loaded = load([tmp_path])
    assert loaded.files == (tmp_path / "a.yml", tmp_path / "b.yaml")


def test_a_file_given_twice_is_read_once(file: Path, tmp_path: Path) -> None:
    """The same file by several names is one file, not duplicates of everything in it."""
    file.write_text(of_groups("- id: a"))
    Path("link.yml").symlink_to(file)
    assert load([file, tmp_path / "a.yaml", Path()]).files == (file,)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("file:reconciler.lock", "file:{folder}/reconciler.lock"),
        ("reconciler.lock", "file:{folder}/reconciler.lock"),
        ("file:./a b%20.lock", "file:{folder}/a b%20.lock"),
        ("file:/tmp/x.lock", "file:/tmp/x.lock"),
        ("file:///tmp/x%20y.lock", "file:///tmp/x%20y.lock"),
        ("/tmp/x.lock", "/tmp/x.lock"),
        ("s3://bucket/key", "s3://bucket/key"),
        ("https://host/state", "https://host/state"),
        ("nobody-knows:this", "nobody-knows:this"),
    ],
)
def test_relative_places_start_at_the_file_that_says_so(tmp_path: Path, url: str, place: str) -> None:
    """Only a relative path of a file is changed; whether a scheme is known is not this room's to say."""
    loaded = read(tmp_path / "a.yaml", f"tenants: [{{tenant: acmeprod}}]\nstate: {{url: '{url}'}}\n")
    assert loaded.desired.state == place.format(folder=tmp_path)


def test_files_may_agree_on_the_state(tmp_path: Path) -> None:
    """Two ways to write the same place are the same place."""
    (tmp_path / "a.yaml").write_text("tenants: [{tenant: acmeprod}]\nstate: {url: file:x.lock}\n")
    (tmp_path / "b.yaml").write_text("state: {url: ./x.lock}\n")
    assert load([tmp_path]).desired.state == f"file:{tmp_path}/x.lock"


def test_an_empty_file_beside_others_is_a_warning(file: Path) -> None:
    """An empty file is worth a remark: perhaps its content got lost."""
    file.write_text("")
    Path("b.yaml").write_text("tenants: [{tenant: acmeprod}]\n")
    (warning,) = load([Path()]).warnings
    assert (warning.source, warning.severity) == (Source("a.yaml", 1, 1), Severity.WARNING)


def test_the_error_counts_its_problems(file: Path) -> None:
    """The message says how much there is to do; warnings are shown too but not counted."""
    file.write_text("persons: {}\ngroups: {}\n")
    Path("b.yaml").write_text("offboarded: []\n")
    Path("c.yaml").write_text("")
    with pytest.raises(ConfigurationError, match=r"^3 problems in 2 files$") as caught:
        load([Path()])
    assert [str(each.source) for each in caught.value.diagnostics] == [
        "a.yaml:1:1",
        "a.yaml:2:1",
        "b.yaml:1:1",
        "c.yaml:1:1",
    ]
    file.write_text("tenants: 5")
    with pytest.raises(ConfigurationError, match=r"^1 problem in 1 file$"):
        load([file])


def test_who_is_offboarded_is_so_whatever_the_persons_own_time(file: Path) -> None:
    """A contract that has ended must not keep anybody in; only a time that stands in the list itself counts."""
    listed = "[{person: jon}, {person: jon, from: 2026-12-01}, 00uJ]"
    file.write_text(
        f"people: {{jon: {{id: 00uJ, until: 2020-01-31}}}}\ntenants: [{{tenant: acmeprod, offboarded: {listed}}}]\n"
    )
    (tenant,) = load([file]).desired.tenants
    assert [(entry.person.handle, entry.period.end) for entry in tenant.offboarded] == [("jon", None)] * 3
    assert [entry.period.start is not None for entry in tenant.offboarded] == [False, True, False]
