"""Every type of PostgreSQL there and back: as a bound parameter and as a literal, against psycopg on the same server."""

import asyncio
import json
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.e2e.pgvalues import TYPES, Type, doubles, plain
from tests.e2e.platform import Platform

SEVERAL = settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.generate],  # each example is three round trips: shrinking takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def quoted(literal: str) -> str:
    return "'" + literal.replace("'", "''") + "'"


def answered(platform: Platform, sql: str, params: list[Any]) -> list[Any]:
    """The columns of the only row, as a JavaScript caller gets them."""
    (row,) = asyncio.run(platform.result("DB", "query", sql, params))["rows"]
    return [doubles(row[f"c{index}"]) for index in range(len(row))]


def columns(expressions: list[str]) -> str:
    return "select " + ", ".join(f"{expression} as c{index}" for index, expression in enumerate(expressions))


@pytest.fixture(scope="module")
def connection(platform: Platform) -> Any:
    with psycopg.connect(platform.postgres_url, autocommit=True) as opened:
        opened.execute("set timezone = 'UTC'")
        yield opened


def again(kind: Type, value: Any) -> Any:
    """The answer as it is bound again: what is JSON goes as text."""
    if kind.name in ("json", "jsonb"):
        return json.dumps(value)
    if kind.name == "jsonb[]":
        return [[json.dumps(two) for two in one] if isinstance(one, list) else json.dumps(one) for one in value]
    return value


@pytest.mark.parametrize("kind", TYPES, ids=[kind.name for kind in TYPES])
def test_a_type_comes_back(platform: Platform, connection: Any, kind: Type) -> None:
    @SEVERAL
    @given(st.lists(kind.literals, min_size=1, max_size=12))
    def check(literals: list[str]) -> None:
        casts = [f"{quoted(literal)}::{kind.name}" for literal in literals]
        read = connection.execute(
            columns([f"({cast})::{kind.read}" for cast in casts]).replace("%", "%%"), []
        ).fetchone()
        expected = [(doubles if "json" in kind.name else plain)(value) for value in read]
        assert answered(platform, columns(casts), []) == expected
        bound = columns([f"${index}::{kind.name}" for index in range(1, len(literals) + 1)])
        assert answered(platform, bound, list(literals)) == expected
        if not kind.name.startswith("jsonb["):
            same = columns([f"(${index}::{kind.name})::text = ({cast})::text" for index, cast in enumerate(casts, 1)])
            assert answered(platform, same, [again(kind, value) for value in expected]) == [True] * len(literals)

    check()


@pytest.mark.parametrize("kind", TYPES, ids=[kind.name for kind in TYPES])
async def test_nothing_is_null_of_every_type(platform: Platform, kind: Type) -> None:
    result = await platform.result(
        "DB", "query", f"select $1::{kind.name} as bound, null::{kind.name} as literal", [None]
    )
    assert result["rows"] == [{"bound": None, "literal": None}]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("9007199254740991::int8", 9007199254740991), ("9007199254740992::int8", "9007199254740992"),
        ("(-9007199254740991)::int8", -9007199254740991), ("(-9007199254740993)::int8", "-9007199254740993"),
        ("array[1, 9007199254740993]::int8[]", [1, "9007199254740993"]), ("count(*)", 1), ("sum(1::int8)", "1"),
        ("0.1::numeric + 0.2", "0.3"), ("'NaN'::float8", "NaN"), ("'-infinity'::timestamptz", "-infinity"),
        ("'0044-03-15 12:00+00 BC'::timestamptz", "0044-03-15 12:00:00+00 BC"),
        ("'2026-11-23 10:00:00.123999+05:30'::timestamptz", "2026-11-23T04:30:00.123Z"),
        ("'[0:1]={a,b}'::text[]", ["a", "b"]), ("'{}'::int4[]", []), ("row(1, 'a b')", '(1,"a b")'),
    ],
)  # fmt: skip
async def test_both_languages_get_the_same(platform: Platform, expression: str, value: Any) -> None:
    sql = f"select {expression} as v"
    assert (await platform.result("DB", "query", sql))["rows"] == [{"v": value}]
    assert (await platform.from_python("DB", "query", sql))["ok"]["rows"] == [{"v": value}]


@pytest.mark.parametrize(
    ("type_", "value", "text"),
    [
        ("int8", {"$js": "bigint"}, "9007199254740993"), ("int8", "9007199254740993", "9007199254740993"),
        ("bytea", {"$js": "bytes"}, "\\x0001ff"), ("timestamptz", {"$js": "date"}, "2026-02-28 22:59:59.123+00"),
        ("float8", {"$js": "nan"}, "NaN"), ("float8", {"$js": "negativeInfinity"}, "-Infinity"), ("bool", True, "true"),
        ("text[]", ["a,b", None, "", "NULL", '"\\'], '{"a,b",NULL,"","NULL","\\"\\\\"}'),
        ("int4[]", [[1, 2], [3, 4]], "{{1,2},{3,4}}"), ("jsonb", {"a": [1, None]}, '{"a": [1, null]}'),
        ("jsonb[]", [{"a": 1}], '{"{\\"a\\": 1}"}'),
        ("vector(2)", "[1,2]", "[1,2]"),
    ],
)  # fmt: skip
async def test_what_javascript_binds(platform: Platform, type_: str, value: Any, text: str) -> None:
    sql = f"select ($1::{type_})::text as v"
    assert (await platform.result("DB", "query", sql, [value]))["rows"] == [{"v": text}]
