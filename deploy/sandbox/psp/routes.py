"""The provider's API over HTTP. Bodies are JSON; `Idempotency-Key` is required where money is touched.

The table of all routes is in deploy/sandbox/README.md.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import asyncpg
import orjson
import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from common.money import InvalidMoneyError, Money
from deploy.sandbox.psp import pages
from deploy.sandbox.psp.background import Background
from deploy.sandbox.psp.clock import MovableClock
from deploy.sandbox.psp.drop import drop
from deploy.sandbox.psp.errors import ApiError, card_error, invalid
from deploy.sandbox.psp.faults import Fault, Faults
from deploy.sandbox.psp.intents import Intent, Intents, Wanted, same_request
from deploy.sandbox.psp.ledger import ledger
from deploy.sandbox.psp.refunds import Refunds
from deploy.sandbox.psp.vault import Vault
from deploy.sandbox.psp.webhooks import Endpoints

_BODY_MAX = 64 * 1024
_KEY_MAX = 255
_AMOUNT_MAX = 10**12

Body = Mapping[str, Any]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Api:
    pool: asyncpg.Pool
    clock: MovableClock
    secret_key: str
    publishable_key: str
    vault: Vault
    intents: Intents
    refunds: Refunds
    endpoints: Endpoints
    background: Background
    faults: Faults

    async def create_token(self, request: Request) -> Any:
        body, key = await _json(request), request.headers.get("idempotency-key") or None
        if isinstance(card := body.get("card"), dict):
            return (await self.vault.tokenize_card(card, key)).shown()
        if isinstance(account := body.get("bank_account"), dict):
            return (await self.vault.tokenize_account(account, key)).shown()
        raise invalid("parameter_missing", "A token is made of `card` or `bank_account`.")

    async def token(self, request: Request) -> Any:
        return (await self.vault.find(request.path_params["id"])).shown()

    async def create_method(self, request: Request) -> Any:
        body = await _json(request)
        token = await self.vault.find(_text(body, "token"))
        method = await self.vault.keep(token, _key(request))
        return (await self.vault.find(method)).shown()

    async def detach_method(self, request: Request) -> Any:
        await self.vault.detach(request.path_params["id"])
        return {"id": request.path_params["id"], "deleted": True}

    async def create_intent(self, request: Request) -> Any:
        body, key = await _json(request), _key(request)
        amount = _money(body)
        if (made := await self.intents.by_key(key)) is not None:
            return self._intent(same_request(made, _hash(body)))
        token = await self.vault.find(_text(body, "payment_method"))
        saved = token.id if token.is_reusable and token.expires_at is None else None
        if body.get("save_payment_method") is True and not (saved and saved.startswith("pm_")):
            saved = await self.vault.keep(token, f"intent:{key}")
        self.vault.take_code(token.id)
        fault = self.faults.draw(amount.amount_minor)
        wanted = Wanted(
            key=key,
            request_hash=_hash(body),
            amount_minor=amount.amount_minor,
            currency=amount.currency,
            means=token.means,
            saved_method=saved,
            return_url=body.get("return_url") if isinstance(body.get("return_url"), str) else None,
            metadata=body["metadata"] if isinstance(body.get("metadata"), dict) else {},
        )
        intent = await self.intents.create(wanted, is_answered=fault is None)
        self.background.wake()
        return await self._trouble(request, fault) or self._intent(intent)

    async def intent(self, request: Request) -> Any:
        return self.intents.shown(await self.intents.by_id(request.path_params["id"]))

    async def find_intent(self, request: Request) -> Any:
        found = await self.intents.by_key(request.query_params.get("idempotency_key", ""))
        return {"object": "list", "data": [self.intents.shown(found)] if found else []}

    async def capture(self, request: Request) -> Any:
        body, fault = await _json(request), self.faults.draw()
        amount = body.get("amount")
        if amount is not None and (type(amount) is not int or not 0 < amount <= _AMOUNT_MAX):
            raise invalid("amount_invalid", "An amount is a positive number of minor units.")
        captured = await self.intents.capture(request.path_params["id"], amount, is_answered=fault is None)
        self.background.wake()
        return await self._trouble(request, fault) or self.intents.shown(captured)

    async def cancel(self, request: Request) -> Any:
        fault = self.faults.draw()
        canceled = await self.intents.cancel(request.path_params["id"], is_answered=fault is None)
        self.background.wake()
        return await self._trouble(request, fault) or self.intents.shown(canceled)

    async def create_refund(self, request: Request) -> Any:
        body, key, fault = await _json(request), _key(request), self.faults.draw()
        amount = body.get("amount")
        if amount is not None and (type(amount) is not int or not 0 < amount <= _AMOUNT_MAX):
            raise invalid("amount_invalid", "An amount is a positive number of minor units.")
        made = await self.refunds.create(
            key, _hash(body), _text(body, "payment_intent"), amount, is_answered=fault is None
        )
        self.background.wake()
        return await self._trouble(request, fault) or made

    async def refund(self, request: Request) -> Any:
        return await self.refunds.by_id(request.path_params["id"])

    async def register_endpoint(self, request: Request) -> Any:
        body = await _json(request)
        secrets = body.get("secrets")
        if not isinstance(secrets, list) or not all(isinstance(secret, str) for secret in secrets):
            raise invalid("parameter_missing", "`secrets` is a list of texts.")
        return await self.endpoints.register(
            body.get("url"), secrets, only_unanswered=body.get("only_unanswered") is True
        )

    async def list_endpoints(self, _: Request) -> Any:
        return {"object": "list", "data": await self.endpoints.all()}

    async def remove_endpoint(self, request: Request) -> Any:
        await self.endpoints.remove(request.path_params["id"])
        return {"id": request.path_params["id"], "deleted": True}

    async def events(self, request: Request) -> Any:
        """Newest first; `payment_intent` narrows them."""
        intent = request.query_params.get("payment_intent")
        rows = await self.pool.fetch(
            """SELECT body FROM event WHERE ($1::text IS NULL OR intent_id = $1)
               ORDER BY created_at DESC, id DESC LIMIT 1000""",
            intent,
        )
        return {"object": "list", "data": [row["body"] for row in rows]}

    async def action_page(self, request: Request) -> Response:
        secret = request.query_params.get("secret", "")
        intent = await self.intents.by_id(request.path_params["id"])
        if not secret or not hmac.compare_digest((intent.action_secret or "").encode(), secret.encode()):
            raise ApiError(404, "resource_missing", "There is no such page.")
        return HTMLResponse(pages.action_page(intent, secret), headers=pages.HEADERS)

    async def answer_action(self, request: Request) -> Any:
        """A form from the page, or JSON `{"secret", "answer": "approve" | "deny"}` from a program."""
        is_form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        body = await _form(request) if is_form else await _json(request)
        answer, secret = _text(body, "answer"), _text(body, "secret")
        if answer not in ("approve", "deny"):
            raise invalid("answer_invalid", "The answer is approve or deny.")
        intent = await self.intents.answer_action(request.path_params["id"], secret, is_approved=answer == "approve")
        self.background.wake()
        if not is_form:
            return self.intents.shown(intent)
        if intent.return_url and intent.return_url.startswith(("http://", "https://")):
            return RedirectResponse(intent.return_url, status_code=303)
        return HTMLResponse(pages.answered_page(intent), headers=pages.HEADERS)

    async def ledger(self, request: Request) -> Any:
        return await ledger(self.pool, request.query_params.get("order_id"))

    async def change_faults(self, request: Request) -> Any:
        self.faults.change(await _json(request))
        return self.faults.shown()

    async def show_faults(self, _: Request) -> Any:
        return self.faults.shown()

    async def reset_faults(self, _: Request) -> Any:
        self.faults.reset()
        return self.faults.shown()

    async def change_clock(self, request: Request) -> Any:
        seconds = (await _json(request)).get("advance_s")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= 366 * 86400:
            raise invalid("parameter_invalid", "`advance_s` is a number of seconds, not negative.")
        self.clock.advance(seconds)
        self.background.wake()
        return await self.show_clock(request)

    async def show_clock(self, _: Request) -> Any:
        return {"now": self.clock.now()}

    def _intent(self, intent: Intent) -> Any:
        """The intent, or the card error that its decline is."""
        shown = self.intents.shown(intent)
        if intent.status == "requires_payment_method":
            error = shown["last_payment_error"] or {}
            raise card_error(
                "card_declined",
                error.get("message", ""),
                decline_code=error.get("decline_code"),
                payment_intent=shown,
            )
        return shown

    async def _trouble(self, request: Request, fault: Fault | None) -> Response | None:
        """What comes instead of the answer, after the deed; None: the answer comes, maybe late."""
        match fault:
            case Fault.SLOW:
                await asyncio.sleep(self.faults.slow_s)
            case Fault.LOST if drop(request):
                return Response(status_code=499)
            case Fault.LOST | Fault.ERROR:
                raise ApiError(500, "internal", "Something went wrong.", kind="api_error")
        return None


def routes(api: Callable[[], Api]) -> list[Route]:
    """`api` gives the running one."""
    Handler = Callable[[Api, Request], Awaitable[Any]]  # noqa: N806 - a type

    def route(path: str, method: str, handler: Handler, key: str = "secret") -> Route:
        async def respond(request: Request) -> Response:
            running = api()
            try:
                _admit(running, request, key)
                if running.faults.is_down and not path.startswith("/__admin"):
                    raise ApiError(503, "unavailable", "The provider is down.", kind="api_error")
                answer = await handler(running, request)
            except ApiError as exc:
                return _answer(exc.body, exc.status)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                # border: whoever asked must ask again, under the same key
                _log.warning("the provider's database does not answer", exc_info=True)
                return _answer(ApiError(503, "unavailable", "Try again.", kind="api_error").body, 503)
            return answer if isinstance(answer, Response) else _answer(answer, 200)

        return Route(path, respond, methods=[method])

    return [
        route("/v1/tokens", "POST", Api.create_token, "publishable"),
        route("/v1/tokens/{id}", "GET", Api.token),
        route("/v1/payment_methods", "POST", Api.create_method),
        route("/v1/payment_methods/{id}", "DELETE", Api.detach_method),
        route("/v1/payment_intents", "POST", Api.create_intent),
        route("/v1/payment_intents", "GET", Api.find_intent),
        route("/v1/payment_intents/{id}", "GET", Api.intent),
        route("/v1/payment_intents/{id}/capture", "POST", Api.capture),
        route("/v1/payment_intents/{id}/cancel", "POST", Api.cancel),
        route("/v1/refunds", "POST", Api.create_refund),
        route("/v1/refunds/{id}", "GET", Api.refund),
        route("/v1/webhook_endpoints", "POST", Api.register_endpoint),
        route("/v1/webhook_endpoints", "GET", Api.list_endpoints),
        route("/v1/webhook_endpoints/{id}", "DELETE", Api.remove_endpoint),
        route("/v1/events", "GET", Api.events),
        route("/actions/{id}", "GET", Api.action_page, "none"),
        route("/actions/{id}", "POST", Api.answer_action, "none"),
        route("/__admin/ledger", "GET", Api.ledger),
        route("/__admin/faults", "POST", Api.change_faults),
        route("/__admin/faults", "GET", Api.show_faults),
        route("/__admin/faults", "DELETE", Api.reset_faults),
        route("/__admin/clock", "POST", Api.change_clock),
        route("/__admin/clock", "GET", Api.show_clock),
    ]


def _admit(api: Api, request: Request, key: str) -> None:
    if key == "none":
        return
    given = request.headers.get("authorization", "").removeprefix("Bearer ").encode()
    accepted = [api.secret_key] if key == "secret" else [api.secret_key, api.publishable_key]
    matches = [hmac.compare_digest(given, each.encode()) for each in accepted]
    if not any(matches):
        raise ApiError(401, "api_key_invalid", "An API key is required: Authorization: Bearer <key>.")


def _answer(body: Any, status: int) -> Response:
    return Response(orjson.dumps(body), status_code=status, media_type="application/json")


async def _read(request: Request) -> bytes:
    read = bytearray()
    async for chunk in request.stream():
        read += chunk
        if len(read) > _BODY_MAX:
            raise ApiError(413, "body_too_large", "The body is too large.")
    return bytes(read)


async def _json(request: Request) -> Body:
    body = await _read(request)
    try:
        parsed = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        parsed = None
    if not isinstance(parsed, dict):
        # nothing of it is told: it may be a card number
        raise invalid("body_invalid", "The body is a JSON object.")
    return parsed


async def _form(request: Request) -> Body:
    try:
        return {name: values[0] for name, values in parse_qs((await _read(request)).decode()).items()}
    except UnicodeDecodeError:
        raise invalid("body_invalid", "The body is a form.") from None


def _key(request: Request) -> str:
    key = request.headers.get("idempotency-key", "")
    if not 1 <= len(key) <= _KEY_MAX:
        raise invalid("idempotency_key_missing", f"Idempotency-Key is required, 1 to {_KEY_MAX} characters.")
    return key


def _text(body: Body, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value or "\0" in value:
        raise invalid("parameter_missing", f"`{name}` is a text.", param=name)
    return value


def _money(body: Body) -> Money:
    amount, currency = body.get("amount"), body.get("currency")
    if type(amount) is not int or not 0 < amount <= _AMOUNT_MAX:
        raise invalid("amount_invalid", "An amount is a positive number of minor units.")
    try:
        return Money(amount, str(currency))
    except InvalidMoneyError:
        raise invalid("currency_invalid", "The currency is an ISO 4217 code.") from None


def _hash(body: Body) -> str:
    return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()
