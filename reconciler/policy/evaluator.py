"""Evaluates Rego in a process of its own: run as a script, JSON in on stdin, JSON out on what was stdout.

The interpreter is native code that prints what it likes, can end the whole process, and lets rules read the
environment. So it gets a process with an empty one, whose end is an error and never a pass. It imports nothing of ours.
"""

import json
import os
import re
import sys
from importlib import import_module
from typing import Any

ERROR = re.compile(r"\(errormsg \d+:(?P<message>[^\n]*)\)")
PLACE = re.compile(r"(?:^|[\s:(])(?P<module>\d+)\|(?P<offset>\d+)\|\d+")

SPECIAL = re.compile(r'["\\\x00-\x1f]')

Errors = list[dict[str, Any]]


def main() -> None:
    """Answer the one question on stdin."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what rules print, and what the interpreter says itself, is no answer
    json.dump(answer(json.load(sys.stdin)), answers)
    answers.close()


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """``values`` by query, each a list of one or none if undefined; or ``errors``; or ``unknown`` functions."""
    sys.path.append(question["packages"])  # it may be installed where an isolated Python does not look
    rego = import_module("regopy").Interpreter()
    failure: type[Exception] = import_module("regopy.rego_shared").RegoError
    rego.strict_built_in_errors = True  # or a rule whose function fails would silently not apply
    errors: Errors = []
    for number, text in enumerate(question["modules"]):
        try:
            rego.add_module(str(number), text)
        except failure as error:
            errors += said(str(error)) or [{"message": "this is not valid Rego", "module": number}]
    unknown = [name for name in question["calls"] if not rego.is_builtin(name)]
    if errors or unknown:
        return {"errors": errors, "unknown": unknown}
    rego.set_input(escaped(question["input"]))
    queries: list[str] = question["queries"]
    # All in one, because the input is walked once a query; a comprehension, because an undefined rule is no failure.
    parts = ", ".join(f'"{number}": [v | v := {query}]' for number, query in enumerate(queries))
    values, errors = ask(rego, f"values := {{{parts}}}")
    if errors and all("module" not in error for error in errors):
        errors = [
            {**error, "query": query} for query in queries for error in ask(rego, f"values := {query}")[1]
        ] or errors
    return {"errors": errors} if errors else {"values": [values[str(number)] for number in range(len(queries))]}


def ask(rego: Any, query: str) -> tuple[Any, Errors]:
    """The value of a query, or the errors; the interpreter's own check knows only some of them."""
    try:
        output = rego.query(query)
    except ValueError:  # "ok", but an error where the answer should be
        native = import_module("regopy.rego_shared")
        answered: str = native.rego_output_string(native.rego_query(rego._impl, query))
        return None, said(answered) or [{"message": "there was no answer"}]
    if output.ok():
        return json.loads(str(output), object_pairs_hook=each_once)["bindings"]["values"], []
    node = output.node()
    found = [error for number in range(len(node)) for error in said(node.at(number).json())]
    return None, found or [{"message": "the rules can't be evaluated"}]


def escaped(value: Any) -> Any:
    """The input with its texts as they stand between the quotes of JSON.

    The interpreter takes texts for that and writes them into its answer as they are: a quote in somebody's name would
    end a text there, and a NUL would end it here.
    """
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)[1:-1] if SPECIAL.search(value) else value
    if isinstance(value, dict):
        return {escaped(key): escaped(inner) for key, inner in value.items()}
    return [escaped(inner) for inner in value] if isinstance(value, list) else value


def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A mapping of the answer; a key that stands twice is somebody's text that got out of its quotes."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def said(text: str) -> Errors:
    """The errors in the interpreter's own notation, with module and offset in bytes where it tells them."""
    errors: Errors = []
    for part in re.split(r"\(error(?=[\s\n])", text)[1:]:
        ours = part.split("(rego-input", 1)[0]  # what follows is the plan's own text, which can look like anything
        message, place = ERROR.search(ours), PLACE.search(ours)
        if message:
            at = {"module": int(place["module"]), "offset": int(place["offset"])} if place else {}
            errors.append({"message": message["message"], **at})
    return errors


if __name__ == "__main__":
    main()
