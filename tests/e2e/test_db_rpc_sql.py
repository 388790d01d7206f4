"""SQL of one's own by RPC from JavaScript: parameters, errors, limits, transactions."""

from typing import Any

import pytest

from tests.e2e.platform import Platform
from tests.e2e.rpc_calls import BYTES, DATE, HOSTILE, NAN, how_many, refused


async def test_parameters_are_bound_wherever_they_stand(platform: Platform, ns: str) -> None:
    sql = """
        select $1::text as text, $2::jsonb as document, $3::text[] as texts, $4::int8 as number, $5::bool as yes,
               $6::text as nothing, $7::numeric as exact, $8::float8 as nan, $9::timestamptz as instant, $10::bytea as raw
    """
    params = [
        HOSTILE,
        {HOSTILE: [HOSTILE]},
        [HOSTILE, None, "NULL", "{}", ""],
        -7,
        True,
        None,
        "1e40",
        NAN,
        DATE,
        BYTES,
    ]
    expected = {
        "text": HOSTILE, "document": {HOSTILE: [HOSTILE]}, "texts": [HOSTILE, None, "NULL", "{}", ""], "number": -7,
        "yes": True, "nothing": None, "exact": f"1{'0' * 40}", "nan": "NaN", "instant": "2026-02-28T22:59:59.123Z",
        "raw": "\\x0001ff",
    }  # fmt: skip
    result = await platform.result("DB", "query", sql, params)
    assert (result["rows"], result["rowCount"]) == ([expected], 1)
    assert await platform.result("DB", "first", sql, params) == expected
    assert (await platform.result("DB", "query", sql, params, {"readOnly": True}))["rows"] == [expected]
    (in_transaction,) = (await platform.result("DB", "transaction", [{"sql": sql, "params": params}]))["results"]
    assert in_transaction["rows"] == [expected]
    inserted = "insert into things (ns, id, type, data) values ($1, $2, $2, $3)"
    assert await platform.result("DB", "execute", inserted, [ns, HOSTILE, {HOSTILE: HOSTILE}]) == {"rowCount": 1}
    assert platform.rows("select id, type, data from things where ns = %s", ns) == [
        (HOSTILE, HOSTILE, {HOSTILE: HOSTILE})
    ]
    assert await platform.result("DB", "first", "select 1 where false") is None


INSERT = "insert into things (ns, id, type) values ($1, 'a', 'x')"


@pytest.mark.parametrize(
    ("sql", "params", "code"),
    [
        ("select 1; select 2", [], "INVALID_SQL"),
        ("insert into things (ns, id, type) values ('{ns}', 'a', 'x'); select 1", [], "INVALID_SQL"),
        ("", [], "INVALID_SQL"), (" -- nothing\n /* /* nested */ */ ;", [], "INVALID_SQL"),
        ("selekt 1", [], "INVALID_SQL"), ("select * from nowhere", [], "INVALID_SQL"),
        ("select $1::int", [], "INVALID_SQL"), ("select $1::int", [1, 2], "INVALID_SQL"),
        ("select $2::int", [1], "INVALID_SQL"),
        ("select $1::int", ["x"], "INVALID_ARGUMENT"), ("select $1::int", [{"a": 1}], "INVALID_ARGUMENT"),
        ("select $1::text", ["a\0b"], "INVALID_ARGUMENT"), ("select $1::text", ["\ud800"], "INVALID_ARGUMENT"),
        ("select $1::text", [{"$js": "function"}], "INVALID_ARGUMENT"),
        ("select $1::text", [{"$js": "set"}], "INVALID_ARGUMENT"),
        ("select 'a\0b'", [], "INVALID_ARGUMENT"), ("select 1/0", [], "INVALID_ARGUMENT"),
        ("begin", [], "INVALID_SQL"), ("/* x */ ; COMMIT", [], "INVALID_SQL"), ("rollback", [], "INVALID_SQL"),
        ("copy things to stdout", [], "INVALID_SQL"), ("copy (select 1) to program 'true'", [], "INVALID_SQL"),
        ("select (select n from generate_series(1, 2) as n)", [], "INVALID_SQL"),
        ("do $$ begin raise exception 'mine'; end $$", [], "INVALID_SQL"),
        ("select repeat('x', 11000000)", [], "RESULT_TOO_LARGE"),
        ("insert into things (ns, id, type) values ('demo', 'welcome', 'x')", [], "CONFLICT"),
        ("insert into things (ns, id) values ('{ns}', 'x')", [], "INVALID_ARGUMENT"),
        ("insert into things (ns, id, type, visibility) values ('{ns}', 'x', 'x', 'secret')", [], "INVALID_ARGUMENT"),
        ("insert into sessions (user_id, expires_at) values ('nobody', now())", [], "REFERENCE_MISSING"),
    ],
)  # fmt: skip
async def test_sql_that_is_wrong_has_its_code_and_writes_nothing(
    platform: Platform, ns: str, sql: str, params: list[Any], code: str
) -> None:
    sql = sql.replace("{ns}", ns)
    for method in ("query", "execute", "first"):
        await refused(platform, code, method, sql, params)
    assert await refused(
        platform, code, "transaction", [{"sql": INSERT, "params": [ns]}, {"sql": sql, "params": params}]
    )
    assert how_many(platform, ns) == 0


async def test_more_rows_than_asked_for_and_writes_of_readers_are_refused(platform: Platform, ns: str) -> None:
    await refused(platform, "RESULT_TOO_LARGE", "query", "select generate_series(1, 4)", [], {"maxRows": 3})
    assert len((await platform.result("DB", "query", "select generate_series(1, 3)", [], {"maxRows": 3}))["rows"]) == 3
    for sql in (
        INSERT,
        "with a as (insert into things (ns, id, type) values ($1, 'a', 'x') returning 1) select 1 from a",
    ):
        await refused(platform, "READ_ONLY", "query", sql, [ns], {"readOnly": True})
    await refused(platform, "INVALID_SQL", "query", "set transaction read write", [], {"readOnly": True})
    await refused(platform, "TIMEOUT", "query", "select pg_sleep(9)", [], {"timeoutMs": 1})
    assert how_many(platform, ns) == 0


async def test_more_than_the_database_takes_at_once_has_its_code(platform: Platform, ns: str) -> None:
    much = "x" * 11_000_000
    await refused(platform, "PAYLOAD_TOO_LARGE", "query", "select length($1::text)", [much])
    batch = [{"ns": ns, "id": str(n), "type": "x", "data": {"x": much[:11_000]}} for n in range(1000)]
    await refused(platform, "PAYLOAD_TOO_LARGE", "batchUpsert", batch)
    assert how_many(platform, ns) == 0


@pytest.mark.parametrize("size", [1, 2, 7])
async def test_the_failing_statement_is_named_wherever_it_stands(platform: Platform, ns: str, size: int) -> None:
    insert = "insert into things (ns, id, type) values ($1, $2, 'x')"
    for failing in range(size):
        statements = [{"sql": insert, "params": [ns, str(n)]} for n in range(size)]
        statements[failing] = {"sql": "select $1::int", "params": ["x"]}
        told = await refused(platform, "INVALID_ARGUMENT", "transaction", statements)
        assert told.startswith(f"statement {failing}: ")
    assert how_many(platform, ns) == 0


@pytest.mark.parametrize(
    "sql", ["commit", "; END", "rollback", "/**/ abort", "begin", "START transaction", "savepoint a"]
)
async def test_a_statement_cannot_end_the_transaction_it_is_part_of(platform: Platform, ns: str, sql: str) -> None:
    statements = [{"sql": INSERT, "params": [ns]}, {"sql": sql}, {"sql": "select 1/0"}]
    assert (await refused(platform, "INVALID_SQL", "transaction", statements)).startswith("statement 1: ")
    await refused(platform, "INVALID_SQL", "transaction", [{"sql": sql}, statements[0]], {"readOnly": True})
    assert how_many(platform, ns) == 0


@pytest.mark.parametrize("isolation", ["read_committed", "repeatable_read", "serializable"])
@pytest.mark.parametrize("read_only", [False, True])
async def test_a_transaction_has_the_isolation_it_asks_for(platform: Platform, isolation: str, read_only: bool) -> None:
    show = "select current_setting('transaction_isolation') as level, current_setting('transaction_read_only') as read_only"
    done = await platform.result(
        "DB", "transaction", [{"sql": show}, {"sql": show}], {"isolation": isolation, "readOnly": read_only}
    )
    expected = {"level": isolation.replace("_", " "), "read_only": "on" if read_only else "off"}
    assert [result["rows"] for result in done["results"]] == [[expected], [expected]]


async def test_later_statements_see_what_earlier_ones_wrote(platform: Platform, ns: str) -> None:
    count = {"sql": "select count(*)::int as n from things where ns = $1", "params": [ns]}
    done = await platform.result("DB", "transaction", [count, {"sql": INSERT, "params": [ns]}, count])
    assert [result["rows"] for result in done["results"]] == [[{"n": 0}], [], [{"n": 1}]]
    assert [result["rowCount"] for result in done["results"]] == [1, 1, 1]
