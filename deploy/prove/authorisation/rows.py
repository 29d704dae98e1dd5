"""The table: which field, whom it answers (a letter per caller: Y or -), and how it is asked.

Columns as in `setting.CALLERS`: anonymous, customer (a stranger to the victim), support, catalog manager, admin.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from deploy.prove.auditor import Auditor
from deploy.prove.authorisation.setting import PASSWORD, Person, Setting, logged_in, order_input, person
from deploy.prove.buyers import LINES, SHIP

Variables = Mapping[str, Any]
#: what to ask with; it may prepare something fresh for this one request
Ask = Callable[[Setting, Person, Auditor], Awaitable[Variables]]

ERRORS = "errors { __typename ... on UserError { message } }"


@dataclass(frozen=True, slots=True)
class Row:
    #: Query.order, Mutation.orderPlace, …; a field may have several rows
    field: str
    about: str
    expected: str
    document: str
    ask: Ask
    #: called with credentials of its own in the arguments: "may call" means that nobody is sent away
    is_open: bool = False
    #: of a subscription: what it is about is sent at once, so silence is a refusal
    begins_with_state: bool = False
    #: of the caller, who logs in again
    ends_login: bool = False


def given(make: Callable[[Setting, Person], Variables]) -> Ask:
    async def ask(setting: Setting, caller: Person, _: Auditor) -> Variables:
        return make(setting, caller)

    return ask


NOTHING = given(lambda s, c: {})


def key() -> str:
    return uuid4().hex


async def _waiting(setting: Setting, _: Person, __: Auditor) -> Variables:
    return {"id": await setting.waiting_order(), "key": key()}


async def _pay_waiting(setting: Setting, _: Person, __: Auditor) -> Variables:
    order = await setting.waiting_order()
    return {"input": {"orderId": order, "paymentMethodToken": "tok_visa", "idempotencyKey": key()}}


async def _ship(setting: Setting, _: Person, __: Auditor) -> Variables:
    order, _payment = await setting.paid_order()
    lines = await setting.market.crowd.ask(LINES, {"id": order}, setting.victim.token)
    line = lines["order"]["lines"][0]["id"]
    return {"input": {"orderId": order, "lines": [{"orderLineId": line, "quantity": 1}], "idempotencyKey": key()}}


async def _deliver(setting: Setting, caller: Person, auditor: Auditor) -> Variables:
    shipped = await _ship(setting, caller, auditor)
    data = await setting.market.crowd.ask(SHIP, shipped, setting.market.staff)
    return {"id": data["fulfillmentCreate"]["order"]["fulfillments"][0]["id"]}


async def _refund(setting: Setting, _: Person, auditor: Auditor) -> Variables:
    payment = await setting.captured_payment(auditor)
    amount = {"amount": "1.00", "currency": "USD"}
    return {"input": {"paymentId": payment, "idempotencyKey": key(), "amount": amount}}


async def _own_address(setting: Setting, caller: Person, _: Auditor) -> Variables:
    if not caller.token:
        return {"id": "adr_01h455vb4pex5vsknk084sn02q"}
    document = """mutation($a: PostalAddressInput!) { addressSave(address: $a) { user { addresses { id } } } }"""
    data = await setting.market.crowd.ask(document, {"a": setting.address}, caller.token)
    return {"id": data["addressSave"]["user"]["addresses"][-1]["id"]}


async def _somebody(setting: Setting, _: Person, __: Auditor) -> Variables:
    return {"id": (await person(setting.market, "Erasable Emil")).id}


async def _discontinued(setting: Setting, _: Person, __: Auditor) -> Variables:
    return {"input": {"id": await setting.market.new_product(1)}}


async def _empty_category(setting: Setting, _: Person, __: Auditor) -> Variables:
    document = 'mutation { categoryCreate(input: { name: "Of the matrix" }) { category { id } } }'
    data = await setting.market.crowd.ask(document, {}, setting.market.staff)
    return {"id": data["categoryCreate"]["category"]["id"]}


async def _priced_in_euro(setting: Setting, caller: Person, _: Auditor) -> Variables:
    given = {"productId": setting.product, "price": {"amount": "9.00", "currency": "EUR"}}
    document = "mutation($input: ProductPriceSetInput!) { productPriceSet(input: $input) { product { id } } }"
    await setting.market.crowd.ask(document, {"input": given}, setting.market.staff)
    return {"input": {"productId": setting.product, "currency": "EUR"}}


async def _refresh(setting: Setting, _: Person, __: Auditor) -> Variables:
    login = await logged_in(setting.market, setting.callers["customer"].id, setting.callers["customer"].email)
    return {"token": login.refresh_token}


def _victims(selection: str) -> str:
    return f"query($id: ID!) {{ {selection} }}"


ORDER = given(lambda s, c: {"id": s.order})
VICTIM = given(lambda s, c: {"id": s.victim.id})
PRODUCT = given(lambda s, c: {"id": s.product})
DRAFT = given(lambda s, c: {"id": s.draft})

QUERIES = [
    Row("Query.product", "ACTIVE", "YYYYY", "query($id: ID!) { product(id: $id) { name stockStatus } }", PRODUCT),
    Row("Query.product", "DRAFT", "---YY", "query($id: ID!) { product(id: $id) { name } }", DRAFT),
    Row(
        "Query.product",
        "its inventory",
        "--YYY",
        "query($id: ID!) { product(id: $id) { inventory { onHand } } }",
        PRODUCT,
    ),
    Row("Query.products", "", "YYYYY", "query { products(first: 5) { nodes { name } } }", NOTHING),
    Row(
        "Query.products",
        "DRAFT",
        "---YY",
        "query { products(first: 5, filter: { status: DRAFT }) { nodes { name } } }",
        NOTHING,
    ),
    Row(
        "Query.products",
        "their inventory",
        "--YYY",
        "query { products(first: 5) { nodes { inventory { onHand reserved } } } }",
        NOTHING,
    ),
    Row("Query.categories", "", "YYYYY", "query { categories { name products(first: 2) { nodes { id } } } }", NOTHING),
    Row(
        "Query.category",
        "",
        "YYYYY",
        "query($id: ID!) { category(id: $id) { name products(first: 2) { nodes { id } } } }",
        _empty_category,
    ),
    Row(
        "Query.product",
        "its movements of stock",
        "--YYY",
        "query($id: ID!) { product(id: $id) { inventory { movements(first: 2) { nodes { actor delta } } } } }",
        PRODUCT,
    ),
    Row("Query.me", "", "-YYYY", "query { me { id name email addresses { id } orders { nodes { id } } } }", NOTHING),
    Row("Query.user", "another's", "--Y-Y", _victims("user(id: $id) { name email roles }"), VICTIM),
    Row(
        "Query.user",
        "own",
        "-YYYY",
        _victims("user(id: $id) { name email }"),
        given(lambda s, c: {"id": c.id or s.victim.id}),
    ),
    Row(
        "Query.user",
        "another's addresses",
        "--Y-Y",
        _victims("user(id: $id) { addresses { address { street } } }"),
        VICTIM,
    ),
    Row("Query.user", "another's orders", "--Y-Y", _victims("user(id: $id) { orders { nodes { number } } }"), VICTIM),
    Row(
        "Query.user",
        "another's notifications",
        "--Y-Y",
        _victims("user(id: $id) { notifications { nodes { title order { number } } } }"),
        VICTIM,
    ),
    Row("Query.users", "", "--Y-Y", "query { users(first: 50) { nodes { name email } } }", NOTHING),
    Row("Query.order", "another's", "--Y-Y", _victims("order(id: $id) { number status total { amount } }"), ORDER),
    Row(
        "Query.order",
        "by number",
        "--Y-Y",
        "query($number: String!) { order(number: $number) { number shippingAddress { street } } }",
        given(lambda s, c: {"number": s.number}),
    ),
    Row("Query.order", "its customer", "--Y-Y", _victims("order(id: $id) { customer { name email } }"), ORDER),
    Row(
        "Query.order",
        "its payments",
        "--Y-Y",
        _victims("order(id: $id) { payments { method { label } } paymentStatus balanceDue { amount } }"),
        ORDER,
    ),
    Row("Query.order", "its history", "--Y-Y", _victims("order(id: $id) { history { actor to } }"), ORDER),
    Row(
        "Query.order", "its notifications", "--Y-Y", _victims("order(id: $id) { notifications { title body } }"), ORDER
    ),
    Row("Query.orders", "", "--Y-Y", "query { orders(first: 20) { nodes { number } } }", NOTHING),
    Row(
        "Query.payment",
        "another's",
        "--Y-Y",
        _victims("payment(id: $id) { status method { label } order { number customer { email } } }"),
        given(lambda s, c: {"id": s.payment}),
    ),
    Row("Query.deadLetters", "", "----Y", "query { deadLetters { id lastError } }", NOTHING),
]

MUTATIONS = [
    Row(
        "Mutation.notificationPreferenceSet",
        "own",
        "-YYYY",
        "mutation { notificationPreferenceSet(channel: SMS, enabled: true) { id } }",
        NOTHING,
    ),
    Row(
        "Mutation.notificationMarkRead",
        "another's have no effect",
        "-YYYY",
        "mutation($ids: [ID!]!) { notificationMarkRead(ids: $ids) { id notifications { nodes { title } } } }",
        given(lambda s, c: {"ids": [s.notification]}),
    ),
    Row("Mutation.notificationMarkAllRead", "own", "-YYYY", "mutation { notificationMarkAllRead { id } }", NOTHING),
    Row(
        "Mutation.pushDeviceRegister",
        "own",
        "-YYYY",
        "mutation($token: String!) { pushDeviceRegister(token: $token, platform: WEB) { id } }",
        given(lambda s, c: {"token": key()}),
    ),
    Row(
        "Mutation.pushDeviceRemove",
        "own",
        "-YYYY",
        "mutation($token: String!) { pushDeviceRemove(token: $token) { id } }",
        given(lambda s, c: {"token": key()}),
    ),
    Row(
        "Mutation.deadLetterReplay",
        "",
        "----Y",
        "mutation($ids: [ID!]!) { deadLetterReplay(ids: $ids) { id } }",
        given(lambda s, c: {"ids": []}),
    ),
    Row(
        "Mutation.cartSetLine",
        "own",
        "-YYYY",
        f"mutation($id: ID!) {{ cartSetLine(productId: $id, quantity: 2) {{ cart {{ id }} {ERRORS} }} }}",
        PRODUCT,
    ),
    Row(
        "Mutation.cartMerge",
        "own",
        "-YYYY",
        f"mutation($lines: [CartLineInput!]!) {{ cartMerge(lines: $lines) {{ cart {{ id }} {ERRORS} }} }}",
        given(lambda s, c: {"lines": [{"productId": s.product, "quantity": 1}]}),
    ),
    Row("Mutation.cartClear", "own", "-YYYY", f"mutation {{ cartClear {{ cart {{ id }} {ERRORS} }} }}", NOTHING),
    Row(
        "Mutation.orderPlace",
        "own",
        "-YYYY",
        f"mutation($input: OrderPlaceInput!) {{ orderPlace(input: $input) {{ order {{ id number }} {ERRORS} }} }}",
        given(lambda s, c: {"input": order_input(s)}),
    ),
    Row(
        "Mutation.orderPlace",
        "for somebody else",
        "--Y-Y",
        "mutation($input: OrderPlaceInput!) { orderPlace(input: $input) {"
        f" order {{ customer {{ email }} }} {ERRORS} }} }}",
        given(lambda s, c: {"input": order_input(s, customerId=s.victim.id)}),
    ),
    Row(
        "Mutation.orderPlace",
        "another's cart",
        "-----",
        f"mutation($input: OrderPlaceInput!) {{ orderPlace(input: $input) {{ order {{ number }} {ERRORS} }} }}",
        given(lambda s, c: {"input": {"cartId": s.cart, "shippingAddress": dict(s.address), "idempotencyKey": key()}}),
    ),
    Row(
        "Mutation.orderCancel",
        "another's",
        "--Y-Y",
        "mutation($id: ID!, $key: String) { orderCancel(id: $id, reason: CUSTOMER, idempotencyKey: $key) {"
        f" order {{ number }} {ERRORS} }} }}",
        _waiting,
    ),
    Row(
        "Mutation.fulfillmentCreate",
        "",
        "--Y-Y",
        "mutation($input: FulfillmentCreateInput!) { fulfillmentCreate(input: $input) {"
        f" order {{ number }} {ERRORS} }} }}",
        _ship,
    ),
    Row(
        "Mutation.fulfillmentDeliver",
        "",
        "--Y-Y",
        f"mutation($id: ID!) {{ fulfillmentDeliver(id: $id) {{ order {{ number }} {ERRORS} }} }}",
        _deliver,
    ),
    Row(
        "Mutation.paymentCreate",
        "another's order",
        "--Y-Y",
        f"mutation($input: PaymentCreateInput!) {{ paymentCreate(input: $input) {{ payment {{ id }} {ERRORS} }} }}",
        _pay_waiting,
    ),
    Row(
        "Mutation.paymentConfirmAction",
        "another's",
        "--Y-Y",
        f"mutation($id: ID!) {{ paymentConfirmAction(id: $id) {{ payment {{ id }} {ERRORS} }} }}",
        given(lambda s, c: {"id": s.payment}),
    ),
    Row(
        "Mutation.paymentCapture",
        "",
        "----Y",
        "mutation($id: ID!, $key: String!) { paymentCapture(id: $id, idempotencyKey: $key) {"
        f" payment {{ id }} {ERRORS} }} }}",
        given(lambda s, c: {"id": s.payment, "key": key()}),
        is_open=True,
    ),
    Row(
        "Mutation.paymentVoid",
        "",
        "----Y",
        "mutation($id: ID!, $key: String!) { paymentVoid(id: $id, idempotencyKey: $key) {"
        f" payment {{ id }} {ERRORS} }} }}",
        given(lambda s, c: {"id": s.payment, "key": key()}),
        is_open=True,
    ),
    Row(
        "Mutation.paymentMethodSave",
        "own",
        "-YYYY",
        "mutation($input: PaymentMethodSaveInput!) { paymentMethodSave(input: $input) {"
        f" paymentMethod {{ id }} {ERRORS} }} }}",
        given(lambda s, c: {"input": {"paymentMethodToken": "tok_mastercard", "idempotencyKey": key()}}),
    ),
    Row(
        "Mutation.paymentMethodSetDefault",
        "another's",
        "-----",
        f"mutation($id: ID!) {{ paymentMethodSetDefault(id: $id) {{ paymentMethod {{ id }} {ERRORS} }} }}",
        given(lambda s, c: {"id": s.method}),
    ),
    Row(
        "Mutation.paymentMethodDelete",
        "another's",
        "-----",
        f"mutation($id: ID!) {{ paymentMethodDelete(id: $id) {{ {ERRORS} }} }}",
        given(lambda s, c: {"id": s.method}),
    ),
    Row(
        "Mutation.refundCreate",
        "",
        "--Y-Y",
        f"mutation($input: RefundCreateInput!) {{ refundCreate(input: $input) {{ refund {{ id }} {ERRORS} }} }}",
        _refund,
    ),
    Row(
        "Mutation.productCreate",
        "",
        "---YY",
        f"mutation($input: ProductCreateInput!) {{ productCreate(input: $input) {{ product {{ id }} {ERRORS} }} }}",
        given(lambda s, c: {"input": {"name": "Made by the matrix", "price": {"amount": "1.00", "currency": "USD"}}}),
    ),
    Row(
        "Mutation.productUpdate",
        "",
        "---YY",
        f"mutation($input: ProductUpdateInput!) {{ productUpdate(input: $input) {{ product {{ id }} {ERRORS} }} }}",
        given(lambda s, c: {"input": {"id": s.product, "description": "Changed by the matrix"}}),
    ),
    Row(
        "Mutation.inventoryAdjust",
        "",
        "---YY",
        f"mutation($input: InventoryAdjustInput!) {{ inventoryAdjust(input: $input) {{ product {{ id }} {ERRORS} }} }}",
        given(
            lambda s, c: {"input": {"productId": s.product, "delta": 1, "reason": "RECEIVED", "idempotencyKey": key()}}
        ),
    ),
    Row(
        "Mutation.productArchive",
        "",
        "---YY",
        f"mutation($input: ProductArchiveInput!) {{ productArchive(input: $input) {{ product {{ id }} {ERRORS} }} }}",
        _discontinued,
    ),
    Row(
        "Mutation.productPriceSet",
        "",
        "---YY",
        f"mutation($input: ProductPriceSetInput!) {{ productPriceSet(input: $input) {{ product {{ id }} {ERRORS} }} }}",
        given(lambda s, c: {"input": {"productId": s.product, "price": {"amount": "900", "currency": "JPY"}}}),
    ),
    Row(
        "Mutation.productPriceRemove",
        "",
        "---YY",
        "mutation($input: ProductPriceRemoveInput!) { productPriceRemove(input: $input) {"
        f" product {{ id }} {ERRORS} }} }}",
        _priced_in_euro,
    ),
    Row(
        "Mutation.inventoryThresholdSet",
        "",
        "---YY",
        "mutation($input: InventoryThresholdSetInput!) { inventoryThresholdSet(input: $input) {"
        f" product {{ id }} {ERRORS} }} }}",
        given(lambda s, c: {"input": {"productId": s.product, "lowStockThreshold": 4}}),
    ),
    Row(
        "Mutation.categoryCreate",
        "",
        "---YY",
        f'mutation {{ categoryCreate(input: {{ name: "Of the matrix" }}) {{ category {{ id }} {ERRORS} }} }}',
        NOTHING,
    ),
    Row(
        "Mutation.categoryUpdate",
        "",
        "---YY",
        f"mutation($id: ID!) {{ categoryUpdate(input: {{ id: $id, position: 2 }}) {{ category {{ id }} {ERRORS} }} }}",
        _empty_category,
    ),
    Row(
        "Mutation.categoryMove",
        "",
        "---YY",
        f"mutation($id: ID!) {{ categoryMove(input: {{ id: $id }}) {{ category {{ id }} {ERRORS} }} }}",
        _empty_category,
    ),
    Row(
        "Mutation.categoryDelete",
        "",
        "---YY",
        f"mutation($id: ID!) {{ categoryDelete(input: {{ id: $id }}) {{ deletedId {ERRORS} }} }}",
        _empty_category,
    ),
    Row(
        "Mutation.userRegister",
        "",
        "YYYYY",
        f"mutation($input: UserRegisterInput!) {{ userRegister(input: $input) {{ user {{ id }} {ERRORS} }} }}",
        given(lambda s, c: {"input": {"name": "New Nora", "email": f"{key()}@matrix.example", "password": PASSWORD}}),
    ),
    Row(
        "Mutation.login",
        "",
        "YYYYY",
        f"mutation($input: LoginInput!) {{ login(input: $input) {{ user {{ id }} {ERRORS} }} }}",
        given(lambda s, c: {"input": {"email": s.callers["customer"].email, "password": PASSWORD}}),
    ),
    Row(
        "Mutation.tokenRefresh",
        "",
        "YYYYY",
        f"mutation($token: String!) {{ tokenRefresh(refreshToken: $token) {{ tokens {{ expiresIn }} {ERRORS} }} }}",
        _refresh,
    ),
    Row("Mutation.logout", "", "-YYYY", "mutation { logout }", NOTHING, ends_login=True),
    Row("Mutation.logoutAll", "", "-YYYY", "mutation { logoutAll }", NOTHING, ends_login=True),
    Row(
        "Mutation.passwordResetRequest",
        "tells nobody whether there is an account",
        "YYYYY",
        "mutation($email: String!) { passwordResetRequest(email: $email) }",
        given(lambda s, c: {"email": s.victim.email}),
    ),
    Row(
        "Mutation.passwordReset",
        "by the token that was sent",
        "YYYYY",
        f'mutation {{ passwordReset(token: "guessed", newPassword: "another-word-1") {{ user {{ id }} {ERRORS} }} }}',
        NOTHING,
        is_open=True,
    ),
    Row(
        "Mutation.passwordChange",
        "own",
        "-YYYY",
        f"mutation($input: PasswordChangeInput!) {{ passwordChange(input: $input) {{ user {{ id }} {ERRORS} }} }}",
        given(lambda s, c: {"input": {"currentPassword": PASSWORD, "newPassword": PASSWORD}}),
        ends_login=True,
    ),
    Row("Mutation.emailVerificationRequest", "own", "-YYYY", "mutation { emailVerificationRequest }", NOTHING),
    Row(
        "Mutation.emailChangeRequest",
        "own",
        "-YYYY",
        f"mutation($input: EmailChangeInput!) {{ emailChangeRequest(input: $input) {{ {ERRORS} }} }}",
        given(lambda s, c: {"input": {"newEmail": f"{key()}@matrix.example", "password": PASSWORD}}),
    ),
    Row(
        "Mutation.emailConfirm",
        "by the token that was sent",
        "YYYYY",
        f'mutation {{ emailConfirm(token: "guessed") {{ {ERRORS} }} }}',
        NOTHING,
        is_open=True,
    ),
    Row(
        "Mutation.userUpdate",
        "another's",
        "--Y-Y",
        f"mutation($input: UserUpdateInput!) {{ userUpdate(input: $input) {{ user {{ name }} {ERRORS} }} }}",
        given(lambda s, c: {"input": {"id": s.victim.id, "name": "Victoria Verborgen"}}),
    ),
    Row(
        "Mutation.addressSave",
        "own",
        "-YYYY",
        f"mutation($address: PostalAddressInput!) {{ addressSave(address: $address) {{ user {{ id }} {ERRORS} }} }}",
        given(lambda s, c: {"address": {"street": "Own Road 1", "city": "Ulm", "zip": "89073", "country": "DE"}}),
    ),
    Row(
        "Mutation.addressDelete",
        "own",
        "-YYYY",
        f"mutation($id: ID!) {{ addressDelete(id: $id) {{ user {{ id }} {ERRORS} }} }}",
        _own_address,
    ),
    Row(
        "Mutation.addressDefaultSet",
        "own",
        "-YYYY",
        f"mutation($id: ID!) {{ addressDefaultSet(id: $id) {{ user {{ id }} {ERRORS} }} }}",
        _own_address,
    ),
    Row(
        "Mutation.userRolesSet",
        "",
        "----Y",
        f"mutation($id: ID!) {{ userRolesSet(id: $id, roles: [CUSTOMER]) {{ user {{ id }} {ERRORS} }} }}",
        VICTIM,
    ),
    Row(
        "Mutation.userErase",
        "another's",
        "----Y",
        f"mutation($id: ID!) {{ userErase(id: $id) {{ user {{ id }} {ERRORS} }} }}",
        _somebody,
    ),
    Row(
        "Mutation.userSuspend",
        "",
        "----Y",
        f"mutation($id: ID!) {{ userSuspend(id: $id) {{ user {{ status }} {ERRORS} }} }}",
        _somebody,
    ),
    Row(
        "Mutation.userReinstate",
        "",
        "----Y",
        f"mutation($id: ID!) {{ userReinstate(id: $id) {{ user {{ status }} {ERRORS} }} }}",
        _somebody,
    ),
]

SUBSCRIPTIONS = [
    Row(
        "Subscription.orderStatusChanged",
        "another's",
        "--Y-Y",
        "subscription($id: ID) { orderStatusChanged(orderId: $id) { number status } }",
        ORDER,
        begins_with_state=True,
    ),
    Row(
        "Subscription.paymentStatusChanged",
        "another's",
        "--Y-Y",
        "subscription($id: ID!) { paymentStatusChanged(orderId: $id) { status method { label } } }",
        ORDER,
        begins_with_state=True,
    ),
    Row(
        "Subscription.notificationReceived", "own", "-YYYY", "subscription { notificationReceived { title } }", NOTHING
    ),
    Row(
        "Subscription.stockStatusChanged",
        "",
        "YYYYY",
        "subscription($ids: [ID!]!) { stockStatusChanged(productIds: $ids) { id stockStatus } }",
        given(lambda s, c: {"ids": [s.product]}),
    ),
]

ROWS: tuple[Row, ...] = (*QUERIES, *MUTATIONS, *SUBSCRIPTIONS)
