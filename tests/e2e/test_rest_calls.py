"""The REST calls the shop was asked for, as they stand in the documents that asked."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.kit.curl import path_with_curl
from tests.kit.started_shop import StartedShop

SCRIPT = Path(__file__).with_name("rest_calls.sh")


def test_the_documented_rest_calls_work_as_they_stand(shop: StartedShop, tmp_path: Path) -> None:
    environment = path_with_curl(tmp_path, shop.port)
    done = subprocess.run(["sh", str(SCRIPT)], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert [line.partition(": ")[0].removeprefix("ok   ") for line in done.stdout.splitlines()] == [
        "POST /api/users",
        "a product to order",
        "POST /api/orders",
        "POST /api/v1/users",
        "a session of john.doe@example.com",
        "a session of catalog@punnet.example",
        "POST /api/v1/products",
        "POST /api/v1/orders",
        "POST /api/v1/payments",
        "GET /api/v1/users",
        "GET /api/v1/products",
        "GET /api/v1/orders",
        "GET /api/v1/payments",
        "GET /api/v1/orders",
        "GET /api/v1/users",
        "GET /health",
        "GET /metrics",
        "GET /traces",
        "GET /api/docs",
        "GET /api/openapi.json",
    ]
