"""One comment, whatever happens: over real HTTP, with a stand-in for each forge."""

import time

import pytest

from reconciler.diagnostics import ForgeError
from reconciler.forge import Posted, marked, open_forge, post, read
from reconciler.forge.calls import Patience
from tests.forge.conftest import Place
from tests.forge.servers import ME, MERGE, TOKEN, Fault, Forge

SOON = Patience(attempts=3, first=0.01, longest=0.02)
FIRST = marked("# Plan\n\n3 to add", "acme", {"fingerprint": "aaaa"})
SECOND = marked("# Plan\n\nnothing to do", "acme", {"fingerprint": "bbbb"})


def say(place: Place, body: str) -> Posted:
    with open_forge(place.target, SOON) as forge:
        return post(forge, body, SOON)


def ask(place: Place, key: str | None = "acme") -> str:
    with open_forge(place.target, SOON) as forge:
        return read(forge, "fingerprint", key, SOON)


def test_a_comment_is_posted_once_and_then_updated_in_place(place: Place, forge: Forge) -> None:
    assert [say(place, FIRST), say(place, SECOND), say(place, SECOND)] == ["created", "updated", "unchanged"]
    assert forge.ours == [SECOND] or forge.ours == [SECOND.rstrip()]
    assert forge.asked.count("create") == forge.asked.count("update") == 1


def test_it_is_found_on_a_late_page(place: Place, forge: Forge) -> None:
    for number in range(250):
        forge.add("ana", f"remark {number}")
    say(place, FIRST)
    forge.add("ana", "one more")
    assert say(place, SECOND) == "updated"
    assert len(forge.comments) == 252


def test_each_key_has_a_comment_of_its_own(place: Place, forge: Forge) -> None:
    other = marked("other", "staging", {"fingerprint": "cccc"})
    assert [say(place, FIRST), say(place, other), say(place, SECOND)] == ["created", "created", "updated"]
    assert [ask(place), ask(place, "staging"), ask(place, None)] == ["bbbb", "cccc", "bbbb"]


def test_a_strangers_comment_with_our_marker_is_neither_edited_nor_believed(place: Place, forge: Forge) -> None:
    forged = forge.add("mallory", marked("all is well", "acme", {"fingerprint": "eeee"}))
    with pytest.raises(ForgeError, match="1 by others with that marker are not believed"):
        ask(place)
    assert say(place, FIRST) == "created"
    assert ask(place) == "aaaa"
    assert "all is well" in forged.body


def test_a_marker_below_the_first_line_is_none_of_ours(place: Place, forge: Forge) -> None:
    """A run of another tool under the same name may quote us."""
    forge.add(ME, "quoted:\n" + FIRST)
    assert say(place, FIRST) == "created"


def test_what_github_says_that_somebody_else_edited_is_not_believed(place: Place, forge: Forge) -> None:
    forge.add(ME, FIRST, editor="mallory")
    if place.kind == "gitlab":
        pytest.skip("GitLab's API does not say who edited a note")
    with pytest.raises(ForgeError, match="was edited by somebody else"):
        ask(place)
    assert say(place, SECOND) == "updated"
    assert ask(place) == "bbbb"


@pytest.mark.parametrize("status", [0, 500, 502, 504])
@pytest.mark.parametrize("done", [True, False])
def test_after_an_ambiguous_answer_it_looks_before_it_posts_again(
    place: Place, forge: Forge, status: int, done: bool
) -> None:
    forge.faults.append(Fault("create", status, done=done))
    assert say(place, FIRST) == "created"
    assert len(forge.comments) == 1
    assert forge.asked.count("create") == (1 if done else 2)
    forge.faults.append(Fault("update", status, done=done))
    assert say(place, SECOND) == "updated"
    assert ask(place) == "bbbb"


def test_two_lost_answers_still_make_one_comment(place: Place, forge: Forge) -> None:
    forge.faults += [Fault("create", done=True), Fault("look", 502)]
    say(place, FIRST)
    assert len(forge.comments) == 1


def test_a_forge_that_stays_ill_ends_the_run_with_a_message(place: Place, forge: Forge) -> None:
    forge.faults += [Fault("look", 503)] * 3
    with pytest.raises(ForgeError, match="503") as caught:
        say(place, FIRST)
    assert caught.value.remedy and forge.asked.count("look") == 3


@pytest.mark.parametrize("status", [429, 403])
def test_a_wish_to_slow_down_is_granted(place: Place, forge: Forge, status: int) -> None:
    forge.faults.append(Fault("create", status, headers=(("Retry-After", "1"),)))
    began = time.monotonic()
    assert say(place, FIRST) == "created"
    assert time.monotonic() - began >= 1 and len(forge.comments) == 1


def test_a_limit_that_ends_in_the_past_is_over(place: Place, forge: Forge) -> None:
    limit = (("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1"))
    forge.faults.append(Fault("look", 403, headers=limit))
    assert say(place, FIRST) == "created"


def test_nobody_waits_for_an_hour(place: Place, forge: Forge) -> None:
    forge.faults.append(Fault("look", 429, headers=(("Retry-After", "3600"),)))
    with pytest.raises(ForgeError, match="429"):
        say(place, FIRST)
    assert forge.asked.count("look") == 1


def test_github_says_with_status_200_that_it_limits_or_fails(place: Place, forge: Forge) -> None:
    if place.kind == "gitlab":
        pytest.skip("GitLab speaks by its status")
    errors = (
        b'{"errors": [{"type": "RATE_LIMITED", "message": "x"}]}',
        b'{"errors": [{"message": "Something broke"}]}',
    )
    forge.faults += [Fault("look", 200, body=body) for body in errors]
    assert say(place, FIRST) == "created"


def test_a_missing_permission_is_named(place: Place, forge: Forge) -> None:
    forge.readonly = True
    with pytest.raises(ForgeError) as caught:
        say(place, FIRST)
    named = {"github": "pull-requests: write", "gitlab": "scope api"}
    assert named[place.kind] in caught.value.remedy and forge.asked.count("create") == 1


@pytest.mark.parametrize(("status", "word"), [(401, "expired"), (404, "check "), (418, "")])
def test_other_refusals_are_explained(place: Place, forge: Forge, status: int, word: str) -> None:
    forge.faults.append(Fault("look", status, body=TOKEN.encode() + b"\x1b[2J"))
    with pytest.raises(ForgeError, match=str(status)) as caught:
        say(place, FIRST)
    assert word in caught.value.remedy
    assert TOKEN not in caught.value.message and "\x1b" not in caught.value.message


@pytest.mark.parametrize("body", [b"[1]", b"{", b"\xff", b'{"data": {"repository": {"pullRequest": 7}}}'])
def test_an_answer_that_is_not_as_documented_is_told(place: Place, forge: Forge, body: bytes) -> None:
    forge.faults.append(Fault("look", 200, body=body))
    with pytest.raises(ForgeError, match="not as documented"):
        say(place, FIRST)


def test_a_redirect_does_not_get_the_token(place: Place, forge: Forge) -> None:
    forge.faults.append(Fault("look", 302, headers=(("Location", forge.url + "/elsewhere"),)))
    with pytest.raises(ForgeError, match="302"):
        say(place, FIRST)
    assert len(forge.asked) == 1


def test_no_server_at_all_is_told(place: Place) -> None:
    place.variables |= {"GITHUB_API_URL": "http://127.0.0.1:9", "CI_API_V4_URL": "http://127.0.0.1:9"}
    with pytest.raises(ForgeError, match="no answer from"):
        say(place, FIRST)


def test_system_notes_are_not_ours(place: Place, forge: Forge) -> None:
    if place.kind == "github":
        pytest.skip("GitHub has none among comments")
    forge.add(ME, FIRST, system=True)
    assert say(place, FIRST) == "created"


def test_a_comment_without_the_fact_says_so(place: Place) -> None:
    say(place, marked("planning failed", "acme", {}))
    with pytest.raises(ForgeError, match="has no fingerprint"):
        ask(place)


def test_after_the_merge_the_request_is_found_by_its_commit(place: Place, forge: Forge) -> None:
    say(place, FIRST)
    place.variables |= {"GITHUB_REF": "refs/heads/main", "GITHUB_SHA": MERGE, "CI_COMMIT_SHA": MERGE}
    place.variables.pop("CI_MERGE_REQUEST_IID", None)
    assert ask(place) == "aaaa"


@pytest.mark.parametrize("merged", [[], [12, 13]])
def test_a_commit_of_no_or_several_merges_is_refused(place: Place, forge: Forge, merged: list[int]) -> None:
    forge.merged = merged
    place.variables |= {"GITHUB_REF": "refs/heads/main", "GITHUB_SHA": MERGE, "CI_COMMIT_SHA": MERGE}
    place.variables.pop("CI_MERGE_REQUEST_IID", None)
    with pytest.raises(ForgeError, match="no single one was merged"):
        ask(place)


def test_an_unknown_commit_is_refused(place: Place) -> None:
    place.variables |= {"GITHUB_REF": "refs/heads/main", "GITHUB_SHA": "0" * 40, "CI_COMMIT_SHA": "0" * 40}
    place.variables.pop("CI_MERGE_REQUEST_IID", None)
    with pytest.raises(ForgeError, match="no single one was merged"):
        ask(place)


def test_a_long_text_is_cut_after_a_line_and_says_so(place: Place, forge: Forge) -> None:
    lines = "\n".join(f"line {number} 🙂" for number in range(90_000))
    say(place, marked(f"```\n{lines}\n```", "acme", {"fingerprint": "aaaa"}))
    (body,) = forge.ours
    text = body.replace("\r\n", "\n")
    limit = {"github": 65_536, "gitlab": 1_000_000}[place.kind]
    assert len(text) > limit * 0.8 and len(body.encode("utf-16-le")) // 2 - body.count("\r") <= limit
    assert "\n```\n\n**Cut off here: " in text and ask(place) == "aaaa"
