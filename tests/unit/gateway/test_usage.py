"""Usage events: one row a request, in batches after the responses, never in a response's way."""

from typing import Any

import pytest

from dotdo.errors import ServiceError, invalid_argument, not_configured, unavailable
from dotdo.fakes import FakePeer
from gateway.usage import Usage

BATCH, PERIOD_S, CAPACITY = 50, 5.0, 1_000
"""As documented."""

ADMIN = {"authorization": "Bearer admin-key"}


@pytest.fixture
def stage(open_stage: Any) -> Any:
    stage = open_stage(RATE_LIMITS="default=100000 ip=100000")
    stage.bindings.peers["DB"] = FakePeer(ingest=lambda table, rows, options: {"inserted": len(rows)})
    return stage


def written(stage: Any) -> list[list[dict[str, Any]]]:
    assert all(
        method == "ingest" and params[0] == "api_requests" for method, params in stage.bindings.peers["DB"].calls
    )
    return [params[1] for _, params in stage.bindings.peers["DB"].calls]


def stored(stage: Any) -> dict[str, list[dict[str, Any]]]:
    """By token, as db keeps each batch once."""
    return {params[2]["token"]: params[1] for _, params in stage.bindings.peers["DB"].calls}


async def test_a_row_is_written_five_seconds_later_and_not_before_the_response(stage: Any) -> None:
    before_s = stage.bindings.clock.now
    await stage.ask("GET", "/db/things", ADMIN)
    assert written(stage) == []
    await stage.later.run()
    assert [len(rows) for rows in written(stage)] == [1]
    assert stage.bindings.clock.now == before_s + PERIOD_S


async def test_refused_requests_are_rows_too(stage: Any) -> None:
    asked = [
        ("GET", "/db/things", "/db", 401), ("GET", "/nowhere", "", 404), ("GET", "/db/%2f", "", 400),
        ("TRACE", "/db/things", "/db", 405), ("GET", "/ai/models", "/ai", 503), ("GET", "/", "/", 200),
    ]  # fmt: skip
    for method, path, *_ in asked:
        await stage.ask(method, path)
    await stage.later.run()
    (rows,) = written(stage)
    assert [(row["method"], row["route"], row["status"]) for row in rows] == [
        (method, route, status) for method, _, route, status in asked
    ]
    assert all(row["identity"] == "anonymous" and row["bytes_out"] > 50 for row in rows)


async def test_what_asks_whether_it_lives_is_no_row_nor_is_a_preflight(stage: Any) -> None:
    await stage.ask("GET", "/health")
    await stage.ask("OPTIONS", "/db/things", {"origin": "https://a.test", "access-control-request-method": "GET"})
    assert stage.later.work == []


async def test_a_body_of_unknown_length_is_told_of_as_it_was_counted(stage: Any) -> None:
    stage.workers["DB"].takes = 1234
    await stage.ask("POST", "/db/things", {**ADMIN, "transfer-encoding": "chunked"})
    await stage.later.run()
    ((row,),) = written(stage)
    assert row["bytes_in"] == 1234


async def test_a_wait_that_the_runtime_ended_is_begun_again(stage: Any) -> None:
    await stage.ask("GET", "/db/things", ADMIN)
    stage.later.work.pop().close()
    for after_s, waits in (60, 0), (60.5, 1):
        stage.bindings.clock.now += after_s - (60 if waits else 0)
        await stage.ask("GET", "/db/things", ADMIN)
        assert len(stage.later.work) == waits
    await stage.later.run()
    assert [len(rows) for rows in written(stage)] == [3]


async def test_fifty_rows_do_not_wait(stage: Any) -> None:
    waiting = list[int]()
    for _ in range(BATCH):
        await stage.ask("GET", "/db/things", ADMIN)
        waiting.append(len(stage.later.work))
    assert waiting == [1] * (BATCH - 1) + [2], "the one that waits, and this one"
    await stage.later.work.pop(1)
    await stage.later.run()
    assert [len(rows) for rows in written(stage)] == [BATCH]


async def test_what_db_does_not_take_is_tried_again_up_to_a_bound(stage: Any) -> None:
    down = True

    def ingest(table: str, rows: list[Any], options: object) -> object:
        if down:
            raise unavailable("the db service does not answer")
        return {"inserted": len(rows)}

    stage.bindings.peers["DB"] = FakePeer(ingest=ingest)
    for _ in range(CAPACITY + 50):
        assert (await stage.ask("GET", "/db/things", ADMIN)).status == 207
    await stage.later.run()
    down = False
    await stage.ask("GET", "/db/things", ADMIN)
    await stage.later.run()
    assert CAPACITY - BATCH < sum(len(rows) for rows in stored(stage).values()) <= CAPACITY + BATCH


async def test_a_batch_whose_answer_was_lost_is_sent_again_as_it_was(stage: Any) -> None:
    """So that db knows it by its token and stores each row once, whatever came in the meantime."""
    kept: dict[str, list[str]] = {}
    answers = iter([unavailable("the answer is lost"), None, None])

    def ingest(table: str, rows: list[Any], options: dict[str, str]) -> object:
        kept.setdefault(options["token"], [row["request_id"] for row in rows])
        if error := next(answers):
            raise error
        return {"inserted": len(rows)}

    stage.bindings.peers["DB"] = FakePeer(ingest=ingest)
    for request_id in ("one", "two"):
        await stage.ask("GET", "/db/things", {**ADMIN, "x-request-id": request_id})
        await stage.later.run()
    assert list(kept.values()) == [["one"], ["two"]]
    assert len(written(stage)) == 3


async def test_without_clickhouse_rows_are_let_go_and_it_is_said_once(open_stage: Any, logged: Any) -> None:
    def ingest(table: str, rows: list[Any], options: object) -> None:
        raise not_configured("CLICKHOUSE_URL")

    stage = open_stage(log=logged.log)
    stage.bindings.peers["DB"] = FakePeer(ingest=ingest)
    for _ in range(3):
        await stage.ask("GET", "/db/things", ADMIN)
        await stage.later.run()
    assert [len(rows) for rows in written(stage)] == [1, 1, 1], "none is sent again"
    (line,) = logged.of("usage.not_written")
    assert (line["level"], line["rows"], line["dropped"]) == ("warn", 1, 1)
    assert line["error"] == "ServiceError('NOT_CONFIGURED: CLICKHOUSE_URL is not set')"


async def test_it_is_said_again_when_clickhouse_went_away_again(open_stage: Any, logged: Any) -> None:
    answers = iter(
        [not_configured("CLICKHOUSE_URL"), not_configured("CLICKHOUSE_URL"), None, not_configured("CLICKHOUSE_URL")]
    )

    def ingest(table: str, rows: list[Any], options: object) -> None:
        if error := next(answers):
            raise error

    stage = open_stage(log=logged.log)
    stage.bindings.peers["DB"] = FakePeer(ingest=ingest)
    for _ in range(4):
        await stage.ask("GET", "/db/things", ADMIN)
        await stage.later.run()
    assert [line["dropped"] for line in logged.of("usage.not_written")] == [1, 3]


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (ServiceError("X", 499, "", ""), False), (ServiceError("X", 500, "", ""), True), (unavailable("x"), True),
        (RuntimeError("the call broke"), True),
    ],
    ids=str,
)  # fmt: skip
async def test_what_may_go_well_another_time_is_sent_again(stage: Any, error: Exception, kept: bool) -> None:
    errors = [error]

    def ingest(table: str, rows: list[Any], options: object) -> None:
        if errors:
            raise errors.pop()

    stage.bindings.peers["DB"] = FakePeer(ingest=ingest)
    for request_id in ("one", "two"):
        await stage.ask("GET", "/db/things", {**ADMIN, "x-request-id": request_id})
        await stage.later.run()
    sent = [[row["request_id"] for row in rows] for rows in written(stage)]
    assert sent == ([["one"], ["one"], ["two"]] if kept else [["one"], ["two"]])


async def test_rows_that_db_refuses_do_not_hold_up_the_others(stage: Any) -> None:
    def ingest(table: str, rows: list[Any], options: object) -> object:
        if rows[0]["request_id"] == "bad":
            raise invalid_argument("rows")
        return {"inserted": len(rows)}

    stage.bindings.peers["DB"] = FakePeer(ingest=ingest)
    for request_id in ("bad", "good"):
        await stage.ask("GET", "/db/things", {**ADMIN, "x-request-id": request_id})
        await stage.later.run()
    assert [[row["request_id"] for row in rows] for rows in written(stage)] == [["bad"], ["good"]]


async def test_without_db_there_is_nothing_to_do(open_stage: Any) -> None:
    stage = open_stage(bound=("AUTH",))
    await stage.ask("GET", "/auth/session")
    assert stage.later.work == []


async def test_what_is_dropped_is_counted(open_stage: Any) -> None:
    stage = open_stage()
    usage = Usage(stage.bindings, stage.log)
    for _ in range(CAPACITY + 7):
        usage.add({}, stage.later)
    assert usage.dropped == 7

    def ingest(table: str, rows: list[Any], options: object) -> None:
        for _ in range(5):  # while db is asked
            usage.add({}, stage.later)
        raise unavailable("the db service does not answer")

    stage.bindings.peers["DB"] = FakePeer(ingest=ingest)
    await stage.later.work.pop(0)
    assert usage.dropped == 7 + CAPACITY, "there is no more room for a batch of that many"
