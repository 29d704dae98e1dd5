"""The specifications of Federation: which directives and scalars each version defines, and how they compose.

Argument types are written as in SDL; a name that is one of the feature's own `types` is renamed with the feature.
Source: the specifications at specs.apollo.dev and the federation changelog (2.0 to 2.14).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from router.federation.version import FeatureUrl, Version

ROOT: Final = "https://specs.apollo.dev/"
FEDERATION: Final = ROOT + "federation"
LINK: Final = ROOT + "link"
CORE: Final = ROOT + "core"
JOIN: Final = ROOT + "join"
TAG: Final = ROOT + "tag"
INACCESSIBLE: Final = ROOT + "inaccessible"
AUTHENTICATED: Final = ROOT + "authenticated"
REQUIRES_SCOPES: Final = ROOT + "requiresScopes"
POLICY: Final = ROOT + "policy"
CONTEXT: Final = ROOT + "context"
COST: Final = ROOT + "cost"
CACHE_TAG: Final = ROOT + "cacheTag"
SOURCE: Final = ROOT + "source"
CONNECT: Final = ROOT + "connect"

#: marks an argument without default value
NO_DEFAULT: Final = object()


@dataclass(frozen=True, slots=True)
class ArgumentSpec:
    name: str
    type: str  #: SDL type
    default: object = NO_DEFAULT
    strategy: str | None = None  #: how different values of several subgraphs merge; see router.compose.merge.strategies


@dataclass(frozen=True, slots=True)
class DirectiveSpec:
    name: str
    locations: tuple[str, ...]
    arguments: tuple[ArgumentSpec, ...] = ()
    repeatable: bool = False
    composed_by: str | None = None  #: identity of the specification that carries it in a supergraph
    through_join: bool = False  #: recorded as `@join__directive` instead of being applied


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    url: FeatureUrl
    directives: dict[str, DirectiveSpec]
    types: tuple[str, ...] = ()  #: scalars
    minimum_federation: Version | None = None  #: linking it asks for at least this federation version
    purpose: str | None = None  #: `for:` of its link in a supergraph
    importable: frozenset[str] = field(default_factory=frozenset)  #: `@name` for directives, `Name` for types
    inputs: dict[str, dict[str, str]] = field(default_factory=dict)  #: input type -> field -> SDL type


def _feature(
    identity: str,
    version: Version,
    directives: tuple[DirectiveSpec, ...],
    types: tuple[str, ...] = (),
    minimum_federation: Version | None = None,
    purpose: str | None = None,
    extra_importable: tuple[str, ...] = (),
    inputs: dict[str, dict[str, str]] | None = None,
) -> FeatureSpec:
    names = frozenset({*(f"@{spec.name}" for spec in directives), *types, *(inputs or ()), *extra_importable})
    url = FeatureUrl(identity, identity.rpartition("/")[2], version)
    return FeatureSpec(url, {d.name: d for d in directives}, types, minimum_federation, purpose, names, inputs or {})


_TYPE_LOCATIONS = ("OBJECT", "INTERFACE", "UNION")
_ALL_LOCATIONS = (
    "FIELD_DEFINITION", *_TYPE_LOCATIONS,
    "ARGUMENT_DEFINITION", "SCALAR", "ENUM", "ENUM_VALUE", "INPUT_OBJECT", "INPUT_FIELD_DEFINITION",
)  # fmt: skip
_AUTH_LOCATIONS = ("FIELD_DEFINITION", "OBJECT", "INTERFACE", "SCALAR", "ENUM")
_NAME = (ArgumentSpec("name", "String!"),)
_FIELDS = ArgumentSpec("fields", "FieldSet!")


def _tag(locations: tuple[str, ...]) -> DirectiveSpec:
    return DirectiveSpec("tag", locations, _NAME, repeatable=True, composed_by=TAG)


def _inaccessible(locations: tuple[str, ...]) -> DirectiveSpec:
    return DirectiveSpec("inaccessible", locations, composed_by=INACCESSIBLE)


_TAG_01 = _tag(("FIELD_DEFINITION", *_TYPE_LOCATIONS))
_TAG_02 = _tag(_ALL_LOCATIONS)
_TAG_03 = _tag((*_ALL_LOCATIONS, "SCHEMA"))
_INACCESSIBLE_01 = _inaccessible(("FIELD_DEFINITION", *_TYPE_LOCATIONS))
_INACCESSIBLE_02 = _inaccessible(_ALL_LOCATIONS)
_AUTHENTICATED = DirectiveSpec("authenticated", _AUTH_LOCATIONS, composed_by=AUTHENTICATED)
_REQUIRES_SCOPES = DirectiveSpec(
    "requiresScopes",
    _AUTH_LOCATIONS,
    (ArgumentSpec("scopes", "[[Scope!]!]!", strategy="DNF_CONJUNCTION"),),
    composed_by=REQUIRES_SCOPES,
)
_POLICY = DirectiveSpec(
    "policy",
    _AUTH_LOCATIONS,
    (ArgumentSpec("policies", "[[Policy!]!]!", strategy="DNF_CONJUNCTION"),),
    composed_by=POLICY,
)
_CONTEXT = DirectiveSpec("context", ("INTERFACE", "OBJECT", "UNION"), _NAME, repeatable=True, composed_by=CONTEXT)
_FROM_CONTEXT = DirectiveSpec("fromContext", ("ARGUMENT_DEFINITION",), (ArgumentSpec("field", "ContextFieldValue"),))
_COST = DirectiveSpec(
    "cost",
    ("ARGUMENT_DEFINITION", "ENUM", "FIELD_DEFINITION", "INPUT_FIELD_DEFINITION", "OBJECT", "SCALAR"),
    (ArgumentSpec("weight", "Int!", strategy="MAX"),),
    composed_by=COST,
)
_LIST_SIZE = DirectiveSpec(
    "listSize",
    ("FIELD_DEFINITION",),
    (
        ArgumentSpec("assumedSize", "Int", strategy="NULLABLE_MAX"),
        ArgumentSpec("slicingArguments", "[String!]", strategy="NULLABLE_UNION"),
        ArgumentSpec("sizedFields", "[String!]", strategy="NULLABLE_UNION"),
        ArgumentSpec("requireOneSlicingArgument", "Boolean", True, strategy="NULLABLE_AND"),
    ),
    composed_by=COST,
)
_CACHE_TAG = DirectiveSpec(
    "cacheTag",
    ("OBJECT", "FIELD_DEFINITION"),
    (ArgumentSpec("format", "String!"),),
    repeatable=True,
    composed_by=CACHE_TAG,
    through_join=True,
)

#: the directives of Federation 1, where nothing is linked
FEDERATION_1: Final = (
    DirectiveSpec(
        "key", ("OBJECT", "INTERFACE"), (_FIELDS, ArgumentSpec("resolvable", "Boolean", True)), repeatable=True
    ),
    DirectiveSpec("requires", ("FIELD_DEFINITION",), (_FIELDS,)),
    DirectiveSpec("provides", ("FIELD_DEFINITION",), (_FIELDS,)),
    DirectiveSpec("external", ("OBJECT", "FIELD_DEFINITION"), (ArgumentSpec("reason", "String"),)),
    _TAG_02,
    DirectiveSpec("extends", ("OBJECT", "INTERFACE")),
)


def _federation(minor: int) -> FeatureSpec:
    directives = {spec.name: spec for spec in FEDERATION_1}
    types = ["FieldSet"]

    def add(*specs: DirectiveSpec) -> None:
        directives.update((spec.name, spec) for spec in specs)

    label = (ArgumentSpec("label", "String"),) if minor >= 7 else ()
    add(
        DirectiveSpec("shareable", ("OBJECT", "FIELD_DEFINITION"), repeatable=minor >= 2),
        _INACCESSIBLE_02,
        DirectiveSpec("override", ("FIELD_DEFINITION",), (ArgumentSpec("from", "String!"), *label)),
    )
    if minor >= 1:
        add(DirectiveSpec("composeDirective", ("SCHEMA",), (ArgumentSpec("name", "String"),), repeatable=True))
    if minor >= 3:
        add(DirectiveSpec("interfaceObject", ("OBJECT",)), _TAG_03)
    if minor >= 5:
        add(_AUTHENTICATED, _REQUIRES_SCOPES)
        types.append("Scope")
    if minor >= 6:
        add(_POLICY)
        types.append("Policy")
    if minor >= 8:
        add(_CONTEXT, _FROM_CONTEXT)
        types.append("ContextFieldValue")
    if minor >= 9:
        add(_COST, _LIST_SIZE)
    if minor >= 12:
        add(_CACHE_TAG)
    return _feature(FEDERATION, Version(2, minor), tuple(directives.values()), tuple(types))


_CONNECT = (
    DirectiveSpec(
        "connect",
        ("FIELD_DEFINITION", "OBJECT"),
        (
            ArgumentSpec("source", "String"),
            ArgumentSpec("id", "String"),
            ArgumentSpec("http", "ConnectHTTP"),
            ArgumentSpec("batch", "ConnectBatch"),
            ArgumentSpec("errors", "ConnectorErrors"),
            ArgumentSpec("selection", "JSONSelection!"),
            ArgumentSpec("entity", "Boolean", False),
            ArgumentSpec("isSuccess", "JSONSelection"),
        ),
        repeatable=True,
    ),
    DirectiveSpec(
        "source",
        ("SCHEMA",),
        (
            ArgumentSpec("name", "String!"),
            ArgumentSpec("http", "SourceHTTP!"),
            ArgumentSpec("errors", "ConnectorErrors"),
            ArgumentSpec("isSuccess", "JSONSelection"),
        ),
        repeatable=True,
    ),
)
_HTTP_PARTS = {"headers": "[HTTPHeaderMapping!]", "path": "JSONSelection", "queryParams": "JSONSelection"}
_CONNECT_INPUTS = {
    "ConnectorErrors": {"message": "JSONSelection", "extensions": "JSONSelection"},
    "HTTPHeaderMapping": {"name": "String!", "from": "String", "value": "String"},
    "ConnectBatch": {"maxSize": "Int"},
    "SourceHTTP": {"baseURL": "String!", **_HTTP_PARTS},
    "ConnectHTTP": {
        **dict.fromkeys(("GET", "POST", "PUT", "PATCH", "DELETE"), "URLPathTemplate"),
        "body": "JSONSelection",
        **_HTTP_PARTS,
    },
}
#: the connect version a supergraph links, unless a subgraph links a later one
CONNECT_IN_SUPERGRAPH: Final = Version(0, 3)


def _connect(minor: int, federation_minor: int) -> FeatureSpec:
    scalars = ("URLPathTemplate", "JSONSelection")
    federation = Version(2, federation_minor)
    return _feature(CONNECT, Version(0, minor), _CONNECT, scalars, federation, "EXECUTION", (), _CONNECT_INPUTS)


LATEST_FEDERATION: Final = Version(2, 14)
#: the version whose directives a Federation 1 subgraph receives when it is upgraded
UPGRADED_FEDERATION: Final = Version(2, 4)

_FEDERATION_20 = Version(2, 0)
_KNOWN: Final = {
    spec.url: spec
    for spec in (
        *(_federation(minor) for minor in range(LATEST_FEDERATION.minor + 1)),
        _feature(LINK, Version(1, 0), (), (), _FEDERATION_20, None, ("@link", "Purpose", "Import")),
        _feature(CORE, Version(0, 1), (), (), None, None, ("@core",)),
        _feature(CORE, Version(0, 2), (), (), _FEDERATION_20, None, ("@core", "Purpose")),
        _feature(TAG, Version(0, 1), (_TAG_01,)),
        _feature(TAG, Version(0, 2), (_TAG_02,)),
        _feature(TAG, Version(0, 3), (_TAG_03,), (), _FEDERATION_20),
        _feature(INACCESSIBLE, Version(0, 1), (_INACCESSIBLE_01,), (), None, "SECURITY"),
        _feature(INACCESSIBLE, Version(0, 2), (_INACCESSIBLE_02,), (), _FEDERATION_20, "SECURITY"),
        _feature(AUTHENTICATED, Version(0, 1), (_AUTHENTICATED,), (), Version(2, 5), "SECURITY"),
        _feature(REQUIRES_SCOPES, Version(0, 1), (_REQUIRES_SCOPES,), ("Scope",), None, "SECURITY"),
        _feature(POLICY, Version(0, 1), (_POLICY,), ("Policy",), None, "SECURITY"),
        _feature(CONTEXT, Version(0, 1), (_CONTEXT, _FROM_CONTEXT), ("ContextFieldValue",), None, "SECURITY"),
        _feature(COST, Version(0, 1), (_COST, _LIST_SIZE), (), Version(2, 9)),
        _feature(CACHE_TAG, Version(0, 1), (), (), None, "EXECUTION"),
        *(_connect(minor, federation) for minor, federation in ((1, 10), (2, 10), (3, 12), (4, 13))),
    )
}

#: the version of each specification that supergraphs link
IN_SUPERGRAPH: Final = {
    identity: _KNOWN[FeatureUrl(identity, identity.rpartition("/")[2], version)]
    for identity, version in (
        (TAG, Version(0, 3)),
        (INACCESSIBLE, Version(0, 2)),
        (AUTHENTICATED, Version(0, 1)),
        (REQUIRES_SCOPES, Version(0, 1)),
        (POLICY, Version(0, 1)),
        (CONTEXT, Version(0, 1)),
        (COST, Version(0, 1)),
        (CACHE_TAG, Version(0, 1)),
    )
}


def feature_spec(url: FeatureUrl) -> FeatureSpec | None:
    """The specification at `url`, or None when it is not one of Federation's."""
    return _KNOWN.get(url)


def federation_spec(version: Version) -> FeatureSpec | None:
    return _KNOWN.get(FeatureUrl(FEDERATION, "federation", version))


def join_version(federation: Version) -> Version:
    """The join specification a supergraph of this federation version is written in."""
    if federation >= Version(2, 8):
        return Version(0, 5)
    return Version(0, 4) if federation >= Version(2, 7) else Version(0, 3)
