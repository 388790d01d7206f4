"""db.adapters.clickhouse: the settings, bodies and headers that statements are sent with."""

import base64
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.adapters.clickhouse import ClickHouse
from dotdo.errors import ServiceError
from dotdo.fakes import FakeBindings, FakeHttp
from dotdo.tracing import current
from tests.unit.db.clickhouse_server import OK, STORED, Server

READ = {
    "database": "analytics", "default_format": "JSON", "readonly": "2", "wait_end_of_query": "1", "max_execution_time": "10",
    "max_result_rows": "100000", "result_overflow_mode": "throw", "output_format_json_quote_64bit_integers": "0",
    "output_format_json_quote_decimals": "1", "cancel_http_readonly_queries_on_client_close": "1",
}  # fmt: skip
INSERT = {
    "database": "analytics", "query": "insert into events format JSONEachRow", "wait_end_of_query": "1",
    "async_insert": "1", "wait_for_async_insert": "1", "async_insert_deduplicate": "1", "max_execution_time": "10",
    "date_time_input_format": "best_effort", "input_format_try_infer_dates": "0", "input_format_try_infer_datetimes": "0",
    "input_format_json_read_bools_as_numbers": "0", "input_format_json_read_bools_as_strings": "0",
    "input_format_skip_unknown_fields": "0",
    "insert_deduplication_token": "mine", "deduplicate_blocks_in_dependent_materialized_views": "1",
}  # fmt: skip


async def test_the_password_is_in_a_header_and_the_settings_are_the_services() -> None:
    server = Server(OK)
    await server.store.query(
        "select {n:UInt8} as n", {"n": 1, "text": "a\tb"}, max_execution_time_s=3, max_result_rows=5
    )
    (call,), (settings,) = server.http.calls, server.settings
    assert (call.method, call.body, call.timeout_s) == ("POST", "select {n:UInt8} as n", 4)
    assert call.url.startswith("https://ch.test:8443/?")
    assert call.headers.keys() == {"authorization", "content-type"}
    assert call.headers["content-type"] == "text/plain; charset=utf-8"
    assert base64.b64decode(call.headers["authorization"].removeprefix("Basic ")).decode() == "reader:hunter2"
    assert "hunter2" not in call.url
    del settings["query_id"]
    assert settings == READ | {
        "max_execution_time": "3", "max_result_rows": "5", "param_n": "1", "param_text": "a\\tb",
    }  # fmt: skip


async def test_a_read_that_asks_for_nothing_has_ten_seconds_and_a_hundred_thousand_rows() -> None:
    server = Server(OK)
    await server.store.query("select 1", {})
    (call,), (settings,) = server.http.calls, server.settings
    del settings["query_id"]
    assert settings == READ
    assert call.timeout_s == 11, "the store gives up first, and says so"


async def test_a_reads_id_leads_back_to_its_request_and_is_new_each_time() -> None:
    server = Server(OK, OK)
    for _ in range(2):
        await server.store.query("select 1", {})
    ids = [settings["query_id"] for settings in server.settings]
    assert ids[0] != ids[1]
    assert all(re.fullmatch(f"{re.escape(current().request_id)}-[0-9a-f]{{8}}", one) for one in ids)


async def test_an_insert_is_waited_for_and_takes_no_field_it_does_not_know() -> None:
    server = Server(STORED)
    assert await server.store.insert("events", [{"a": 1}], token="mine") == 1
    (call,), (settings,) = server.http.calls, server.settings
    assert settings == INSERT
    assert (call.method, call.body, call.timeout_s) == ("POST", '[{"a":1}]', 11)


async def test_what_is_not_set_is_clickhouses_own_default() -> None:
    http = FakeHttp(lambda call: OK)
    await ClickHouse(FakeBindings({"CLICKHOUSE_URL": "https://ch.test"}, http=http)).query("select 1", {})
    (call,) = http.calls
    assert call.url.startswith("https://ch.test/?database=default&")
    assert base64.b64decode(call.headers["authorization"].removeprefix("Basic ")) == b"default:"


async def test_two_inserts_are_two_and_a_token_of_the_callers_is_kept() -> None:
    server = Server(*[STORED] * 3)
    for token in ("", "", "mine"):
        await server.store.insert("events", [{"a": 1}], token=token)
    tokens = [settings["insert_deduplication_token"] for settings in server.settings]
    assert len(set(tokens)) == 3
    assert tokens[2] == "mine"


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["type", "data"]), st.text() | st.integers() | st.none()),
        min_size=1,
        max_size=5,
    )
)
async def test_rows_are_one_line_whatever_they_hold(rows: list[dict[str, Any]]) -> None:
    server = Server(STORED)
    await server.store.insert("events", rows)
    body = str(server.http.calls[0].body)
    assert json.loads(body) == rows and "\n" not in body


@pytest.mark.parametrize(("count", "gathered"), [(1, "1"), (999, "1"), (1000, "0"), (10_000, "0")])
async def test_small_inserts_are_gathered_in_the_store_and_waited_for(count: int, gathered: str) -> None:
    server = Server(STORED)
    await server.store.insert("events", [{"a": 1}] * count, token="mine")
    assert server.settings == [INSERT | {"async_insert": gathered}]


@pytest.mark.parametrize("params", [{"x": "\ud800"}, {"x": ["\ud83d"]}, {"x": {"\udfff": 1}}, {"\ud800": 1}])
async def test_half_of_a_surrogate_pair_is_the_callers_mistake_and_nothing_is_sent(params: dict[str, Any]) -> None:
    server = Server()
    with pytest.raises(ServiceError) as refused:
        await server.store.query("select 1", params)
    assert (refused.value.code, refused.value.status, server.http.calls) == ("INVALID_ARGUMENT", 400, [])
