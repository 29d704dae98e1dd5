"""Which features a supergraph links, and under which names.

In: the parsed supergraph SDL. Out: a Features record; raises UnsupportedFeatureError when the supergraph needs what
this router would otherwise silently ignore (core/link specification, `for:`). Reads `@link` (link v1.0) and `@core`
(core v0.1 and v0.2, Federation 1), with renames by `as:` and `import:`.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphql import DirectiveNode, DocumentNode, SchemaDefinitionNode, SchemaExtensionNode, value_from_ast_untyped

from router.federation.link import Import, Link, make_link
from router.federation.version import FeatureUrl, LinkError
from router.supergraph.errors import InvalidSupergraphError, UnsupportedFeatureError

_APOLLO = "https://specs.apollo.dev/"
_BOOTSTRAP = (_APOLLO + "link/", _APOLLO + "core/")
#: feature name -> minor versions of v0 (v1 for link) understood here
_SUPPORTED = {
    "link": ("v1.0",),
    "core": ("v0.1", "v0.2"),
    "join": ("v0.1", "v0.2", "v0.3", "v0.4", "v0.5"),
    "tag": ("v0.1", "v0.2", "v0.3"),
    "inaccessible": ("v0.1", "v0.2"),
    "authenticated": ("v0.1",),
    "requiresScopes": ("v0.1",),
    "policy": ("v0.1",),
    "context": ("v0.1",),
    "cost": ("v0.1",),
    "cacheTag": ("v0.1",),
}


@dataclass(frozen=True, slots=True)
class Features:
    """The linked features by name. `directive("join", "type")` is the name the schema uses for it."""

    links: tuple[Link, ...]

    def directive(self, feature: str, name: str) -> str | None:
        """The schema's name of a directive, without `@`; None when the feature is not linked."""
        for link in self.links:
            if link.url.name == feature and link.url.identity.startswith(_APOLLO):
                return link.directive_name(name)
        return None

    def owns_directive(self, name: str) -> bool:
        """Whether a directive of the schema comes from a feature and not from the users."""
        return any(
            name == link.alias or name.startswith(link.alias + "__") or any(i.alias == "@" + name for i in link.imports)
            for link in self.links
        )

    def owns_type(self, name: str) -> bool:
        return any(
            name.startswith(link.alias + "__") or any(i.alias == name for i in link.imports) for link in self.links
        )


def read_features(document: DocumentNode) -> Features:
    """Raises InvalidSupergraphError without a link to join, UnsupportedFeatureError for what must not be ignored."""
    applications: list[DirectiveNode] = []
    for node in document.definitions:
        if isinstance(node, SchemaDefinitionNode | SchemaExtensionNode):
            applications.extend(node.directives or ())
    bootstrap = next((d.name.value for d in applications if _url(d).startswith(_BOOTSTRAP)), None)
    if bootstrap is None:
        raise InvalidSupergraphError(
            "The schema does not link https://specs.apollo.dev/link or /core: this is no supergraph SDL."
            " Compose the subgraph schemas first."
        )
    links = tuple(_read_link(d) for d in applications if d.name.value == bootstrap)
    if not any(link.url.name == "join" and link.url.identity.startswith(_APOLLO) for link in links):
        raise InvalidSupergraphError(
            "The schema does not link https://specs.apollo.dev/join: this is no supergraph SDL."
        )
    return Features(links)


def _arguments(node: DirectiveNode) -> dict[str, object]:
    return {a.name.value: value_from_ast_untyped(a.value) for a in node.arguments or ()}


def _url(node: DirectiveNode) -> str:
    arguments = _arguments(node)
    url = arguments.get("url") or arguments.get("feature")
    return url if isinstance(url, str) else ""


def _read_link(node: DirectiveNode) -> Link:
    arguments = _arguments(node)
    try:
        url = FeatureUrl.parse(_url(node))
    except LinkError as exc:
        raise InvalidSupergraphError(
            f'A feature of the supergraph has a URL that cannot be read: "{_url(node)}".'
        ) from exc
    supported = _SUPPORTED.get(url.name, ()) if url.identity == _APOLLO + url.name else ()
    must_know = arguments.get("for") in ("EXECUTION", "SECURITY") or url.name == "join"
    if must_know and str(url.version) not in supported:
        raise UnsupportedFeatureError(
            f'The supergraph needs the feature "{url}" for {arguments.get("for") or "EXECUTION"}, which this router'
            " does not know. Serving it anyway could answer wrongly or show what must be hidden."
        )
    alias = arguments.get("as")
    return make_link(url, alias if isinstance(alias, str) else None, _imports(arguments.get("import")))


def _imports(value: object) -> list[Import]:
    imports: list[Import] = []
    for item in value if isinstance(value, list) else []:
        if isinstance(item, str):
            imports.append(Import(item, item))
        elif isinstance(item, dict) and isinstance(name := item.get("name"), str):
            alias = item.get("as")
            imports.append(Import(name, alias if isinstance(alias, str) else name))
    return imports
