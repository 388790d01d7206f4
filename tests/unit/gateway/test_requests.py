"""gateway.requests: what a request says of itself."""

from typing import Any

import pytest

from dotdo.fakes import Deferred
from gateway.requests import Inbound


def inbound(headers: dict[str, str], method: str = "GET") -> Inbound:
    native: Any = None
    return Inbound(method, "https://api.test/", headers, native, Deferred())


@pytest.mark.parametrize(
    ("announced", "bytes_in"),
    [
        ("0", 0), ("12", 12), ("0012", 12), ("9" * 18, int("9" * 18)), ("-1", 0), ("1.5", 0), ("", 0), ("x", 0),
        ("9" * 19, 10**19 - 1), ("١٢", 0), ("²", 0), ("0" * 30 + "7", 7), ("0" * 30, 0), ("0" * 30 + "9" * 5000, 10**19 - 1),
    ],
)  # fmt: skip
def test_the_announced_length_of_a_body(announced: str, bytes_in: int) -> None:
    assert inbound({"content-length": announced}).body_bytes == bytes_in


def test_a_length_that_is_not_announced() -> None:
    assert inbound({}).body_bytes == 0


@pytest.mark.parametrize(
    ("method", "headers", "asks"),
    [
        ("GET", {"upgrade": "websocket"}, True), ("GET", {"upgrade": "WebSocket"}, True),
        ("POST", {"upgrade": "websocket"}, False), ("GET", {"upgrade": "h2c"}, False), ("GET", {}, False),
    ],
)  # fmt: skip
def test_who_asks_for_a_websocket(method: str, headers: dict[str, str], asks: bool) -> None:
    assert inbound(headers, method).is_upgrade is asks
