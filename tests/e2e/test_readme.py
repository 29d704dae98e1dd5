"""The README's tour: its commands run as they stand and print what it shows, but for ids, numbers and amounts."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from tests.kit.curl import path_with_curl
from tests.kit.started_shop import StartedShop

README = Path(__file__).resolve().parents[2] / "README.md"


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
    steps = tour()
    script = "\n".join(f"{command}\nprintf '\\n--\\n'" for command, _ in steps)
    # a customer of this run's own
    script = script.replace("jo@punnet.example", f"jo-{os.getpid()}-{shop.port}@punnet.example")
    environment = path_with_curl(tmp_path, shop.port)
    done = subprocess.run(["sh", "-eu"], input=script, env=environment, capture_output=True, text=True, check=False)
    printed = [part.strip() for part in done.stdout.split("\n--\n")]
    shown = [(command, json.loads(output)) for command, output in steps if output]
    answers = [json.loads(text) for (_, output), text in zip(steps, printed, strict=False) if output]
    assert [shape(answer) for answer in answers] == [shape(output) for _, output in shown], done.stderr
