"""Ownership: which rule is a file's, by the path that it has and the one that it is reached by."""

from pathlib import Path

import pytest

from reconciler.config import load
from reconciler.core.limits import AccessGuards, Guards, Keep, Limit, Requirement
from reconciler.diagnostics import ConfigurationError
from tests.config.world import refusal

TEAM = "tenants: [{tenant: acmeprod, groups: [{id: catalog-managers, members: []}]}]\n"
HOME = "tenants: [{tenant: acmeprod, groups: [{id: admins, members: []}]}]\n"


def owned(path: str, *rules: str, home: str = "access.yaml") -> tuple[Path, ...]:
    """A configuration of a list of rules in ``home`` and of a team's file at ``path``; what -f would name."""
    for name, text in ((home, HOME + f"ownership: [{', '.join(rules)}]\n"), (path, TEAM)):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)
    return (Path(home), Path(path))


def rule(pattern: str, *may: str) -> str:
    return f"{{files: '{pattern}', may: [{', '.join(may)}]}}"


MAY = "acmeprod/catalog-*"


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("teams/catalog/a.yaml", "teams/catalog/*.yaml"),
        ("teams/catalog/a.yaml", "teams/*/a.yaml"),
        ("teams/catalog/a.yaml", "teams/**"),
        ("teams/catalog/a.yaml", "**"),
        ("teams/catalog/a.yaml", "**/a.yaml"),
        ("teams/catalog/a.yaml", "**/**/a.????"),
        ("a.yaml", "**/a.yaml"),
        ("a.yaml", "[ab].yaml"),
        ("../other/a.yaml", "../other/*.yaml"),
        ("./teams/../a.yaml", "a.yaml"),
    ],
)
def test_a_pattern_fits(file: Path, path: str, pattern: str) -> None:
    """Star, question mark and brackets within a folder, two stars across folders, and none of them out of it."""
    folder = file.absolute().parent / "inner"
    folder.mkdir()
    paths = owned(str(folder / path), rule(pattern, MAY), home=str(folder / "access.yaml"))
    assert load(paths).warnings == ()


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("teams/catalog/a.yaml", "teams/*.yaml"),
        ("teams/catalog/a.yaml", "*"),
        ("teams/catalog/a.yaml", "catalog/*.yaml"),
        ("teams/catalog/a.yaml", "teams/Catalog/*.yaml"),
        ("a.yaml", "*/a.yaml"),
        ("../other/a.yaml", "**"),
        ("../other/a.yaml", "*/other/*.yaml"),
        ("teams/a.yaml", "teams/a.yaml/**/b"),
    ],
)
def test_a_pattern_does_not_fit(file: Path, path: str, pattern: str) -> None:
    """A file that no rule fits may touch nothing."""
    folder = file.absolute().parent / "inner"
    folder.mkdir()
    said = refusal(*owned(str(folder / path), rule(pattern, MAY), home=str(folder / "access.yaml")))
    assert "this file may not touch the tenant acmeprod" in said
    assert "no rule here fits this file" in said


def test_the_first_rule_that_fits_counts(file: Path) -> None:
    """Read from the top, with everything else at the end."""
    assert load(owned("teams/a.yaml", rule("teams/*", MAY), rule("**"))).warnings == ()
    assert "access.yaml:2:13" in refusal(*owned("teams/a.yaml", rule("**"), rule("teams/*", MAY)))


def test_the_lists_own_file_may_say_everything(file: Path) -> None:
    """Whoever may change it may change the rules, so a rule for it would only pretend."""
    home, _ = owned("teams/a.yaml", rule("**"))
    assert load([home]).warnings == ()


def test_a_list_without_rules_closes_everything(file: Path) -> None:
    assert "may not touch" in refusal(*owned("teams/a.yaml"))
    Path("access.yaml").write_text(HOME + "ownership:\n")
    assert "may not touch" in refusal(Path("access.yaml"), Path("teams/a.yaml"))


def test_a_link_to_a_teams_file_is_a_teams_file(file: Path) -> None:
    """Its name is in a trusted folder, but who may write what it says is not trusted."""
    home, team = owned("teams/a.yaml", rule("platform/*", "'*/*'"), rule("teams/*", "acmeprod/other"))
    Path("platform").mkdir()
    Path("platform/a.yaml").symlink_to(team.absolute())
    assert "may not touch acmeprod/catalog-managers" in refusal(home, Path("platform/a.yaml"))


def test_a_folder_may_be_reached_by_a_link(file: Path) -> None:
    """Where configurations are mounted, the whole folder is often a link."""
    owned("real/teams/a.yaml", rule("teams/*", MAY), home="real/access.yaml")
    Path("link").symlink_to("real")
    assert load([Path("link"), Path("link/teams")]).warnings == ()


def test_all_of_a_tenant_includes_what_is_found_by_match(file: Path) -> None:
    home, team = owned("teams/a.yaml", rule("teams/*", "acmeprod/**"))
    team.write_text("tenants: [{tenant: acmeprod, groups: [{match: {code: BO_ADMIN}, members: []}]}]\n")
    assert load([home, team]).warnings == ()


def test_the_policy_is_named_from_its_file(file: Path) -> None:
    """All files' policies add up, each relative to its file, each once."""
    owned("a/b.yaml", home="access.yaml")
    for name in ("one.rego", "a/two.rego"):
        Path(name).write_text("package main\n")
    Path("access.yaml").write_text(HOME + "policy: [one.rego]\n")
    Path("a/b.yaml").write_text(TEAM + "policy: [two.rego, two.rego]\n")
    assert load([Path("access.yaml"), Path("a")]).policy == (Path("one.rego"), Path("a/two.rego"))


def test_without_ownership_every_file_may_say_everything(file: Path) -> None:
    Path("a.yaml").write_text(HOME + "guards: {maxRemovals: 10}\n")
    Path("b.yaml").write_text(TEAM + "guards: {maxRemovals: 20}\n")
    try:
        load([Path("a.yaml"), Path("b.yaml")])
    except ConfigurationError as error:
        pytest.fail(str(error.diagnostics))


def test_the_guards_beside_the_list_bind_every_file(file: Path) -> None:
    """A team's file, tenant and group can make them stricter and never looser; the list's own file may loosen."""
    home, team = owned("teams/a.yaml", "{files: teams/*, may: [acmeprod/*], settings: [guards]}")
    central = "guards: {maxRemovals: 20%, minMembers: 2, protected: [00u1]}\n"
    home.write_text(
        "tenants: [{tenant: acmeprod, groups: [{id: admins, guards: {maxRemovals: 100%}}]}]\n"
        f"ownership: [{{files: teams/*, may: [acmeprod/*], settings: [guards]}}]\n{central}"
    )
    team.write_text(
        "guards: {maxRemovals: 1000, minMembers: 0, protected: [00u2]}\n"
        "tenants:\n- tenant: acmeprod\n  guards: {minMembers: 1}\n"
        "  groups: [{id: a}, {id: b, guards: {maxRemovals: 100%}}, {id: c, guards: {maxRemovals: 5%, minMembers: 3}}]\n"
    )
    (tenant,) = load([team, home]).desired.tenants
    both, share = frozenset({"00u1", "00u2"}), Limit(20, percent=True)
    assert {group.id: group.guards for group in tenant.groups} == {
        "a": Guards(Limit(1000, also=share), 2, both),
        "b": Guards(share, 2, both),
        "c": Guards(Limit(5, percent=True), 3, both),
        "admins": Guards(Limit(100, percent=True), 2, frozenset({"00u1"})),
    }
    assert tenant.guards == Guards(Limit(1000, also=share), 2, both)


def test_the_guards_on_access_beside_the_list_bind_every_file(file: Path) -> None:
    """So they do for tenants that only a team's file has, which may not have any without being granted `guards`."""
    home, team = owned("teams/a.yaml", "{files: teams/*, may: ['*/*'], settings: [guards]}")
    home.write_text(
        home.read_text()
        + "guards: {sensitive: {scopes: [iam.*], requires: reason}, separation: [[a, b]], keep: {iam.x: 2}}\n"
    )
    team.write_text(
        "tenants:\n- tenant: acmestage\n  guards: {sensitive: {requires: either}, keep: {iam.x: 1, iam.y: 1}}\n"
    )
    stage, _ = load([team, home]).desired.tenants
    assert stage.access == AccessGuards(
        ("iam.*",), Requirement.REASON, (("a", "b"),), {"iam.x": Keep(2), "iam.y": Keep(1)}
    )
    home.write_text(home.read_text().replace("[guards]", "[]"))
    assert "teams/a.yaml:3:3: this file may not state `guards` for the tenant acmestage" in refusal(team, home)
