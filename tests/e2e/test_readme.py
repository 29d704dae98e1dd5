"""The README's tour: its commands run as they stand and print what it shows, but for ids, numbers and amounts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.kit.started_shop import StartedShop

README = Path(__file__).resolve().parents[2] / "README.md"

# Stands in for curl, which a machine need not have: POSTs standard input as `curl -s URL -H … -d @-` does.
CURL = """#!{python}
import sys, urllib.error, urllib.request
arguments = sys.argv[1:]
headers = [arguments[at + 1].split(": ", 1) for at, word in enumerate(arguments) if word == "-H"]
url = next(word for word in arguments if word.startswith("http")).replace("localhost:8080", "127.0.0.1:{port}")
request = urllib.request.Request(url, sys.stdin.buffer.read(), dict(headers))
try:
    print(urllib.request.urlopen(request).read().decode(), end="")
except urllib.error.HTTPError as refusal:
    print(refusal.read().decode(), end="")
"""


def tour() -> list[tuple[str, str]]:
    """(command, what the README shows for it) in their order."""
    text = "\n".join(re.findall(r"^```console\n(.*?)^```", README.read_text(), flags=re.MULTILINE | re.DOTALL))
    steps = []
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        first, *rest = part.splitlines()
        command = [first, *(line[2:] for line in rest if line.startswith("> "))]
        steps.append(("\n".join(command), "".join(line for line in rest if line.startswith("{"))))
    return steps


def shape(value: Any) -> Any:
    """What two runs have in common: names of fields, and words that are not made up anew each time."""
    if isinstance(value, dict):
        return {key: shape(part) for key, part in value.items()}
    if isinstance(value, list):
        return [shape(part) for part in value]
    return value if isinstance(value, str) and re.fullmatch(r"[A-Z_]+", value) else type(value).__name__


def test_the_tour_prints_what_the_readme_shows(shop: StartedShop, tmp_path: Path) -> None:
    curl = tmp_path / "curl"
    curl.write_text(CURL.format(python=sys.executable, port=shop.port))
    curl.chmod(0o755)
    steps = tour()
    script = "\n".join(f"{command}\nprintf '\\n--\\n'" for command, _ in steps)
    # a customer of this run's own
    script = script.replace("jo@punnet.example", f"jo-{os.getpid()}-{shop.port}@punnet.example")
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-eu"], input=script, env=environment, capture_output=True, text=True, check=False)
    printed = [part.strip() for part in done.stdout.split("\n--\n")]
    shown = [(command, json.loads(output)) for command, output in steps if output]
    answers = [json.loads(text) for (_, output), text in zip(steps, printed, strict=False) if output]
    assert [shape(answer) for answer in answers] == [shape(output) for _, output in shown], done.stderr
