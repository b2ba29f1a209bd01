"""Golden cases of the renderings, each a folder that a reviewer can read; a new case is a new folder.

``plan.json`` is a plan document (from ``reconciler plan -o``, or another case's copy edited by hand), ``expected.txt``
what is shown of it without colour. More files may be beside them: ``options.json`` says which rendering (``"show"``:
plan, drift, outcome or comparison) and with which arguments, ``other.json`` is the plan to compare it with,
``reconciler.yaml`` is the file that sources point into, and ``expected.md`` is the plan as a comment on a pull request,
whose arguments are ``"markdown"`` in ``options.json``.

After a change on purpose run ``python -m tests.render.golden`` and review the difference: it seals every
``plan.json`` anew (so that it may be edited by hand) and writes every ``expected.txt``, and every ``expected.md`` that
is there, be it empty.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from reconciler.core import document, document_forms
from reconciler.core.compare import compare
from reconciler.core.plan import Action, Plan
from reconciler.diagnostics import Source
from reconciler.render import markdown, terminal
from reconciler.render.comparison import comparison
from reconciler.render.outcome import outcome

CASES = Path(__file__).parent / "cases"


def cases() -> list[Path]:
    return sorted(folder for folder in CASES.iterdir() if folder.is_dir())


def plan_of(case: Path, name: str = "plan.json") -> Plan:
    return document.decode((case / name).read_bytes(), case.name)


def comment_cases() -> list[Path]:
    return [case for case in cases() if (case / "expected.md").exists()]


def comment(case: Path) -> str:
    options: dict[str, Any] = {"command": "reconciler plan --full", **_options(case).get("markdown", {})}
    return "".join(f"{line}\n" for line in markdown.plan(plan_of(case), key="reconciler.yaml", **options))


def _options(case: Path) -> dict[str, Any]:
    file = case / "options.json"
    return msgspec.json.decode(file.read_bytes()) if file.exists() else {}


def rendered(case: Path, *, color: bool = False) -> str:
    options = _options(case)
    options.pop("markdown", None)
    shown = SHOWN[options.pop("show", "plan")](case, color, **options)
    return "".join(f"{line}\n" for line in shown)


def _plan(case: Path, color: bool, *, width: int = 100, full: bool = False, accepted: bool = False) -> Iterator[str]:
    return terminal.plan(plan_of(case), color=color, width=width, full=full, line_of=_line_of(case), accepted=accepted)


def _drift(case: Path, color: bool, *, width: int = 100, full: bool = False) -> Iterator[str]:
    return terminal.drift(plan_of(case), color=color, width=width, full=full, line_of=_line_of(case))


def _outcome(
    case: Path,
    color: bool,
    *,
    failed: dict[str, str] | None = None,
    unsure: dict[str, str] | None = None,
    skipped: dict[str, str] | None = None,
    verified: tuple[int, int] | None = None,
    interrupted: bool = False,
    full: bool = False,
) -> Iterator[str]:
    """An apply of the plan in which all was done but what is named here by its address, with the reason."""
    changes = {change.address: change for change in plan_of(case).changes}
    parts = [
        [(changes.pop(address), why) for address, why in (named or {}).items()] for named in (failed, unsure, skipped)
    ]
    counts = Counter(change.action for change in changes.values())
    return outcome(
        added=counts[Action.CREATE] + counts[Action.REPLACE],
        changed=counts[Action.UPDATE],
        destroyed=counts[Action.DELETE] + counts[Action.REPLACE],
        adopted=counts[Action.ADOPT],
        forgotten=counts[Action.FORGET],
        verified=verified,
        done=list(changes.values()),
        failed=parts[0],
        unsure=parts[1],
        skipped=parts[2],
        interrupted=interrupted,
        color=color,
        full=full,
    )


def _comparison(case: Path, color: bool, *, width: int = 100, full: bool = False) -> Iterator[str]:
    found = compare(plan_of(case), plan_of(case, "other.json"))
    return comparison(found, names=("plan.json", "other.json"), color=color, width=width, full=full)


SHOWN = {"plan": _plan, "drift": _drift, "outcome": _outcome, "comparison": _comparison}


def _line_of(case: Path) -> Any:
    file = case / "reconciler.yaml"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    def line_of(source: Source) -> str | None:
        return lines[source.line - 1] if source.line <= len(lines) else None

    return line_of


def _sealed(data: bytes) -> bytes:
    edited = msgspec.json.decode(data, type=document_forms.Document)
    edited.checksum = document._checksum(edited)
    return document.encode(document.decode(msgspec.json.encode(edited), "edited"))


def main() -> None:
    for case in cases():
        for file in (case / "plan.json", case / "other.json"):
            if file.exists():
                file.write_bytes(_sealed(file.read_bytes()))
        (case / "expected.txt").write_text(rendered(case), encoding="utf-8")
        if case in comment_cases():
            (case / "expected.md").write_text(comment(case), encoding="utf-8")
        print(case.name)


if __name__ == "__main__":
    main()
