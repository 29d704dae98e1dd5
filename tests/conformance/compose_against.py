"""Compares our composition with recorded outcomes of another one.

    python -m tests.conformance.compose_against CASES.json [--show PART] [--only TEXT]
    python -m tests.conformance.compose_against --audit FOLDER

CASES.json is a list of cases: `id`, `subgraphs` [{name, url, sdl}], `ok`, `errors` [{code}], `hints` [{code}],
`supergraph`, `api`. The audit folder has a folder for each suite: `supergraph.graphql`, `subgraphs.json`, `subgraphs/`.
Documents are compared as parsed: the order of definitions, fields, arguments and applications does not count.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from graphql import (
    ConstDirectiveNode,
    DefinitionNode,
    DirectiveDefinitionNode,
    ListValueNode,
    Node,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    parse,
    print_ast,
)

from router.compose import Composition, SubgraphDefinition, compose

PARTS = ("ok", "errors", "supergraph", "api", "hints")


def normalised(sdl: str) -> dict[str, object]:
    """Definition -> its content, free of order."""
    return {_name(node): _content(node) for node in parse(sdl, no_location=True).definitions}


def _name(node: DefinitionNode) -> str:
    name = getattr(node, "name", None)
    return f"{node.kind} {name.value if name is not None else ''}"


def _content(node: Any) -> object:
    if isinstance(node, ValueNode):
        return _value(node)
    if isinstance(node, Node):
        return tuple((key, _content(getattr(node, key, None))) for key in sorted(node.keys) if key != "loc")
    if isinstance(node, list | tuple):
        return tuple(sorted((_content(item) for item in node), key=repr))
    return node


def _value(node: ValueNode) -> str:
    if isinstance(node, StringValueNode):
        return json.dumps(node.value)
    if isinstance(node, ListValueNode):
        return f"[{', '.join(map(_value, node.values))}]"
    if isinstance(node, ObjectValueNode):
        return "{" + ", ".join(sorted(f"{entry.name.value}: {_value(entry.value)}" for entry in node.fields)) + "}"
    return print_ast(node)


def differences(ours: str | None, theirs: str | None) -> list[str]:
    """One line for each definition that differs; empty when equal."""
    mine, other = normalised(ours or "scalar Nothing"), normalised(theirs or "scalar Nothing")
    found: list[str] = []
    for name in sorted(mine.keys() | other.keys()):
        if name not in mine or name not in other:
            found.append(f"{'missing' if name not in mine else 'extra'}: {name}")
        elif mine[name] != other[name]:
            found.append(f"differs: {name}")
            found += _line_differences(name, ours or "", theirs or "")
    return found


def _line_differences(name: str, ours: str, theirs: str) -> list[str]:
    mine, other = _lines(name, ours), _lines(name, theirs)
    return [f"    + {line}" for line in sorted(mine - other)] + [f"    - {line}" for line in sorted(other - mine)]


def _lines(name: str, sdl: str) -> set[str]:
    node = next(node for node in parse(sdl, no_location=True).definitions if _name(node) == name)
    lines: set[str] = set()
    children = [getattr(node, key, None) or () for key in ("fields", "values", "directives", "interfaces", "types")]
    for child in (child for group in children for child in group):
        lines.add(_one_line(child))
    if isinstance(node, DirectiveDefinitionNode) or not lines:
        lines.add(print_ast(node))
    description = getattr(node, "description", None)
    return lines | ({print_ast(description)} if description else set())


def _one_line(node: Node) -> str:
    uses: Iterable[ConstDirectiveNode] = getattr(node, "directives", None) or ()
    text = " ".join(print_ast(node).split())
    for use in uses:
        text = text.replace(" ".join(print_ast(use).split()), "")
    return " ".join([text, *sorted(print_ast(use) for use in uses)])


def compare(case: dict[str, Any]) -> tuple[dict[str, bool], Composition]:
    """Which of the parts agree."""
    definitions = [SubgraphDefinition(s["name"], s.get("url") or "", s["sdl"]) for s in case["subgraphs"]]
    result = compose(definitions)
    agree = dict.fromkeys(PARTS, True)
    agree["ok"] = result.ok == case["ok"]
    # what GraphQL itself forbids in the merged schema has no code in Apollo's composition; ours says INVALID_GRAPHQL
    theirs = {e["code"] or "INVALID_GRAPHQL" for e in case.get("errors") or ()}
    agree["errors"] = {e.code.name for e in result.errors} == theirs
    if case["ok"]:
        agree["supergraph"] = result.ok and not differences(result.supergraph_sdl, case["supergraph"])
        agree["api"] = result.ok and not differences(result.api_sdl, case["api"])
        agree["hints"] = {h.code.name for h in result.hints} == {h["code"] for h in case.get("hints") or ()}
    return agree, result


def run_cases(path: Path, show: str | None, only: str) -> bool:
    cases = [case for case in json.loads(path.read_text()) if only in case["id"]]
    totals: Counter[str] = Counter()
    agreed: Counter[str] = Counter()
    for case in cases:
        agree, result = compare(case)
        for part in PARTS:
            if part in ("ok", "errors") or case["ok"]:
                totals[part] += 1
                agreed[part] += agree[part]
                if not agree[part] and show in (part, "all"):
                    _show(part, case, result)
    for part in PARTS:
        print(f"{part:12}{agreed[part]:4} of {totals[part]}")
    return agreed == totals


def _show(part: str, case: dict[str, Any], result: Composition) -> None:
    print(f"--- {part}: {case['id']}")
    if part == "hints":
        ours, theirs = {h.code.name for h in result.hints}, {h["code"] for h in case["hints"]}
        print(f"    ours only: {sorted(ours - theirs)}  theirs only: {sorted(theirs - ours)}")
    elif part in ("ok", "errors") or not result.ok:
        for error in result.errors:
            print(f"    ours:   {error} {' '.join(map(str, error.positions))}")
        for error in case.get("errors") or ():
            print(f"    theirs: {error['code']}: {error['message'][:300]}")
    else:
        ours_sdl = result.supergraph_sdl if part == "supergraph" else result.api_sdl
        for line in differences(ours_sdl, case[part]):
            print(f"    {line}")


def run_audit(folder: Path) -> bool:
    suites = sorted(path for path in folder.iterdir() if path.is_dir())
    equal = 0
    for suite in suites:
        definitions = [
            SubgraphDefinition(entry["name"], entry["url"], (suite / f"subgraphs/{entry['name']}.graphql").read_text())
            for entry in json.loads((suite / "subgraphs.json").read_text())
        ]
        result = compose(definitions)
        found = [f"{error}" for error in result.errors] or differences(
            result.supergraph_sdl, (suite / "supergraph.graphql").read_text()
        )
        equal += not found
        if found:
            print(f"--- {suite.name}", *found, sep="\n    ")
    print(f"audit suites {equal} of {len(suites)}")
    return equal == len(suites)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path, nargs="?")
    parser.add_argument("--show", choices=(*PARTS, "all"))
    parser.add_argument("--only", default="")
    parser.add_argument("--audit", type=Path)
    options = parser.parse_args()
    agree = run_cases(options.cases, options.show, options.only) if options.cases else True
    agree = (run_audit(options.audit) if options.audit else True) and agree
    raise SystemExit(0 if agree else 1)


if __name__ == "__main__":
    main()
