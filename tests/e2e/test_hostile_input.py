"""What no endpoint may stumble over, tried on every endpoint of every table: nothing comes through, nothing breaks."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from dotdo.contract import Endpoint
from scripts.contracts.__main__ import mounted
from scripts.contracts.examples import BODIES, PARAMETERS
from tests.e2e.platform import Platform, problem

OPERATIONS = {
    f"{row.verb} {service.prefix}{row.path}": (service.contract.service, row)
    for service in mounted()
    if service.prefix
    for row in service.contract.endpoints
}
WITH_BODY = [name for name, (_, row) in OPERATIONS.items() if row.body is not None]
ASKED = [name for name, (_, row) in OPERATIONS.items() if row.verb == "GET" or ("{" in row.path and row.body is None)]

HOSTILE = (
    "'; drop table things; --",
    '" or 1=1 --',
    "\\'; select pg_sleep(60); --",
    "{x:String}') settings readonly=0 --",
    "../../etc/passwd",
    "${jndi:ldap://127.0.0.1/a}",
    "<script>alert(1)</script>",
    "\u202e\u0000\ud7ff\uffff",
)
INSIDE = re.compile(
    r"Traceback|File \"|\.py\b|psycopg|pydantic|SQLSTATE|relation \"|syntax error|DB::Exception", re.IGNORECASE
)
JSON = {"content-type": "application/json"}

PASSES_OVER = ("GET /auth/callback", "GET /auth/sso/callback")
"""What RFC 6749 §4.1.2 has pass over parameters that it does not know."""


def filled(name: str, values: dict[str, str] | None = None) -> str:
    """The address of an operation, its path parameters filled in."""
    service, _ = OPERATIONS[name]
    path = name.partition(" ")[2]
    for part in re.findall(r"\{(\w+)\}", path):
        value = (values or {}).get(part) or str(PARAMETERS.get((service, part), "x"))
        path = path.replace(f"{{{part}}}", quote(value, safe=""))
    return path


def verb(name: str) -> str:
    return name.partition(" ")[0]


def required_query(row: Endpoint, service: str) -> dict[str, str]:
    fields = row.query.model_fields if row.query is not None else {}
    return {name: str(PARAMETERS.get((service, name), "x")) for name, field in fields.items() if field.is_required()}


def harmless(response: httpx.Response) -> None:
    """An answer, if only a refusal, that says nothing of the inside."""
    assert response.status_code < 500, (response.request.url, response.text)
    if response.status_code >= 400:
        assert response.headers["content-type"] == "application/problem+json", response.text
        assert not INSIDE.search(response.text), response.text


def counted(platform: Platform) -> list[tuple[Any, ...]]:
    """Of what no hostile value may change."""
    tables = ("users", "organizations", "memberships", "api_keys", "sessions", "scheduled_tasks")
    return platform.rows(" union all ".join(f"select '{table}', count(*) from {table}" for table in tables))


@pytest.mark.parametrize("name", WITH_BODY)
async def test_a_body_that_cannot_be_read_is_refused(admin: httpx.AsyncClient, name: str) -> None:
    method, path = verb(name), filled(name)
    for body in (b"{", b"[1,", b"\xff\xfe{}", b"{'a': 1}", b"NaN"):
        problem(await admin.request(method, path, content=body, headers=JSON), 400, "MALFORMED_JSON")
    for body in (b"[]", b"1", b'"text"', b"null", b'{"surprise": 1, "__proto__": {"admin": true}}'):
        answer = await admin.request(method, path, content=body, headers=JSON)
        assert answer.status_code in (400, 422), answer.text
        harmless(answer)
    wrong = await admin.request(method, path, content=b"a=1", headers={"content-type": "text/plain"})
    problem(wrong, 415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("name", WITH_BODY)
async def test_a_body_beyond_the_limit_is_refused(admin: httpx.AsyncClient, name: str) -> None:
    body = b'{"data": "' + b"x" * (10 * 1024 * 1024) + b'"}'
    problem(await admin.request(verb(name), filled(name), content=body, headers=JSON), 413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize("name", OPERATIONS)
async def test_a_question_nobody_asks_is_refused(admin: httpx.AsyncClient, name: str) -> None:
    service, row = OPERATIONS[name]
    query = {**required_query(row, service), "surprise": "1"}
    answer = await admin.request(verb(name), filled(name), params=query, headers=JSON, follow_redirects=False)
    problem(answer, 400, "LOGIN_FAILED" if name in PASSES_OVER else "INVALID_ARGUMENT")


@pytest.mark.parametrize("name", ASKED)
async def test_no_parameter_is_more_than_text(platform: Platform, admin: httpx.AsyncClient, name: str) -> None:
    """In the path and in the query, one after the other; and what is stored is what was stored."""
    service, row = OPERATIONS[name]
    before, asked = counted(platform), required_query(row, service)
    for value in HOSTILE:
        for part in re.findall(r"\{(\w+)\}", row.path):
            harmless(await admin.request(row.verb, filled(name, {part: value}), params=asked))
        for field in row.query.model_fields if row.query is not None else ():
            query = {**asked, field: value}
            harmless(await admin.request(row.verb, filled(name), params=query, follow_redirects=False))
    assert counted(platform) == before
    assert platform.rows("select count(*) > 0 from things where ns = 'demo'") == [(True,)]


def each_text(value: Any, hostile: str) -> Iterator[Any]:
    """The value with one of its texts replaced, for each of them."""
    if isinstance(value, str):
        yield hostile
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from ({**value, key: other} for other in each_text(part, hostile))
    elif isinstance(value, list):
        for at, part in enumerate(value):
            yield from ([*value[:at], other, *value[at + 1 :]] for other in each_text(part, hostile))


@pytest.mark.parametrize("name", WITH_BODY)
async def test_no_text_of_a_body_is_more_than_text(platform: Platform, admin: httpx.AsyncClient, name: str) -> None:
    service, row = OPERATIONS[name]
    example = BODIES[f"{service}_{row.handler}"]
    users = platform.rows("select id, role from users order by id")
    for hostile in HOSTILE:
        for body in each_text(example, hostile):
            answer = await admin.request(verb(name), filled(name), content=json.dumps(body), headers=JSON)
            harmless(answer)
    assert platform.rows("select id, role from users order by id") == users
    assert platform.rows("select count(*) > 0 from things where ns = 'demo'") == [(True,)]
