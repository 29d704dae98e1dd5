"""Each test states the normalised operation as text: guards in brackets, fragments as `... on T`."""

from graphql import build_schema

from router.operation import DocumentLimits, normalize_operation, parse_document, validate_document
from router.operation.model import Field, Selection

SCHEMA = build_schema("""
directive @defer(if: Boolean! = true, label: String) on FRAGMENT_SPREAD | INLINE_FRAGMENT
type Query { name: String me: User node(id: ID): Node pet: Pet users: [User!]! }
type Mutation { rename(name: String): User }
interface Node { id: ID! }
type User implements Node { id: ID! name(upper: Boolean): String friend: User pet: Pet node: Node }
type Cat implements Node { id: ID! lives: Int }
type Dog implements Node { id: ID! barks: Boolean }
union Pet = Cat | Dog
""")


def normalized(text: str, name: str | None = None) -> str:
    document = parse_document(text, DocumentLimits())
    assert validate_document(document, SCHEMA) == ()
    return " ".join(show(s) for s in normalize_operation(document, SCHEMA, name).selections)


def show(selection: Selection) -> str:
    guards = "".join(f"[{'' if g.expected else '!'}{g.variable}]" for g in selection.guards)
    inner = f"{{{' '.join(map(show, selection.selections))}}}" if selection.selections else ""
    if isinstance(selection, Field):
        alias = "" if selection.response_key == selection.name else f"{selection.response_key}:"
        return f"{alias}{selection.parent_type}.{selection.name}{guards}{inner}"
    defer = f"@defer({selection.defer.label})" if selection.defer else ""
    return f"... on {selection.type_condition}{guards}{defer}{inner or '{}'}"


def test_fragments_are_spread_and_equal_fields_merged_in_the_place_of_the_first() -> None:
    text = "{ me { id ...F } name me { friend { id } } ...Q } fragment F on User { name } fragment Q on Query { name }"
    assert normalized(text) == "Query.me{User.id User.name User.friend{User.id}} Query.name"


def test_a_field_inside_an_object_type_is_a_field_of_that_object_type() -> None:
    assert normalized("{ me { ... on Node { id ... on User { name } } } }") == "Query.me{User.id User.name}"


def test_a_fragment_that_cannot_apply_here_is_dropped() -> None:
    assert normalized("{ me { name ... on Node { ... on Cat { lives } id } } }") == "Query.me{User.name User.id}"


def test_a_fragment_on_an_interface_stays_inside_a_union_which_lacks_its_fields() -> None:
    assert normalized("{ pet { __typename ... on Node { id } } }") == "Query.pet{Pet.__typename ... on Node{Node.id}}"


def test_fragments_merge_over_other_object_types_but_never_over_a_field() -> None:
    text = "{ node { ... on Cat { id } ... on Dog { barks } ... on Cat { lives } id ... on Cat { alias: id } } }"
    assert normalized(text) == (
        "Query.node{... on Cat{Cat.id Cat.lives} ... on Dog{Dog.barks} Node.id ... on Cat{alias:Cat.id}}"
    )


def test_constants_are_folded() -> None:
    text = "{ a: name @skip(if: true) b: name @include(if: true) c: name @skip(if: false) @include(if: false) }"
    assert normalized(text) == "b:Query.name"


def test_an_object_whose_every_field_is_excluded_keeps_an_empty_fragment() -> None:
    assert normalized("{ me { id @skip(if: true) } }") == "Query.me{... on User{}}"
    assert normalized("{ me { id @skip(if: true) } me { name } }") == "Query.me{User.name}"


def test_guards_that_are_decided_by_the_guards_around_go() -> None:
    text = """query ($a: Boolean!, $b: Boolean!) {
      ... @include(if: $a) { x: name @include(if: $a) y: name @skip(if: $a) z: name @skip(if: $b) @include(if: $a) }
      me @include(if: $a) { id @skip(if: $a) }
    }"""
    assert normalized(text) == "... on Query[a]{x:Query.name z:Query.name[!b]} Query.me[a]{... on User{}}"


def test_equal_fields_under_different_guards_stay_apart_unless_one_is_always_there() -> None:
    head = "query ($a: Boolean!, $b: Boolean!)"
    assert normalized(head + "{ me @include(if: $a) { id } me @skip(if: $b) { name } }") == (
        "Query.me[a]{User.id} Query.me[!b]{User.name}"
    )
    assert normalized(head + "{ me { id } me @skip(if: $b) { name } name name @include(if: $a) }") == (
        "Query.me{User.id ... on User[!b]{User.name}} Query.name"
    )


def test_a_guarded_field_merges_into_the_last_one_before_it_that_may_be_there_too() -> None:
    """So that `name` is met before `z`, as the specification has it, whatever the variables are."""
    head = "query ($a: Boolean!, $b: Boolean!)"
    assert normalized(head + "{ me @include(if: $a) { id } me { name } me @include(if: $b) { z: id } }") == (
        "Query.me[a]{User.id} Query.me{User.name ... on User[b]{z:User.id}}"
    )
    assert normalized(
        head + "{ me @include(if: $a) { id } me @include(if: $b) { name } me @include(if: $a) { z: id } }"
    ) == ("Query.me[a]{User.id} Query.me[b]{User.name} Query.me[a]{z:User.id}")
    assert normalized(
        head + "{ me @include(if: $a) { id } me @skip(if: $a) { name } me @include(if: $a) @skip(if: $b) { z: id } }"
    ) == ("Query.me[a]{User.id ... on User[!b]{z:User.id}} Query.me[!a]{User.name}")


def test_deferred_fragments_stay_apart_from_what_is_not_deferred() -> None:
    text = '{ me { id ... on User @defer(label: "late") { name } ... on User @defer(if: false) { name } } }'
    assert normalized(text) == "Query.me{User.id ... on User@defer(late){User.name} User.name}"


def test_aliases_arguments_and_variables_of_the_named_operation_are_kept() -> None:
    text = "query A($u: Boolean) { me { up: name(upper: $u) } } query B($x: String) { name }"
    document = parse_document(text.replace("($x: String)", ""), DocumentLimits())
    operation = normalize_operation(document, SCHEMA, "A")
    assert normalized(text.replace("($x: String)", ""), "A") == "Query.me{up:User.name}"
    assert [v.variable.name.value for v in operation.variables] == ["u"]
    me = operation.selections[0]
    assert isinstance(me, Field)
    up = me.selections[0]
    assert isinstance(up, Field)
    assert [argument.name for argument in up.arguments] == ["upper"]


def test_a_mutation_under_a_guard_and_again_without_is_done_once_and_in_its_place() -> None:
    text = "mutation ($a: Boolean!) { rename @skip(if: $a) { id } x: rename { id } rename { name } }"
    assert normalized(text) == (
        "Mutation.rename[!a]{User.id User.name} x:Mutation.rename{User.id} Mutation.rename[a]{User.name}"
    )
