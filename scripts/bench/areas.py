"""What is measured, area by area: the targets, in the order of a round, and the figures made of them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scripts.bench.figures import Figure, Throughput
from scripts.bench.load import Target
from scripts.bench.peers import Peers

Info = dict[str, Any]
"""What the running stack says of itself: dev.json."""


@dataclass(frozen=True, slots=True)
class Area:
    targets: Sequence[Target]
    figures: Sequence[Figure]


Prepare = Callable[[Info, Peers], Awaitable[Area]]


async def gateway(info: Info, peers: Peers) -> Area:
    hello, health, get = "Python hello", "gateway /health", "gateway → db get, cached key"
    bare, hono, fastapi = "bare RPC: db get", "Hono gateway → db get", "FastAPI gateway → db get"
    viewer = {"authorization": f"Bearer {info['keys']['viewer']}"}
    thing = "db/things/demo/welcome"
    return Area(
        targets=[
            Target(hello, peers.url("hello")),
            Target(health, f"{info['gateway_url']}/health"),
            Target(get, f"{info['gateway_url']}/{thing}", viewer),
            Target(bare, peers.url("caller-of-db"), body='{"method":"get","params":["demo","welcome"]}'),
            Target(hono, f"{peers.url('hono')}{thing}", viewer),
            Target(fastapi, f"{peers.url('fastapi')}{thing}", viewer),
        ],
        figures=[
            Throughput("gateway_health_vs_hello", health, hello),
            Throughput("gateway_get_vs_hello", get, hello),
            Throughput("gateway_get_vs_bare_rpc", get, bare, at_least=0.7),
            Throughput("gateway_get_vs_hono", get, hono),
            Throughput("gateway_get_vs_fastapi", get, fastapi, at_least=2),
        ],
    )
