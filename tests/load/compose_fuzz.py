"""Composes mutated schemas: whatever comes in, errors or a supergraph must come out, and soon.

    python -m tests.load.compose_fuzz CASES.json [--count 10000] [--seed 1] [--write MUTATED.json]

CASES.json is a list of cases with `subgraphs` [{name, url, sdl}], and `ok` where it is known. Two of three start from a
case that is not known to fail. Two of three mutations are mild: they keep the syntax, so that merging and the search
for witnesses are reached as well. The others delete, double, swap and replace tokens and lines. `--write` keeps the
mutated cases, to compare what others make of them.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from router.compose import SubgraphDefinition, compose

_TOKEN = re.compile(r'"""[\s\S]*?"""|"[^"\n]*"|[A-Za-z_]\w*|@\w+|\.\.\.|[^\s\w]|\d+|\s+')
_NAME = re.compile(r"[A-Za-z_]\w*")
_NOISE = (
    "{",
    "}",
    "!",
    "[",
    "]",
    "@",
    "@key",
    "extend",
    "type",
    "interface",
    '"',
    "null",
    "__x",
    "\x00",
    "é",
    "&",
    "|",
)


_FIELD = re.compile(r"^(\s+)(\w+)(\([^)\n]*\))?:[^\n]*$", re.MULTILINE)
_USE = re.compile(r"\s@\w+(\([^()\n]*\))?")
_TYPE = re.compile(r"(?<=: )\[*\w+[!\]]*")
_BLOCK = re.compile(r"^(?:extend )?(?:type|interface|input|enum|union|scalar) [^{\n]*(?:\{[^}]*\})?$", re.MULTILINE)


def _add_field(sdl: str, at: re.Match[str], rng: random.Random) -> str:
    number = rng.randrange(1000)
    return f"{sdl[: at.end()]}{at[1]}added{number}: Int{sdl[at.end() :]}"


def _double_field(sdl: str, at: re.Match[str], rng: random.Random) -> str:
    return f"{sdl[: at.end()]}{at[0].replace(at[2], f'{at[2]}{rng.randrange(9)}', 1)}{sdl[at.end() :]}"


def _describe(sdl: str, at: re.Match[str], rng: random.Random) -> str:
    return f'{sdl[: at.start()]}{at[1]}"""{rng.choice(("text", "other"))}"""{at[0]}{sdl[at.end() :]}'


def _use_directive(sdl: str, at: re.Match[str], rng: random.Random) -> str:
    use = rng.choice(
        (' @deprecated(reason: "old")', " @deprecated", "@shareable", "@external", "@inaccessible", '@tag(name: "x")')
    )
    return f"{sdl[: at.end()]} {use}{sdl[at.end() :]}"


def _drop(sdl: str, at: re.Match[str], rng: random.Random) -> str:
    return sdl[: at.start()] + sdl[at.end() :]


def _double(sdl: str, at: re.Match[str], rng: random.Random) -> str:
    return f"{sdl}\n{at[0].replace(' ', f' M{rng.randrange(9)}', 1)}\n"


def _change_type(sdl: str, at: re.Match[str], rng: random.Random) -> str:
    name = at[0]
    other = rng.choice((f"{name}!", name.rstrip("!"), f"[{name}]", rng.choice(_TYPE.findall(sdl))))
    return f"{sdl[: at.start()]}{other.replace('!!', '!')}{sdl[at.end() :]}"


#: where something can be changed, and how, so that the syntax stays valid
_MILD: tuple[tuple[re.Pattern[str], Callable[[str, re.Match[str], random.Random], str]], ...] = (
    (_FIELD, _add_field),
    (_FIELD, _double_field),
    (_FIELD, _describe),
    (_FIELD, _use_directive),
    (_FIELD, _drop),
    (_USE, _drop),
    (_TYPE, _change_type),
    (_BLOCK, _double),
)


def mutate_mildly(sdl: str, rng: random.Random) -> str:
    pattern, change = rng.choice(_MILD)
    places = list(pattern.finditer(sdl))
    return change(sdl, rng.choice(places), rng) if places else sdl


def mutate_tokens(sdl: str, rng: random.Random) -> str:
    tokens = _TOKEN.findall(sdl)
    for _ in range(rng.randint(1, 3)):
        if not tokens:
            return sdl
        at = rng.randrange(len(tokens))
        match rng.choice(("drop", "double", "swap", "noise", "rename", "directive", "line")):
            case "drop":
                del tokens[at]
            case "double":
                tokens.insert(at, tokens[at])
            case "swap":
                other = rng.randrange(len(tokens))
                tokens[at], tokens[other] = tokens[other], tokens[at]
            case "noise":
                tokens.insert(at, rng.choice(_NOISE))
            case "rename":
                _exchange(tokens, [i for i, token in enumerate(tokens) if _NAME.fullmatch(token)], rng)
            case "directive":
                _exchange(tokens, [i for i, token in enumerate(tokens) if token.startswith("@")], rng)
            case _:
                lines = "".join(tokens).split("\n")
                del lines[rng.randrange(len(lines))]
                tokens = _TOKEN.findall("\n".join(lines))
    return "".join(tokens)


def _exchange(tokens: list[str], places: list[int], rng: random.Random) -> None:
    if places:
        tokens[rng.choice(places)] = tokens[rng.choice(places)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    cases: list[dict[str, Any]] = json.loads(options.cases.read_text())
    sound = [case for case in cases if case.get("ok", True)]
    rng = random.Random(options.seed)  # noqa: S311 - reproducible on purpose
    outcomes: Counter[str] = Counter()
    written: list[dict[str, Any]] = []
    slowest = 0.0
    for number in range(options.count):
        subgraphs = [dict(subgraph) for subgraph in rng.choice(rng.choice((cases, sound, sound)))["subgraphs"]]
        mutate = rng.choice((mutate_mildly, mutate_mildly, mutate_tokens))
        victim = rng.choice(subgraphs)
        victim["sdl"] = mutate(victim["sdl"], rng)
        definitions = [SubgraphDefinition(s["name"], s.get("url") or "", s["sdl"]) for s in subgraphs]
        start = time.perf_counter()
        try:
            outcomes["composed" if compose(definitions).ok else "refused"] += 1
        except Exception:
            outcomes["CRASHED"] += 1
            print(f"--- case {number}", traceback.format_exc(limit=-4), victim["sdl"], sep="\n")
        slowest = max(slowest, time.perf_counter() - start)
        if options.write:
            written.append({"id": f"mutated {number}", "subgraphs": subgraphs})
    if options.write:
        options.write.write_text(json.dumps(written))
    print(dict(outcomes), f"slowest {slowest:.2f} s")
    raise SystemExit(1 if outcomes["CRASHED"] or slowest > 10 else 0)


if __name__ == "__main__":
    main()
