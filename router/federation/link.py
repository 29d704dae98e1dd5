"""`@link` of one schema: which features it uses, and under which names.

In: the arguments of its `@link` applications as plain values. Out: a LinkTable, which answers both ways:
`directive_name("key")` of a feature, and the feature and original name behind a name used in the schema.
Naming rules and conflicts: link specification v1.0, with the stricter conflict rules of Federation 2.14.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from router.federation import specs
from router.federation.version import FeatureUrl, LinkError, Version

_IMPORT_NAME = re.compile(r"@?[_A-Za-z][_0-9A-Za-z]*")
#: GraphQL names, and also "." and "-": such aliases exist in the field and only forbid prefixed names
_ALIAS = re.compile(r"[_A-Za-z][-._0-9A-Za-z]*")
_USAGE = "INVALID_LINK_DIRECTIVE_USAGE"


@dataclass(frozen=True, slots=True)
class Import:
    name: str  #: in the specification, `@` in front of directives
    alias: str  #: in the schema, `@` in front of directives

    def __str__(self) -> str:
        return f'"{self.name}"' if self.name == self.alias else f'"{self.name}" as "{self.alias}"'


@dataclass(frozen=True, slots=True)
class Link:
    """One linked feature."""

    url: FeatureUrl
    alias: str  #: prefix of the names that are not imported
    imports: tuple[Import, ...] = ()
    by_name: Mapping[str, str] = field(default_factory=dict)  #: name in the specification -> name in the schema

    def directive_name(self, name: str) -> str:
        """The name in the schema of a directive of this feature, without `@`."""
        imported = self.by_name.get("@" + name)
        if imported is not None:
            return imported[1:]
        return self.alias if name == self.url.name else f"{self.alias}__{name}"

    def type_name(self, name: str) -> str:
        return self.by_name.get(name) or f"{self.alias}__{name}"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a name of a schema comes from. `name` is None when an import under another name shadows it."""

    link: Link
    name: str | None


def make_link(url: FeatureUrl, alias: str | None, imports: Iterable[Import]) -> Link:
    entries = tuple(imports)
    return Link(url, alias or url.name, entries, {i.name: i.alias for i in entries})


def split_name(name: str) -> tuple[str, str] | None:
    """`federation__key` -> (`federation`, `key`)."""
    alias, separator, rest = name.partition("__")
    return (alias, rest) if separator else None


class LinkTable:
    """The links of one schema. `add` raises LinkError when a link clashes with those already there."""

    def __init__(self, link_itself: Link) -> None:
        self.links: dict[str, Link] = {}  #: by identity, in the order of the schema
        self._by_alias: dict[str, Link] = {}
        self._by_import: dict[str, tuple[Link, str]] = {}
        #: alias not (yet) linked -> a name imported from elsewhere that looks prefixed by it
        self._prefixed: dict[str, str] = {}
        self.link_itself = link_itself
        self.add(link_itself)

    def federation(self) -> Link | None:
        return self.links.get(specs.FEDERATION)

    def add(self, link: Link) -> None:
        identity = link.url.identity
        if identity in self.links:
            raise LinkError(_USAGE, f'Feature "{identity}" is linked twice. Keep one @link and merge the imports.')
        self._check_alias(link)
        seen: dict[str, str] = {}
        for entry in link.imports:
            self._check_import(link, entry, seen)
        self._by_alias[link.alias] = link
        self.links[identity] = link

    def _check_alias(self, link: Link) -> None:
        alias, identity = link.alias, link.url.identity
        historical = alias in ("federation__tag", "federation__inaccessible") and not link.imports
        if "__" in alias and not historical:
            raise LinkError(_USAGE, f'Feature "{identity}" cannot be linked as "{alias}": "__" separates prefixes.')
        if alias.endswith("_"):
            raise LinkError(_USAGE, f'Feature "{identity}" cannot be linked as "{alias}": it ends in "_".')
        if not _ALIAS.fullmatch(alias):
            raise LinkError(_USAGE, f'Feature "{identity}" cannot be linked as "{alias}": it is not a GraphQL name.')
        for name in (self._prefixed.get(alias), "@" + alias):
            entry = self._by_import.get(name) if name else None
            if name and entry:
                self._clash(entry[0], link, Import(entry[1], name))
        other = self._by_alias.get(alias)
        if other:
            _advise_federation_import(other.url.identity, identity)
            raise LinkError(
                _USAGE, f'Features "{other.url.identity}" and "{identity}" are both named "{alias}". Rename one: "as:".'
            )

    def _check_import(self, link: Link, entry: Import, seen: dict[str, str]) -> None:
        is_directive = entry.name.startswith("@")
        name, alias = (entry.name[1:], entry.alias[1:]) if is_directive else (entry.name, entry.alias)
        split = split_name(alias)
        if split:
            if split[0] != link.alias:
                other = self._by_alias.get(split[0])
                if other:
                    self._clash(link, other, entry)
                self._prefixed.setdefault(split[0], entry.alias)
            elif split[1] != name:
                raise LinkError(_USAGE, f'Import {entry} of "{link.url.identity}" looks like its own "{split[1]}".')
        if is_directive and alias == link.alias:
            if name != link.url.name:
                raise LinkError(_USAGE, f'Import {entry} of "{link.url.identity}" hides its directive "@{alias}".')
        elif is_directive and alias in self._by_alias:
            self._clash(link, self._by_alias[alias], entry)
        if seen.setdefault(entry.name, entry.alias) != entry.alias:
            raise LinkError(_USAGE, f'"{entry.name}" is imported from "{link.url.identity}" under two names.')
        before = self._by_import.setdefault(entry.alias, (link, entry.name))
        if before[0].url.identity != link.url.identity:
            _advise_federation_import(before[0].url.identity, link.url.identity)
            raise LinkError(
                _USAGE,
                f'Import {entry} of "{link.url.identity}" has the name of one of "{before[0].url.identity}".'
                " Rename one: {name: …, as: …}.",
            )
        if before[1] != entry.name:
            raise LinkError(
                _USAGE, f'"{before[1]}" and "{entry.name}" of "{link.url.identity}" have the same name "{entry.alias}".'
            )

    def _clash(self, owner: Link, other: Link, entry: Import) -> None:
        _advise_federation_import(owner.url.identity, other.url.identity)
        raise LinkError(
            _USAGE,
            f'Import {entry} of "{owner.url.identity}" reads as a name of the linked feature "{other.url.identity}".'
            ' Rename the import or the feature: "as:".',
        )

    def directive_origin(self, name: str) -> Origin | None:
        return self._origin(name, "@")

    def type_origin(self, name: str) -> Origin | None:
        return self._origin(name, "")

    def shadowing_import(self, name: str, *, is_directive: bool) -> Import | None:
        """The import that made `name` (a prefixed or default name) unusable."""
        sigil = "@" if is_directive else ""
        default = self._default_name(name, sigil)
        if default is None:
            return None
        link, original = default
        alias = link.by_name.get(sigil + original)
        return Import(sigil + original, alias) if alias is not None and alias != sigil + name else None

    def _origin(self, name: str, sigil: str) -> Origin | None:
        imported = self._by_import.get(sigil + name)
        if imported:
            return Origin(imported[0], imported[1][len(sigil) :])
        default = self._default_name(name, sigil)
        if default is None:
            return None
        link, original = default
        return Origin(link, None if sigil + original in link.by_name else original)

    def _default_name(self, name: str, sigil: str) -> tuple[Link, str] | None:
        split = split_name(name)
        if split and split[0] in self._by_alias:
            return self._by_alias[split[0]], split[1]
        link = self._by_alias.get(name) if sigil else None
        return (link, link.url.name) if link else None


def _advise_federation_import(one: str, other: str) -> None:
    """Subgraphs get @tag and @inaccessible from the federation feature; their own features are for supergraphs."""
    pair = {one, other}
    if specs.FEDERATION not in pair:
        return
    for identity, directive in ((specs.TAG, "@tag"), (specs.INACCESSIBLE, "@inaccessible")):
        if identity in pair:
            raise LinkError(_USAGE, f'Import "{directive}" from "{specs.FEDERATION}" instead of linking "{identity}".')


def read_imports(url: FeatureUrl, value: object) -> list[Import]:
    """Reads the `import:` argument. Raises LinkError with all that is wrong in it, one line each."""
    if value is None:
        return []
    spec = specs.feature_spec(url)
    problems: list[str] = []
    imports: list[Import] = []
    for item in value if isinstance(value, list) else [value]:
        entry = _read_import(item, problems)
        if entry is None:
            continue
        imports.append(entry)
        if spec and entry.name not in spec.importable:
            problems.append(_unknown_element(entry.name, spec))
    if problems:
        raise LinkError(_USAGE, "\n".join(problems))
    return imports


def _read_import(item: object, problems: list[str]) -> Import | None:
    if isinstance(item, str):
        return Import(item, item)
    if not isinstance(item, dict):
        problems.append('An import is a string or an object {name: "…", as: "…"}.')
        return None
    name, alias = item.get("name"), item.get("as")
    for key, value in item.items():
        if key not in ("name", "as"):
            problems.append(f'An import has the fields "name" and "as", not "{key}".')
            return None
        if not isinstance(value, str) or not _IMPORT_NAME.fullmatch(value):
            problems.append(f'The "{key}" of an import must be a GraphQL name in quotes, "@" in front of directives.')
            return None
    if not isinstance(name, str):
        problems.append('An import needs the field "name".')
        return None
    if isinstance(alias, str) and name.startswith("@") != alias.startswith("@"):
        problems.append(f'"{name}" cannot be imported as "{alias}": both or none must start with "@".')
    return Import(name, alias if isinstance(alias, str) else name)


def _unknown_element(name: str, spec: specs.FeatureSpec) -> str:
    if "@" + name in spec.importable:
        return f'"{spec.url}" has no type "{name}"; the directive is imported as "@{name}".'
    newer = _first_version_with(name, spec)
    hint = f" It came with {newer}: raise the version in the @link." if newer else ""
    return f'"{spec.url}" has no element "{name}".{hint}'


def _first_version_with(name: str, spec: specs.FeatureSpec) -> Version | None:
    if spec.url.identity != specs.FEDERATION:
        return None
    for minor in range(spec.url.version.minor + 1, specs.LATEST_FEDERATION.minor + 1):
        later = specs.federation_spec(Version(2, minor))
        if later and name in later.importable:
            return later.url.version
    return None
