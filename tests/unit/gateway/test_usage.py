"""Usage events: one row a request, in batches after the responses, never in a response's way."""

from typing import Any

import pytest

from dotdo.errors import unavailable
from dotdo.fakes import FakePeer
from gateway.usage import BATCH, CAPACITY, Usage

ADMIN = {"authorization": "Bearer admin-key"}


@pytest.fixture
def stage(open_stage: Any) -> Any:
    stage = open_stage(RATE_LIMITS="default=100000 ip=100000")
    stage.bindings.peers["DB"] = FakePeer(ingest=lambda table, rows: {"inserted": len(rows)})
    return stage


def written(stage: Any) -> list[list[dict[str, Any]]]:
    assert all(
        method == "ingest" and params[0] == "api_requests" for method, params in stage.bindings.peers["DB"].calls
    )
    return [params[1] for _, params in stage.bindings.peers["DB"].calls]


async def test_a_row_says_who_what_and_how_much(stage: Any) -> None:
    sent = {**ADMIN, "x-request-id": "mine", "content-length": "12", "cf-ray": "8a1b2c3d4e5f6789-AMS"}
    await stage.ask("POST", "/db/things?email=a@b.c", sent)
    assert written(stage) == [], "not before the response"
    await stage.later.run()
    ((row,),) = written(stage)
    assert row.pop("duration_ms") >= 0
    assert row.pop("time").endswith("Z")
    assert row == {
        "request_id": "mine", "route": "/db", "method": "POST", "status": 207, "identity": "api_key",
        "key_id": "key_admin", "user_id": "usr_admin", "organization": "", "bytes_in": 12, "bytes_out": 0, "colo": "AMS",
    }  # fmt: skip


async def test_refused_requests_are_rows_too_and_health_is_none(stage: Any) -> None:
    await stage.ask("GET", "/db/things")
    await stage.ask("GET", "/health")
    await stage.ask("GET", "/nowhere")
    await stage.later.run()
    ((row,),) = written(stage)
    assert (row["status"], row["identity"]) == (401, "anonymous")
    assert row["bytes_out"] > 50


async def test_fifty_rows_do_not_wait(stage: Any) -> None:
    for _ in range(BATCH):
        await stage.ask("GET", "/db/things", ADMIN)
    assert len(stage.later.work) == 2, "the one that waits, and this one"
    await stage.later.work.pop(1)
    await stage.later.run()
    assert [len(rows) for rows in written(stage)] == [BATCH]


async def test_what_db_does_not_take_is_tried_again_up_to_a_bound(stage: Any) -> None:
    down = True

    def ingest(table: str, rows: list[Any]) -> object:
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
    assert len(written(stage)[-1]) <= CAPACITY


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

    def ingest(table: str, rows: list[Any]) -> None:
        for _ in range(5):  # while db is asked
            usage.add({}, stage.later)
        raise unavailable("the db service does not answer")

    stage.bindings.peers["DB"] = FakePeer(ingest=ingest)
    await stage.later.work.pop(0)
    assert usage.dropped == 12
