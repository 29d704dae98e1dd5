"""`@link`: names, renames and prefixes."""

from __future__ import annotations

import pytest

from router.federation.link import LinkTable, make_link, read_imports
from router.federation.version import FeatureUrl, LinkError, Version
from tests.kit.compositions import compose_sdl, definition, error_codes

_FEDERATION = "https://specs.apollo.dev/federation/v2.9"


def test_imports_can_be_renamed_and_what_is_not_imported_has_a_prefix() -> None:
    composition = compose_sdl(
        a=f'schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "{_FEDERATION}", as: "fed",'
        ' import: [{name: "@key", as: "@id"}]) { query: Query }'
        ' type Query { t: T } type T @id(fields: "id") { id: ID! @fed__tag(name: "x") }'
    )
    assert definition(composition.supergraph_sdl, "T") == (
        'type T @join__type(graph: A, key: "id") { id: ID! @fed__tag(name: "x") }'
    )
    assert '@link(url: "https://specs.apollo.dev/tag/v0.3", import: [{name: "@tag", as: "@fed__tag"}])' in (
        composition.supergraph_sdl or ""
    )


def test_a_name_hidden_by_its_import_cannot_be_used() -> None:
    composition = compose_sdl(
        a=f'extend schema @link(url: "{_FEDERATION}", import: ["@key"])'
        " scalar federation__FieldSet directive @federation__key(fields: federation__FieldSet!) on OBJECT"
        ' type Query { t: T } type T @federation__key(fields: "id") { id: ID! }'
    )
    assert error_codes(composition) == ["INVALID_LINK_DIRECTIVE_USAGE"]


def test_root_types_get_their_default_names() -> None:
    composition = compose_sdl(
        a=f'schema @link(url: "{_FEDERATION}", import: ["@shareable"]) {{ query: Q mutation: M }}'
        " type Q { q: Q @shareable } type M { m: M }",
        b="type Query { q: Query @shareable }",
    )
    assert composition.api_sdl == "type Mutation {\n  m: Mutation\n}\n\ntype Query {\n  q: Query\n}\n"


@pytest.mark.parametrize(
    ("text", "identity", "version"),
    [
        ("https://specs.apollo.dev/tag/v0.3", "https://specs.apollo.dev/tag", Version(0, 3)),
        ("http://me@example.org:80/a/b/v12.0?q#f", "http://example.org:80/a/b", Version(12, 0)),
    ],
)
def test_feature_urls_are_identity_name_and_version(text: str, identity: str, version: Version) -> None:
    assert FeatureUrl.parse(text) == FeatureUrl(identity, identity.rpartition("/")[2], version)


@pytest.mark.parametrize(
    "text", ["", "tag/v0.3", "https://a.b", "https://a.b/v1.0", "https://a.b/c/1.0", "https://a.b/c/"]
)
def test_other_texts_are_no_feature_urls(text: str) -> None:
    with pytest.raises(LinkError):
        FeatureUrl.parse(text)


@pytest.mark.parametrize(
    "value",
    [[1], [{"name": 1}], [{"as": "@x"}], [{"name": "@x", "as": "y"}], [{"name": "@x", "to": "@y"}], [{"name": "@-"}]],
)
def test_imports_have_a_form(value: object) -> None:
    with pytest.raises(LinkError):
        read_imports(FeatureUrl.parse("https://example.org/x/v1.0"), value)


@pytest.mark.parametrize(
    ("alias", "imports"),
    [
        ("link", []),  # taken by the link feature
        ("a__b", []),
        ("a_", []),
        ("1a", []),
        ("x", ["@link"]),  # the name of another feature
        ("x", ["@link__y"]),
        ("x", [{"name": "@y", "as": "@x"}]),  # hides its own main directive
        ("x", [{"name": "@y", "as": "@x__z"}]),
        ("x", ["@y", {"name": "@y", "as": "@z"}]),
        ("x", [{"name": "@y", "as": "@z"}, {"name": "@w", "as": "@z"}]),
    ],
)
def test_links_must_not_be_confused_with_each_other(alias: str, imports: list[object]) -> None:
    table = LinkTable(make_link(FeatureUrl.parse("https://specs.apollo.dev/link/v1.0"), None, ()))
    url = FeatureUrl.parse("https://example.org/x/v1.0")
    with pytest.raises(LinkError):
        table.add(make_link(url, alias, read_imports(url, imports)))


def test_a_confusable_feature_gets_another_name_in_the_supergraph() -> None:
    composition = compose_sdl(
        a=f'extend schema @link(url: "{_FEDERATION}", import: ["@composeDirective"])'
        ' @link(url: "https://example.org/my-specs/v1.0", import: ["@mine"]) @composeDirective(name: "@mine")'
        " directive @mine on OBJECT type Query @mine { a: Int }"
    )
    assert '@link(url: "https://example.org/my-specs/v1.0", as: "_0myspecs", import: ["@mine"])' in (
        composition.supergraph_sdl or ""
    )
