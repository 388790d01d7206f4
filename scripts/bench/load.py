"""Load on one address of 127.0.0.1, by autocannon: keep-alive connections, each with one request at a time."""

import asyncio
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from scripts.runtime.services import ROOT
from scripts.stack.node import node
from scripts.stack.process import LOOPBACK

AUTOCANNON = ROOT / "node_modules" / "autocannon" / "autocannon.js"
CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Target:
    """`expected` is the status every answer must have: a fast error is not a result.

    With a `body` it is POSTed. `calls` is how many calls the Worker makes for one request; the rates are of calls.
    """

    name: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    expected: int = 200
    body: str | None = None
    calls: int = 1
    connections: int = CONNECTIONS


@dataclass(frozen=True, slots=True)
class Round:
    """`requests_per_s` counts calls where a request makes several; the latencies are of whole requests."""

    requests_per_s: float
    p50_ms: float
    p99_ms: float


async def first_answer(target: Target) -> None:
    """Waits for what only the first request pays: imports, a pool of connections. Raises ValueError for another status."""
    async with httpx.AsyncClient(timeout=60) as client:
        method = "GET" if target.body is None else "POST"
        answer = await client.request(method, target.url, headers=target.headers, content=target.body)
    if answer.status_code != target.expected:
        raise ValueError(f"{target.name}: {answer.status_code} {answer.text[:500]}")


async def load(target: Target, seconds: int) -> Round:
    """One round of at most `seconds`. Raises ValueError for an address elsewhere and for unexpected answers."""
    if urlsplit(target.url).hostname != LOOPBACK:
        raise ValueError(f"{target.url} is not on this machine")
    arguments = ["-c", str(target.connections), "-d", str(seconds)]
    arguments += [part for name, value in target.headers.items() for part in ("-H", f"{name}={value}")]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as body:
        if target.body is not None:
            body.write(target.body)
            body.flush()
            arguments += ["-m", "POST", "-i", body.name]
        result = await _autocannon([*arguments, target.url])
    statuses = {int(code): row["count"] for code, row in result["statusCodeStats"].items()}
    if set(statuses) != {target.expected} or result["errors"] or result["timeouts"]:
        raise ValueError(f"{target.name}: answers {statuses}, errors {result['errors']}, timeouts {result['timeouts']}")
    rate = result["requests"]["total"] * target.calls / result["duration"]
    return Round(rate, result["latency"]["p50"], result["latency"]["p99"])


async def _autocannon(arguments: list[str]) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        str(node()), str(AUTOCANNON), "--json", "--no-progress", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    output, _ = await process.communicate()
    result: dict[str, Any] = json.loads(output)
    return result
