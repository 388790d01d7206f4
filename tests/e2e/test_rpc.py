"""Calls between Workers, from JavaScript: plain objects in and out, and nothing reachable but the contract."""

import pytest

from dotdo.contracts import auth, db, gateway, schedule
from tests.e2e.platform import Platform


async def test_things_are_plain_camel_case_objects(platform: Platform, ns: str) -> None:
    thing = {"ns": ns, "id": "a:b/c", "type": "note", "data": {"text": "it's", "deep": {"n": 1}}}
    stored = await platform.result("DB", "upsert", thing)
    assert stored["createdAt"].endswith("Z")
    assert await platform.result("DB", "get", ns, "a:b/c") == stored
    listed = await platform.result("DB", "list", ns, {"limit": 10})
    assert listed["data"] == [stored]
    assert listed["pagination"] == {"limit": 10, "offset": 0, "total": None, "nextCursor": None}
    assert await platform.result("DB", "delete", ns, "a:b/c") == stored
    assert await platform.result("DB", "get", ns, "a:b/c") is None


async def test_query_binds_its_parameters(platform: Platform) -> None:
    hostile = "'; drop table things; --"
    result = await platform.result("DB", "query", "select $1::text as text, $2::int8 as number", [hostile, 7])
    assert result["rows"] == [{"text": hostile, "number": 7}]
    assert result["rowCount"] == 1
    assert [field["name"] for field in result["fields"]] == ["text", "number"]


async def test_values_keep_their_types(platform: Platform) -> None:
    sql = """
        select 9007199254740991::int8 as big, 1.10::numeric as exact, 'NaN'::float8 as nan, true as yes, null::int as nothing,
               '2026-02-28 23:59:59.123456+01'::timestamptz as instant, date '2024-02-29' as day,
               array['a,b', null, 'c"d\\e']::text[] as texts, '{"k": [1, null]}'::jsonb as document, '\\x00ff'::bytea as raw
    """
    (row,) = (await platform.result("DB", "query", sql))["rows"]
    assert row == {
        "big": 9007199254740991,
        "exact": "1.10",
        "nan": "NaN",
        "yes": True,
        "nothing": None,
        "instant": "2026-02-28T22:59:59.123Z",
        "day": "2024-02-29",
        "texts": ["a,b", None, 'c"d\\e'],
        "document": {"k": [1, None]},
        "raw": "\\x00ff",
    }


@pytest.mark.parametrize(
    ("method", "args", "code"),
    [
        ("get", [""], "INVALID_ARGUMENT"),
        ("get", ["a", "b", {"surprise": 1}], "INVALID_ARGUMENT"),
        ("get", ["a", "b", {}, "more"], "INVALID_ARGUMENT"),
        ("upsert", [{"ns": "a", "id": "b", "type": 7}], "INVALID_ARGUMENT"),
        ("list", ["a", {"limit": 5000}], "INVALID_ARGUMENT"),
        ("query", ["select 1; select 2"], "INVALID_SQL"),
        ("query", ["select * from no_such_table"], "INVALID_SQL"),
        ("query", ["select $1::int", ["x"]], "INVALID_ARGUMENT"),
        ("query", ["insert into things (ns, id, type) values ('x', 'y', 'z')", [], {"readOnly": True}], "READ_ONLY"),
        ("query", ["select pg_sleep(5)", [], {"timeoutMs": 50}], "TIMEOUT"),
        ("query", ["select generate_series(1, 20)", [], {"maxRows": 10}], "RESULT_TOO_LARGE"),
        ("ingest", ["no_such_table", []], "INVALID_ARGUMENT"),
    ],
)
async def test_a_failed_call_says_its_code_and_nothing_of_the_inside(
    platform: Platform, method: str, args: list[object], code: str
) -> None:
    answer = await platform.call("DB", method, *args)
    assert answer["error"]["message"].splitlines()[-1].startswith(f"{code}: "), answer
    for inside in ("Traceback", "File ", ".py", "pydantic", "127.0.0.1"):
        assert inside not in answer["error"]["message"], answer


CONTRACTS = {"DB": db.CONTRACT, "AUTH": auth.CONTRACT, "SCHEDULE": schedule.CONTRACT, "GATEWAY": gateway.CONTRACT}

NOT_OFFERED = [
    "env", "ctx", "_service", "__init__", "__class__", "__dict__", "__getattribute__", "__init_subclass__",
    "constructor", "isolate", "no_such_method", "seal",
]  # fmt: skip


@pytest.mark.parametrize("binding", CONTRACTS)
@pytest.mark.parametrize("name", NOT_OFFERED)
async def test_nothing_but_the_contract_is_reachable(platform: Platform, binding: str, name: str) -> None:
    answer = await platform.call(binding, name)
    assert "error" in answer, answer
    assert answer["error"]["name"] in ("TypeError", "Error", "PythonError"), answer


@pytest.mark.parametrize("binding", CONTRACTS)
async def test_health_answers_for_every_service(platform: Platform, binding: str) -> None:
    assert (await platform.result(binding, "health"))["status"] == "ok"


@pytest.mark.parametrize("binding", ["DB", "AUTH", "SCHEDULE"])
async def test_every_method_of_the_contract_exists(platform: Platform, binding: str) -> None:
    for method in CONTRACTS[binding].methods:
        answer = await platform.call(binding, method.name, *["x"] * 9)
        assert "INVALID_ARGUMENT" in answer["error"]["message"], (method.name, answer)


async def test_events_go_to_clickhouse_and_come_back(platform: Platform, ns: str) -> None:
    hostile = "line one\n\nselect 1; drop table events"
    rows = [
        {"type": "test.event", "id": ns, "source": "e2e", "data": {"text": hostile, "n": 1}},
        {"type": "test.other"},
    ]
    assert await platform.result("DB", "ingest", "events", rows) == {"inserted": 2}
    recent = (await platform.result("DB", "recentActivity", 100))["data"]
    (event,) = [event for event in recent if event["id"] == ns]
    assert event["data"]["text"] == hostile
    assert event["ts"].endswith("Z")
    assert len(event["ulid"]) == 26
