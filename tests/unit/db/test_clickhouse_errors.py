"""db.adapters.clickhouse: what it sends, and what becomes of refusals and garbage."""

import base64
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.adapters.clickhouse import ClickHouse, parameter_text
from dotdo.errors import ServiceError
from dotdo.fakes import FakeBindings, FakeHttp
from dotdo.ports import HttpCall, HttpError, HttpReply

TEXTS = {
    "CLICKHOUSE_URL": "https://ch.test:8443/", "CLICKHOUSE_USERNAME": "reader", "CLICKHOUSE_PASSWORD": "hunter2",
    "CLICKHOUSE_DATABASE": "analytics",
}  # fmt: skip
MESSAGE = "Code: 47. DB::Exception: Unknown identifier secret_column. (UNKNOWN_IDENTIFIER)\nstack of secrets"


class Server:
    def __init__(self, *answers: HttpReply | HttpError) -> None:
        self._answers = list(answers)
        self.http = FakeHttp(self._respond)
        self.store = ClickHouse(FakeBindings(dict(TEXTS), http=self.http))

    def _respond(self, call: HttpCall) -> HttpReply:
        answer = self._answers.pop(0)
        if isinstance(answer, HttpError):
            raise answer
        return answer

    @property
    def settings(self) -> list[dict[str, str]]:
        return [
            {name: values[0] for name, values in parse_qs(urlsplit(call.url).query).items()} for call in self.http.calls
        ]


OK = HttpReply(200, {}, json.dumps({"data": [{"n": 1}], "meta": [{"name": "n", "type": "UInt8"}], "rows": 1}))


def exception(code: int, status: int = 500) -> HttpReply:
    return HttpReply(status, {"x-clickhouse-exception-code": str(code)}, MESSAGE)


async def test_the_password_is_in_a_header_and_the_settings_are_the_services() -> None:
    server = Server(OK)
    await server.store.query(
        "select {n:UInt8} as n", {"n": 1, "text": "a\tb"}, max_execution_time_s=3, max_result_rows=5
    )
    (call,), (settings,) = server.http.calls, server.settings
    assert (call.method, call.body, call.timeout_s) == ("POST", "select {n:UInt8} as n", 4)
    assert base64.b64decode(call.headers["authorization"].removeprefix("Basic ")).decode() == "reader:hunter2"
    assert "hunter2" not in call.url
    expected = {"database": "analytics", "readonly": "2", "max_execution_time": "3", "max_result_rows": "5"}
    assert {name: settings[name] for name in expected} == expected
    assert (settings["param_n"], settings["param_text"]) == ("1", "a\\tb")


@pytest.mark.parametrize(
    ("reply", "code", "status"),
    [
        (exception(47), "DATABASE_ERROR", 502),
        (exception(62, 400), "DATABASE_ERROR", 502),
        (exception(159), "TIMEOUT", 504),
        (exception(164), "READ_ONLY", 400),
        (exception(396), "RESULT_TOO_LARGE", 400),
        (exception(27), "INVALID_ARGUMENT", 400),
        (exception(159, 200), "TIMEOUT", 504),
        (exception(999_999), "DATABASE_ERROR", 502),
        (HttpReply(401, {}, "secret"), "DATABASE_ERROR", 502),
        (HttpReply(200, {}, ""), "DATABASE_ERROR", 502),
        (HttpReply(200, {}, "[]"), "DATABASE_ERROR", 502),
        (HttpReply(200, {}, "{}"), "DATABASE_ERROR", 502),
        (HttpReply(200, {}, "[" * 100_000), "DATABASE_ERROR", 502),
        (HttpError("slow", timed_out=True), "TIMEOUT", 504),
    ],
)
async def test_a_refusal_has_its_code_and_no_word_of_the_inside(
    reply: HttpReply | HttpError, code: str, status: int
) -> None:
    server = Server(reply)
    with pytest.raises(ServiceError) as error:
        await server.store.query("select secret_column", {"p": "secret value"})
    assert (error.value.code, error.value.status) == (code, status)
    assert len(server.http.calls) == 1
    assert not [word for word in ("secret", "hunter2", "ch.test", "select") if word in str(error.value)]


async def test_who_wrote_the_statement_hears_the_first_line_of_it() -> None:
    with pytest.raises(ServiceError) as error:
        await Server(exception(47)).store.query("select secret_column", {}, raw_sql=True)
    assert (error.value.code, error.value.status) == ("INVALID_SQL", 400)
    assert "Unknown identifier secret_column" in error.value.detail
    assert "stack" not in error.value.detail


PASSING = [
    HttpError("cut"),
    HttpReply(500, {}, ""),
    HttpReply(503, {}, ""),
    exception(202),
    exception(252),
    exception(999),
]


@pytest.mark.parametrize("fault", PASSING)
async def test_a_read_is_tried_three_times(fault: HttpReply | HttpError) -> None:
    assert (await Server(fault, fault, OK).store.query("select 1 as n", {})).data == [{"n": 1}]
    server = Server(fault, fault, fault)
    with pytest.raises(ServiceError, match="UNAVAILABLE"):
        await server.store.query("select 1 as n", {})
    assert len(server.http.calls) == 3


@pytest.mark.parametrize("fault", PASSING)
async def test_a_cut_connection_is_tried_again_and_stores_nothing_twice(fault: HttpReply | HttpError) -> None:
    server = Server(fault, fault, HttpReply(200, {}, ""))
    assert await server.store.insert("events", [{"a": 1}, {"a": "x\n\ny"}]) == 2
    tokens = {settings["insert_deduplication_token"] for settings in server.settings}
    assert len(server.http.calls) == 3
    assert len(tokens) == 1


async def test_two_inserts_are_two_and_a_token_of_the_callers_is_kept() -> None:
    server = Server(*[HttpReply(200, {}, "")] * 3)
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
    server = Server(HttpReply(200, {}, ""))
    await server.store.insert("events", rows)
    body = str(server.http.calls[0].body)
    assert json.loads(body) == rows and "\n" not in body


@pytest.mark.parametrize(("count", "gathered"), [(1, "1"), (999, "1"), (1000, "0"), (10_000, "0")])
async def test_small_inserts_are_gathered_in_the_store_and_waited_for(count: int, gathered: str) -> None:
    server = Server(HttpReply(200, {}, ""))
    await server.store.insert("events", [{"a": 1}] * count)
    (settings,) = server.settings
    assert (settings["async_insert"], settings["wait_for_async_insert"], settings["max_execution_time"]) == (
        gathered, "1", "10",
    )  # fmt: skip


@given(st.integers(-(2**70), 2**70), st.sampled_from(["{}", "[{}]", '{{"a":[{}]}}', '["0000000000000000",{}]']))
async def test_an_integer_is_exact_as_a_number_or_as_text(value: int, shape: str) -> None:
    text = '{"data":[{"n":' + shape.format(value) + '}],"meta":[{"name":"n","type":"Int64"}],"rows":1}'
    answer = await Server(HttpReply(200, {}, text)).store.query("select n", {})
    expected = value if abs(value) < 2**53 else str(value)
    assert answer.data == [{"n": json.loads(shape.format(json.dumps(expected)))}]


def unescaped(text: str) -> str:
    """What ClickHouse makes of a value in escaped form."""
    return text.replace("\\\\", "\x00").replace("\\t", "\t").replace("\\n", "\n").replace("\x00", "\\")


@given(st.text().filter(lambda text: "\x00" not in text))
def test_a_text_parameter_comes_back_and_ends_no_field(text: str) -> None:
    escaped = parameter_text(text)
    assert unescaped(escaped) == text
    assert not {"\t", "\n"} & set(escaped)


async def test_every_raise_is_an_error_of_its_own() -> None:
    found = []
    for _ in range(2):
        with pytest.raises(ServiceError) as error:
            await Server(exception(47)).store.query("select 1", {})
        found.append(error.value)
    assert found[0] is not found[1]


@pytest.mark.parametrize(
    "reply", [exception(60), exception(60, 200), HttpReply(401, {}, "secret"), HttpReply(404, {}, "")]
)
async def test_an_insert_that_is_refused_is_no_success(reply: HttpReply) -> None:
    with pytest.raises(ServiceError) as refused:
        await Server(reply).store.insert("events", [{"a": 1}])
    assert refused.value.code == "DATABASE_ERROR"
    assert "secret" not in str(refused.value)
