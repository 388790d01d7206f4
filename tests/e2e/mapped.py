"""The gateway that has a witness in the place of every Worker, asked byte by byte: no client tidies up what is sent."""

import asyncio
import base64
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from scripts.stack.process import LOOPBACK
from tests.e2e.platform import Platform

PERMISSIONS = {
    "admin": ("admin", "*"),
    "user": ("user", "things:read,things:write"),
    "viewer": ("viewer", "things:read"),
    "scoped": ("admin", "things:read"),
    "edges": ("user", "relationships:read"),
    "linker": ("user", "relationships:write"),
    "finder": ("user", "search:read"),
    "reader": ("user", "ai:read"),
    "writer": ("user", "ai:write"),
}
"""Callers by name: role and permissions."""

_numbers = itertools.count()


def credential(caller: str, name: str = "") -> str:
    """What the witness takes for this caller. One nobody has used before, when no name is given: with limits of its own."""
    role, permissions = PERMISSIONS[caller]
    return f"{role};{permissions};{name or f'{caller}-{next(_numbers)}'}"


def authorization(caller: str) -> dict[str, str]:
    """`-` is nobody, and whoever is not in the table has a credential that is not valid."""
    if caller == "-":
        return {}
    return {"authorization": f"Bearer {credential(caller) if caller in PERMISSIONS else caller}"}


def address() -> str:
    """A client's address that nobody has used before."""
    return f"2001:db8:{next(_numbers):x}::1"


def most(limit: int, took_s: float) -> float:
    """Requests that a limit admits in so long: the minute before fades out meanwhile, when this falls on the end of one."""
    return limit * (1 + took_s / 60) + 1


@dataclass(frozen=True, slots=True)
class Answer:
    """`service`, `path` and `arrived`: the Worker that was reached, and what it saw; empty when none was."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def reached(self) -> bool:
        return isinstance(self.body, dict) and "reached" in self.body

    @property
    def arrived(self) -> dict[str, str]:
        return dict(self.body["headers"]) if self.reached else {}

    @property
    def service(self) -> str:
        """By the audience of the identity it was sent."""
        if not self.reached:
            return ""
        claims = self.arrived["x-dotdo-identity"].split(".")[1]
        return str(json.loads(base64.urlsafe_b64decode(claims + "=="))["aud"])

    @property
    def path(self) -> str:
        if not self.reached:
            return ""
        url = urlsplit(str(self.body["reached"]))
        return url.path + (f"?{url.query}" if url.query else "")


async def ask(
    platform: Platform, method: str, target: str, headers: Mapping[str, str] | None = None, host: str = "api.test"
) -> Answer:
    """One request, its target and headers as they are. The client's address is a fresh one unless given."""
    fields = {"host": host, "connection": "close", "cf-connecting-ip": address(), **(headers or {})}
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return await _exchanged(platform.proxies.mapped_gateway, "\r\n".join([*lines, "", ""]).encode("latin-1"))


async def _exchanged(port: int, request: bytes) -> Answer:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await (_chunks(reader) if "chunked" in headers.get("transfer-encoding", "") else reader.read())
    finally:
        writer.close()
    is_json = "json" in headers.get("content-type", "")
    return Answer(int(head[0].split()[1]), headers, json.loads(body) if is_json and body else body)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readline(), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    return body
