"""The RPC method `route`: a request given as plain values."""

import json
from collections.abc import Sequence

from dotdo.errors import invalid_argument

BASE = "https://gateway"
_MEMBERS = frozenset({"method", "headers", "body"})


def request_parts(params: Sequence[object]) -> tuple[str, str]:
    """`(url, init?)` as an absolute address and JSON text. Raises INVALID_ARGUMENT."""
    if not 1 <= len(params) <= 2:
        raise invalid_argument(f"route takes url and init, {len(params)} parameters were given")
    url, init = (*params, None)[:2]
    return address(url), init_json(init)


def address(url: object) -> str:
    """An absolute address. A path alone is one of the gateway's own host. Raises INVALID_ARGUMENT."""
    if isinstance(url, str) and url.startswith("/"):
        return BASE + url
    if isinstance(url, str) and url.startswith(("https://", "http://")):
        return url
    raise invalid_argument("url has to be a path or an http(s) address")


def init_json(init: object) -> str:
    """`{method, headers, body}` as JSON text; all three may be absent. Redirects are not followed: they are answers too.

    Raises INVALID_ARGUMENT that names what is wrong.
    """
    if init is None:
        init = {}
    if not isinstance(init, dict) or set(init) - _MEMBERS:
        raise invalid_argument(f"init has to be an object of {', '.join(sorted(_MEMBERS))}")
    headers = init.get("headers") or {}
    if not isinstance(headers, dict) or not all(isinstance(part, str) for pair in headers.items() for part in pair):
        raise invalid_argument("init.headers has to be an object of texts")
    for name in ("method", "body"):
        if not isinstance(init.get(name), str | None):
            raise invalid_argument(f"init.{name} has to be a text")
    given = {name: value for name, value in init.items() if value is not None}
    return json.dumps({**given, "redirect": "manual"})
