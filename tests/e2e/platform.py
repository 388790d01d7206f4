"""The running stack as the tests use it."""

import asyncio
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg

from dotdo.identity import IDENTITY_HEADER, Identity, sign_identity
from scripts.runtime.services import ROOT
from scripts.stack.ports import Ports

DATA = Path(os.environ.get("DOTDO_TEST_DATA", ROOT / ".dotdo" / "test"))
"""Where the tests' stack keeps its stores; two runs at once need two folders."""

OFFICIAL_RUNTIME = os.environ.get("DOTDO_OFFICIAL_RUNTIME") == "1"
"""Whether workerd downloads Cloudflare's own Pyodide bundle, as with `make dev ARGS=--official-runtime`."""


@dataclass(frozen=True, slots=True)
class Proxies:
    """Ports of a db and an auth Worker of their own and of what stands between them and their stores, or WorkOS: nothing, until
    a test puts it there.

    `gateway` and `hasty_gateway` are gateways with production's limits, and with half a second for every Worker behind;
    `mapped_gateway` has production's limits and, for every Worker of its table, one that tells what reached it.
    `auth` is an auth with production's limits, `faulty_auth` the one whose WorkOS is `workos`.
    """

    db: int
    neon: int
    clickhouse: int
    gateway: int
    hasty_gateway: int
    auth: int
    mapped_gateway: int
    workos: int
    faulty_auth: int


class Platform:
    """The running stack. `caller_url` and `python_caller_url` are the Workers that make RPC calls for the tests."""

    def __init__(
        self, info: dict[str, Any], caller_url: str, python_caller_url: str, proxies: Proxies, ports: Ports
    ) -> None:
        self.gateway_url: str = info["gateway_url"]
        self.workers: dict[str, str] = info["workers"]
        self.postgres_url: str = info["postgres_url"]
        self.workos_url: str = info["workos_url"]
        self.keys: dict[str, str] = info["keys"]
        self.caller_url = caller_url
        self.python_caller_url = python_caller_url
        self.pid: int = info["pid"]
        self.proxies = proxies
        self.ports = ports
        self.log = DATA / "logs" / "workers.log"

    def client(self, role: str | None = None, **options: Any) -> httpx.AsyncClient:
        """A client of the gateway, with the key of a seeded role or none."""
        headers = {"authorization": f"Bearer {self.keys[role]}"} if role else {}
        return httpx.AsyncClient(base_url=self.gateway_url, headers=headers, timeout=30, **options)

    def behind_the_gateway(self, service: str, identity: Identity, **options: Any) -> httpx.AsyncClient:
        """A client of a Worker itself, with the identity header the gateway would have sent."""
        secret = json.loads((DATA / "secrets.json").read_text())["INTERNAL_SECRET"].encode()
        token = sign_identity(identity, audience=service, request_id="req_test", secret=secret, now_s=time.time())
        headers = {IDENTITY_HEADER: token}
        return httpx.AsyncClient(**{"base_url": self.workers[service], "timeout": 30, **options}, headers=headers)

    async def call(self, binding: str, method: str, *args: object) -> Any:
        """An RPC call from JavaScript: `{"ok": result}` or `{"error": {"name", "message"}}`."""
        async with httpx.AsyncClient(timeout=60) as client:
            told = json.dumps({"binding": binding, "method": method, "args": args})  # escaped: lone surrogates pass
            response = await client.post(self.caller_url, content=told)
        return response.json()

    async def from_python(self, binding: str, method: str, *params: object) -> Any:
        """The same from a Python Worker, through `JsonPeer`: `{"ok": result}` or `{"error": {"code", "status", …}}`."""
        async with httpx.AsyncClient(timeout=60) as client:
            told = json.dumps({"binding": binding, "method": method, "params": params})
            response = await client.post(self.python_caller_url, content=told)
        return response.json()

    async def result(self, binding: str, method: str, *args: object) -> Any:
        """The result of an RPC call that has to succeed."""
        answer = await self.call(binding, method, *args)
        assert "ok" in answer, answer
        return answer["ok"]

    def kill_runtime(self) -> None:
        """Ends the process that all Workers run in, at once. It comes back by itself, on the same ports."""
        (runtime,) = (one for one in psutil.Process(self.pid).children(recursive=True) if one.name() == "workerd")
        runtime.kill()
        runtime.wait()

    async def until_ready(self) -> None:
        """Returns when the gateway and what is behind it answer. Raises TimeoutError after a minute."""
        async with asyncio.timeout(60), self.client() as client:
            while not await _answers(client, "/ready"):
                await asyncio.sleep(0.1)

    def forget_schedule(self) -> None:
        """Every task is as if it had never run and nothing were running: what is due depends on no other test."""
        self.rows("delete from task_executions where status = 'running' or next_attempt_at is not null returning task")
        self.rows("update scheduled_tasks set last_scheduled_at = null, due_after = null returning name")

    async def logged(self, *words: str, since: int = 0) -> list[str]:
        """The lines of the Workers' log after byte `since` that hold all of the words, once there are any.

        Lines travel by a pipe and may come after the answer. Raises TimeoutError after ten seconds.
        """
        async with asyncio.timeout(10):
            while True:
                lines = self.log.read_bytes()[since:].decode(errors="replace").splitlines()
                if found := [line for line in lines if all(word in line for word in words)]:
                    return found
                await asyncio.sleep(0.05)

    def rows(self, sql: str, *params: object) -> list[tuple[Any, ...]]:
        """What psycopg reads: a second opinion on what the Workers wrote."""
        with psycopg.connect(self.postgres_url) as connection:
            return connection.execute(sql, params).fetchall()


async def _answers(client: httpx.AsyncClient, path: str) -> bool:
    try:
        return (await client.get(path)).is_success
    except httpx.TransportError:
        return False


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The body of a response that has to be this problem."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["code"] == code
    assert body["status"] == status
    assert body["instance"] == response.headers["x-request-id"]
    return body
