"""`reconciler comment` as a pipeline runs it: a real process, a saved plan, and a stand-in for the forge."""

from collections.abc import Iterator

import pytest

from tests.e2e.command import Workplace
from tests.forge.servers import ME, TOKEN, Fault, Forge, github, serve

CONFIGURATION = """
tenants:
  - tenant: acmeprod
    groups:
      - {id: desk, name: {en: "Desk ```` `x`"}, userType: EMPLOYEE, members: [ana]}
"""


@pytest.fixture
def forge(work: Workplace) -> Iterator[Forge]:
    """GitHub, and the variables of a job for its pull request 12."""
    with serve(github, "") as found:
        work.more = {
            "GITHUB_REPOSITORY": "acme/access", "GITHUB_REF": "refs/pull/12/merge", "GITHUB_API_URL": found.url,
            "GITHUB_TOKEN": TOKEN,
        }  # fmt: skip
        yield found


@pytest.fixture
def fingerprint(work: Workplace) -> str:
    """That of a saved plan, x.plan."""
    work.configure(CONFIGURATION)
    assert work.run("plan", "-o", "x.plan").code == 0
    return work.run("show", "--fingerprint", "x.plan").out.strip()


def test_a_plan_is_shown_and_its_fingerprint_read_back(work: Workplace, forge: Forge, fingerprint: str) -> None:
    done = work.run("comment", "x.plan", "--marker", "acme")
    assert (done.code, done.out, done.err) == (0, "", "The comment was created.\n")
    (body,) = forge.ours
    assert body.splitlines()[:2] == [
        "<!-- reconciler:plan:acme -->",
        f"<!-- reconciler:fingerprint={fingerprint} -->",
    ]
    assert "will be created" in body
    assert body.splitlines()[3].startswith("### ")
    found = work.run("comment", "--read", "fingerprint", "--marker", "acme")
    assert (found.code, found.out, found.err) == (0, f"{fingerprint}\n", "")
    assert work.apply("--expect", found.out.strip()).code == 0


def test_a_text_of_ones_own_goes_below_the_same_lines(work: Workplace, forge: Forge, fingerprint: str) -> None:
    (work.folder / "notes.md").write_text("# Notes\n")
    assert work.run("comment", "x.plan", "--body", "notes.md").code == 0
    assert forge.ours[0].splitlines()[1:] == [f"<!-- reconciler:fingerprint={fingerprint} -->", "", "# Notes"]
    assert work.run("comment", "--body", "notes.md").err == "The comment was updated.\n"
    assert "fingerprint" not in forge.ours[0]


def test_a_lost_answer_makes_no_second_comment(work: Workplace, forge: Forge, fingerprint: str) -> None:
    forge.faults.append(Fault("create", 502, done=True))
    assert work.run("comment", "x.plan").code == 0
    assert len(forge.comments) == 1


def test_what_is_refused_exits_with_1_and_a_remedy_and_without_the_token(work: Workplace, forge: Forge) -> None:
    (work.folder / "notes.md").write_text("# Notes\n")
    forge.readonly = True
    done = work.run("-v", "comment", "--body", "notes.md")
    assert done.code == 1 and done.out == "" and "pull-requests: write" in done.err
    assert TOKEN not in done.everything


def test_a_forged_comment_gives_no_fingerprint(work: Workplace, forge: Forge) -> None:
    forge.add("mallory", "<!-- reconciler:plan:default -->\n<!-- reconciler:fingerprint=eeee -->\n")
    done = work.run("comment", "--read", "fingerprint")
    assert (done.code, done.out) == (1, "") and "not believed" in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "there is nothing to say"),
        (["--body", "-"], "the text of the comment is empty"),
        (["--body", "nowhere.md"], "nowhere.md can't be read"),
        (["nowhere.plan"], "nowhere.plan can't be read"),
        (["--body", "-", "--marker", "a --> b"], "the marker is no plain word"),
        (["--read", "fingerprint", "--body", "-"], "--read only reads"),
        (["--body", "x.md", "--github", "a/b!1"], "--github does not name"),
        (["--body", "x.md", "--github", "a/b#1", "--gitlab", "a/b!1"], "exclude each other"),
    ],
)
def test_mistakes_get_a_message(work: Workplace, forge: Forge, arguments: list[str], said: str) -> None:
    (work.folder / "x.md").write_text("x\n")
    done = work.run("comment", *arguments)
    assert done.code == 1 and said in done.err and "Traceback" not in done.err
    assert forge.asked == []


def test_without_a_forge_it_says_what_to_name(work: Workplace) -> None:
    (work.folder / "x.md").write_text("x\n")
    done = work.run("comment", "--body", "x.md")
    assert done.code == 1 and "--github owner/repo#12" in done.err


def test_what_a_comment_is_not_about_is_refused(work: Workplace, forge: Forge, fingerprint: str) -> None:
    """Options that would be ignored could make one believe that they tell comments apart."""
    for options in (["-f", "reconciler.yaml"], ["--tenant", "acmeprod"]):
        refused = work.run(*options, "comment", "x.plan")
        assert (refused.code, "--marker tells the comments" in refused.err) == (1, True), refused.everything
    assert forge.ours == []


def test_what_is_read_back_is_a_fingerprint(work: Workplace, forge: Forge, fingerprint: str) -> None:
    """A word of another form was written by no run of ours, and --expect could take it for a file."""
    forge.add(ME, "<!-- reconciler:plan:default -->\n<!-- reconciler:fingerprint=x.plan -->\n")
    refused = work.run("comment", "--read", "fingerprint")
    assert (refused.code, refused.out) == (1, "")
    assert "x.plan has not 20 hex digits" in refused.err
