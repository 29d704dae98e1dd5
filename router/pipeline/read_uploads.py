"""A multipart request to a GraphQL request with files (https://github.com/jaydenseric/graphql-multipart-request-spec).

The form has `operations`, the request with null where files go; `map`, which says where that is; and the files. They
are held in memory, so their number and size are bounded.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from router.config.http import UploadLimits
from router.errors import UPLOAD_MISSING, UPLOAD_TOO_LARGE, UPLOAD_TOO_MANY, refuse
from router.pipeline.multipart_form import FormPart, read_form
from router.pipeline.read import GraphQLRequest, invalid, read_json, read_payload
from router.pipeline.uploads import UploadedFile, Uploads

_MOST_PLACES = 100  #: of files in variables
_FIELD_COUNT = 2  #: `operations` and `map`


def read_multipart(body: bytes, content_type: str, limits: UploadLimits, max_operations_bytes: int) -> GraphQLRequest:
    """Raises RequestError."""
    # one file more is read, to be able to say what is wrong
    operations, place_map, *parts = _fields_first(read_form(body, content_type, _FIELD_COUNT + limits.max_files + 1))
    if len(operations.content) + len(place_map.content) > max_operations_bytes:
        raise refuse(UPLOAD_TOO_LARGE, "payload too large for the `http_max_request_bytes` limit")
    payload = read_json(operations.content, "the field 'operations'")
    if not isinstance(payload, dict):
        raise invalid("batched requests are not supported for file uploads")
    places = _read_map(read_json(place_map.content, "the field 'map'"))
    if len(places) > limits.max_files or len(parts) > limits.max_files:
        raise refuse(UPLOAD_TOO_MANY, f"exceeded the limit of {limits.max_files} file uploads in a single request")
    by_name = {part.name: part for part in parts if part.file_name is not None}
    missing = sorted(set(places) - set(by_name))
    if missing:
        raise refuse(UPLOAD_MISSING, f"Missing files in the request: {', '.join(map(repr, missing))}.")
    uploads = Uploads(secrets.token_hex(16), tuple(_file(by_name[name], limits.max_file_size) for name in places))
    for number, paths in enumerate(places.values()):
        for path in paths:
            _put(payload, path, uploads.placeholder(number))
    asked = read_payload(payload)
    return GraphQLRequest(asked.query, asked.operation_name, asked.variables, asked.extensions, uploads)


def _fields_first(parts: Sequence[FormPart]) -> Sequence[FormPart]:
    """The specification wants this order, so that readers of streams know where a file goes before it comes."""
    if [part.name for part in parts[:_FIELD_COUNT]] != ["operations", "map"]:
        raise invalid("the first fields of the multipart form must be 'operations' and 'map'")
    if len({part.name for part in parts}) < len(parts):
        raise invalid("the multipart form has a field twice")
    return parts


def _read_map(given: object) -> dict[str, list[str]]:
    """Name of a file -> paths of the values it stands for."""
    places: dict[str, list[str]] = {}
    if not isinstance(given, dict):
        raise invalid("the field 'map' must be an object")
    for name, paths in given.items():
        if not isinstance(paths, list) or not paths or not all(isinstance(path, str) for path in paths):
            raise invalid("the field 'map' must hold lists of paths")
        places[name] = paths
    if sum(map(len, places.values())) > _MOST_PLACES:
        raise invalid(f"the field 'map' names more than {_MOST_PLACES} places")
    return places


def _file(part: FormPart, max_bytes: int) -> UploadedFile:
    if len(part.content) > max_bytes:
        raise refuse(UPLOAD_TOO_LARGE, f"exceeded the limit of {max_bytes} bytes on file {part.name[:40]!r}")
    return UploadedFile(part.file_name or "", part.content_type, part.content)


def _put(payload: dict[str, Any], path: str, placeholder: str) -> None:
    """Where the path leads there has to be a null in the variables, and nothing else."""
    first, *steps = path.split(".")
    at: Any = payload.get("variables")
    if first != "variables" or not steps:
        raise invalid(f"the path {path[:80]!r} in 'map' must start with 'variables.'")
    *way, last = steps
    for step in way:
        at = _child(at, step, path)
    if _child(at, last, path) is not None:
        raise invalid(f"the path {path[:80]!r} in 'map' does not lead to a null in the variables")
    at[int(last) if isinstance(at, list) else last] = placeholder


def _child(at: Any, step: str, path: str) -> Any:
    if isinstance(at, dict) and step in at:
        return at[step]
    if isinstance(at, list) and step.isascii() and step.isdigit() and int(step[:6]) < len(at):
        return at[int(step[:6])]
    raise invalid(f"the path {path[:80]!r} in 'map' leads nowhere")
