"""Which request headers never reach a Worker behind the gateway."""

from collections.abc import Iterable, Mapping

# Hop by hop: RFC 9110 §7.6.1. The rest are claims about the caller that only the gateway may make.
DROPPED = frozenset({
    "connection", "proxy-connection", "keep-alive", "te", "trailer", "transfer-encoding",
    "proxy-authorization", "proxy-authenticate", "forwarded", "cf-worker",
})  # fmt: skip
DROPPED_PREFIXES = ("x-dotdo-", "x-user-", "x-forwarded-")


def dropped(headers: Mapping[str, str]) -> Iterable[str]:
    """The names (lower case) to take out: the fixed ones and those the Connection header lists."""
    listed = {name.strip().lower() for name in headers.get("connection", "").split(",")}
    if headers.get("upgrade", "").lower() == "websocket":
        listed.discard("upgrade")  # the runtime opens the WebSocket to the Worker by this header
    else:
        listed.add("upgrade")
    return [name for name in headers if name in DROPPED or name in listed or name.startswith(DROPPED_PREFIXES)]
