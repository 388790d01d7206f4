"""gateway.readiness: the gateway lives by itself, and is ready when its Workers answer."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from dotdo.errors import unavailable
from dotdo.fakes import FakeBindings, FakePeer
from dotdo.http import HttpResponse
from dotdo.ports import Peer
from gateway.readiness import live, ready


def answering(status: str) -> FakePeer:
    return FakePeer(health=lambda: {"status": status})


def failing() -> Any:
    raise unavailable("the db service does not answer")


class Silent:
    async def call(self, method: str, *params: object) -> Any:
        await asyncio.Event().wait()


async def state(**peers: Peer) -> tuple[int, dict[str, Any]]:
    response = await ready(FakeBindings(peers=peers), ["AUTH", "DB"])
    return response.status, json.loads(response.body)


async def test_ready_when_every_worker_is_ok() -> None:
    status, body = await state(DB=answering("ok"), AUTH=answering("ok"))
    assert (status, body["status"], body["services"]) == (200, "ok", {"auth": "ok", "db": "ok"})


async def test_not_ready_when_one_is_degraded_failing_or_missing() -> None:
    for peers, states in (
        ({"DB": answering("degraded"), "AUTH": answering("ok")}, {"auth": "ok", "db": "degraded"}),
        ({"DB": FakePeer(health=failing), "AUTH": answering("ok")}, {"auth": "ok", "db": "down"}),
        ({"AUTH": answering("ok")}, {"auth": "ok", "db": "down"}),
    ):
        status, body = await state(**peers)
        assert (status, body["status"], body["services"]) == (503, "degraded", states)


def test_a_worker_that_says_nothing_is_down(run_at_once: Callable[..., Any]) -> None:
    bindings = FakeBindings(peers={"DB": Silent(), "AUTH": answering("ok")})
    response: HttpResponse = run_at_once(ready(bindings, ["AUTH", "DB"]))
    assert response.status == 503
    assert json.loads(response.body)["services"] == {"auth": "ok", "db": "down"}


def test_being_alive_needs_nobody() -> None:
    assert live(FakeBindings())["status"] == "ok"
