"""Files on their way through the router: what they are, and what stands for them in variables meanwhile.

A file travels beside the variables, in which a text nobody can guess holds its place. The executor passes that on as it
passes any value on; the request to the subgraph is made into a multipart one when it holds such a text.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UploadedFile:
    name: str  #: as the client gave it, without folders; never to be used as a path
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Uploads:
    """The files of one request."""

    token: str  #: drawn for this request
    files: tuple[UploadedFile, ...]

    def placeholder(self, number: int) -> str:
        return f"upload:{self.token}:{number}"

    def number(self, value: object) -> int | None:
        """Of the file whose placeholder this is."""
        if not isinstance(value, str):
            return None
        head, _, number = value.rpartition(":")
        return int(number) if head == f"upload:{self.token}" else None
