"""The README's tour: its commands run as they stand and print what it shows, but for ids, numbers and amounts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
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
    # a customer of this run's own
    own_customer = f"jo-{os.getpid()}-{shop.port}@punnet.example"
    with shell(path_with_curl(tmp_path, shop.port)) as run:
        is_after_pause = False
        for command, shown in tour():
            deadline = time.monotonic() + 60
            command = command.replace("jo@punnet.example", own_customer)
            printed = run(command)
            # a reader pauses, and looks again where a slow machine takes longer
            while is_after_pause and printed_shape(printed) != printed_shape(shown) and time.monotonic() < deadline:
                printed = run(command)
            assert not shown or printed_shape(printed) == printed_shape(shown), command
            is_after_pause = command.startswith("sleep ")


@contextmanager
def shell(environment: Mapping[str, str]) -> Iterator[Callable[[str], str]]:
    """A function that gives one shell a command and returns what that prints."""
    with subprocess.Popen(
        ["sh", "-eu"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
    ) as process:
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None
        assert stdout is not None

        def run(command: str) -> str:
            stdin.write(f"{command}\nprintf '\\n--\\n'\n")
            stdin.flush()
            printed = ""
            while not printed.endswith("\n--\n"):
                line = stdout.readline()
                assert line, f"the shell ended at {command}"
                printed += line
            return printed.removesuffix("--\n").strip()

        yield run
        stdin.close()
        assert process.wait(60) == 0


def printed_shape(text: str) -> Any:
    return shape(json.loads(text))
