"""``--format markdown`` and ``--format gitlab``: what pipelines post where a change is reviewed."""

import json
import re

import pytest

from tests.e2e.command import Result, Workplace
from tests.e2e.world import World, configuration, group


@pytest.fixture
def ready(work: Workplace, world: World) -> Workplace:
    work.configure(configuration(group("ours", ["ana"])))
    return work


def marker(result: Result) -> str:
    """The first line of a comment, by which it is found again."""
    assert result.code == 0, result.err
    first = result.out.splitlines()[0]
    assert re.fullmatch(r"<!-- reconciler:plan:\S+ -->", first)
    return first


def test_a_plan_as_a_comment(ready: Workplace) -> None:
    """It begins with its marker, has Terraform's line and the fingerprint, and nothing else is on stdout."""
    result = ready.run("plan", "--format", "markdown", "-o", "x.plan")
    assert result.err == ""
    assert "reconciler-yaml" in marker(result)
    assert "\nPlan: 2 to add, 0 to change, 0 to destroy.\n" in result.out
    assert "\n+ # acmeprod/ours/ana will be created\n" in result.out
    assert ready.run("show", "--fingerprint", "x.plan").out.strip() in result.out
    assert ready.run("plan", "--format", "markdown").out == result.out


def test_one_comment_for_each_set_of_files_and_tenants(ready: Workplace) -> None:
    """However the plan changes meanwhile; in whatever order files and tenants are given."""
    ready.configure(configuration(group("more", ["ben"])), "more.yaml")
    both = marker(ready.run("plan", "--format", "markdown", "-f", "reconciler.yaml", "-f", "more.yaml"))
    assert both == marker(ready.run("plan", "--format", "markdown", "-f", "more.yaml", "-f", "reconciler.yaml"))
    one = marker(ready.run("plan", "--format", "markdown"))
    limited = marker(ready.run("plan", "--format", "markdown", "--tenant", "acmeprod"))
    assert len({one, both, limited}) == 3
    ready.configure(configuration(group("other", ["ben"])))
    assert marker(ready.run("plan", "--format", "markdown")) == one


def test_a_saved_plan_as_a_comment(ready: Workplace) -> None:
    """Alone it goes by its tenants and lockfile, with the files named it updates the comment of the plan."""
    planned = ready.run("plan", "--format", "markdown", "-o", "x.plan")
    alone = ready.run("show", "x.plan", "--format", "markdown")
    named = ready.run("show", "x.plan", "--format", "markdown", "-f", "reconciler.yaml")
    assert "acmeprod" in marker(alone)
    assert marker(named) == marker(planned) != marker(alone)
    assert alone.out.splitlines()[1:] == planned.out.splitlines()[1:]


def test_a_long_comment_is_cut_and_says_where_the_rest_is(ready: Workplace, world: World) -> None:
    """With a link if there is one, and the command that shows all of this very plan."""
    fields = {"mixins": {f"field{index:03}": "x" * 100 for index in range(20)}}
    ready.configure(configuration(*(group(f"group{index}", ["ana"], **fields) for index in range(9))))
    limits = ("--target", "acmeprod", "--max-chars", "8192", "--link", "https://ci.example/jobs/1?a=b&c=d")
    result = ready.run("plan", "--format", "markdown", *limits)
    assert result.code == 0, result.err
    assert len(result.out) <= 8192
    assert re.search(r"Not shown: \d+ of 18 additions\.", result.out)
    assert "[here](<https://ci.example/jobs/1?a=b&amp;c=d>)" in result.out
    assert "`reconciler plan --target acmeprod --full`" in result.out
    assert "Cut to" not in ready.run("plan", "--format", "markdown").out


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "ftp://x", "https://a b", "https://a\nb", "https://" + "a" * 1000]
)
def test_a_link_that_is_none_is_refused(ready: Workplace, link: str) -> None:
    """With what would be right."""
    result = ready.run("plan", "--format", "markdown", "--link", link)
    assert (result.code, result.out) == (1, "")
    assert "--link" in result.err


def test_a_comment_too_short_for_what_must_stay_is_refused(ready: Workplace) -> None:
    """The least is named."""
    result = ready.run("plan", "--format", "markdown", "--max-chars", "100")
    assert (result.code, result.out) == (1, "")
    assert "8192" in result.err


def test_the_numbers_for_gitlab(ready: Workplace) -> None:
    """One line of JSON, nothing else."""
    result = ready.run("plan", "--format", "gitlab", "-o", "x.plan")
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out) == {"create": 2, "update": 0, "delete": 0}
    assert result.out.count("\n") == 1
    assert ready.run("show", "x.plan", "--format", "gitlab").out == result.out


def test_a_refused_plan_is_shown_and_exits_so(ready: Workplace) -> None:
    """In both forms: a comment about a refusal is what a reviewer needs most."""
    assert ready.apply().code == 0
    ready.configure(configuration(group("ours", [])))
    comment, numbers = (ready.run("plan", "--format", form) for form in ("markdown", "gitlab"))
    assert (comment.code, numbers.code) == (3, 3)
    assert "Refused by guards for 1 reason; nothing of this plan will be applied" in comment.out
    assert json.loads(numbers.out) == {"create": 0, "update": 0, "delete": 1}
