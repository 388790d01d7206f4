"""gateway.reporting: what is told of a request, field by field. The usage events' way to db: test_usage."""

from types import SimpleNamespace
from typing import Any

import pytest

from dotdo.fakes import FakePeer
from dotdo.http import HttpResponse
from gateway import pipeline
from gateway.usage import Usage

KEY = {"authorization": "Bearer viewer-key"}
SESSION = {"cookie": "__Host-session=session-token"}
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
SENT = {"x-request-id": "mine", "traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01", "cf-ray": "8a1b2c3d4e5f6789-AMS"}

OF_KEY = {"identity": "api_key", "user_id": "usr_viewer", "key_id": "key_viewer"}
OF_SESSION = {"identity": "user", "user_id": "usr_user"}
OF_NOBODY = {"identity": "anonymous"}
PREFLIGHT = {"origin": "https://a.test", "access-control-request-method": "GET"}

TOLD = [
    ("GET", "/db/things?email=a@b.c", KEY, {"route": "/db", "status": 207, **OF_KEY}),
    ("POST", "/db/things/secret-name", KEY, {"route": "/db", "status": 403, **OF_KEY}),
    ("GET", "/db/things", SESSION, {"route": "/db", "status": 207, **OF_SESSION}),
    ("GET", "/auth/login?return_to=/x", {}, {"route": "/auth/login", "status": 207, **OF_NOBODY}),
    ("GET", "/schedule/tasks", {"authorization": "Bearer wrong-key"}, {"route": "/schedule", "status": 401, **OF_NOBODY}),
    ("GET", "/nowhere/secret-name", KEY, {"route": "", "status": 404, **OF_NOBODY}),
    ("GET", "/health", {}, {"route": "/health", "status": 200, **OF_NOBODY}),
    ("OPTIONS", "/db/things", PREFLIGHT, {"route": "preflight", "status": 204, **OF_NOBODY}),
]  # fmt: skip


@pytest.fixture
def a_quarter_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every request takes that long."""
    times = iter(range(1_000, 2_000))
    monkeypatch.setattr(pipeline, "time", SimpleNamespace(perf_counter=lambda: next(times) / 4))


@pytest.mark.usefixtures("a_quarter_second")
@pytest.mark.parametrize(
    ("method", "path", "headers", "told"), TOLD, ids=[f"{one[0]}-{one[1].partition('?')[0]}-{one[3]['status']}" for one in TOLD]
)  # fmt: skip
async def test_one_line_says_who_and_where_and_nothing_else(
    open_stage: Any, logged: Any, method: str, path: str, headers: dict[str, str], told: dict[str, Any]
) -> None:
    await open_stage(log=logged.log).ask(method, path, {**SENT, **headers})
    (line,) = logged.lines
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info", "service": "test", "event": "request", "request_id": "mine", "trace_id": TRACE_ID, "method": method,
        "duration_ms": 250.0, **told,
    }  # fmt: skip


async def test_what_breaks_is_told_of_inside_and_not_outside(stage: Any, open_stage: Any, logged: Any) -> None:
    stage = open_stage(log=logged.log)
    stage.workers["DB"].fails = RuntimeError("a secret of the inside")
    answer = await stage.ask("GET", "/db/things", {**SENT, **KEY})
    assert (answer.status, "secret" in answer.body) == (500, False)
    (line,) = logged.of("request.failed")
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "error", "service": "test", "event": "request.failed", "request_id": "mine", "trace_id": TRACE_ID,
        "route": "/db", "error": "RuntimeError('a secret of the inside')",
    }  # fmt: skip
    assert [line["status"] for line in logged.of("request")] == [500]


@pytest.mark.usefixtures("a_quarter_second")
@pytest.mark.parametrize(
    ("method", "headers", "told"),
    [
        ("POST", {**KEY, "content-length": "12"},
         {"status": 403, "identity": "api_key", "key_id": "key_viewer", "user_id": "usr_viewer", "organization": "",
          "bytes_in": 12}),
        ("GET", SESSION,
         {"status": 207, "identity": "user", "key_id": "", "user_id": "usr_user", "organization": "org_1", "bytes_in": 0}),
    ],
    ids=["a key that may not", "a session"],
)  # fmt: skip
async def test_a_usage_event_field_by_field(
    stage: Any, method: str, headers: dict[str, str], told: dict[str, Any]
) -> None:
    stage.workers["DB"].sends = 4321
    stage.bindings.peers["DB"] = FakePeer(ingest=lambda table, rows, options: {"inserted": len(rows)})
    answer = await stage.ask(method, "/db/things?email=a@b.c", {**SENT, **headers})
    await stage.later.run()
    ((_, (table, rows, _)),) = stage.bindings.peers["DB"].calls
    assert table == "api_requests"
    assert rows == [
        {"time": "2026-09-21T14:13:20.000Z", "request_id": "mine", "route": "/db", "method": method, "duration_ms": 250.0,
         "colo": "AMS", "bytes_out": len(answer.body) if isinstance(answer, HttpResponse) else 4321, **told}
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("ray", "colo"), [("8a1b2c3d4e5f6789-AMS", "AMS"), (None, ""), ("AMS", "AMS"), ("1-ABCDEFGHIJ", "ABCDEFGH")]
)
async def test_the_location_is_the_end_of_the_ray(
    stage: Any, monkeypatch: pytest.MonkeyPatch, ray: str | None, colo: str
) -> None:
    rows = list[dict[str, Any]]()
    monkeypatch.setattr(Usage, "add", lambda self, row, defer: rows.append(row))
    await stage.ask("GET", "/nowhere", {"cf-ray": ray} if ray else {})
    assert [row["colo"] for row in rows] == [colo]
