"""Selection trees -> the GraphQL documents of fetches.

Documents are written compactly and once, at planning; the executor sends them as they are. Guards become `@include`
and `@skip`; an empty selection becomes `{__typename}`, because its object must still be asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from graphql import VariableDefinitionNode

from router.operation.model import Guard
from router.planner.arguments import ArgumentPrinter, find_variables, print_definition, print_directive
from router.planner.selection_tree import SelectedField, SelectionTree


class DocumentWriter:
    """Writes the documents of one plan."""

    def __init__(self, definitions: Iterable[VariableDefinitionNode], printer: ArgumentPrinter) -> None:
        self._definitions: Mapping[str, str] = {d.variable.name.value: print_definition(d) for d in definitions}
        self._printer = printer
        self._used: dict[str, None] = {}
        self._fragments: dict[int, tuple[str, str]] = {}  #: id of a shared tree -> name, definition

    def root(self, kind: str, name: str | None, tree: SelectionTree) -> tuple[str, tuple[str, ...]]:
        """The document of a root fetch and the client variables in it."""
        self._used, self._fragments = {}, {}
        body = self.selections(tree)
        return self._operation(kind, name, (), body), self._variables()

    def entities(
        self,
        name: str | None,
        entries: Sequence[tuple[str, str, SelectionTree]],
        context_types: Mapping[str, str] | None = None,
    ) -> tuple[str, tuple[str, ...]]:
        """Entries are (alias, representations variable, selections). `context_types` are the
        variables which the executor fills from ancestors."""
        self._used, self._fragments = {}, {}
        fields: list[str] = []
        for alias, variable, tree in entries:
            head = "_entities" if alias == "_entities" else f"{alias}:_entities"
            fields.append(f"{head}(representations:${variable}){self.selections(tree)}")
        own = tuple(f"${variable}:[_Any!]!" for _, variable, _ in entries)
        own += tuple(f"${variable}:{kind}" for variable, kind in (context_types or {}).items())
        return self._operation("query", name, own, "{" + " ".join(fields) + "}"), self._variables()

    def _variables(self) -> tuple[str, ...]:
        return tuple(name for name in self._definitions if name in self._used)

    def _operation(self, kind: str, name: str | None, own: tuple[str, ...], body: str) -> str:
        body += "".join(" " + definition for _, definition in self._fragments.values())
        definitions = (*own, *(self._definitions[v] for v in self._variables()))
        if not definitions and name is None and kind == "query":
            return body
        head = f"{kind} {name}" if name else kind
        return head + (f"({','.join(definitions)})" if definitions else "") + body

    def selections(self, tree: SelectionTree) -> str:
        return "{" + (" ".join(dict.fromkeys(self._parts(tree))) or "__typename") + "}"

    def _parts(self, tree: SelectionTree) -> list[str]:
        parts: list[str] = []
        if tree.has_typename and ("__typename", ()) not in tree.fields:
            parts.append("__typename")
        for (key, guards), selected in tree.fields.items():
            if guards and selected.tree is None and (key, ()) in tree.fields:
                continue
            parts.append(self._guarded(selected) if guards else self._field(selected, ()))
        for type_name, fragment in tree.fragments.items():
            if fragment.fields or fragment.fragments or fragment.has_typename:
                parts.append(f"... on {type_name}{self.selections(fragment)}")
        for spread in tree.spreads:
            if spread.shared is None:
                parts.extend(self._parts(spread))
            else:
                parts.append(self._spread(spread))
        return parts

    def _guarded(self, selected: SelectedField) -> str:
        guards = list(selected.guards)
        own: list[Guard] = []
        for expected in (True, False):
            first = next((g for g in guards if g.expected is expected), None)
            if first is not None:
                own.append(first)
                guards.remove(first)
        text = self._field(selected, own)
        for guard in guards:
            text = f"...{self._directive(guard)}{{{text}}}"
        return text

    def _field(self, selected: SelectedField, guards: Sequence[Guard]) -> str:
        field = selected.field
        text = field.name if selected.key == field.name else f"{selected.key}:{field.name}"
        if field.arguments:
            for argument in field.arguments:
                find_variables(argument.value, self._used)
            text += self._printer.print(field)
        for directive in field.directives:
            for given in directive.arguments or ():
                find_variables(given.value, self._used)
            text += print_directive(directive)
        for guard in guards:
            text += self._directive(guard)
        if selected.tree is None:
            return text
        return text + self.selections(selected.tree)

    def _spread(self, tree: SelectionTree) -> str:
        known = self._fragments.get(id(tree))
        if known is None:
            body = self.selections(tree)
            name = f"F{len(self._fragments)}"
            known = self._fragments[id(tree)] = (name, f"fragment {name} on {tree.shared}{body}")
        return f"...{known[0]}"

    def _directive(self, guard: Guard) -> str:
        self._used[guard.variable] = None
        return f" @{'include' if guard.expected else 'skip'}(if:${guard.variable})"
