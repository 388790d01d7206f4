"""Hostile text in every parameter of every endpoint: it stays a value, whatever it says."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from dotdo.identity import Identity
from tests.e2e.platform import Platform

HOSTILE = [
    "' or '1'='1", "'; drop table things; --", '"; drop table things; --', "\\'; drop table things; --", "$1", "$$",
    "{x:String}", "%s %(a)s", ") union select key_hash from api_keys --", "1; select pg_sleep(99)", "'||(select version())||'",
    "\u2019 or 1=1",
]  # fmt: skip

THING = {"ns": "$", "id": "$", "type": "$", "content": "$", "code": "$", "data": {"$": "$", "a": ["$"]}}
EDGE = {
    "ns": "$",
    "id": "$",
    "type": "$",
    "from_ns": "$",
    "from_id": "$",
    "to_ns": "$",
    "to_id": "$",
    "data": {"$": "$"},
}
GET_PARAMETERS = {
    "/things": ("ns", "type", "visibility", "limit", "cursor", "order_by", "order"),
    "/things/$/$/relationships": ("direction", "type", "limit", "cursor"),
    "/things/$/$/graph": ("depth", "direction", "limit"),
    "/relationships": ("ns", "type", "limit", "cursor"),
    "/search": ("q", "mode", "ns", "type", "limit", "offset"),
    "/types": ("ns",),
    "/activity": ("limit", "cursor"),
}
BODIES: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/things", THING), ("POST", "/things/batch", {"things": [THING]}),
    ("PUT", "/things/$/$", {name: THING[name] for name in ("type", "content", "code", "data")}),
    ("PATCH", "/things/$/$", {"type": "$", "content": "$", "data": {"$": "$"}}),
    ("POST", "/relationships", EDGE), ("POST", "/search", {"query": "$", "ns": "$", "type": "$"}),
    ("POST", "/events", {"type": "$", "id": "$", "source": "$", "data": {"$": "$"}}),
    ("GET", "/relationships/$/$", {}), ("DELETE", "/relationships/$/$", {}),
    ("DELETE", "/things/$/$", {}), ("GET", "/things/$/$", {}),
]  # fmt: skip
METHODS: list[tuple[str, list[Any]]] = [
    ("get", ["$", "$"]), ("list", ["$", {"type": "$"}]), ("count", ["$", {"type": "$"}]), ("delete", ["$", "$"]),
    ("search", ["$", None, {"ns": "$", "type": "$"}]), ("getRelationships", ["$", "$", {"type": "$"}]),
    ("getIncomingRelationships", ["$", "$", {"type": "$"}]), ("listRelationships", ["$", {"type": "$"}]),
    ("deleteRelationship", ["$", "$"]), ("traverse", ["$", "$", {"types": ["$"]}]), ("typeDistribution", ["$"]),
    ("getEntitiesWithoutEmbeddings", [{"ns": "$"}]), ("query", ["select $1::text as v", ["$"]]),
    ("clickhouse", ["select {v:String} as v", {"v": "$"}]), ("clickhouse", ["select 1", {"$": "$"}]),
    ("ingest", ["events", [{"type": "$"}], {"token": "$"}]), ("upsert", [{"ns": "$", "id": "$", "type": "$"},
                                                                        {"idempotencyKey": "$"}]),
]  # fmt: skip


def filled(value: Any, text: str) -> Any:
    """`$` wherever it stands for a parameter becomes the text."""
    if isinstance(value, dict):
        return {(text if name == "$" else name): filled(item, text) for name, item in value.items()}
    if isinstance(value, list):
        return [filled(item, text) for item in value]
    return text if value == "$" else value


def address(path: str, text: str) -> str:
    return "/".join(quote(text, safe="") if part == "$" else part for part in path.split("/"))


@pytest.fixture
async def unchanged(platform: Platform, ns: str) -> Any:
    """Fails when anything but values has changed: a table is gone, a row of the test's own is another one."""
    await platform.result("DB", "upsert", {"ns": ns, "id": "sentinel", "type": "x"})
    tables = "select count(*) from pg_class where relnamespace = 'public'::regnamespace"
    before = platform.rows(tables)
    yield
    assert platform.rows(tables) == before
    assert platform.rows("select id, type, version from things where ns = %s", ns) == [("sentinel", "x", 1)]


@pytest.fixture
async def direct(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    """An administrator at the Worker's own address: the gateway lets no backslash through a path."""
    async with platform.behind_the_gateway("db", Identity("user", "u", "admin", permissions=("*",))) as client:
        yield client


@pytest.mark.parametrize("text", HOSTILE)
async def test_over_http(direct: httpx.AsyncClient, unchanged: None, text: str) -> None:
    asked = [
        direct.get(address(path, text), params={**({"ns": "x"} if name != "ns" and "ns" in names else {}), name: text})
        for path, names in GET_PARAMETERS.items() for name in names
    ]  # fmt: skip
    for answer in await asyncio.gather(*asked):
        assert answer.status_code in (200, 400), (answer.url, answer.text)
    for number, (verb, path, body) in enumerate(BODIES):
        sent = filled(body, text) or None
        key = {"idempotency-key": f"{number} {text!a}"}
        answer = await direct.request(verb, address(path, text), json=sent, headers=key)
        assert answer.status_code in (200, 201, 404), (verb, path, answer.text)
        for header in (b"if-match", b"if-none-match"):
            headers = {header: text.encode()}
            conditional = await direct.request(verb, address(path, text), json=sent, headers=headers)
            assert conditional.status_code < 500, (verb, path, conditional.text)


@pytest.mark.parametrize("text", HOSTILE)
async def test_over_rpc(platform: Platform, unchanged: None, text: str) -> None:
    for method, params in METHODS:
        answer = await platform.call("DB", method, *filled(params, text))
        if "error" in answer:
            assert "INVALID_" in answer["error"]["message"], (method, answer)
        elif method in ("query", "clickhouse") and "v" in params[0]:
            rows = answer["ok"]["rows"] if method == "query" else answer["ok"]["data"]
            assert rows == [{"v": text}]
