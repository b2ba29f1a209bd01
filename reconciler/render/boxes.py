"""What must not be missed of a plan, in a box each: sensitive gains, refusals, tenants left out, warnings."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from reconciler.core.guards import refusals
from reconciler.core.plan import Plan
from reconciler.diagnostics import Diagnostic
from reconciler.render.effects import Gain, by_scope, gained, gains, summed, who
from reconciler.render.fitting import Part, fit, size
from reconciler.render.markup import at_line, code, prose
from reconciler.render.sections import Section
from reconciler.render.text import number, plural

SHELL: Final = 300
"""Characters that a box takes besides its entries, at most."""

GAINS: Final = "sensitive gains (each user and scope)"
"""What is counted, because a line tells of many."""


class Box(NamedTuple):
    """One box: how grave it is, what it says first and last, and its entries, those of one cause together."""

    look: str
    title: str
    word: str
    parts: Sequence[Part]
    end: str = ""


def boxes(plan: Plan, room: int) -> tuple[Section, ...]:
    """All of them; they take no more than half of the room, so that removals can be seen beside them."""
    found = []
    room = room // 2
    for box in _boxes(plan):
        found.append(_section(box, room))
        room -= size(found[-1].text)
    return tuple(found)


def gains_box(plan: Plan, room: int) -> tuple[Section, ...]:
    """Who gains something sensitive, scope by scope if there is no room for all; empty if nobody does."""
    found = gains(plan)
    if not found:
        return ()
    whole = _section(_gains(found, summed(found)), room)
    return (_section(_gains(found, by_scope(found)), room) if whole.is_cut else whole,)


def _section(box: Box, room: int) -> Section:
    """The box as far as there is room."""
    total = sum(sum(map(part.counts, part.items)) for part in box.parts)
    fitted = fit(box.parts, room - SHELL)
    text = f"\n> [!{box.look}]\n> **{box.title}**\n>\n{fitted.text}" + (f">\n> {box.end}\n" if box.end else "")
    return Section(text, fitted.shown, total, box.word)


def _gains(found: Sequence[Gain], told: Sequence[Gain]) -> Box:
    parts = [Part(told, _gain, str, _more_gains, lambda gain: gain.size)]
    return Box("WARNING", gained(found), GAINS, parts)


def _gain(gain: Gain) -> str:
    return f"> - {code(gain.tenant)}: {code(who(gain.users))} {gain.verb} {gain.what(code, code)}\n"


def _boxes(plan: Plan) -> Iterator[Box]:
    if objections := refusals(plan):
        yield _refused(objections, plan.fingerprint)
    if plan.failures:
        title = f"{plural(len(plan.failures), 'tenant')} could not be planned and {_be(len(plan.failures))} left out"
        failures = Part(sorted(plan.failures.items()), _failure, str, _more)
        yield Box("CAUTION", title, "tenants left out", [failures])
    if plan.warnings:
        yield Box("WARNING", plural(len(plan.warnings), "warning"), "warnings", _by_rule(plan.warnings))


def _refused(objections: Sequence[Diagnostic], fingerprint: str) -> Box:
    title = f"Refused by guards for {plural(len(objections), 'reason')}; nothing of this plan will be applied"
    end = f"If this is right as it is: `reconciler apply --accept {fingerprint}`"
    return Box("CAUTION", title, "refusals", _by_rule(objections), end)


def _be(count: int) -> str:
    return "is" if count == 1 else "are"


def _by_rule(items: Sequence[Diagnostic]) -> list[Part]:
    """One list a rule, so that none is cut away by another that has much to say, nor says the same remedy again."""
    found: defaultdict[str, list[Diagnostic]] = defaultdict(list)
    remedies: dict[str, str] = {}
    for item in items:
        is_said = remedies.get(item.rule) == item.remedy
        remedies[item.rule] = item.remedy
        found[item.rule].append(replace(item, remedy="") if is_said else item)
    return [Part(together, _remark, str, _more) for together in found.values()]


def _more(hidden: int) -> str:
    return f"> - and {number(hidden)} more\n"


def _more_gains(hidden: int) -> str:
    return f"> - and {number(hidden)} more {GAINS}\n"


def _failure(failure: tuple[str, str]) -> str:
    tenant, reason = failure
    return f"> - {code(tenant)}: {prose(reason)}\n"


def _remark(item: Diagnostic) -> str:
    """What is wrong and where, and what would be right."""
    subject = f"{code(item.address)}: " if item.address and item.address not in item.message else ""
    rule = f" [{code(item.rule)}]" if item.rule else ""
    place = f" at {code(found)}" if (found := at_line(item.source)) else ""
    lines = [f"- {subject}{prose(item.message)}{rule}{place}"]
    lines += [f"  {prose(message)}: {code(at_line(source))}" for message, source in item.related]
    lines += [f"  {prose(item.remedy)}"] if item.remedy else []
    return "> " + "\\\n> ".join(lines) + "\n"
