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
    hello, health, get = "Python hello", "gateway /health", "gateway → db get, API key"
    viewer = {"authorization": f"Bearer {info['keys']['viewer']}"}
    return Area(
        targets=[
            Target(hello, peers.url("hello")),
            Target(health, f"{info['gateway_url']}/health"),
            Target(get, f"{info['gateway_url']}/db/things/demo/welcome", viewer),
        ],
        figures=[
            Throughput("gateway_health_vs_hello", health, hello),
            Throughput("gateway_get_vs_hello", get, hello),
        ],
    )
