"""Templates of all files: what each says together with those that it extends itself."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from reconciler.config.nodes import Entry, Map, Node, text
from reconciler.diagnostics import Diagnostic, Source

Entries = Mapping[str, Entry]


def flattened(roots: Iterable[Node], problems: list[Diagnostic]) -> Mapping[str, Entries | None]:
    """What is taken over from each template; None from one that is malformed, or leads nowhere or back to itself."""
    templates = _collected(roots, problems)
    flat: dict[str, Entries | None] = {}
    for name in templates:
        chain = _chain(name, templates, flat)
        if not chain:
            continue
        *_, last = chain.values()
        above = text(last)
        if above is not None and above in chain:
            problems.append(_circle(above, chain))
        elif last is not None and above is not None and above not in templates:
            problems.append(unknown(above, last.source, templates))
        base = {} if last is None else flat.get(above or "")
        for each in reversed(chain):
            node = templates[each].node
            own = node.entries if isinstance(node, Map) else None
            flat[each] = base = None if base is None or own is None else {**base, **own}
    return flat


def _collected(roots: Iterable[Node], problems: list[Diagnostic]) -> Mapping[str, Entry]:
    """The templates of all files; of two with the same name the first."""
    found: dict[str, Entry] = {}
    for root in roots:
        part = root.get("templates") if isinstance(root, Map) else None
        for name, entry in part.entries.items() if isinstance(part, Map) else ():
            if (first := found.setdefault(name, entry)) is not entry:
                related = (("the other is here", first.key),)
                problems.append(
                    Diagnostic(f"the template `{name}` stands twice", entry.key, "keep one, or rename one", related)
                )
    return found


def _chain(first: str, templates: Mapping[str, Entry], flat: Mapping[str, Entries | None]) -> dict[str, Node | None]:
    """The way up from a template to what is known already or can't be followed, each with what it extends."""
    chain: dict[str, Node | None] = {}
    step: str | None = first
    while step is not None and step in templates and step not in flat and step not in chain:
        node = templates[step].node
        chain[step] = node.get("extends") if isinstance(node, Map) else None
        step = text(chain[step])
    return chain


def _circle(first: str, chain: Mapping[str, Node | None]) -> Diagnostic:
    names = list(chain)
    names = names[names.index(first) :]
    told = " → ".join(f"`{name}`" for name in (*names, first))
    *others, last = [(name, node.source) for name, node in chain.items() if name in names and node]
    related = tuple((f"`{name}` leads on here", source) for name, source in others)
    return Diagnostic(f"templates extend each other: {told}", last[1], "take one of these lines out", related)


def unknown(name: str, place: Source, templates: Iterable[str]) -> Diagnostic:
    """The complaint about a template that no file has."""
    close = get_close_matches(name, list(templates), n=1, cutoff=0.6)
    remedy = f"did you mean `{close[0]}`?" if close else "add it under `templates`, or correct the name"
    return Diagnostic(f"there is no template `{name}`", place, remedy)
