"""What the tests of auth's limits share: callers by address, and what an answer says."""

import json
from typing import Any

from dotdo.http import HttpResponse
from dotdo.identity import Identity, sign_identity

HERE = Identity("anonymous", address="203.0.113.7")
THERE = Identity("anonymous", address="203.0.113.8")
NOWHERE = Identity("anonymous")


def code_of(response: HttpResponse) -> str:
    return str(json.loads(response.body)["code"])


def wait_of(response: HttpResponse) -> int:
    return int(dict(response.headers)["retry-after"])


def identity_header(browser: Any, identity: Identity) -> str:
    return sign_identity(
        identity, audience="auth", request_id="r", secret=b"i" * 32, now_s=browser.bindings.clock.now
    )  # fmt: skip


def address(n: int) -> Identity:
    return Identity("anonymous", address=f"198.51.{n // 250}.{n % 250}")
