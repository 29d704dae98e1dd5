"""Refuses what a page of another origin could make a browser send without asking first.

A request passes when its content type makes browsers ask (anything but the three of HTML forms), or when it carries
one of the required headers, which pages cannot add unasked either. Apollo Router's rule, with its correction
GHSA-hff2-gcpx-8f4p: a GET passes on its content type only if that is application/json.
"""

from __future__ import annotations

from router.config.http import CsrfConfig
from router.errors import CSRF_ERROR, refuse
from router.pipeline.http import HttpRequest

_SIMPLE = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})


def check_csrf(request: HttpRequest, config: CsrfConfig) -> None:
    """Raises RequestError."""
    if config.unsafe_disabled:
        return
    content_type = request.headers.get("content-type")
    if content_type == "application/json":
        return
    if content_type:
        name = content_type.partition(";")[0].strip().lower()
        if name == "application/json" or (request.method != "GET" and name not in _SIMPLE and "/" in name):
            return
    if any(name in request.headers for name in config.required_headers):
        return
    raise refuse(
        CSRF_ERROR,
        "This operation has been blocked as a potential Cross-Site Request Forgery (CSRF)."
        " Please either specify a 'content-type' header (with a mime-type that is not one of"
        f" {', '.join(sorted(_SIMPLE))}) or provide one of the following headers: {', '.join(config.required_headers)}",
    )
