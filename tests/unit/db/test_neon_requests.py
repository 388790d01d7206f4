"""db.adapters.neon: what is sent for a statement and for a transaction, and how long an answer is waited for."""

from datetime import UTC, datetime
from typing import Any

import pytest

from db.adapters.neon import Statement, endpoint_of
from dotdo.errors import ServiceError
from tests.unit.db.conftest import DATABASE_URL

HEADERS = {
    "content-type": "application/json", "neon-connection-string": DATABASE_URL, "neon-raw-text-output": "true",
    "neon-array-mode": "true",
}  # fmt: skip
BATCH = HEADERS | {"neon-batch-isolation-level": "ReadCommitted", "neon-batch-read-only": "false"}
LIMIT = "select set_config('statement_timeout', $1, true)"


async def test_a_statement_travels_alone_and_has_ten_seconds(endpoint: Any) -> None:
    """The role's own limit holds: nothing is set, and the answer has one second more to arrive."""
    database = endpoint()
    await database.neon.query("select $1", ["a"])
    (call,), (body,) = database.http.calls, database.bodies
    assert (call.method, call.headers, call.timeout_s) == ("POST", HEADERS, 11)
    assert call.url == "https://api.eu-central-1.aws.neon.test/sql"
    assert body == {"query": "select $1", "params": ["a"]}


@pytest.mark.parametrize(
    ("timeout_s", "limit", "waited_s"),
    [(2, "2000ms", 3), (25.0, "25000ms", 26), (0.25, "250ms", 1.25), (9.999, "9999ms", 10.999)],
)
async def test_another_limit_is_set_for_the_transaction_it_is_sent_as(
    endpoint: Any, rows: Any, timeout_s: float, limit: str, waited_s: float
) -> None:
    database = endpoint({"results": [rows({"set_config": limit}), rows({"n": 7})]})
    assert (await database.neon.query("select 7 as n", timeout_s=timeout_s)).first() == {"n": 7}
    (call,), (body,) = database.http.calls, database.bodies
    assert (call.headers, call.timeout_s) == (BATCH, waited_s)
    assert body == {
        "queries": [{"query": LIMIT, "params": [limit]}, {"query": "select 7 as n", "params": []}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "headers"),
    [
        ({}, BATCH),
        ({"read_only": True}, BATCH | {"neon-batch-read-only": "true"}),
        ({"isolation": "ReadUncommitted"}, BATCH | {"neon-batch-isolation-level": "ReadUncommitted"}),
        ({"isolation": "RepeatableRead"}, BATCH | {"neon-batch-isolation-level": "RepeatableRead"}),
        ({"isolation": "Serializable"}, BATCH | {"neon-batch-isolation-level": "Serializable"}),
    ],
)
async def test_a_transaction_has_ten_seconds_and_the_isolation_it_asks_for(
    endpoint: Any, rows: Any, options: dict[str, Any], headers: dict[str, str]
) -> None:
    database = endpoint({"results": [rows({"set_config": "10s"}), rows({"a": 1}), rows({"b": 2})]})
    found = await database.neon.transaction([Statement("a"), Statement("b", ["x"])], **options)
    assert [one.dicts() for one in found] == [[{"a": 1}], [{"b": 2}]]
    (call,), (body,) = database.http.calls, database.bodies
    assert (call.headers, call.timeout_s) == (headers, 11)
    assert body["queries"] == [
        {"query": LIMIT, "params": ["10000ms"]}, {"query": "a", "params": []}, {"query": "b", "params": ["x"]},
    ]  # fmt: skip


@pytest.mark.parametrize("results", [0, 1, 3])
async def test_an_answer_to_more_or_fewer_statements_is_none(endpoint: Any, rows: Any, results: int) -> None:
    with pytest.raises(ServiceError, match="DATABASE_ERROR"):
        await endpoint({"results": [rows()] * results}).neon.query("x", read_only=True)


@pytest.mark.parametrize(("method", "params"), [("query", ["select 1"]), ("first", ["select 1"]), ("execute", ["x"])])
async def test_a_callers_own_limit_is_at_most_twenty_five_seconds(
    endpoint: Any, rows: Any, method: str, params: list[Any]
) -> None:
    database = endpoint(rows(), {"results": [rows(), rows()]})
    await database.rpc(method, *params)
    await database.rpc(method, *params, [], {"timeoutMs": 25_000})
    assert [call.timeout_s for call in database.http.calls] == [11, 26]
    for wrong in (0, 25_001):
        with pytest.raises(ServiceError, match="timeoutMs"):
            await database.rpc(method, *params, [], {"timeoutMs": wrong})
    assert len(database.http.calls) == 2


async def test_a_transaction_of_callers_has_such_a_limit_too(endpoint: Any, rows: Any) -> None:
    database = endpoint(*[{"results": [rows(), rows()]}] * 2)
    await database.rpc("transaction", [{"sql": "x"}])
    await database.rpc("transaction", [{"sql": "x"}], {"timeoutMs": 25_000})
    assert [call.timeout_s for call in database.http.calls] == [11, 26]
    assert [body["queries"][0]["params"] for body in database.bodies] == [["10000ms"], ["25000ms"]]
    with pytest.raises(ServiceError, match="timeoutMs"):
        await database.rpc("transaction", [{"sql": "x"}], {"timeoutMs": 25_001})


@pytest.mark.parametrize(
    ("params", "sent"),
    [
        ([None, True, 7, 1.5, "it's"], [None, True, 7, 1.5, "it's"]),
        ([{"a": "é"}], ['{"a":"é"}']),
        ([float("nan"), [float("-inf")]], ["nan", ["-inf"]]),
        ([memoryview(b"\x00\xff"), datetime(2026, 1, 1, tzinfo=UTC)], ["\\x00ff", "2026-01-01T00:00:00.000Z"]),
        ([["a", None], []], [["a", None], []]),
        (["\\x00ff"], ["\\x00ff"]),
    ],
)
async def test_values_travel_beside_the_statement(endpoint: Any, params: list[Any], sent: list[Any]) -> None:
    database = endpoint()
    await database.neon.query("select $1", params)
    assert database.bodies == [{"query": "select $1", "params": sent}]


async def test_a_read_only_statement_is_a_transaction_that_says_so(endpoint: Any, rows: Any) -> None:
    database = endpoint({"results": [rows({"set_config": "2s"}), rows({"n": 7})]})
    assert (await database.neon.query("select 7 as n", read_only=True, timeout_s=2)).first() == {"n": 7}
    (call,), (body,) = database.http.calls, database.bodies
    assert call.headers["neon-batch-read-only"] == "true"
    assert [one["query"] for one in body["queries"]][1:] == ["select 7 as n"]
    assert (body["queries"][0]["params"], call.timeout_s) == (["2000ms"], 3)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        (
            "postgresql://u:p@ep-x-1.eu-central-1.aws.neon.tech/main?sslmode=require",
            "https://api.eu-central-1.aws.neon.tech/sql",
        ),
        ("postgres://u@ep-x-1-pooler.us-east-2.aws.neon.tech:5432/main", "https://api.us-east-2.aws.neon.tech/sql"),
    ],
)
def test_the_address_is_that_of_neons_own_driver(url: str, address: str) -> None:
    assert endpoint_of(url) == address


async def test_another_endpoint_is_taken_when_it_is_set(endpoint: Any) -> None:
    database = endpoint(NEON_HTTP_ENDPOINT="http://127.0.0.1:9/sql")
    await database.neon.query("select 1")
    assert database.http.calls[0].url == "http://127.0.0.1:9/sql"
