"""The locks: every package by hash, no address of any index, one version of a package in all of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LOCKS = sorted((ROOT / "deploy/locks").glob("*.txt"))


def pinned(lock: Path) -> dict[str, str]:
    """package -> version and marker, as written."""
    lines = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\\\n]+)", lock.read_text(), flags=re.MULTILINE)
    return {name: version.strip() for name, version in lines}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_every_package_is_pinned_by_hash_and_no_address_is_named(lock: Path) -> None:
    entries = re.split(r"\n(?=\S)", lock.read_text().strip())
    assert entries
    assert [entry.split("==")[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in lock.read_text()


def test_a_package_has_one_version_in_all_locks_and_wider_locks_hold_the_narrower() -> None:
    runtime, local, dev = (pinned(ROOT / f"deploy/locks/{name}.txt") for name in ("runtime", "local", "dev"))
    assert runtime.items() <= local.items() <= dev.items()


def test_npm_packages_are_pinned_by_hash_and_name_no_registry() -> None:
    packages = json.loads((ROOT / "deploy/web/package-lock.json").read_text())["packages"]
    installed = {path: entry for path, entry in packages.items() if path}
    assert installed
    assert [path for path, entry in installed.items() if not entry.get("integrity", "").startswith("sha512-")] == []
    assert [path for path, entry in installed.items() if "resolved" in entry] == []
