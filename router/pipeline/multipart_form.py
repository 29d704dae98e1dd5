"""`multipart/form-data` (RFC 7578), read and written whole in memory: bytes to parts and back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from router.pipeline.read import invalid

_BOUNDARY = re.compile(r"boundary=(?:\"([^\"\r\n]{1,70})\"|([^\s;,\"]{1,70}))", re.IGNORECASE)
_PARAMETER = re.compile(r';\s*([a-z*]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s"]*))', re.IGNORECASE)
_LONGEST_HEAD = 8_192  #: bytes, of one part
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(?:\s*;\s*[\w!#$&^.+-]+=[\w!#$&^.+-]+)*")
_ANY_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class FormPart:
    name: str
    content: bytes
    file_name: str | None = None  #: None: not a file
    content_type: str = _ANY_TYPE  #: of a file


def read_form(body: bytes, content_type: str, max_parts: int) -> list[FormPart]:
    """Raises RequestError (400) for what is no such form, or has more parts."""
    match = _BOUNDARY.search(content_type)
    if match is None:
        raise invalid("the multipart form has no boundary")
    delimiter = b"\r\n--" + (match[1] or match[2]).encode("latin-1")
    preamble, *parts = (b"\r\n" + body).split(delimiter, max_parts + 1)
    if preamble or not parts:
        raise invalid("the multipart form does not begin with its boundary")
    *parts, end = parts
    if not end.startswith(b"--"):
        raise invalid(f"the multipart form is not complete, or has more than {max_parts} parts")
    return [_read_part(part) for part in parts]


def write_form(parts: Sequence[FormPart], boundary: str) -> bytes:
    """`boundary` must not occur in the contents: draw it."""
    written = bytearray()
    for part in parts:
        written += f'--{boundary}\r\ncontent-disposition: form-data; name="{_quoted(part.name)}"'.encode()
        if part.file_name is not None:
            written += f'; filename="{_quoted(part.file_name)}"\r\ncontent-type: {part.content_type}'.encode()
        written += b"\r\n\r\n" + part.content + b"\r\n"
    return bytes(written + f"--{boundary}--\r\n".encode())


def _read_part(part: bytes) -> FormPart:
    head, end, content = part.partition(b"\r\n\r\n")
    first, *lines = head.decode("utf-8", "replace").split("\r\n")
    if not end or first.strip(" \t") or len(head) > _LONGEST_HEAD:
        raise invalid("a part of the multipart form has no headers")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    kind, _, _ = headers.get("content-disposition", "").partition(";")
    found = _PARAMETER.findall(headers.get("content-disposition", ""))
    parameters = {name.lower(): quoted or plain for name, quoted, plain in found}
    if kind.strip().lower() != "form-data" or "name" not in parameters or len(parameters) < len(found):
        raise invalid("a part of the multipart form has no name")
    file_name = parameters.get("filename")
    given_type = headers.get("content-type", _ANY_TYPE)
    return FormPart(
        parameters["name"],
        content,
        None if file_name is None else re.split(r"[/\\]", file_name)[-1],
        given_type if _MEDIA_TYPE.fullmatch(given_type) else _ANY_TYPE,
    )


def _quoted(text: str) -> str:
    """As browsers write it (HTML, 4.10.21.8): a quote or line break cannot end the header."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A").replace("\\", "%5C")
