"""The boot script: what makes it install anew, and what it says when it cannot go on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from deploy import boot


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout whose environment was set up for `local` only."""
    (tmp_path / "deploy/locks").mkdir(parents=True)
    for name in boot.PROFILES:
        (tmp_path / f"deploy/locks/{name}.txt").write_text("example==1.0 --hash=sha256:00\n")
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/python").symlink_to(sys.executable)
    local = boot.lock_digests(tmp_path)["local"]
    (tmp_path / ".venv/punnet.json").write_text(json.dumps({"local": local}))
    return tmp_path


def up_to_date(root: Path) -> list[str]:
    installed, current = boot.installed_digests(root), boot.lock_digests(root)
    return [name for name in boot.PROFILES if installed.get(name) == current[name]]


def test_an_environment_is_up_to_date_for_what_was_installed_only(root: Path) -> None:
    assert up_to_date(root) == ["local"]


def test_a_changed_lock_is_noticed(root: Path) -> None:
    (root / "deploy/locks/local.txt").write_text("example==1.1 --hash=sha256:11\n")
    assert up_to_date(root) == []


def test_a_checkout_that_was_moved_is_set_up_anew(root: Path) -> None:
    moved = root.with_name("moved")
    root.rename(moved)
    assert up_to_date(moved) == []


@pytest.mark.parametrize("stamp", ["", "{", '{"other": "x"}'])
def test_a_damaged_stamp_means_that_nothing_is_installed(root: Path, stamp: str) -> None:
    (root / ".venv/punnet.json").write_text(stamp)
    assert up_to_date(root) == []


def test_an_environment_whose_python_is_gone_is_not_used(root: Path) -> None:
    (root / ".venv/bin/python").unlink()
    assert up_to_date(root) == []


def test_set_up_does_nothing_when_all_is_there(root: Path) -> None:
    before = sorted(root.rglob("*"))
    boot.set_up(root, "local")
    assert sorted(root.rglob("*")) == before


def test_an_old_python_is_refused_in_a_sentence(tmp_path: Path) -> None:
    script = tmp_path / "boot.py"
    script.write_text(Path(boot.__file__).read_text().replace("OLDEST_PYTHON = (3, 11)", "OLDEST_PYTHON = (99, 0)"))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.partition(";")[0]) == (1, "Punnet needs Python 99.0 or newer")


def test_the_script_needs_nothing_but_the_standard_library() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(Path(boot.__file__))], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, "usage: boot.py local|dev -- COMMAND [ARGUMENT ...]\n")
