"""db.adapters.clickhouse: what becomes of refusals, failures and garbage."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dotdo.errors import ServiceError
from dotdo.ports import HttpError, HttpReply
from tests.unit.db.clickhouse_server import OK, STORED, Server, exception

# By ClickHouse's numbers: src/Common/ErrorCodes.cpp.
CODES: list[tuple[str, int, list[int]]] = [
    ("INVALID_ARGUMENT", 400, [6, 26, 27, 38, 41, 53, 69, 70, 72, 117, 457]),
    ("TIMEOUT", 504, [159, 160, 209]),
    ("RESULT_TOO_LARGE", 400, [158, 396]),
    ("READ_ONLY", 400, [164]),
    ("UNAVAILABLE", 503, [202, 203, 210, 225, 242, 252, 279, 285, 319, 999]),
    ("DATABASE_ERROR", 502, [7, 71, 161, 241, 516, 999_999]),
]
ABOUT_THE_SQL = [36, 42, 43, 46, 47, 60, 62, 81, 215, 386, 456, 497]


@pytest.mark.parametrize(
    ("number", "code", "status"), [(number, code, status) for code, status, numbers in CODES for number in numbers]
)
@pytest.mark.parametrize("raw_sql", [False, True])
async def test_an_error_of_clickhouse_has_a_code_of_ours_whoever_wrote_the_statement(
    number: int, code: str, status: int, raw_sql: bool
) -> None:
    server = Server(*[exception(number)] * 3)
    with pytest.raises(ServiceError) as error:
        await server.store.query("select secret_column", {}, raw_sql=raw_sql)
    assert (error.value.code, error.value.status) == (code, status)
    assert error.value.retryable == (code in ("TIMEOUT", "UNAVAILABLE"))
    assert len(server.http.calls) == (3 if code == "UNAVAILABLE" else 1)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("number", ABOUT_THE_SQL)
async def test_what_is_wrong_with_a_statement_is_said_to_who_wrote_it(number: int) -> None:
    with pytest.raises(ServiceError) as error:
        await Server(exception(number)).store.query("select secret_column", {}, raw_sql=True)
    assert (error.value.code, error.value.status) == ("INVALID_SQL", 400)
    assert error.value.detail == f"Unknown identifier secret_column. (UNKNOWN_IDENTIFIER) (code {number})"
    with pytest.raises(ServiceError) as error:
        await Server(exception(number)).store.query("select secret_column", {})
    assert (error.value.code, error.value.status) == ("DATABASE_ERROR", 502)
    assert "secret" not in str(error.value)


async def test_what_is_said_of_a_statement_is_five_hundred_characters_at_most() -> None:
    reply = HttpReply(400, {"x-clickhouse-exception-code": "62"}, f"Code: 62. DB::Exception: {'x' * 10_000}\n".encode())
    with pytest.raises(ServiceError) as error:
        await Server(reply).store.query("select", {}, raw_sql=True)
    assert error.value.detail == "x" * 500 + " (code 62)"


@pytest.mark.parametrize("raw_sql", [False, True])
async def test_a_format_of_the_callers_own_is_refused(raw_sql: bool) -> None:
    """Whatever comes back in it: it is not what was agreed on."""
    for reply in (
        HttpReply(200, {"x-clickhouse-format": "CSV"}, b"1"),
        HttpReply(200, {"x-clickhouse-format": "CSV"}, OK.body),
    ):
        with pytest.raises(ServiceError, match="leave FORMAT out") as error:
            await Server(reply).store.query("select 1 format CSV", {}, raw_sql=raw_sql)
        assert (error.value.code, error.value.status) == ("INVALID_SQL", 400)
    said = HttpReply(200, {"x-clickhouse-format": "JSON"}, OK.body)
    assert (await Server(said).store.query("select 1", {}, raw_sql=raw_sql)).data == [{"n": 1}]


@pytest.mark.parametrize(
    ("reply", "code", "status"),
    [
        (exception(62, 400), "DATABASE_ERROR", 502),
        (exception(159, 200), "TIMEOUT", 504),
        (HttpReply(200, {"x-clickhouse-exception-code": "none"}, OK.body), "DATABASE_ERROR", 502),
        (HttpReply(499, {}, OK.body), "DATABASE_ERROR", 502),
        (HttpReply(401, {}, b"secret"), "DATABASE_ERROR", 502),
        (HttpReply(200, {}, b""), "DATABASE_ERROR", 502),
        (HttpReply(200, {}, b"[]"), "DATABASE_ERROR", 502),
        (HttpReply(200, {}, b"{}"), "DATABASE_ERROR", 502),
        (HttpReply(200, {}, b"[" * 100_000), "DATABASE_ERROR", 502),
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


PASSING = [
    HttpError("cut"),
    HttpReply(500, {}, b""),
    HttpReply(503, {}, b""),
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
    server = Server(fault, fault, STORED)
    assert await server.store.insert("events", [{"a": 1}, {"a": "x\n\ny"}]) == 2
    tokens = {settings["insert_deduplication_token"] for settings in server.settings}
    assert len(server.http.calls) == 3
    assert len(tokens) == 1


@example(2**53, "{}")
@example(2**53 - 1, "[{}]")
@given(st.integers(-(2**70), 2**70), st.sampled_from(["{}", "[{}]", '{{"a":[{}]}}', '["0000000000000000",{}]']))
async def test_an_integer_is_exact_as_a_number_or_as_text(value: int, shape: str) -> None:
    text = '{"data":[{"n":' + shape.format(value) + '}],"meta":[{"name":"n","type":"Int64"}],"rows":1}'
    answer = await Server(HttpReply(200, {}, text.encode())).store.query("select n", {})
    expected = value if abs(value) < 2**53 else str(value)
    assert answer.data == [{"n": json.loads(shape.format(json.dumps(expected)))}]


async def test_every_raise_is_an_error_of_its_own() -> None:
    found = []
    for _ in range(2):
        with pytest.raises(ServiceError) as error:
            await Server(exception(47)).store.query("select 1", {})
        found.append(error.value)
    assert found[0] is not found[1]


@pytest.mark.parametrize(
    "reply", [exception(60), exception(60, 200), HttpReply(401, {}, b"secret"), HttpReply(404, {}, b"")]
)
async def test_an_insert_that_is_refused_is_no_success(reply: HttpReply) -> None:
    with pytest.raises(ServiceError) as refused:
        await Server(reply).store.insert("events", [{"a": 1}])
    assert refused.value.code == "DATABASE_ERROR"
    assert "secret" not in str(refused.value)
