"""Requests to subgraphs whose variables hold files: sent as the multipart requests that clients send."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from router.execution.json import dump_json, load_json
from router.pipeline.multipart_form import FormPart, write_form
from router.pipeline.uploads import Uploads
from router.transport.model import SubgraphClient, SubgraphRequest, SubgraphResponse


def with_uploads(clients: Mapping[str, SubgraphClient], uploads: Uploads) -> dict[str, SubgraphClient]:
    """Clients for one request with files."""
    return {name: _Uploading(client, uploads) for name, client in clients.items()}


@dataclass(frozen=True, slots=True)
class _Uploading:
    client: SubgraphClient
    uploads: Uploads

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        if self.uploads.token.encode() not in request.body:
            return await self.client.send(request)
        body = load_json(request.body)
        places: dict[int, list[str]] = {}
        for number, path in _take_out(body, "variables", self.uploads, "variables"):
            places.setdefault(number, []).append(path)
        files = [
            FormPart(str(number), file.content, file.name, file.content_type)
            for number in places
            for file in (self.uploads.files[number],)
        ]
        fields = [
            FormPart("operations", dump_json(body)),
            FormPart("map", dump_json({str(n): p for n, p in places.items()})),
        ]
        boundary = secrets.token_hex(16)
        sent = replace(
            request,
            body=write_form([*fields, *files], boundary),
            content_type=f"multipart/form-data; boundary={boundary}",
        )
        return await self.client.send(sent)


def _take_out(within: Any, key: Any, uploads: Uploads, path: str) -> Iterator[tuple[int, str]]:
    """Puts null in the place of every placeholder, and gives the file's number and the path."""
    value = within[key]
    if (number := uploads.number(value)) is not None:
        within[key] = None
        yield number, path
    elif isinstance(value, dict | list):
        for step in value if isinstance(value, dict) else range(len(value)):
            yield from _take_out(value, step, uploads, f"{path}.{step}")
