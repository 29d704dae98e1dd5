"""What a developer sees: JSON for programs, a page for browsers."""

import re
from collections.abc import Sequence
from html import escape
from typing import Any

from deploy.sandbox.messages.store import KINDS, Kind

_URL = re.compile(r"https?://[^\s<>\"']+")
_HEAD = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 15px/1.5 sans-serif; max-width: 52em; margin: 2em auto; padding: 0 1em }}
article {{ border: 1px solid #ccc; border-radius: 6px; padding: .5em 1em; margin: 1em 0 }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere }} small {{ color: #666 }}
</style></head><body>"""

# The page of links: it stands for a shop's front end, and shows the request that one would send.
_OPERATIONS = {
    "email-verification": "mutation { emailConfirm(token: %TOKEN%) { confirmed errors { __typename } } }",
    "email-change": "mutation { emailConfirm(token: %TOKEN%) { confirmed errors { __typename } } }",
    "password-reset": 'mutation { passwordReset(token: %TOKEN%, newPassword: "…") '
    "{ tokens { accessToken } errors { __typename } } }",
}
_FILL_IN = """<script>
const request = document.getElementById("request");
const token = new URLSearchParams(location.hash.slice(1)).get("token") || "";
request.textContent = request.textContent.replace("%TOKEN%", JSON.stringify(token));
</script>"""


def messages_page(kind: Kind, messages: Sequence[dict[str, Any]]) -> str:
    links = " · ".join(f'<a href="/{name}">{name}</a>' for name in KINDS)
    shown = "".join(_article(message) for message in messages) or "<p>Nothing yet.</p>"
    note = "<p><small>For development only: newest first, until the sandbox starts again.</small></p>"
    return f"{_HEAD.format(title=kind)}<p>{links}</p><h1>{kind}</h1>{note}{shown}</body></html>"


def _article(message: dict[str, Any]) -> str:
    title = message.get("subject") or message.get("title") or ""
    return (
        f"<article><small>{escape(message['at'])} → {escape(message['to'])}</small>"
        f"<h2>{escape(title)}</h2><pre>{_linked(message['text'])}</pre></article>"
    )


def _linked(text: str) -> str:
    """The text as HTML, addresses in it as links."""
    parts: list[str] = []
    end = 0
    for found in _URL.finditer(text):
        url = escape(found.group())
        parts += [escape(text[end : found.start()]), f'<a href="{url}">{url}</a>']
        end = found.end()
    return "".join([*parts, escape(text[end:])])


def account_page(kind: str) -> str | None:
    """None for a link of no kind we know."""
    operation = _OPERATIONS.get(kind)
    if operation is None:
        return None
    return (
        f"{_HEAD.format(title=escape(kind))}<h1>{escape(kind)}</h1><p>A shop's front end would send:</p>"
        f'<pre id="request">{escape(operation)}</pre>{_FILL_IN}</body></html>'
    )
