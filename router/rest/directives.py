"""The directives that turn an operation into a route. They are the router's own: taken out before planning.

    query Product($id: ID!)                                         # named in the path: comes from there
    @rest(method: GET, path: "/v1/products/{id}", result: "product") { product(id: $id) { id name } }

A variable comes from the path when the template names it, from the query string of GET and DELETE, else from the
body, under its own name; `@query`, `@body`, `@header` and `@exchange` say otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from graphql import (
    ConstDirectiveNode,
    DirectiveNode,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableDefinitionNode,
    extend_schema,
    parse,
)

_Directive = TypeVar("_Directive", DirectiveNode, ConstDirectiveNode)

DIRECTIVES = '''
enum RestMethod { GET POST PUT PATCH DELETE }

"""This operation is for bodies whose field has one of the values; routes of one path are told apart by it."""
input RestCondition { field: String! is: [String!]! }

input RestRename { from: String! to: String! }

"""The operation is served under a method and a path, `{name}` in it being a variable."""
directive @rest(
  method: RestMethod!
  path: String!
  "of an answer without errors"
  status: Int = 200
  "response path of what becomes the body; null there is 404. Without it the body is all of the data"
  result: String
  "response path of a list of typed errors: the first one decides the status by its __typename"
  errors: String
  "response path of a PageInfo (hasNextPage, endCursor): the answer gets a Link header to the next page"
  page: String
  "path of what was made, `{name}` being a key of the body: the Location header"
  location: String
  when: RestCondition
  "JSON is read whatever the content type says: what curl sends without -H"
  anyContentType: Boolean = false
  tag: String
) on QUERY | MUTATION

"""From the query string, under this name."""
directive @query(name: String!) on VARIABLE_DEFINITION
"""From the body, under this name; `rename` is for keys inside it which are not called as the schema calls them."""
directive @body(name: String rename: [RestRename!]) on VARIABLE_DEFINITION
"""From a header; with `generate`, a new random value where there is none."""
directive @header(name: String! generate: Boolean = false) on VARIABLE_DEFINITION
"""What the body has in `field` is sent to an exchange of the configuration and forgotten; its token is the value."""
directive @exchange(by: String! field: String!) on VARIABLE_DEFINITION
'''
NAMES = frozenset({"rest", "query", "body", "header", "exchange"})


def with_directives(api_schema: GraphQLSchema) -> GraphQLSchema:
    """The schema documents are validated against: wrong arguments are found by the same rules as wrong fields."""
    return extend_schema(api_schema, parse(DIRECTIVES), assume_valid=True)


def without_directives(operation: OperationDefinitionNode) -> OperationDefinitionNode:
    """What is executed. The description goes as well: it is the route's."""
    return OperationDefinitionNode(
        operation=operation.operation,
        name=operation.name,
        variable_definitions=tuple(
            VariableDefinitionNode(
                variable=node.variable,
                type=node.type,
                default_value=node.default_value,
                directives=_others(node.directives),
            )
            for node in operation.variable_definitions or ()
        ),
        directives=_others(operation.directives),
        selection_set=operation.selection_set,
    )


def _others(directives: Iterable[_Directive] | None) -> tuple[_Directive, ...]:
    return tuple(directive for directive in directives or () if directive.name.value not in NAMES)
