"""How composition grows: wall time and peak memory at 10, 100 and 300 subgraphs with 5,000 types in all.

    python -m tests.load.compose_scale [--apollo FOLDER] [--types 5000] [--subgraphs 10 100 300] [--runs 3]

FOLDER holds @apollo/composition (`npm install @apollo/composition graphql`); the ratio then is ours divided by theirs,
measured turn by turn in the same run, the best of the runs on each side. Every composition has a process of its own.
The clock starts with the SDLs as text in memory and stops with the supergraph as text; memory is the peak of the whole
process, interpreter included. CPU time, all threads, says more than wall time on a machine that does other work too.

Of ten types seven are entities, owned by one subgraph and extended by two others with fields, some of which require
others; the rest are shareable values, enums and inputs. Interfaces and unions join entities of one subgraph. Every
entity can be reached from a root field and from entities of its neighbours.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from router.compose import SubgraphDefinition, compose

_APOLLO = Path(__file__).with_name("compose_scale_apollo.mjs")
_LINK = (
    'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9",'
    ' import: ["@key", "@shareable", "@external", "@requires", "@tag"])'
)


def generate(subgraph_count: int, type_count: int, seed: int = 1) -> list[SubgraphDefinition]:
    """The same input for the same numbers; `type_count` without root types."""
    rng = random.Random(seed)  # noqa: S311 - reproducible on purpose
    blocks: list[list[str]] = [[_LINK] for _ in range(subgraph_count)]
    roots: list[list[str]] = [[] for _ in range(subgraph_count)]
    entities = [i for i in range(type_count) if i % 10 < 7]
    owner = {i: i % subgraph_count for i in range(type_count)}
    owned: list[list[int]] = [[] for _ in range(subgraph_count)]
    for i in entities:
        home = owner[i]
        owned[home].append(i)
        neighbour = rng.choice(entities)
        interface = " implements Node" if i % 4 == 0 else ""
        blocks[home].append(
            f'type E{i}{interface} @key(fields: "id") {{ id: ID! name: String! size(unit: String = "cm"): Float'
            f' secret: Int @tag(name: "internal") next: E{neighbour} all(first: Int, after: String): [E{neighbour}!] }}'
        )
        if owner[neighbour] != home and neighbour not in owned[home]:
            blocks[home].append(f'type E{neighbour} @key(fields: "id", resolvable: false) {{ id: ID! }}')
            owned[home].append(neighbour)
        roots[home].append(f"e{i}(id: ID!): E{i}")
    for i in entities:
        for step in (1, 2):
            guest = (owner[i] + step) % subgraph_count
            if guest == owner[i] or i in owned[guest]:
                continue
            owned[guest].append(i)
            blocks[guest].append(
                f'type E{i} @key(fields: "id") {{ id: ID! name: String! @external more{step}: Int'
                f' derived{step}: String @requires(fields: "name") }}'
            )
    for i in range(type_count):
        home, name = owner[i], f"T{i}"
        if i % 10 == 7:
            for place in {home, (home + 1) % subgraph_count}:
                blocks[place].append(f"type {name} @shareable {{ amount: Int! currency: String note: String }}")
                roots[place].append(f"t{i}At{place}: {name}")
        elif i % 10 == 8:
            blocks[home].append(f"enum {name} {{ A B C D }}")
            roots[home].append(f"t{i}(among: [{name}!]): {name}")
        elif i % 10 == 9:
            blocks[home].append(f"input {name} {{ a: Int = 1 b: [String!]! nested: {name} }}")
            roots[home].append(f"t{i}(input: {name}!): Int")
    for index, block in enumerate(blocks):
        if any("implements Node" in line for line in block):
            block.append("interface Node { id: ID! name: String! }")
            roots[index].append(f"nodes{index}: [Node]")
        block.append(f"type Query {{ {' '.join(roots[index])} }}")
    return [SubgraphDefinition(f"s{i:03}", f"http://s{i}", "\n".join(block)) for i, block in enumerate(blocks)]


@dataclass(frozen=True, slots=True)
class Cost:
    wall_s: float
    cpu_s: float
    peak_mib: float


def measure(command: Sequence[str], cwd: Path) -> Cost:
    """`command` prints `{"ok", "wall_s", "cpu_s", "peak_mib"}` as its last line."""
    done = subprocess.run(command, cwd=cwd, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    answer = json.loads(done.stdout.splitlines()[-1])
    if not answer["ok"]:
        raise SystemExit(f"{' '.join(command)}: did not compose: {answer}")
    return Cost(answer["wall_s"], answer["cpu_s"], answer["peak_mib"])


def compose_once(path: Path) -> dict[str, object]:
    definitions = [SubgraphDefinition(**subgraph) for subgraph in json.loads(path.read_text())]
    start, cpu_start = time.perf_counter(), time.process_time()
    result = compose(definitions)
    wall_s, cpu_s = time.perf_counter() - start, time.process_time() - cpu_start
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "ok": result.ok,
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "peak_mib": peak_mib,
        "errors": [str(error) for error in result.errors[:3]],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--apollo", type=Path, help="folder with node_modules/@apollo/composition")
    parser.add_argument("--types", type=int, default=5000)
    parser.add_argument("--subgraphs", type=int, nargs="+", default=[10, 100, 300])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--write", type=Path, help="keep the input of the largest here")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(compose_once(options.one)))
        return
    ours = [sys.executable, "-m", "tests.load.compose_scale", "--one"]
    print("subgraphs SDL MiB | ours: wall s, CPU s, peak MiB", end="")
    print(" | Apollo: the same | ratios" if options.apollo else "")
    for count in options.subgraphs:
        definitions = generate(count, options.types)
        text = json.dumps([{"name": d.name, "url": d.url, "sdl": d.sdl} for d in definitions])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "subgraphs.json"
            path.write_text(text)
            if options.write:
                options.write.write_text(text)
            mine: list[Cost] = []
            theirs: list[Cost] = []
            for _ in range(options.runs):
                mine.append(measure([*ours, str(path)], Path.cwd()))
                if options.apollo:
                    node = ["node", "--max-old-space-size=8192", str(_APOLLO), str(path)]
                    theirs.append(measure(node, options.apollo))
        print(f"{count:>9} {sum(len(d.sdl) for d in definitions) / 2**20:>7.2f} | {_text(_best(mine))}", end="")
        if theirs:
            a, b = _best(mine), _best(theirs)
            ratio = Cost(a.wall_s / b.wall_s, a.cpu_s / b.cpu_s, a.peak_mib / b.peak_mib)
            print(f" | {_text(b)} | {ratio.wall_s:.2f} {ratio.cpu_s:.2f} {ratio.peak_mib:.2f}", end="")
        print(flush=True)


def _best(costs: Sequence[Cost]) -> Cost:
    return Cost(min(c.wall_s for c in costs), min(c.cpu_s for c in costs), min(c.peak_mib for c in costs))


def _text(cost: Cost) -> str:
    return f"{cost.wall_s:>6.2f} {cost.cpu_s:>6.2f} {cost.peak_mib:>5.0f}"


if __name__ == "__main__":
    main()
