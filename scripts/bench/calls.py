"""RPC calls to a Worker of the platform, by way of the peer that makes them."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urljoin

import httpx

from scripts.bench.load import RoundError, Target


def call(name: str, url: str, method: str, params: Sequence[object], calls: int = 1) -> Target:
    """So many calls of a method one after the other, on one connection: what counts is how long one takes."""
    body = json.dumps({"method": method, "params": params}, separators=(",", ":"))
    return Target(name, f"{url}{calls}", body=body, calls=calls, connections=1)


async def answer(target: Target) -> bytes:
    """What the caller got, as it came. Raises RoundError for a call that failed."""
    async with httpx.AsyncClient(timeout=60) as client:
        response = await client.post(urljoin(target.url, "/"), content=target.body)
    if response.is_error:
        raise RoundError(f"{response.status_code} {response.text[:300]}")
    return response.content


async def result(target: Target) -> Any:
    return json.loads(await answer(target))["ok"]
