"""The two forms of a plan, and the walks over it."""

from __future__ import annotations

from router.operation.model import OperationKind
from router.plan.json import plan_to_json
from router.plan.nodes import (
    BatchFetch,
    Condition,
    EachItem,
    EntityBatch,
    Fetch,
    Flatten,
    Key,
    OnTypes,
    Parallel,
    QueryPlan,
    RenameKey,
    RequiredField,
    RequiredFragment,
    Sequence,
    SetValue,
    Subscription,
)
from router.plan.text import print_plan
from router.plan.walk import fetch_count, round_trips, walk_fetches

PATH = (Key("users"), EachItem(), OnTypes(("User", "Admin")), Key("boss"))
ROOT = Fetch(0, "users", "query Q($n: Int){users(first: $n){__typename id}}", variables=("n",))
ENTITY = Fetch(
    1,
    "billing",
    "query($representations:[_Any!]!){_entities(representations:$representations){... on Account{_total:total}}}",
    requires=(
        RequiredFragment("User", (RequiredField("__typename", "__typename"), RequiredField("price", "_price_0"))),
    ),
    depends_on=(0,),
    input_rewrites=(SetValue((OnTypes(("User",)), Key("__typename")), "Account"),),
    output_rewrites=(RenameKey((EachItem(), Key("_total")), "total"),),
)
BATCH = BatchFetch(
    2,
    "stock",
    "query($r0:[_Any!]!){_e0:_entities(representations:$r0){... on Product{stock}}}",
    (EntityBatch("_e0", "r0", ((Key("a"),), PATH), (RequiredFragment("Product", (RequiredField("id", "id"),)),)),),
    depends_on=(0,),
)
PLAN = QueryPlan(Sequence((ROOT, Parallel((Condition("detailed", Flatten(PATH, ENTITY)), BATCH)))))


def test_a_plan_is_printed_in_apollos_form() -> None:
    assert (
        print_plan(PLAN)
        == """\
QueryPlan {
  Sequence {
    Fetch(service: "users") {
      {
        users(first: $n) {
          __typename
          id
        }
      }
    },
    Parallel {
      Include(if: $detailed) {
        Flatten(path: "users.@|[User|Admin].boss") {
          Fetch(service: "billing") {
            {
              ... on User {
                __typename
                price: _price_0
              }
            } =>
            {
              ... on Account {
                _total: total
              }
            }
          },
        },
      },
      BatchFetch(service: "stock") {
        {
          _e0(paths: ["a", "users.@|[User|Admin].boss"]) {
            ... on Product {
              id
            }
          }
        } =>
        {
          _e0: _entities(representations: $r0) {
            ... on Product {
              stock
            }
          }
        }
      },
    },
  },
}"""
    )


def test_conditions_with_two_clauses_and_subscriptions_are_printed() -> None:
    one, other = Fetch(1, "a", "{a}"), Fetch(2, "b", "{b}")
    stream = Fetch(0, "s", "subscription{s}", kind=OperationKind.SUBSCRIPTION)
    plan = QueryPlan(Subscription(stream, Condition("v", one, Condition("w", None, other))))
    expected = """
        QueryPlan { Subscription { Primary: { Fetch(service: "s") { { s } }, }, Rest: { Condition(if: $v) {
        Then { Fetch(service: "a") { { a } }, }, Else { Skip(if: $w) { Fetch(service: "b") { { b } }, }, },
        }, }, }, }
        """
    assert print_plan(plan).split() == expected.split()


def test_a_plan_without_fetches_is_printed() -> None:
    assert print_plan(QueryPlan(None)) == "QueryPlan {}"
    assert plan_to_json(QueryPlan(None)) == {"kind": "QueryPlan", "node": None}


def test_a_fetch_has_apollos_names_in_json() -> None:
    node = plan_to_json(QueryPlan(Flatten(PATH, ENTITY)))["node"]
    assert node == {
        "kind": "Flatten",
        "path": ["users", "@|[User|Admin]", "boss"],
        "node": {
            "kind": "Fetch",
            "serviceName": "billing",
            "requires": [
                {
                    "kind": "InlineFragment",
                    "typeCondition": "User",
                    "selections": [
                        {"kind": "Field", "name": "__typename"},
                        {"kind": "Field", "alias": "_price_0", "name": "price"},
                    ],
                }
            ],
            "variableUsages": [],
            "operation": ENTITY.operation,
            "operationName": None,
            "operationKind": "query",
            "id": "1",
            "dependsOn": ["0"],
            "inputRewrites": [{"kind": "ValueSetter", "path": ["... on User", "__typename"], "setValueTo": "Account"}],
            "outputRewrites": [{"kind": "KeyRenamer", "path": ["_total"], "renameKeyTo": "total"}],
            "contextRewrites": None,
        },
    }


def test_walks_find_every_fetch_with_its_path() -> None:
    assert list(walk_fetches(PLAN)) == [((), ROOT), (PATH, ENTITY), ((), BATCH)]
    assert (fetch_count(PLAN), round_trips(PLAN)) == (3, 2)
