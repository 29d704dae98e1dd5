"""The page on which a customer confirms a payment, as the bank of a card or a wallet shows it."""

from html import escape

from common.money import Money
from deploy.sandbox.psp.intents import Intent

#: nothing may be loaded, and nothing framed: what is on the page is in it
HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action *; frame-ancestors 'none'",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
}
_STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:4rem auto;padding:0 1rem;color:#222}
h1{font-size:1.3rem}button{font:inherit;padding:.6rem 1.2rem;margin-right:.6rem;border:1px solid #999;
border-radius:.4rem;background:#fff;cursor:pointer}button[value=approve]{background:#17633a;color:#fff;border-color:#17633a}"""


def action_page(intent: Intent, secret: str) -> str:
    amount = escape(str(Money(intent.amount_minor, intent.currency)))
    if intent.status != "requires_action":
        return _page("Nothing to confirm", "<p>This payment waits for nobody any more. You may close this page.</p>")
    return _page(
        f"Pay {amount}?",
        f"""<p>This is a simulation of your bank: {escape(intent.means.brand)} •••• {escape(intent.means.last4)}.</p>
<form method="post"><input type="hidden" name="secret" value="{escape(secret)}">
<button name="answer" value="approve">Approve</button><button name="answer" value="deny">Deny</button></form>""",
    )


def answered_page(intent: Intent) -> str:
    """What became of it, which may be something else than the customer has just said."""
    match intent.status:
        case "requires_capture" | "succeeded":
            said = "The payment is approved."
        case "canceled":
            said = "The payment was cancelled before; nothing is charged."
        case _:
            said = "The payment is denied."
    return _page("Thank you", f"<p>{said} You may close this page.</p>")


def _page(title: str, body: str) -> str:
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>{title}</title><style>{_STYLE}</style></head>
<body><main><h1>{title}</h1>{body}</main></body></html>"""
