"""Which specifications the supergraph links, under which names.

In: validated subgraphs. Out: a MergeContext whose supergraph has its links, the join specification, the enum of
subgraphs, and the definitions of all directives of federation that compose.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from router.compose.define import add_feature, purpose_enum
from router.compose.facts import gather_facts
from router.compose.findings import Findings
from router.compose.links import LINK_URL
from router.compose.merge.aliases import AliasBook
from router.compose.merge.compose_directive import ComposedFeature, read_compose_directives
from router.compose.merge.context import MergeContext
from router.compose.merge.join_spec import define_join
from router.compose.report import Report
from router.compose.schema import Application, DirectiveDefinition, EnumValue, InputValue, Kind, Schema, TypeDefinition
from router.compose.subgraph import Subgraph
from router.compose.type_ref import read_type
from router.compose.values import EnumText, Value
from router.federation import specs
from router.federation.link import Import, LinkTable, make_link
from router.federation.specs import DirectiveSpec
from router.federation.version import FeatureUrl, LinkError, Version

ACCESS_IDENTITIES = {
    specs.AUTHENTICATED: "authenticated",
    specs.REQUIRES_SCOPES: "requiresScopes",
    specs.POLICY: "policy",
}


def prepare(subgraphs: Sequence[Subgraph], report: Report) -> MergeContext:
    """The context to merge in; the report has errors when linking failed."""
    version = _latest_version(subgraphs, report)
    merged = Schema()
    _define_link(merged)
    join_version = specs.join_version(version)
    links = LinkTable(make_link(LINK_URL, None, ()))
    context = MergeContext(
        subgraphs=list(subgraphs),
        facts=[gather_facts(subgraph) for subgraph in subgraphs],
        report=report,
        merged=merged,
        links=links,
        federation_version=version,
        join_version=join_version,
        graph_names=graph_enum_names([subgraph.name for subgraph in subgraphs]),
    )
    for index, subgraph in enumerate(subgraphs):
        for type_ in subgraph.schema.types.values():
            context.types_by_name[type_.name][index] = type_
    join_url = FeatureUrl(specs.JOIN, "join", join_version)
    _link(context, join_url, None, [], "EXECUTION")
    define_join(merged, join_version)
    composed = _composed_directives(context)
    custom = read_compose_directives(subgraphs, context.names, report)
    _link_features(context, composed, custom.features, join_url)
    context.custom = custom.directives_by_subgraph
    context.custom_definitions = custom.origins
    context.custom_owners = {feature.url.identity: feature.subgraphs for feature in custom.features}
    _define_graphs(context)
    return context


def _latest_version(subgraphs: Sequence[Subgraph], report: Report) -> Version:
    versions = [version for s in subgraphs if (version := _version_used(s, report)) is not None]
    return max(versions, default=specs.LATEST_FEDERATION)


def _version_used(subgraph: Subgraph, report: Report) -> Version | None:
    """The linked federation version, or a later one when another linked feature asks for it."""
    linked = subgraph.version
    if linked is None or subgraph.links is None:
        return linked
    implied = max(
        (
            spec.minimum_federation
            for link in subgraph.links.links.values()
            if (spec := specs.feature_spec(link.url)) and spec.minimum_federation
        ),
        default=None,
    )
    if implied is None or not implied.satisfies(linked) or linked >= implied:
        return linked
    report.hint(
        "IMPLICITLY_UPGRADED_FEDERATION_VERSION",
        f'Subgraph "{subgraph.name}" links federation {linked}, but uses features of {implied}: composed as {implied}.',
        places=[(subgraph.name, subgraph.schema.element.node)],
    )
    return implied


def graph_enum_names(names: Sequence[str]) -> list[str]:
    """The values of join__Graph: upper case, only word characters, unique."""
    clean: list[str] = []
    for name in names:
        text = re.sub(r"\W", "_", name, flags=re.ASCII)
        text = f"_{text}" if text[:1].isdigit() else text
        clean.append((f"{text}_" if re.search(r"_\d+$", text) else text).upper())
    counts = Counter(clean)
    seen: Counter[str] = Counter()
    result: list[str] = []
    for text in clean:
        seen[text] += 1
        result.append(f"{text}_{seen[text]}" if counts[text] > 1 else text)
    return result


@dataclass(slots=True)
class _Composed:
    """A federation directive that subgraphs use and that composes."""

    url: FeatureUrl
    name: str
    by_subgraph: dict[str, str] = field(default_factory=dict)  #: subgraph -> its name there
    nodes: dict[str, DirectiveDefinition] = field(default_factory=dict)


def _composed_directives(context: MergeContext) -> dict[str, list[tuple[str, str, DirectiveSpec]]]:
    """Identity of a supergraph feature -> (name in the feature, name in the supergraph, specification)."""
    found: dict[str, list[tuple[str, str, DirectiveSpec]]] = defaultdict(list)
    for entry in _used_feature_directives(context.subgraphs):
        feature = specs.feature_spec(entry.url)
        spec = feature.directives.get(entry.name) if feature else None
        if spec is None or spec.composed_by is None:
            continue
        names = set(entry.by_subgraph.values())
        if len(names) > 1:
            spread = ", ".join(f'"@{name}" in subgraph "{s}"' for s, name in entry.by_subgraph.items())
            context.report.error(
                "LINK_IMPORT_NAME_MISMATCH",
                f'"@{entry.name}" of {entry.url} has different names: {spread}.',
                places=[(s, definition.node) for s, definition in entry.nodes.items()],
                subgraphs=tuple(entry.by_subgraph),
            )
            break
        found[spec.composed_by].append((entry.name, names.pop(), spec))
    return found


def _used_feature_directives(subgraphs: Sequence[Subgraph]) -> Iterable[_Composed]:
    found: dict[tuple[str, str], dict[int, _Composed]] = defaultdict(dict)
    for subgraph in subgraphs:
        if subgraph.links is None:
            continue
        used = {use.name for element in subgraph.schema.elements() for use in element.applications}
        for definition in subgraph.schema.directives.values():
            origin = subgraph.links.directive_origin(definition.name) if definition.name in used else None
            if origin is None or origin.name is None:
                continue
            url = origin.link.url
            # before 1.0 every minor version stands alone
            series = url.version.major or -url.version.minor
            entries = found[origin.name, url.identity]
            entry = entries.setdefault(series, _Composed(url, origin.name))
            if url.version > entry.url.version:
                entry.url = url
            entry.by_subgraph[subgraph.name] = definition.name
            entry.nodes[subgraph.name] = definition
    return [entry for entries in found.values() for entry in entries.values()]


def _link_features(
    context: MergeContext,
    composed: dict[str, list[tuple[str, str, DirectiveSpec]]],
    custom: list[ComposedFeature],
    join_url: FeatureUrl,
) -> None:
    book = AliasBook(_element_names(context))
    book.add(LINK_URL, [])
    book.add(join_url, [])
    for identity, directives in composed.items():
        imports = [Import(f"@{name}", f"@{alias}") for name, alias, _ in directives]
        book.add(specs.IN_SUPERGRAPH[identity].url, imports)
    for feature in custom:
        book.add(feature.url, feature.imports)
    for identity, directives in composed.items():
        _link_composed(context, book, identity, directives)
    if context.report.has_errors():
        return
    for feature in custom:
        alias = book.alias_for(feature.url, context.links)
        _link(context, feature.url, alias, feature.imports, None)


def _link_composed(
    context: MergeContext, book: AliasBook, identity: str, directives: list[tuple[str, str, DirectiveSpec]]
) -> None:
    feature = specs.IN_SUPERGRAPH[identity]
    alias = book.alias_for(feature.url, context.links)
    bare = make_link(feature.url, alias, ())
    imports = [
        Import(f"@{name}", f"@{own_name}")
        for name, own_name, spec in directives
        if not spec.through_join and bare.directive_name(name) != own_name
    ]
    if not _link(context, feature.url, alias, imports, feature.purpose):
        return
    add_feature(context.merged, feature, make_link(feature.url, alias, imports), Findings())
    for name, own_name, spec in directives:
        if spec.through_join:
            context.through_join.add(own_name)
            continue
        context.composed[own_name] = spec
        if identity == specs.INACCESSIBLE and name == "inaccessible":
            context.inaccessible = own_name
        if ACCESS_IDENTITIES.get(identity) == name:
            context.access[name] = own_name


def link_inaccessible(context: MergeContext) -> str:
    """Brings @inaccessible into a supergraph where no subgraph uses it. Returns its name."""
    feature = specs.IN_SUPERGRAPH[specs.INACCESSIBLE]
    spec = feature.directives["inaccessible"]
    if _link(context, feature.url, None, [], feature.purpose):
        add_feature(context.merged, feature, make_link(feature.url, None, ()), Findings())
        context.composed[spec.name] = spec
        context.inaccessible = spec.name
    return spec.name


def _link(
    context: MergeContext, url: FeatureUrl, alias: str | None, imports: list[Import], purpose: str | None
) -> bool:
    try:
        context.links.add(make_link(url, alias, imports))
    except LinkError as error:
        context.report.error(error.code, error.message, subgraphs=())
        return False
    arguments: dict[str, Value] = {"url": str(url)}
    if alias is not None:
        arguments["as"] = alias
    if imports:
        arguments["import"] = [i.name if i.name == i.alias else {"name": i.name, "as": i.alias} for i in imports]
    if purpose is not None:
        arguments["for"] = EnumText(purpose)
    context.merged.element.applications.append(Application("link", arguments))
    return True


def _element_names(context: MergeContext) -> set[str]:
    names = {*context.merged.types, *context.merged.directives}
    for subgraph in context.subgraphs:
        names.update(subgraph.schema.types, subgraph.schema.directives)
    return {name for name in names if not name.startswith("__") and name not in ("_Any", "_Service", "_Entity")}


def _define_link(merged: Schema) -> None:
    merged.types["link__Purpose"] = purpose_enum("link__Purpose")
    merged.types["link__Import"] = TypeDefinition(Kind.SCALAR, "link__Import")
    arguments = {"url": "String", "as": "String", "for": "link__Purpose", "import": "[link__Import]"}
    merged.directives["link"] = DirectiveDefinition(
        "link",
        ("SCHEMA",),
        {name: InputValue(name, f"@link({name}:)", read_type(type_)) for name, type_ in arguments.items()},
        repeatable=True,
    )
    merged.element.applications.append(Application("link", {"url": str(LINK_URL)}))


def _define_graphs(context: MergeContext) -> None:
    enum = context.merged.types["join__Graph"]
    for subgraph, name in zip(context.subgraphs, context.graph_names, strict=True):
        graph = Application("join__graph", {"name": subgraph.name, "url": subgraph.url})
        enum.values[name] = EnumValue(name, enum.name, applications=[graph])
