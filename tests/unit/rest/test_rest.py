"""GraphQL documents as REST routes: where values come from, what answers look like, what is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from router.rest.problem import Problems
from tests.kit.asgi import Client, Reply
from tests.kit.clock import FrozenClock
from tests.unit.rest.store import store

pytestmark = pytest.mark.anyio

PRODUCT = """
\"""One product

With its price.\"""
query Product($id: ID!, $size: Size = SMALL)
@rest(method: GET, path: "/v1/products/{id}", result: "product", tag: "products") {
  product(id: $id, size: $size) { id name price { amount currency } note }
}
"""
PRODUCTS = """
query Products(
  $first: Int = 2, $after: String, $sizes: [Size!] @query(name: "size"), $is_new: Boolean, $under: Float, $by: Decimal
)
@rest(method: GET, path: "/v1/products", result: "products", page: "products.page") {
  products(first: $first, after: $after, sizes: $sizes, isNew: $is_new, cheaperThan: $under, cheaperBy: $by) {
    items: nodes { id note }
    page: pageInfo { has_next_page: hasNextPage end_cursor: endCursor }
  }
}
"""
ORDER = """
mutation Order($user_id: ID, $items: [LineInput!]!, $key: String! @header(name: "Idempotency-Key", generate: true))
@rest(
  method: POST, path: "/v1/orders", status: 201
  result: "order.order", errors: "order.errors", location: "/api/v1/orders/{id}"
) {
  order(lines: $items, customer: $user_id, key: $key) { ...Made }
}
mutation ShortOrder($items: [LineInput!]! @body(rename: [{from: "id", to: "productId"}]))
@rest(method: POST, path: "/orders", result: "order.order", errors: "order.errors", anyContentType: true) {
  order(lines: $items, key: "k") { ...Made }
}
fragment Made on OrderPayload {
  order { id key customer lines { product_id: productId quantity gift_notes: giftNotes } }
  errors { __typename ... on UserError { message path } ... on SoldOutError { left } }
}
"""
PAY = """
mutation PayByCard($token: String! @exchange(by: "vault", field: "details"))
@rest(method: POST, path: "/v1/pay", result: "order.order", when: {field: "method", is: ["card", "credit_card"]}) {
  order(lines: [{productId: "p", quantity: 1}], key: "k", token: $token) { order { token } }
}
mutation PayByTransfer($iban: String!)
@rest(method: POST, path: "/v1/pay", result: "order.order", when: {field: "method", is: ["transfer"]}) {
  order(lines: [{productId: "p", quantity: 1}], key: "k", token: $iban) { order { token } }
}
"""
OTHERS = """
mutation PaySecretly($token: String! @exchange(by: "vault", field: "details"))
@rest(method: POST, path: "/v1/secret", result: "charge") { charge(token: $token) }
query Secret @rest(method: GET, path: "/v1/secret", result: "secret") { secret }
query Broken @rest(method: GET, path: "/v1/broken", result: "broken") { broken }
query Made($id: ID!) @rest(method: GET, path: "/v1/made/{id}", result: "product") {
  product(id: $id) { maker { name } id }
}
"""
ORDERS = "/api/v1/orders"
JSON = {"content-type": "application/json"}
ALL = {"product": PRODUCT, "products": PRODUCTS, "order": ORDER, "pay": PAY, "others": OTHERS}


async def post(client: Client, path: str, body: Any, **headers: str) -> Reply:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.request(
        "POST", orjson.dumps(body), {"content-type": "application/json", **given}, path=f"/api{path}"
    )


async def test_a_value_comes_from_the_path_and_another_from_the_query_string(tmp_path: Path) -> None:
    async with store(tmp_path, ALL) as client:
        plain = await client.get("/api/v1/products/a%2Fb")
        large = await client.get("/api/v1/products/p1", "size=LARGE")
    product = {"id": "a/b", "name": "Jam", "price": {"amount": "4.50", "currency": "EUR"}, "note": "SMALL"}
    assert (plain.status, plain.json) == (200, product)
    assert (large.status, large.json) == (200, {**product, "id": "p1", "note": "LARGE"})


async def test_texts_become_what_the_variables_types_say(tmp_path: Path) -> None:
    async with store(tmp_path, ALL) as client:
        page = await client.get("/api/v1/products", "first=1&size=LARGE&size=SMALL&is_new=true&under=1.5&after=x")
    assert page.json["items"] == [
        {"id": "p1", "note": '{"after":"x","cheaperThan":1.5,"isNew":true,"sizes":["LARGE","SMALL"]}'}
    ]


async def test_a_list_links_to_its_next_page_until_the_last(tmp_path: Path) -> None:
    async with store(tmp_path, ALL) as client:
        first = await client.get("/api/v1/products", "first=1&size=LARGE")
        last = await client.get("/api/v1/products", "first=1&after=x")
    assert first.headers["link"] == '</api/v1/products?first=1&size=LARGE&after=c%261>; rel="next"'
    assert "link" not in last.headers


async def test_a_page_of_nothing_leads_nowhere(tmp_path: Path) -> None:
    async with store(tmp_path, ALL) as client:
        reply = await client.get("/api/v1/products", "first=0")
    assert reply.json == {"items": [], "page": {"has_next_page": True, "end_cursor": None}}
    assert "link" not in reply.headers


async def test_bodies_and_answers_have_names_in_snake_case(tmp_path: Path) -> None:
    line = {"product_id": "p", "quantity": 2, "gift_notes": ["a", "b"]}
    async with store(tmp_path, ALL) as client:
        made = await post(client, "/v1/orders", {"user_id": "u", "items": [line]}, idempotency_key="k1")
        short = await post(client, "/orders", {"items": [{"id": "p", "quantity": 2}]})
    assert (made.status, made.json) == (201, {"id": "o/1", "key": "k1", "customer": "u", "lines": [line]})
    assert made.headers["location"] == "/api/v1/orders/o%2F1"
    assert short.json["lines"] == [{"product_id": "p", "quantity": 2, "gift_notes": None}]


async def test_a_missing_idempotency_key_is_made_up_anew_each_time(tmp_path: Path) -> None:
    body = {"items": [{"product_id": "p", "quantity": 2}]}
    async with store(tmp_path, ALL) as client:
        keys = [(await post(client, "/v1/orders", body)).json["key"] for _ in range(2)]
    assert len(set(keys)) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", key) for key in keys)


async def test_a_typed_error_has_the_status_the_configuration_gives_it(tmp_path: Path) -> None:
    async with store(tmp_path, ALL) as client:
        reply = await post(client, "/v1/orders", {"items": [{"product_id": "p", "quantity": 10}]})
    envelope = reply.json
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", envelope.pop("timestamp"))
    assert reply.status == 409
    assert envelope == {
        "code": "SOLD_OUT",
        "message": "Sold out",
        "details": {"field": "items", "left": 9},
        "request_id": "",
    }


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({}, "items", "is required"),
        ({"items": None}, "items", "must not be null"),
        ({"items": {}}, "items", "must be a list"),
        ({"items": [1]}, "items[0]", "must be an object"),
        ({"items": [{"quantity": 1}]}, "items[0].product_id", "is required"),
        ({"items": [{"productId": "p", "quantity": 1}]}, "items[0].productId", "is not known here"),
        ({"items": [{"product_id": "p", "quantity": "1"}]}, "items[0].quantity", "must be an integer of 32 bits"),
        ({"items": [{"product_id": "p", "quantity": True}]}, "items[0].quantity", "must be an integer of 32 bits"),
        ({"items": [{"product_id": "p", "quantity": 1 << 31}]}, "items[0].quantity", "must be an integer of 32 bits"),
        (
            {"items": [{"product_id": "p", "quantity": 1, "gift_notes": [1]}]},
            "items[0].gift_notes[0]",
            "must be a string",
        ),
        ({"items": [], "isAdmin": True}, "isAdmin", "is not known here"),
    ],
)
async def test_a_field_that_does_not_fit_is_named(tmp_path: Path, body: Any, field: str, message: str) -> None:
    async with store(tmp_path, ALL) as client:
        reply = await post(client, "/v1/orders", body)
    assert (reply.status, reply.json["code"]) == (400, "VALIDATION_ERROR")
    assert reply.json["details"] == {"field": field, "validation_message": message}


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ("first=x", "first", "must be an integer of 32 bits"),
        ("first=1&first=2", "first", "is given more than once"),
        ("is_new=1", "is_new", "must be true or false"),
        ("size=TINY", "size", "must be one of SMALL, LARGE"),
        ("under=nan", "under", "must be a number"),
        ("by=1%0A", "by", "must match ^-?[0-9]+([.][0-9]+)?$"),
        ("by=1e3", "by", "must match ^-?[0-9]+([.][0-9]+)?$"),
        ("fist=1", "fist", "is not known here"),
    ],
)
async def test_a_parameter_that_does_not_fit_is_named(tmp_path: Path, query: str, field: str, message: str) -> None:
    async with store(tmp_path, ALL) as client:
        reply = await client.get("/api/v1/products", query)
    assert (reply.status, reply.json["details"]) == (400, {"field": field, "validation_message": message})


async def test_a_secret_is_exchanged_for_a_token_before_anybody_sees_it(tmp_path: Path) -> None:
    details = {"card_number": "4242424242424242", "cvv": "987"}
    async with store(tmp_path, ALL) as client:
        paid = await post(client, "/v1/pay", {"method": "credit_card", "details": details})
        refused = await post(client, "/v1/pay", {"method": "card", "details": {**details, "card_number": "0"}})
        incomplete = await post(client, "/v1/pay", {"method": "card", "details": {"card_number": "4242"}})
        more = await post(client, "/v1/pay", {"method": "card", "details": {**details, "pin": "1"}})
        wired = await post(client, "/v1/pay", {"method": "transfer", "iban": "DE1"})
        unknown = await post(client, "/v1/pay", {"method": "shells"})
    assert (paid.status, paid.json) == (200, {"token": "tok_4242_987"})
    assert (refused.status, refused.json["code"], refused.json["details"]) == (
        422, "INCORRECT_NUMBER", {"field": "details"},
    )  # fmt: skip
    assert incomplete.json["details"] == {"field": "details.cvv", "validation_message": "is required, as a string"}
    assert more.json["details"] == {"field": "details.pin", "validation_message": "is not known here"}
    assert wired.json == {"token": "DE1"}
    assert unknown.json["details"]["validation_message"] == "must be one of card, credit_card, transfer"


async def test_what_is_not_there_and_what_is_not_served_are_told_apart(tmp_path: Path) -> None:
    async with store(tmp_path, ALL) as client:
        nothing = await client.get("/api/v1/products/none")
        nowhere = await client.get("/api/v2/products")
        method = await client.request("DELETE", path="/api/v1/products")
        secret = await client.get("/api/v1/secret")
        broken = await client.get("/api/v1/broken")
        unpaid = await post(client, "/v1/secret", {"details": {"card_number": "0", "cvv": "0"}})
    assert [(reply.status, reply.json["code"]) for reply in (nothing, nowhere, method, secret, broken, unpaid)] == [
        (404, "NOT_FOUND"),
        (404, "NOT_FOUND"),
        (405, "METHOD_NOT_ALLOWED"),
        (401, "UNAUTHENTICATED"),
        (500, "INTERNAL_ERROR"),
        (401, "UNAUTHENTICATED"),  # and not what the vault says of the card: it was not asked
    ]
    assert (method.headers["allow"], secret.headers["www-authenticate"]) == ("GET, HEAD, OPTIONS", "Bearer")


async def test_who_must_wait_is_told_how_long(tmp_path: Path) -> None:
    async with store(tmp_path, ALL, "\nrate_limit: {key: ip, capacity: 2, interval: 1m}") as client:
        away = await post(client, "/v1/pay", {"method": "card", "details": {"card_number": "5", "cvv": "1"}})
        often = [await client.get("/api/v1/products") for _ in range(2)][-1]
    assert [(reply.status, reply.json["code"]) for reply in (away, often)] == [
        (503, "SERVICE_UNAVAILABLE"),
        (429, "REQUEST_RATE_LIMITED"),
    ]
    assert away.headers["retry-after"] == "1"
    assert 0 < int(often.headers["retry-after"]) <= 60


async def test_head_is_get_and_options_tells_the_methods(tmp_path: Path) -> None:
    paths = ["/v1/products/p1", "/v1/orders", "/v1/secret", "/openapi.json", "/docs", ""]
    async with store(tmp_path, ALL) as client:
        head = [await client.request("HEAD", path=f"/api{path}") for path in paths]
        options = [await client.request("OPTIONS", path=f"/api{path}") for path in paths]
        other = [await client.request("PATCH", path=f"/api{path}") for path in paths]
    assert [reply.status for reply in head] == [200, 405, 401, 200, 200, 404]
    assert [(reply.status, reply.headers.get("allow")) for reply in options] == [
        (204, "GET, HEAD, OPTIONS"),
        (204, "OPTIONS, POST"),
        (204, "GET, HEAD, OPTIONS, POST"),
        (204, "GET, HEAD, OPTIONS"),
        (204, "GET, HEAD, OPTIONS"),
        (404, None),
    ]
    assert [(reply.status, reply.headers.get("allow")) for reply in other[:-1]] == [
        (405, reply.headers["allow"]) for reply in options[:-1]
    ]
    assert {reply.json["code"] for reply in other} == {"METHOD_NOT_ALLOWED", "NOT_FOUND"}


async def test_a_typed_error_names_the_field_as_the_client_wrote_it(tmp_path: Path) -> None:
    async with store(tmp_path, ALL) as client:
        whole = await post(client, "/v1/orders", {"items": [{"product_id": "gone", "quantity": 1}]})
        short = await post(client, "/orders", {"items": [{"id": "gone", "quantity": 1}]})
    assert whole.json["details"] == {
        "field": "items[0].product_id",
        "errors": [
            {"code": "NOT_FOUND", "message": "Gone", "field": "items[0].product_id"},
            {"code": "NOT_FOUND", "message": "Gone", "field": "idempotency-key"},
        ],
    }
    assert short.json["details"]["field"] == "items[0].id"


def test_words_of_graphql_do_not_reach_a_rest_client() -> None:
    problems = Problems(FrozenClock())
    denied = problems.of_graphql([{"extensions": {"code": "UNAUTHORIZED_FIELD_OR_TYPE"}}], is_anonymous=False)
    unread = problems.of_graphql(
        [{"message": "Variable '$pin' …; found: '1234'.", "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}],
        is_anonymous=False,
    )
    assert [(problem.status, problem.code, problem.message) for problem in (denied, unread)] == [
        (403, "FORBIDDEN", "Your token does not allow this."),
        (400, "VALIDATION_ERROR", "A value was not accepted."),
    ]


async def test_a_mutation_is_not_begun_for_who_may_not_have_all_of_it(tmp_path: Path) -> None:
    mutation = """
mutation Order @rest(method: POST, path: "/order", result: "order.order") {
  order(lines: [{ productId: "p", quantity: 1 }], key: "k") { order { id audit } }
}
"""
    async with store(tmp_path, {"order": mutation}) as client:
        reply = await post(client, "/order", {})
        made = (await client.post("{ madeCount }")).json["data"]["madeCount"]
    assert (reply.status, reply.json["code"], made) == (401, "UNAUTHENTICATED", 0)


async def test_an_answer_with_a_part_missing_is_an_answer(tmp_path: Path) -> None:
    async with store(tmp_path, ALL) as client:
        reply = await client.get("/api/v1/made/p1")
    assert (reply.status, reply.json) == (200, {"maker": None, "id": "p1"})
    assert reply.headers["x-partial"] == "UNAUTHORIZED_FIELD_OR_TYPE"


async def test_only_json_is_read_unless_the_route_says_otherwise(tmp_path: Path) -> None:
    body = b'{"items": [{"id": "p", "quantity": 1}]}'
    form = {"content-type": "application/x-www-form-urlencoded"}
    async with store(tmp_path, ALL) as client:
        strict = await client.request("POST", body, form, path="/api/v1/orders")
        lenient = await client.request("POST", body, form, path="/api/orders")
        broken = await client.request("POST", b"{", form, path="/api/orders")
        twice = await client.request("POST", b'{"items": [], "items": []}', form, path="/api/orders")
        bare = await client.request("POST", b"[]", form, path="/api/orders")
        large = await client.request("POST", b" " * 3_000_000, JSON, path="/api/v1/orders")
        zipped = await client.request("POST", body, JSON | {"content-encoding": "gzip"}, path="/api/orders")
        latin = await client.request("POST", body, {"content-type": "application/json; charset=latin1"}, path=ORDERS)
    refused = (strict, broken, twice, bare, large, zipped, latin)
    assert lenient.status == 200
    assert [(reply.status, reply.json["code"]) for reply in refused] == [
        (415, "UNSUPPORTED_MEDIA_TYPE"),
        (400, "VALIDATION_ERROR"),
        (400, "VALIDATION_ERROR"),
        (400, "VALIDATION_ERROR"),
        (413, "PAYLOAD_TOO_LARGE"),
        (415, "UNSUPPORTED_MEDIA_TYPE"),
        (415, "UNSUPPORTED_MEDIA_TYPE"),
    ]
    assert twice.json["message"] == "The body has an object with the same key twice"


async def test_the_description_names_every_route_and_type(tmp_path: Path) -> None:
    async with store(tmp_path, ALL) as client:
        described = (await client.get("/api/openapi.json")).json
    product = described["paths"]["/api/v1/products/{id}"]["get"]
    answer = product["responses"]["200"]["content"]["application/json"]["schema"]
    assert (product["summary"], product["description"], product["tags"]) == (
        "One product", "With its price.", ["products"],
    )  # fmt: skip
    assert product["parameters"][0] == {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    assert product["parameters"][1]["schema"] == {
        "anyOf": [{"$ref": "#/components/schemas/Size"}, {"type": "null"}], "default": "SMALL",
    }  # fmt: skip
    assert answer["required"] == ["id", "name", "price", "note"]
    assert answer["properties"]["id"] == {"type": "string", "description": "Opaque"}
    assert answer["properties"]["price"]["properties"]["amount"] == {
        "type": "string", "pattern": "^-?[0-9]+([.][0-9]+)?$",
    }  # fmt: skip
    order = described["paths"]["/api/v1/orders"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert order["required"] == ["items"]
    assert order["additionalProperties"] is False
    line = described["components"]["schemas"]["LineInput"]
    assert line["required"] == ["product_id", "quantity"]
    pay = described["paths"]["/api/v1/pay"]["post"]["requestBody"]["content"]["application/json"]["schema"]["oneOf"]
    assert [schema["properties"]["method"]["enum"] for schema in pay] == [["card", "credit_card"], ["transfer"]]
    assert described["paths"]["/api/v1/secret"]["get"]["security"] == [{"bearer": []}]
    assert ("security" in product, described["security"]) == (False, [{}, {"bearer": []}])
    made = described["paths"]["/api/v1/orders"]["post"]["responses"]
    assert sorted(made["201"]["headers"]) == ["Idempotent-Replayed", "Location", "X-Partial", "X-Request-Id"]
    assert [(status, made[status]["description"]) for status in ("404", "409")] == [
        ("404", "`NOT_FOUND`"),
        ("409", "`SOLD_OUT`"),
    ]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("query A @rest(method: GET, path: \"/a\") {\n  nothing\n}", r":2: Cannot query field 'nothing'"),
        ("query A {\n secret }", r":1: the operation has no @rest"),
        ("query A @rest(method: GET) { secret }", r":1: Argument '@rest\(path:\)'.*is required"),
        ('query A @rest(method: GET, path: "a") { secret }', r":1: 'a' is no path"),
        ('query A @rest(method: GET, path: "/{id}") { secret }', r"the path names \$id"),
        ('query A($id: ID) @rest(method: GET, path: "/{id}") { product(id: "1") { id } }', "never used"),
        ('query A @rest(method: GET, path: "/a", result: "b") { secret }', r"'b' is not selected"),
        ('query A @rest(method: GET, path: "/a", status: 404) { secret }', "between 200 and 299"),
        ('mutation A @rest(method: GET, path: "/a") { order(lines: [], key: "") { order { id } } }', "cannot be a GET"),
        ('query A($id: ID! @exchange(by: "x", field: "y")) @rest(method: POST, path: "/a") { product(id: $id) { id } }',
         "rest.exchanges has no 'x'"),
        ('query A @rest(method: GET, path: "/a") { secret } query B @rest(method: GET, path: "/a") { secret }',
         "A and B|B and A"),
        ('{ secret }', "This anonymous operation|has no name"),
        ("query A {", ":1: Syntax Error"),
    ],
)  # fmt: skip
async def test_a_document_that_cannot_be_served_stops_the_start(tmp_path: Path, document: str, reason: str) -> None:
    with pytest.raises(Exception, match=reason) as caught:
        async with store(tmp_path, {"bad": document}):
            pass
    assert "bad.graphql" in str(caught.value) or "rest.documents" in str(caught.value)


async def test_a_folder_without_documents_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(Exception, match=re.escape(f"there is no *.graphql in {tmp_path}")):
        async with store(tmp_path, {}):
            pass


async def test_answers_stay_the_same_when_a_plan_comes_again(tmp_path: Path) -> None:
    """From the second time on plans run on typed objects, which are looked into in another way."""
    line = {"product_id": "p", "quantity": 1}
    async with store(tmp_path, ALL) as client:
        pages = [await client.get("/api/v1/products", "first=1") for _ in range(4)]
        made = [await post(client, "/v1/orders", {"items": [line]}, idempotency_key="k") for _ in range(4)]
        refused = [await post(client, "/v1/orders", {"items": [{**line, "quantity": 10}]}) for _ in range(4)]
    assert len({(page.body, page.headers["link"]) for page in pages}) == 1
    assert len({(order.body, order.headers["location"]) for order in made}) == 1
    assert {(reply.status, reply.json["details"]["left"]) for reply in refused} == {(409, 9)}


async def test_a_form_of_another_origin_changes_nothing(tmp_path: Path) -> None:
    document = """
mutation Order @rest(method: POST, path: "/order", result: "order.order") {
  order(lines: [{ productId: "p", quantity: 1 }], key: "k") { order { id } }
}
"""
    form = {"content-type": "application/x-www-form-urlencoded"}
    async with store(tmp_path, {"order": document}) as client:
        forged = [await client.request("POST", b"", headers, path="/api/order") for headers in (form, {})]
        made = (await client.post("{ madeCount }")).json["data"]["madeCount"]
        asked = await post(client, "/order", {})
    assert ([reply.json["code"] for reply in forged], made, asked.status) == (["CSRF_ERROR"] * 2, 0, 200)


async def test_tokens_in_cookies_and_any_content_are_not_had_together(tmp_path: Path) -> None:
    cookies = """
authentication:
  router: {jwt: {jwks: [{url: '{"keys": []}'}], sources: [{type: cookie, name: token}]}}
"""
    with pytest.raises(Exception, match="ShortOrder: anyContentType cannot be had together with tokens in cookies"):
        async with store(tmp_path, {"order": ORDER}, cookies):
            pass
