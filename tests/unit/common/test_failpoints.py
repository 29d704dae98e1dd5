"""Failpoints kill once, at the passing they were asked for, and never in production."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
from common.failpoints import failpoint
for name in ("a.b.before_commit", "a.b.after_commit", "a.b.before_commit"):
    failpoint(name)
    print("passed", name, flush=True)
"""
A, B = "passed a.b.before_commit", "passed a.b.after_commit"


def lines_before_death(**environment: str) -> list[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PUNNET_")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, env=inherited | environment
    )
    lines = done.stdout.splitlines()
    assert done.returncode == (0 if len(lines) == 3 else -9), done.stderr
    return lines


@pytest.mark.parametrize(
    ("wish", "printed"),
    [
        ("a.b.before_commit", []),
        ("a.b.after_commit", [A]),
        ("a.b.before_commit:2", [A, B]),
        ("a.b.before_commit:3", [A, B, A]),
        ("another", [A, B, A]),
        ("", [A, B, A]),
    ],
)
def test_a_process_dies_at_the_passing_that_is_named(wish: str, printed: list[str]) -> None:
    assert lines_before_death(PUNNET_FAILPOINT=wish) == printed


def test_nothing_dies_in_production() -> None:
    environment = {"PUNNET_FAILPOINT": "a.b.before_commit", "PUNNET_ENVIRONMENT": "production"}
    assert lines_before_death(**environment) == [A, B, A]


def test_a_file_in_a_folder_kills_one_process_once(tmp_path: Path) -> None:
    environment = {"PUNNET_FAILPOINT": f"@{tmp_path}"}
    assert lines_before_death(**environment) == [A, B, A]
    (tmp_path / "a.b.before_commit").write_text("2")
    (tmp_path / "a.b.never_passed").write_text("1")
    assert lines_before_death(**environment) == [A, B]
    assert [path.name for path in tmp_path.iterdir()] == ["a.b.never_passed"]
    assert lines_before_death(**environment) == [A, B, A]
