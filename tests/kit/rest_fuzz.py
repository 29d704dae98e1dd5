"""Schemathesis against the REST routes of a running shop, from their own description."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

#: `positive_data_acceptance` asks that all that fits be accepted; a description cannot say which products there are
_CHECKS = ("--checks", "all", "--exclude-checks", "positive_data_acceptance")


def fuzz(url: str, *, seconds: int, seed: int | None = None) -> subprocess.CompletedProcess[str]:
    """As an administrator, with every check that a description of REST can promise. Its exit status is 1 when it found
    something; what, its output tells, with a curl call for each."""
    schemathesis = Path(sys.executable).with_name("schemathesis")
    command = [
        str(schemathesis), "run", f"{url}/api/openapi.json", "--max-time", str(seconds), *_CHECKS,
        "--request-timeout", "60", "-H", f"Authorization: Bearer {_token(url)}", "--continue-on-failure", "--no-color",
    ]  # fmt: skip
    seeded = ["--seed", str(seed)] if seed is not None else []
    return subprocess.run([*command, *seeded], capture_output=True, text=True, check=False, timeout=seconds * 3 + 240)


def _token(url: str) -> str:
    body = json.dumps({"email": "admin@punnet.example", "password": "admin-demo-password"}).encode()
    request = urllib.request.Request(f"{url}/api/v1/sessions", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        token: str = json.load(answer)["access_token"]
    return token
