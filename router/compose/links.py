"""Reads the `@link` applications of a schema into a LinkTable, and defines `@link` where the schema does not.

A schema is linked when it links the link specification itself, or (then that link is implied) federation.
"""

from __future__ import annotations

from router.compose.define import define_link
from router.compose.findings import FatalError, Findings, fatal
from router.compose.schema import Application, Schema
from router.compose.subgraph import Subgraph
from router.compose.type_ref import nullable
from router.federation import specs
from router.federation.link import Link, LinkTable, make_link, read_imports
from router.federation.version import FeatureUrl, LinkError, Version

LINK_URL = FeatureUrl(specs.LINK, "link", Version(1, 0))


def read_links(subgraph: Subgraph, findings: Findings) -> bool:
    """Sets the subgraph's links, None when it links nothing. False when its own `@link` is not the real one.

    Raises FatalError when an implied link table cannot be built.
    """
    schema = subgraph.schema
    explicit = next((use for use in schema.element.applications if _links_link(use, schema)), None)
    if explicit is not None:
        subgraph.links = _explicit_table(explicit, schema, findings)
        if explicit.name not in schema.directives:
            itself = subgraph.links.link_itself if subgraph.links else make_link(LINK_URL, explicit.name, ())
            define_link(schema, itself, findings)
        return True
    link = make_link(LINK_URL, None, ())
    uses = [use for use in schema.element.applications if use.name == "link"]
    if not any(_url(use).startswith(specs.FEDERATION) for use in uses):
        if uses and "link" not in schema.directives:
            define_link(schema, link, findings)
        return True
    if any(_links_core(use, schema) for use in schema.element.applications):
        raise fatal("@core and @link cannot be used together.", code="INVALID_LINK_DIRECTIVE_USAGE")
    problems = Findings()
    define_link(schema, link, problems)
    if problems:
        findings.items += problems.items
        return False
    table = LinkTable(link)
    for use in uses:
        _add(table, use, problems)
        if problems:
            raise FatalError(problems.items)
    subgraph.links = table
    return True


def _explicit_table(explicit: Application, schema: Schema, findings: Findings) -> LinkTable | None:
    try:
        link = read_link(explicit)
        if link.url.version != LINK_URL.version:
            raise LinkError("UNKNOWN_LINK_VERSION", f"There is no version {link.url.version} of the link feature.")
        table = LinkTable(link)
    except LinkError as error:
        findings.add_link_error(error, explicit.node)
        return None
    for use in schema.element.applications:
        if use.name != explicit.name or use is explicit:
            continue
        if _links_link(use, schema):
            findings.add("INVALID_LINK_DIRECTIVE_USAGE", "The link feature is linked twice.", use.node)
            continue
        _add(table, use, findings)
    return table


def read_link(use: Application) -> Link:
    """Raises LinkError."""
    url = FeatureUrl.parse(_url(use))
    alias = use.arguments.get("as")
    return make_link(url, alias if isinstance(alias, str) else None, read_imports(url, use.arguments.get("import")))


def _add(table: LinkTable, use: Application, findings: Findings) -> None:
    try:
        table.add(read_link(use))
    except LinkError as error:
        findings.add_link_error(error, use.node)


def _url(use: Application) -> str:
    url = use.arguments.get("url")
    return url if isinstance(url, str) else ""


def _links_link(use: Application, schema: Schema) -> bool:
    """Whether `use` is the `@link` of the link specification itself, under the name it gives to itself."""
    alias = use.arguments.get("as")
    if use.name != (alias if isinstance(alias, str) else "link"):
        return False
    try:
        if FeatureUrl.parse(_url(use)).identity != specs.LINK:
            return False
    except LinkError:
        return False
    definition = schema.directives.get(use.name)
    if definition is None:
        return use.name == "link"
    url = definition.arguments.get("url")
    return (
        definition.repeatable
        and definition.locations == ("SCHEMA",)
        and url is not None
        and str(nullable(url.type)) == "String"
    )


def _links_core(use: Application, schema: Schema) -> bool:
    """`@core` came before `@link`."""
    feature = use.arguments.get("feature")
    return use.name in schema.directives and isinstance(feature, str) and feature.startswith(f"{specs.CORE}/")
