"""The audit file's way into an apply: where it is, and the record that is written when the apply has ended."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.cli.output import talk
from reconciler.cli.session import Session
from reconciler.diagnostics import StateError

if TYPE_CHECKING:
    from reconciler.apply import Book, Report
    from reconciler.cli.consent import Approval
    from reconciler.core.chain import Chain
    from reconciler.core.history import Deed, Record
    from reconciler.core.past import Trail
    from reconciler.core.plan import Change, Plan
    from reconciler.engine import Outlook
    from reconciler.state import Lockfile
    from reconciler.state.audit import Audit, Line

COMMITS = (
    "GITHUB_SHA", "CI_COMMIT_SHA", "BUILD_SOURCEVERSION", "GIT_COMMIT", "CIRCLE_SHA1", "BUILDKITE_COMMIT",
    "TRAVIS_COMMIT",
)  # fmt: skip
"""Where GitHub, GitLab, Azure, Jenkins, CircleCI, Buildkite and Travis say the commit that a job is for."""

ACTORS = (
    "GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_REQUESTEDFOR", "BUILD_USER_ID",
    "CIRCLE_USERNAME", "BUILDKITE_BUILD_CREATOR",
)  # fmt: skip
"""Where GitHub, GitLab, Azure, Jenkins (with its plugin for that), CircleCI and Buildkite say who started a job."""


def audit_file(session: Session, configured: str | None, lockfile: str) -> "Audit | None":
    """The audit file that the configuration names, if any; ``lockfile`` is that one's URL.

    Raises StateError if nothing could be appended to it.
    """
    from reconciler.core.history import link

    if configured is None:
        return None
    found = place(session, configured, lockfile)
    found.check(link)
    return found


def place(session: Session, configured: str, lockfile: str) -> "Audit":
    """The same for reading; a rehearsal has one of its own beside its lockfile.

    Raises StateError for a URL that names no place, or that of the lockfile.
    """
    from reconciler.cli.locking import tell
    from reconciler.config import BESIDE
    from reconciler.state.audit import open_audit
    from reconciler.state.places import beside, is_same

    url = beside(lockfile) if session.sandbox or configured == BESIDE else configured
    found = open_audit(url, session.seal, lockfile=lockfile, lease=session.lease, on_wait=tell)
    if is_same(found.url, lockfile):
        raise StateError(
            f"the audit file can't be where the lockfile is: {lockfile}", remedy="write `audit: beside`, or another URL"
        )
    return found


def records(audit: "Audit", chain: "Chain", flaws: list[str]) -> Iterator["Record"]:
    """The records that can be read, one at a time; what is wrong with any is added to the ``flaws``."""
    from reconciler.core import history

    for line in audit.lines():
        mine = followed(audit, chain, line)
        try:
            yield history.read(line.text)
        except (ValueError, RecursionError) as error:
            mine = mine or [f"{audit.name}:{chain.lines}: this record can't be read: {error}"]
        flaws += mine


def followed(audit: "Audit", chain: "Chain", line: "Line") -> list[str]:
    """What is wrong with the next line, where it stands; what is wrong with its seal says all."""
    flaws = list(chain.follow(line.text))
    return [f"{audit.name}:{chain.lines}: {flaw}" for flaw in ([line.flaw] if line.flaw else flaws)]


def trail(session: Session, configured: str | None, lockfile: str) -> "Trail":
    """What the audit file, if one is named and there is one already, says of each membership."""
    from reconciler.core.chain import Chain
    from reconciler.core.past import Trail

    if configured is None:
        return Trail()
    audit = place(session, configured, lockfile)
    found, flaws = Trail(session.service_name, audit.url), list[str]()
    if audit.exists():
        for each in records(audit, Chain(), flaws):
            found.follow(each)
    found.flaws = len(flaws)
    return found


def claimed(environ: Mapping[str, str], names: Sequence[str]) -> str:
    """What a CI job's environment says under the first of the ``names`` that it has; empty elsewhere.

    It is a claim and no proof: whoever can run a command in the job can set it.
    """
    return next(filter(None, map(environ.get, names)), "")


def record(
    log: "Audit | None",
    plan: "Plan",
    approval: "Approval",
    report: "Report",
    outlook: "Outlook",
    before: "Lockfile",
    book: "Book",
    satisfied: Sequence["Change"] = (),
) -> "Report":
    """Append what an apply did; the report says if that failed, because what was done must be told all the same.

    ``before`` is the lockfile before it. Nothing is written of an apply that had nothing to do.
    """
    if log is None:
        return report
    from reconciler.core.history import line, link, read

    try:
        found = _told(plan, approval, report, outlook, before, book, satisfied)
        if not (found.changes or found.settled):
            return report
        written, is_torn = log.append(link, lambda last: line(found, last))
    except StateError as error:
        return replace(report, unaudited=error.message)
    except KeyboardInterrupt:
        return replace(report, unaudited="interrupted while it was written")
    except Exception as error:  # noqa: BLE001 - a bug here must not take along the report of what was done
        return replace(report, unaudited=f"unexpected {type(error).__name__} while it was written: {error}")
    if is_torn:
        talk([f"warning: the last line of {log.url} had no end; `reconciler log --verify` tells whether it is whole"])
    mine = read(written)
    talk([f"Recorded in {log.url}: record {mine.number}, hash {mine.hash}"])
    return report


def _told(
    plan: "Plan",
    approval: "Approval",
    report: "Report",
    outlook: "Outlook",
    before: "Lockfile",
    book: "Book",
    satisfied: Sequence["Change"],
) -> "Record":
    from reconciler.core import document
    from reconciler.core.history import FORMAT, Record, foreseen, objection

    mine = book.lease.info
    failures = {tenant: error.message for tenant, error in outlook.errors.items()}
    return Record(
        format=FORMAT,
        time=datetime.now(UTC).replace(microsecond=0),
        who=mine.who,
        tool=mine.version,
        job=mine.info,
        commit=claimed(os.environ, COMMITS),
        actor=claimed(os.environ, ACTORS),
        service=plan.service,
        lineage=book.lockfile.lineage,
        serial=book.lockfile.serial,
        fingerprint=plan.fingerprint,
        summary=document.summary(plan),
        targets=plan.targets,
        expected=approval.expected,
        accepted=tuple(map(objection, approval.accepted)),
        changes=_deeds(report, satisfied),
        settled=_settled(before, outlook),
        access=foreseen(plan),
        failures={**plan.failures, **failures},
        interrupted=report.interrupted,
        doubt=report.doubt,
        unrecorded=report.unrecorded,
    )


def _deeds(report: "Report", satisfied: Sequence["Change"]) -> tuple["Deed", ...]:
    """What became of each change, in the order of their addresses."""
    from reconciler.core.history import Fate, deed

    reasoned = {Fate.FAILED: report.failed, Fate.UNSURE: report.unsure, Fate.SKIPPED: report.skipped}
    told = [(change, Fate.DONE, "") for change in report.done]
    told += [(change, Fate.SATISFIED, "") for change in satisfied]
    told += [(change, fate, why) for fate, changes in reasoned.items() for change, why in changes]
    return tuple(deed(*each) for each in sorted(told, key=lambda each: each[0].key))


def _settled(before: "Lockfile", outlook: "Outlook") -> tuple["Deed", ...]:
    """What was found out of what an earlier run left open: it was killed, or could not tell."""
    from reconciler.core.history import Fate, deed
    from reconciler.core.known import found_out

    found = found_out(before.pending, outlook.live)
    return tuple(deed(change, Fate.DONE if happened else Fate.UNDONE) for change, happened in found)
