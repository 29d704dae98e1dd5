"""@composeDirective: which directives of the subgraphs' own features get into the supergraph.

A directive composes if its feature has one major version wherever it is composed, and if it is the same directive
under the same name in all subgraphs that compose it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from router.compose.report import Place, Report, name_list
from router.compose.schema import Application
from router.compose.subgraph import Subgraph
from router.federation import specs
from router.federation.link import Import, Link
from router.federation.version import FeatureUrl

#: features whose directives compose by rules of their own, or never
_RESERVED = frozenset(
    {
        specs.CORE,
        specs.JOIN,
        specs.LINK,
        specs.TAG,
        specs.INACCESSIBLE,
        specs.FEDERATION,
        specs.AUTHENTICATED,
        specs.REQUIRES_SCOPES,
        specs.SOURCE,
        specs.CONTEXT,
        specs.COST,
    }
)
_COMPOSED_ANYWAY = ("tag", "inaccessible", "authenticated", "requiresScopes", "policy", "context")
_ERROR = "DIRECTIVE_COMPOSITION_ERROR"


@dataclass(frozen=True, slots=True)
class ComposedFeature:
    url: FeatureUrl
    imports: list[Import]
    subgraphs: tuple[str, ...]  #: those with this very version; the last one defines


@dataclass(frozen=True, slots=True)
class CustomDirectives:
    directives_by_subgraph: dict[str, set[str]] = field(default_factory=dict)
    #: name in the supergraph -> identity of its feature, name in the feature
    origins: dict[str, tuple[str, str]] = field(default_factory=dict)
    features: list[ComposedFeature] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Item:
    subgraph: str
    link: Link
    original: str  #: name in the feature
    name: str  #: name in the subgraph
    use: Application

    @property
    def place(self) -> Place:
        return (self.subgraph, self.use.node)


def read_compose_directives(subgraphs: Sequence[Subgraph], names: list[str], report: Report) -> CustomDirectives:
    items = [item for subgraph in subgraphs for item in _items(subgraph, subgraphs, report)]
    features = _latest_features(subgraphs, items, report)
    refused = _refused_names(subgraphs, items, report)
    result = CustomDirectives()
    for item in items:
        composed = result.directives_by_subgraph.setdefault(item.subgraph, set())
        if item.link.url.identity in features and item.name not in refused:
            composed.add(item.name)
        result.origins[item.name] = (item.link.url.identity, item.original)
    for identity, (url, owners) in features.items():
        if identity not in _RESERVED:
            imports = [Import(f"@{o}", f"@{name}") for name, (i, o) in result.origins.items() if i == identity]
            result.features.append(ComposedFeature(url, imports, owners))
    return result


def _items(subgraph: Subgraph, subgraphs: Sequence[Subgraph], report: Report) -> list[_Item]:
    found: list[_Item] = []
    for use in subgraph.all_applied(subgraph.schema.element, "composeDirective"):
        place = (subgraph.name, use.node)
        argument = use.arguments.get("name")
        if not isinstance(argument, str) or not argument.startswith("@"):
            report.error(_ERROR, f'@composeDirective(name:) must be a name with "@", not {argument!r}.', places=[place])
            continue
        name = argument[1:]
        if name not in subgraph.schema.directives:
            report.error(_ERROR, f'@composeDirective names "{argument}", which is not defined.', places=[place])
            continue
        origin = subgraph.links.directive_origin(name) if subgraph.links else None
        if origin is None:
            report.error(_ERROR, f'"{argument}" belongs to no linked feature: @link to one.', places=[place])
        elif origin.name is None:
            report.error(_ERROR, f'"{argument}" is imported under another name.', places=[place])
        elif origin.link.url.identity in _RESERVED:
            _reserved(subgraph, name, place, report)
        elif clash := _clashes_with(name, subgraphs):
            report.error(_ERROR, f'"{argument}" has the name of @{clash}, which composes anyway.', places=[place])
        else:
            found.append(_Item(subgraph.name, origin.link, origin.name, name, use))
    return found


def _reserved(subgraph: Subgraph, name: str, place: Place, report: Report) -> None:
    if name in {subgraph.names.get(directive) for directive in _COMPOSED_ANYWAY}:
        report.hint("DIRECTIVE_COMPOSITION_INFO", f'"@{name}" composes without @composeDirective.', f"@{name}", [place])
    else:
        report.error(_ERROR, f'"@{name}" of federation cannot be composed.', places=[place])


def _clashes_with(name: str, subgraphs: Sequence[Subgraph]) -> str | None:
    for directive in ("tag", "inaccessible"):
        if any(subgraph.names.get(directive) == name for subgraph in subgraphs):
            return directive
    return None


def _latest_features(
    subgraphs: Sequence[Subgraph], items: list[_Item], report: Report
) -> dict[str, tuple[FeatureUrl, tuple[str, ...]]]:
    """Identity -> latest composed version, and the subgraphs that link exactly it."""
    composing: dict[str, set[str]] = defaultdict(set)
    for item in items:
        composing[item.link.url.identity].add(item.subgraph)
    linking: dict[str, list[tuple[Subgraph, Link]]] = defaultdict(list)
    for subgraph in subgraphs:
        for identity, link in (subgraph.links.links if subgraph.links else {}).items():
            linking[identity].append((subgraph, link))
    found: dict[str, tuple[FeatureUrl, tuple[str, ...]]] = {}
    for identity, users in linking.items():
        latest = _latest(identity, users, composing[identity], report)
        if latest is not None:
            owners = tuple(s.name for s, link in users if link.url.version == latest.version)
            found[identity] = (latest, owners)
    return found


def _latest(
    identity: str, users: list[tuple[Subgraph, Link]], composing: set[str], report: Report
) -> FeatureUrl | None:
    best: tuple[FeatureUrl, bool] | None = None
    hinted = False
    all_places = [(s.name, s.schema.element.node) for s, _ in users]
    for subgraph, link in users:
        current = (link.url, subgraph.name in composing)
        if best is None:
            best = current
        elif best[0].version.major != current[0].version.major:
            if best[1] and current[1]:
                report.error(_ERROR, f'"{identity}" is composed in different major versions.', places=all_places)
                return None
            if not hinted:
                hinted = True
                message = f'"{identity}" is linked in different major versions; only the composed one counts.'
                report.hint("DIRECTIVE_COMPOSITION_INFO", message, None, all_places)
            best = best if best[1] else current
        elif best[1] != current[1]:
            best = best if best[1] else current
        elif best[0].version.minor <= current[0].version.minor:
            best = current
    return best[0] if best is not None and best[1] else None


def _refused_names(subgraphs: Sequence[Subgraph], items: list[_Item], report: Report) -> set[str]:
    refused: set[str] = set()
    by_name: dict[str, list[_Item]] = defaultdict(list)
    by_original: dict[str, list[_Item]] = defaultdict(list)
    for item in items:
        by_name[item.name].append(item)
        by_original[item.original].append(item)
    for name, group in by_name.items():
        if len({(item.original) for item in group}) > 1 or len({item.link.url.identity for item in group}) > 1:
            refused.add(name)
            message = f'"@{name}" is not the same directive of the same feature in every subgraph.'
            report.error(_ERROR, message, places=[item.place for item in group])
    for original, group in by_original.items():
        names = {item.name for item in group}
        if len(names) > 1:
            refused |= names
            spread = ", ".join(f'"@{item.name}" in subgraph "{item.subgraph}"' for item in group)
            message = f'Directive "@{original}" composes under different names: {spread}.'
            report.error(_ERROR, message, places=[item.place for item in group])
        _hint_other_names(subgraphs, group, report)
    return refused


def _hint_other_names(subgraphs: Sequence[Subgraph], group: list[_Item], report: Report) -> None:
    first = group[0]
    exporting = {item.subgraph for item in group}
    others: list[Place] = []
    for subgraph in subgraphs:
        link = subgraph.links.links.get(first.link.url.identity) if subgraph.links else None
        alias = link.by_name.get(f"@{first.original}") if link else None
        if subgraph.name not in exporting and alias is not None and alias != f"@{first.name}":
            others.append((subgraph.name, subgraph.schema.element.node))
    if others:
        where = name_list(name for name, _ in others)
        message = f'"@{first.name}" has another name in {where}; to compose it from there too, rename it.'
        report.hint("DIRECTIVE_COMPOSITION_WARN", message, None, others)
