"""gateway.readiness: the gateway lives by itself, and is ready when its Workers answer."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from dotdo.errors import unavailable
from dotdo.fakes import FakeBindings, FakePeer
from dotdo.http import HttpResponse
from dotdo.ports import HttpError, Passage, Peer, Upstream, UpstreamResponse
from gateway.readiness import live, ready


def answering(status: str) -> FakePeer:
    return FakePeer(health=lambda: {"status": status})


def failing() -> Any:
    raise unavailable("the db service does not answer")


class Slow:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def call(self, method: str, *params: object) -> Any:
        await asyncio.sleep(self._seconds)
        return {"status": "ok"}


class Answering:
    """A Worker that is none of ours."""

    def __init__(self, status: int | None) -> None:
        self._status = status

    async def forward(self, inbound: Any, passage: Passage) -> UpstreamResponse:
        raise AssertionError("nobody's request is passed on")

    async def status_of(self, path: str) -> int:
        assert path == "/health"
        if self._status is None:
            raise HttpError("Error")
        return self._status


async def state(others: dict[str, Upstream] | None = None, /, **peers: Peer) -> tuple[int, dict[str, Any]]:
    response = await ready(FakeBindings(peers=peers, upstreams=others))
    return response.status, json.loads(response.body)


async def test_ready_when_every_worker_is_ok() -> None:
    status, body = await state(DB=answering("ok"), AUTH=answering("ok"))
    assert (status, body["status"], body["services"]) == (200, "ok", {"auth": "ok", "db": "ok"})


async def test_a_worker_that_is_not_bound_is_not_asked_for() -> None:
    assert await state() == (200, {**live(FakeBindings()), "services": {}})
    status, body = await state(AUTH=answering("ok"))
    assert (status, body["services"]) == (200, {"auth": "ok"})


async def test_every_worker_that_is_bound_is_asked() -> None:
    others: dict[str, Upstream] = {"AI": Answering(200), "FN": Answering(404)}
    status, body = await state(others, DB=answering("ok"))
    assert (status, body["services"]) == (200, {"db": "ok", "ai": "ok", "fn": "ok"})
    for down in (503, None):
        status, body = await state({**others, "QUEUE": Answering(down)}, DB=answering("ok"))
        assert (status, body["services"]["queue"]) == (503, "down")


async def test_not_ready_when_one_is_degraded_or_failing() -> None:
    for peers, states in (
        ({"DB": answering("degraded"), "AUTH": answering("ok")}, {"auth": "ok", "db": "degraded"}),
        ({"DB": FakePeer(health=failing), "AUTH": answering("ok")}, {"auth": "ok", "db": "down"}),
    ):
        status, body = await state(**peers)
        assert (status, body["status"], body["services"]) == (503, "degraded", states)


@pytest.mark.parametrize(("seconds", "state", "status"), [(1.5, "ok", 200), (2.5, "down", 503), (1e9, "down", 503)])
def test_a_worker_has_two_seconds(run_at_once: Callable[..., Any], seconds: float, state: str, status: int) -> None:
    bindings = FakeBindings(peers={"DB": Slow(seconds), "AUTH": answering("ok")})
    response: HttpResponse = run_at_once(ready(bindings))
    assert response.status == status
    assert json.loads(response.body)["services"] == {"auth": "ok", "db": state}


def test_being_alive_needs_nobody() -> None:
    assert live(FakeBindings()) == {"status": "ok", "service": "gateway", "timestamp": "2026-09-21T14:13:20.000Z"}
