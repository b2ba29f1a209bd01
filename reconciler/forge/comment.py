"""One comment for one key: found by its hidden first line, updated in place, and believed only if it is ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum

from reconciler.diagnostics import ForgeError
from reconciler.forge.calls import Calls, Patience, retried
from reconciler.forge.marker import fact, fitting, key_of
from reconciler.forge.notes import Comment, Forge
from reconciler.forge.target import Target


class Posted(StrEnum):
    """What became of a comment."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class _Found:
    """Our comment, if there is one, and how many of strangers carry our marker."""

    ours: Comment | None
    strangers: int


@contextmanager
def open_forge(target: Target, patience: Patience = Patience()) -> Iterator[Forge]:  # noqa: B008 - it is frozen
    """The comments on the request that ``target`` names; one that was merged is looked up by its commit.

    Raises ForgeError if that commit was made by no merge, or by several.
    """
    with _calls(target) as calls:
        if target.number is None:
            target = replace(target, number=_merged(target, calls, patience))
        yield _forge(target, calls)


def post(forge: Forge, body: str, patience: Patience = Patience()) -> Posted:  # noqa: B008
    """Make the comment say ``body``, which begins with its marker; one that says so already is left alone.

    Nothing is written without a look at what is there: after a write without an answer the next attempt finds what the
    last one did, so that there are never two. A stranger's comment with our marker is nobody we know.
    """
    body = fitting(body, forge.limit)
    key = key_of(body)
    wrote: Posted | None = None

    def attempt() -> Posted:
        nonlocal wrote
        ours = _look(forge, key).ours
        if ours is None:
            wrote = Posted.CREATED
            forge.create(body)
        elif _same(ours.body, body) and not ours.altered:  # what somebody edited back is not believed either
            return wrote or Posted.UNCHANGED
        else:
            wrote = wrote or Posted.UPDATED
            forge.update(ours, body)
        return wrote

    return retried(attempt, patience)


def read(forge: Forge, name: str, key: str | None, patience: Patience = Patience()) -> str:  # noqa: B008
    """A fact of our comment. Raises ForgeError if there is no such comment, or somebody else had a hand in it."""
    found = retried(lambda: _look(forge, key), patience)
    what = "comment of ours" if key is None else f"comment of ours with the marker {key}"
    if found.ours is None:
        others = f"; {found.strangers} by others with that marker are not believed" if found.strangers else ""
        raise ForgeError(
            f"there is no {what} on the request{others}",
            remedy="plan and comment with the same token's user that reads; or pass the reviewed fingerprint by hand",
        )
    if found.ours.altered:
        raise ForgeError(f"the {what} was edited by somebody else", remedy="run the plan of the request once more")
    value = fact(found.ours.body, name)
    if value is None:
        raise ForgeError(f"the {what} has no {name}", remedy="was the last plan of the request made? look at its job")
    return value


def _look(forge: Forge, key: str | None) -> _Found:
    """The oldest comment of ours with this key, or with any; later ones were made by a race and never touched."""
    strangers = 0
    for comment in forge.comments():
        found = key_of(comment.body)
        if found is None or (key is not None and found != key):
            continue
        if comment.mine:
            return _Found(comment, strangers)
        strangers += 1
    return _Found(None, strangers)


def _same(there: str, body: str) -> bool:
    """Whether they are the same text: forges change line ends and trim."""
    return there.replace("\r\n", "\n").strip() == body.strip()


def _merged(target: Target, calls: Calls, patience: Patience) -> int:
    number = None
    if target.commit:
        number = retried(lambda: _forge(target, calls).request_of(target.commit), patience)
    if number is None:
        raise ForgeError(
            "this run is for no request for review, and no single one was merged as its commit "
            f"{target.commit or '(unknown)'}",
            remedy="name the request with --github owner/repo#12 or --gitlab group/project!5",
        )
    return number


def _calls(target: Target) -> Calls:
    if target.kind == "github":
        headers = {"Authorization": f"Bearer {target.token}", "Accept": "application/vnd.github+json"}
    else:
        headers = {"PRIVATE-TOKEN": target.token}
    return Calls(target.url, {**headers, "User-Agent": "emporix-reconciler"}, target.token)


def _forge(target: Target, calls: Calls) -> Forge:
    if target.kind == "github":
        from reconciler.forge.github import GitHub

        return GitHub(calls, target.project, target.number)
    from reconciler.forge.gitlab import GitLab

    return GitLab(calls, target.project, target.number)
