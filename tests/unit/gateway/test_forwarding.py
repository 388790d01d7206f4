"""gateway.forwarding: how long a Worker may take and how long a body may be, and what is told when it is more."""

import json
from typing import Any

import pytest

from dotdo.errors import ServiceError
from dotdo.ports import HttpError

ADMIN = {"authorization": "Bearer admin-key"}
MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("path", "setting", "seconds", "longest_body"),
    [
        ("/db/things", "", 30.0, 10 * MIB), ("/relationships", "", 30.0, 10 * MIB), ("/auth/login", "", 30.0, 10 * MIB),
        ("/schedule/tasks", "", 30.0, 10 * MIB), ("/fn/a", "", 30.0, 100 * MIB), ("/ai/chat", "", 100.0, 10 * MIB),
        ("/fn/a", "0.5", 0.5, 100 * MIB), ("/fn/a", "50", 30.0, 100 * MIB), ("/ai/chat", "50", 50.0, 10 * MIB),
        ("/ai/chat", "500", 100.0, 10 * MIB),
    ],
)  # fmt: skip
async def test_what_a_worker_is_given(
    open_stage: Any, path: str, setting: str, seconds: float, longest_body: int
) -> None:
    """UPSTREAM_TIMEOUT_S only ever shortens."""
    stage = open_stage(bound=("AUTH", "DB", "SCHEDULE", "FN", "AI"), UPSTREAM_TIMEOUT_S=setting)
    await stage.ask("GET", path, ADMIN)
    assert [one for worker in stage.workers.values() for one in worker.bounds] == [(seconds, longest_body)]


@pytest.mark.parametrize("setting", ["0", "-1", "nan", "inf", "-inf", "1s", "x"])
def test_a_setting_that_is_no_time_is_named(open_stage: Any, setting: str) -> None:
    with pytest.raises(ServiceError) as refused:
        open_stage(UPSTREAM_TIMEOUT_S=setting)
    assert refused.value.code == "NOT_CONFIGURED"
    assert refused.value.detail == f"UPSTREAM_TIMEOUT_S: {setting!r} is not a number of seconds"


@pytest.mark.parametrize(("path", "longest"), [("/db/things", 10_485_760), ("/fn/a", 104_857_600)])
async def test_a_body_of_exactly_the_limit_passes_and_one_byte_more_does_not(
    open_stage: Any, path: str, longest: int
) -> None:
    stage = open_stage(bound=("AUTH", "DB", "FN"))
    assert (await stage.ask("POST", path, {**ADMIN, "content-length": str(longest)})).status == 207
    refused = await stage.ask("POST", path, {**ADMIN, "content-length": str(longest + 1)})
    body = json.loads(refused.body)
    assert (refused.status, body["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert body["detail"] == f"at most {longest} bytes are taken"
    assert sum(len(passed) for passed in stage.arrived().values()) == 1


@pytest.mark.parametrize(
    ("path", "error", "told"),
    [
        ("/fn/a", HttpError("slow", timed_out=True), (504, "TIMEOUT", "the fn service has not answered within 30 seconds")),
        ("/ai/a", HttpError("slow", timed_out=True), (504, "TIMEOUT", "the ai service has not answered within 100 seconds")),
        ("/fn/a", HttpError("refused by 10.1.2.3"), (503, "UNAVAILABLE", "the fn service does not answer")),
    ],
)  # fmt: skip
async def test_what_is_told_of_a_worker_that_does_not_answer(
    open_stage: Any, path: str, error: HttpError, told: tuple[int, str, str]
) -> None:
    stage = open_stage(bound=("AUTH", "FN", "AI"))
    for worker in stage.workers.values():
        worker.fails = error
    answer = await stage.ask("GET", path, ADMIN)
    body = json.loads(answer.body)
    assert (answer.status, body["code"], body["detail"]) == told


async def test_slow_workers_open_the_circuit_as_failing_ones_do(stage: Any) -> None:
    stage.workers["DB"].fails = HttpError("slow", timed_out=True)
    answers = [json.loads((await stage.ask("GET", "/db/things", ADMIN)).body) for _ in range(6)]
    assert [body["code"] for body in answers] == ["TIMEOUT"] * 5 + ["CIRCUIT_OPEN"]
