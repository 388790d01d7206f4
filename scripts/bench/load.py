"""Load on one address of 127.0.0.1, by autocannon: keep-alive connections, each with one request at a time."""

import asyncio
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from scripts.bench.runtime import Runtime
from scripts.stack.node import node
from scripts.stack.process import LOOPBACK

SCRIPT = Path(__file__).with_name("load.mjs")
CONNECTIONS = 8


def _no_authorizations() -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Target:
    """`expected` is the status every answer must have, but for the first `strays`: a fast error is not a result.

    With a `body` it is POSTed. `calls` is how many calls the Worker makes for one request; the rates are of calls.
    `authorizations` gives each round its values of that header, which the requests take in turn.
    """

    name: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    expected: int = 200
    body: str | None = None
    calls: int = 1
    connections: int = CONNECTIONS
    authorizations: Callable[[], Sequence[str]] = _no_authorizations
    strays: int = 0


@dataclass(frozen=True, slots=True)
class Round:
    """`requests_per_s` counts calls where a request makes several, and `cpu_ms` is the runtime's processor time for one call;
    the latencies are of whole requests. `memory_mb` is measured of boots only.
    """

    requests_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    memory_mb: float = 0.0


class RoundError(Exception):
    """A target answered something else than it should, or nothing."""


async def first_answer(target: Target) -> None:
    """Waits for what only the first requests pay: imports, a pool of connections. Raises RoundError for another status."""
    values = list(target.authorizations()[:1])
    headers = {**target.headers, **({"authorization": values[0]} if values else {})}
    method = "GET" if target.body is None else "POST"
    async with httpx.AsyncClient(timeout=60) as client:
        for _ in range(target.strays + 1):
            answer = await client.request(method, target.url, headers=headers, content=target.body)
    if answer.status_code != target.expected:
        raise RoundError(f"{target.name}: {answer.status_code} {answer.text[:300]}")


async def load(target: Target, seconds: int, runtime: Runtime) -> Round:
    """One round of at most `seconds`. Raises RoundError for unexpected answers, ValueError for an address elsewhere."""
    if urlsplit(target.url).hostname != LOOPBACK:
        raise ValueError(f"{target.url} is not on this machine")
    options = {
        "url": target.url,
        "connections": target.connections,
        "duration": seconds,
        "headers": dict(target.headers),
        "authorizations": list(target.authorizations()),
        **({} if target.body is None else {"method": "POST", "body": target.body}),
    }
    before_s = runtime.cpu_s()
    result = await _autocannon(options)
    used_s = runtime.cpu_s() - before_s
    statuses = {int(code): row["count"] for code, row in result["statusCodeStats"].items()}
    others = sum(count for code, count in statuses.items() if code != target.expected)
    if others > target.strays or not statuses.get(target.expected) or result["errors"] or result["timeouts"]:
        raise RoundError(f"{target.name}: answers {statuses}, errors {result['errors']}, timeouts {result['timeouts']}")
    calls = result["requests"]["total"] * target.calls
    latency = result["latency"]
    return Round(calls / result["duration"], latency["p50"], latency["p99"], used_s * 1000 / calls)


async def _autocannon(options: dict[str, Any]) -> dict[str, Any]:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:  # it may hold keys: only its owner reads it
        json.dump(options, file)
        file.flush()
        process = await asyncio.create_subprocess_exec(
            str(node()), str(SCRIPT), file.name, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        output, errors = await process.communicate()
    if process.returncode:
        raise RoundError(f"autocannon ended with {process.returncode}: {errors.decode()[-500:]}")
    result: dict[str, Any] = json.loads(output)
    return result
