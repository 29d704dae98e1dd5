"""The program of docs/router.md: the router in an application of one's own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.kit.asgi import running
from tests.kit.tiny_subgraph import SUPERGRAPH

pytestmark = pytest.mark.anyio
DOCUMENT = Path(__file__).resolve().parents[3] / "docs/router.md"


async def test_the_program_serves_its_own_routes_and_the_router_whose_metrics_are_all_in_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```", DOCUMENT.read_text(), flags=re.MULTILINE | re.DOTALL)
    (tmp_path / "supergraph.graphql").write_text(SUPERGRAPH)
    (tmp_path / "router.yaml").write_text("supergraph: {introspection: true}")
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "app"}
    exec(compile(program, "app.py", "exec"), namespace)  # noqa: S102 - our own documentation
    async with running(namespace["app"], "/graphql") as client:  # type: ignore[arg-type]  # the program says what it is
        hello = await client.get("/hello")
        reply = await client.post("{ count user { name diary } }")
        statuses = [(await client.get(path)).status for path in ("/health/ready", "/metrics", "/nowhere")]
        metrics = (await client.get("/metrics")).body.decode()
    assert (hello.status, hello.body) == (200, b"hello")
    assert reply.json["data"]["count"] == 1
    assert (reply.json["data"]["user"]["diary"], reply.codes) == (None, ["UNAUTHORIZED_FIELD_OR_TYPE"])
    assert statuses == [200, 200, 404]
    ours = set(re.findall(r"^# TYPE ((?:apollo_router|punnet_subgraph|http_server)_\w+)", metrics, flags=re.MULTILINE))
    assert len(ours) >= 8
    assert {name for name in ours if f"`{name.removesuffix('_created')}" not in DOCUMENT.read_text()} == set()
    assert "python_info" in metrics
