"""The Neon and ClickHouse adapters over an HTTP fake: what they send, and what becomes of bad answers."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from db.adapters.clickhouse import ClickHouse
from db.adapters.neon import Neon, Statement, endpoint_of
from dotdo.errors import ServiceError
from dotdo.fakes import FakeBindings, FakeHttp
from dotdo.ports import HttpCall, HttpError, HttpReply

URL = "postgresql://user:hunter2@ep-cool-1.eu-central-1.aws.neon.tech/main?sslmode=require"
ANSWER = {"fields": [{"name": "n", "dataTypeID": 23}], "rows": [["7"]], "rowCount": 1, "command": "SELECT"}


def neon(*replies: HttpReply | HttpError) -> tuple[Neon, FakeHttp]:
    queue = list(replies)

    def respond(call: HttpCall) -> HttpReply:
        reply = queue.pop(0)
        if isinstance(reply, HttpError):
            raise reply
        return reply

    http = FakeHttp(respond)
    return Neon(FakeBindings({"DATABASE_URL": URL}, http=http)), http


def ok(body: Any) -> HttpReply:
    return HttpReply(200, {}, json.dumps(body).encode())


def refused(code: str) -> HttpReply:
    body = {"code": code, "message": "secret table", "detail": "Key (secret)=(x)", "constraint": "secret_pkey"}
    return HttpReply(400, {}, json.dumps(body).encode())


def test_the_endpoint_is_derived_as_neons_driver_does() -> None:
    assert endpoint_of(URL) == "https://api.eu-central-1.aws.neon.tech/sql"


async def test_a_statement_is_sent_with_bound_parameters() -> None:
    database, http = neon(ok(ANSWER))
    rows = await database.query("select $1::int as n", [{"a": 1}])
    assert rows.dicts() == [{"n": 7}]
    (call,) = http.calls
    assert json.loads(str(call.body)) == {"query": "select $1::int as n", "params": ['{"a":1}']}
    assert call.headers["neon-connection-string"] == URL
    assert call.headers["neon-raw-text-output"] == call.headers["neon-array-mode"] == "true"


async def test_a_transaction_sets_its_limit_and_isolation() -> None:
    database, http = neon(ok({"results": [ANSWER, ANSWER, ANSWER]}))
    results = await database.transaction([Statement("a"), Statement("b")], isolation="Serializable", timeout_s=2)
    assert len(results) == 2
    (call,) = http.calls
    assert call.headers["neon-batch-isolation-level"] == "Serializable"
    assert json.loads(str(call.body))["queries"][0]["params"] == ["2000ms"]


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (HttpError("ECONNREFUSED"), "UNAVAILABLE"),
        (HttpError("TimeoutError", timed_out=True), "TIMEOUT"),
        (HttpReply(503, {}, b"busy"), "UNAVAILABLE"),
        (HttpReply(500, {}, b"<html>"), "UNAVAILABLE"),
        (HttpReply(200, {}, b""), "DATABASE_ERROR"),
        (HttpReply(200, {}, b"[]"), "DATABASE_ERROR"),
        (HttpReply(200, {}, b'{"rows": 5}'), "DATABASE_ERROR"),
        (
            HttpReply(200, {}, b'{"fields": [{"name": "n", "dataTypeID": 23}], "rows": [["x"]], "rowCount": 1}'),
            "DATABASE_ERROR",
        ),
        (HttpReply(507, {}, b"{}"), "RESULT_TOO_LARGE"),
        (refused("23505"), "CONFLICT"),
        (refused("42P01"), "DATABASE_ERROR"),
    ],
)
async def test_a_write_is_tried_once_and_its_error_tells_nothing_of_the_inside(
    reply: HttpReply | HttpError, code: str
) -> None:
    database, http = neon(reply)
    with pytest.raises(ServiceError) as error:
        await database.query("insert …", ["secret value"])
    assert error.value.code == code
    assert len(http.calls) == 1
    for inside in ("secret", "hunter2", "neon.tech", "insert"):
        assert inside not in error.value.detail


@pytest.mark.parametrize(
    "fault",
    [HttpError("cut"), HttpReply(500, {}, b"{}"), HttpReply(502, {}, b""), HttpReply(530, {}, b""), refused("40001"),
     refused("57P01")],
)  # fmt: skip
async def test_what_may_be_repeated_is_tried_three_times(fault: HttpReply | HttpError) -> None:
    database, http = neon(fault, fault, ok(ANSWER))
    assert (await database.query("select", repeatable=True)).dicts() == [{"n": 7}]
    assert len(http.calls) == 3
    database, http = neon(fault, fault, fault)
    with pytest.raises(ServiceError):
        await database.query("select", repeatable=True)


async def test_what_will_not_get_better_is_not_repeated() -> None:
    database, http = neon(refused("22P02"))
    with pytest.raises(ServiceError):
        await database.query("select", repeatable=True)
    assert len(http.calls) == 1


async def test_a_missing_database_url_is_named() -> None:
    with pytest.raises(ServiceError) as error:
        await Neon(FakeBindings()).query("select 1")
    assert (error.value.code, "DATABASE_URL" in error.value.detail) == ("NOT_CONFIGURED", True)


def clickhouse(reply: HttpReply) -> tuple[ClickHouse, FakeHttp]:
    http = FakeHttp(lambda call: reply)
    texts = {"CLICKHOUSE_URL": "https://ch.example:8443", "CLICKHOUSE_PASSWORD": "hunter2"}
    return ClickHouse(FakeBindings(texts, http=http)), http


async def test_a_read_is_read_only_and_binds_its_parameters() -> None:
    store, http = clickhouse(ok({"data": [{"n": 1}], "meta": [{"name": "n", "type": "UInt8"}], "rows": 1}))
    answer = await store.query("select {n:UInt8} as n", {"n": 1})
    assert answer.data == [{"n": 1}]
    query = {name: values[0] for name, values in parse_qs(urlsplit(http.calls[0].url).query).items()}
    assert (query["readonly"], query["param_n"], query["wait_end_of_query"]) == ("2", "1", "1")
    assert "hunter2" not in http.calls[0].url


async def test_an_error_behind_a_200_is_found() -> None:
    store, _ = clickhouse(HttpReply(200, {"x-clickhouse-exception-code": "159"}, b""))
    with pytest.raises(ServiceError) as error:
        await store.query("select 1", {})
    assert error.value.code == "TIMEOUT"


async def test_without_an_address_it_is_not_configured() -> None:
    with pytest.raises(ServiceError) as error:
        await ClickHouse(FakeBindings()).query("select 1", {})
    assert error.value.code == "NOT_CONFIGURED"


async def test_rows_with_blank_lines_stay_rows() -> None:
    store, http = clickhouse(HttpReply(200, {}, b""))
    assert await store.insert("events", [{"text": "a\n\nselect 1"}, {"text": "b"}]) == 2
    assert str(http.calls[0].body) == r'[{"text":"a\n\nselect 1"},{"text":"b"}]'
    assert await store.insert("events", []) == 0
