"""The running stack as the tests use it."""

import json
import os
import time
from pathlib import Path
from typing import Any

import httpx
import psycopg

from dotdo.identity import IDENTITY_HEADER, Identity, sign_identity
from scripts.runtime.services import ROOT

DATA = Path(os.environ.get("DOTDO_TEST_DATA", ROOT / ".dotdo" / "test"))
"""Where the tests' stack keeps its stores; two runs at once need two folders."""


class Platform:
    """The running stack. `caller_url` and `python_caller_url` are the Workers that make RPC calls for the tests."""

    def __init__(self, info: dict[str, Any], caller_url: str, python_caller_url: str) -> None:
        self.gateway_url: str = info["gateway_url"]
        self.workers: dict[str, str] = info["workers"]
        self.postgres_url: str = info["postgres_url"]
        self.keys: dict[str, str] = info["keys"]
        self.caller_url = caller_url
        self.python_caller_url = python_caller_url
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
        return httpx.AsyncClient(base_url=self.workers[service], headers=headers, timeout=30, **options)

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

    def forget_schedule(self) -> None:
        """Every task is as if it had never run: what is due depends on no other test."""
        self.rows("update scheduled_tasks set last_scheduled_at = null returning name")

    def rows(self, sql: str, *params: object) -> list[tuple[Any, ...]]:
        """What psycopg reads: a second opinion on what the Workers wrote."""
        with psycopg.connect(self.postgres_url) as connection:
            return connection.execute(sql, params).fetchall()


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The body of a response that has to be this problem."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["code"] == code
    assert body["status"] == status
    assert body["instance"] == response.headers["x-request-id"]
    return body
