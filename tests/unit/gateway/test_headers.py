"""gateway.headers: what never reaches a Worker, name by name (RFC 9110 §7.6.1, and claims about the caller)."""

import pytest

from gateway.headers import dropped

HOP_BY_HOP = (
    "connection", "proxy-connection", "keep-alive", "te", "trailer", "transfer-encoding", "proxy-authorization",
    "proxy-authenticate",
)  # fmt: skip
CLAIMS = (
    "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-dotdo-identity", "x-dotdo-anything",
    "x-user-id", "x-user-role", "cf-worker",
)  # fmt: skip
KEPT = (
    "authorization", "cookie", "accept", "content-type", "content-length", "if-match", "idempotency-key", "origin",
    "traceparent", "x-request-id", "cf-connecting-ip",
    "cf-ray", "x-real-ip", "x-userland", "x-dotdo", "x-forwarded", "te-x", "proxy-other",
)  # fmt: skip


@pytest.mark.parametrize("name", HOP_BY_HOP + CLAIMS)
def test_it_is_dropped(name: str) -> None:
    assert list(dropped({"accept": "*/*", name: "x"})) == [name]


@pytest.mark.parametrize("name", KEPT)
def test_it_goes_on(name: str) -> None:
    assert list(dropped({name: "x"})) == []


def test_what_connection_lists_is_dropped_in_any_spelling() -> None:
    headers = {"connection": "keep-alive,X-Secret-Hop , x-other", "x-secret-hop": "1", "x-other": "2", "x-third": "3"}
    assert set(dropped(headers)) == {"connection", "x-secret-hop", "x-other"}


@pytest.mark.parametrize(
    ("headers", "gone"),
    [
        ({"upgrade": "websocket", "connection": "Upgrade"}, {"connection"}),
        ({"upgrade": "WebSocket", "connection": "upgrade, x-a", "x-a": "1"}, {"connection", "x-a"}),
        ({"upgrade": "websocket"}, set()),
        ({"upgrade": "h2c"}, {"upgrade"}),
        ({"upgrade": "h2c", "connection": "upgrade, http2-settings", "http2-settings": "AAMA"},
         {"upgrade", "connection", "http2-settings"}),
        ({"upgrade": "websocket, h2c"}, {"upgrade"}),
    ],
)  # fmt: skip
def test_no_protocol_is_changed_but_to_websocket(headers: dict[str, str], gone: set[str]) -> None:
    assert set(dropped(headers)) == gone
