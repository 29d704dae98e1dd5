"""Tiny compositions for tests: subgraphs by keyword, federation linked for them."""

from __future__ import annotations

from graphql import parse, print_ast

from router.compose import Composition, SubgraphDefinition, compose
from router.federation.specs import federation_spec
from router.federation.version import Version


def federation_link(minor: int = 12) -> str:
    """A `@link` to federation v2.<minor> that imports all of its directives."""
    spec = federation_spec(Version(2, minor))
    assert spec is not None
    names = ", ".join(f'"@{name}"' for name in spec.directives)
    return f'extend schema @link(url: "{spec.url}", import: [{names}])\n'


def compose_sdl(**subgraphs: str) -> Composition:
    """Composes subgraphs of federation v2.12; one that says `@link` or `# fed1` is taken as it is."""
    return compose_at(12, subgraphs)


def compose_at(minor: int, subgraphs: dict[str, str]) -> Composition:
    """The same with federation v2.<minor>."""
    link = federation_link(minor)
    definitions = [
        SubgraphDefinition(name, f"http://{name}", sdl if "@link" in sdl or "# fed1" in sdl else link + sdl)
        for name, sdl in subgraphs.items()
    ]
    return compose(definitions)


def error_codes(composition: Composition) -> list[str]:
    return [error.code.name for error in composition.errors]


def hint_codes(composition: Composition) -> list[str]:
    return [hint.code.name for hint in composition.hints]


def definition(sdl: str | None, name: str) -> str:
    """One definition of a composed document, on one line."""
    assert sdl is not None
    for node in parse(sdl).definitions:
        own = getattr(node, "name", None)
        if own is not None and own.value == name:
            return " ".join(print_ast(node).split())
    raise AssertionError(f"{name} is not defined")
