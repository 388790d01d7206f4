"""db.adapters.neon: whatever comes back, the caller gets an error of ours that tells nothing of the inside."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.adapters.neon import Neon, Rows, Statement, StatementError
from dotdo.errors import ServiceError
from dotdo.fakes import FakeBindings, FakeHttp
from dotdo.ports import HttpError, HttpReply

INSIDE = ("secret", "hunter2", "neon.test", "select", "insert")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["7", "{", "{}", "t", "x", ""]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "dataTypeID", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = st.lists(
    st.fixed_dictionaries(
        {"name": st.just("n"), "dataTypeID": st.sampled_from([16, 23, 25, 114, 701, 1007, 1184, 3802])}
    ),
    max_size=2,
)
RESULTS = st.fixed_dictionaries(
    {"fields": FIELDS | JSON, "rows": st.lists(st.lists(JSON, max_size=2), max_size=2) | JSON, "rowCount": JSON}
)


def store(reply: HttpReply) -> Neon:
    return Neon(
        FakeBindings({"DATABASE_URL": "postgresql://u:hunter2@a.neon.test/d"}, http=FakeHttp(lambda call: reply))
    )


@given(
    RESULTS | JSON | st.fixed_dictionaries({"results": st.lists(RESULTS | JSON, max_size=3) | JSON}),
    st.sampled_from([200, 400, 500]),
)
async def test_garbage_is_a_database_error_and_nothing_else(body: Any, status: int) -> None:
    neon = store(HttpReply(status, {}, json.dumps(body).encode()))
    asked: list[Callable[[], Awaitable[Rows | list[Rows]]]] = [
        lambda: neon.query("select 1"),
        lambda: neon.query("select 1", read_only=True),
        lambda: neon.transaction([Statement("select 1")]),
    ]
    for ask in asked:
        try:
            answer = await ask()
        except ServiceError as error:
            assert (error.code, error.status) == (("UNAVAILABLE", 503) if status == 500 else ("DATABASE_ERROR", 502))
        else:
            assert all(isinstance(one, Rows) for one in (answer if isinstance(answer, list) else [answer]))


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000, b'{"fields":', b"null", b'{"fields": "\xff"}'])
@pytest.mark.parametrize(
    ("status", "code"), [(200, "DATABASE_ERROR"), (400, "DATABASE_ERROR"), (500, "UNAVAILABLE"), (530, "UNAVAILABLE")]
)
async def test_what_is_no_json_is_an_error_of_the_database(body: bytes, status: int, code: str) -> None:
    with pytest.raises(ServiceError) as error:
        await store(HttpReply(status, {}, body)).query("select 1")
    assert error.value.code == code


@pytest.mark.parametrize(
    ("sqlstate", "code", "status", "retryable"),
    [
        ("23505", "CONFLICT", 409, False),
        ("23503", "REFERENCE_MISSING", 409, False),
        ("23502", "INVALID_ARGUMENT", 400, False),
        ("23514", "INVALID_ARGUMENT", 400, False),
        ("22P02", "INVALID_ARGUMENT", 400, False),
        ("25006", "READ_ONLY", 400, False),
        ("08006", "UNAVAILABLE", 503, True),
        ("08001", "UNAVAILABLE", 503, True),
        ("53300", "UNAVAILABLE", 503, True),
        ("40001", "RETRY", 503, True),
        ("40P01", "RETRY", 503, True),
        ("57014", "TIMEOUT", 504, True),
        ("57P01", "UNAVAILABLE", 503, True),
        ("57P03", "UNAVAILABLE", 503, True),
        ("54000", "INVALID_ARGUMENT", 400, False),
        ("55P03", "DATABASE_ERROR", 502, False),
        ("28P01", "DATABASE_ERROR", 502, False),
        ("made up", "DATABASE_ERROR", 502, False),
    ],
)
@pytest.mark.parametrize("raw_sql", [False, True])
async def test_a_refusal_has_its_code_and_no_word_of_the_statement(
    endpoint: Any, refusal: Any, sqlstate: str, code: str, status: int, retryable: bool, raw_sql: bool
) -> None:
    with pytest.raises(StatementError) as error:
        await endpoint(refusal(sqlstate)).neon.query("insert into secret", ["secret value"], raw_sql=raw_sql)
    found = error.value
    assert (found.code, found.status, found.retryable, found.sqlstate) == (code, status, retryable, sqlstate)
    assert not [word for word in INSIDE if word in f"{found} {found.detail} {found.title}"]


@pytest.mark.parametrize(
    ("refused", "code", "status", "detail"),
    [
        (413, "PAYLOAD_TOO_LARGE", 413, "the database takes at most 10 MiB at once"),
        (
            507,
            "RESULT_TOO_LARGE",
            400,
            "the answer is over 10 MiB: ask for fewer rows; what a single statement wrote, if anything, is kept",
        ),
    ],
)
@pytest.mark.parametrize("text", ["{}", '{"code": "54000", "message": "secret"}', "<html>"])
async def test_what_is_too_large_is_said_in_which_direction(
    endpoint: Any, refused: int, code: str, status: int, detail: str, text: str
) -> None:
    with pytest.raises(ServiceError) as error:
        await endpoint(HttpReply(refused, {}, text.encode())).neon.query("select 1")
    assert (error.value.code, error.value.status, error.value.detail) == (code, status, detail)


@pytest.mark.parametrize(("counted", "count"), [(None, 0), (0, 0), (3, 3)])
async def test_a_command_that_counts_nothing_changed_nothing(endpoint: Any, counted: int | None, count: int) -> None:
    found = await endpoint({"fields": [], "rows": [], "rowCount": counted}).neon.query("x")
    assert (found.row_count, len(found), found.first()) == (count, 0, None)


async def test_who_wrote_the_statement_hears_what_is_wrong_with_it(endpoint: Any, refusal: Any) -> None:
    with pytest.raises(ServiceError) as error:
        await endpoint(refusal("42601", 'syntax error at or near "form"')).neon.query("select form", raw_sql=True)
    assert (error.value.code, error.value.status) == ("INVALID_SQL", 400)
    assert error.value.detail == 'syntax error at or near "form" (SQLSTATE 42601)'


@pytest.mark.parametrize("options", [{"read_only": True}, {"timeout_s": 2}])
async def test_so_does_who_wrote_one_that_is_sent_as_a_transaction(
    endpoint: Any, refusal: Any, options: dict[str, Any]
) -> None:
    with pytest.raises(ServiceError) as error:
        await endpoint(refusal("42601", "syntax")).neon.query("x", raw_sql=True, **options)
    assert (error.value.code, error.value.detail) == ("INVALID_SQL", "syntax (SQLSTATE 42601)")
    with pytest.raises(ServiceError) as error:
        await endpoint(refusal("42601", "syntax")).neon.query("x", **options)
    assert (error.value.code, "syntax" in error.value.detail) == ("DATABASE_ERROR", False)


@pytest.mark.parametrize("answer", [{"rows": 5}, HttpReply(400, {}, b"{}"), HttpReply(500, {}, b"")])
async def test_every_raise_is_an_error_of_its_own(endpoint: Any, answer: Any) -> None:
    """One object raised again and again would gather the tracebacks, and with them the values, of every request."""
    neon, found = endpoint(answer, answer).neon, []
    for _ in range(2):
        with pytest.raises(ServiceError) as error:
            await neon.query("select 1")
        found.append(error.value)
    assert found[0] is not found[1]


async def test_the_wait_before_another_try_doubles(endpoint: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda least, most: most - least)
    database = endpoint(*[HttpError("cut")] * 3)
    before = database.bindings.clock.now
    with pytest.raises(ServiceError, match="UNAVAILABLE"):
        await database.neon.query("select 1", repeatable=True)
    assert database.bindings.clock.now - before == pytest.approx(0.05 + 0.1)


async def test_a_timeout_is_not_tried_again_since_its_time_is_spent(endpoint: Any) -> None:
    database = endpoint(HttpError("slow", timed_out=True))
    with pytest.raises(ServiceError, match="TIMEOUT"):
        await database.neon.query("select 1", repeatable=True)
    assert len(database.http.calls) == 1
