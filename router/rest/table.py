"""Method and path to the routes there. Literal segments win over parameters, as OpenAPI has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from router.rest.routes import Route


@dataclass(frozen=True, slots=True)
class Found:
    template: str
    routes: Mapping[str, Sequence[Route]]  #: by method
    parameters: Mapping[str, str]

    @property
    def allowed(self) -> str:
        """The value of an Allow header."""
        return ", ".join(sorted({*self.routes, "OPTIONS", *(["HEAD"] if "GET" in self.routes else [])}))


class RouteTable:
    def __init__(self, routes: Sequence[Route]) -> None:
        self._literal: dict[str, dict[str, list[Route]]] = {}
        templates: dict[str, dict[str, list[Route]]] = {}
        for route in routes:
            places = templates if "{" in route.path else self._literal
            places.setdefault(route.path, {}).setdefault(route.method, []).append(route)
        self._templates = [(tuple(path.split("/")), path, by_method) for path, by_method in templates.items()]
        self._templates.sort(key=lambda entry: [segment.startswith("{") for segment in entry[0]])

    def find(self, path: str) -> Found | None:
        """`path` as it stands in the request, still quoted, below the face's own."""
        by_method = self._literal.get(path)
        if by_method is not None:
            return Found(path, by_method, {})
        segments = tuple(path.split("/"))
        for template, name, routes in self._templates:
            if len(template) == len(segments) and (parameters := _match(template, segments)) is not None:
                return Found(name, routes, parameters)
        return None


def _match(template: Sequence[str], segments: Sequence[str]) -> dict[str, str] | None:
    parameters: dict[str, str] = {}
    for expected, segment in zip(template, segments, strict=True):
        if expected.startswith("{"):
            if not segment:
                return None
            parameters[expected[1:-1]] = unquote(segment)
        elif expected != segment:
            return None
    return parameters
