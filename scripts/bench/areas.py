"""What is measured, area by area: the targets, in the order of a round, and the figures made of them."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dotdo import jws
from scripts.bench.calls import call, result
from scripts.bench.figures import Figure, Throughput
from scripts.bench.load import Target
from scripts.bench.peers import Peers

Info = dict[str, Any]
"""What the running stack says of itself: dev.json."""

NEW_TOKENS = 4_000
"""For each round: more than there are requests, so that every one brings a token that nobody has seen."""


@dataclass(frozen=True, slots=True)
class Area:
    targets: Sequence[Target]
    figures: Sequence[Figure]


Prepare = Callable[[Info, Peers], Awaitable[Area]]


async def gateway(info: Info, peers: Peers) -> Area:
    """The gateway's own answers, the way through it to `db get`, and what others need for the same."""
    thing, url = "db/things/demo/welcome", info["gateway_url"]
    viewer = {"authorization": f"Bearer {info['keys']['viewer']}"}
    session = await result(call("", peers.url("caller-of-auth"), "createSession", ["usr_viewer"]))
    tokens = _Tokens(session["token"], peers.secrets["JWT_SECRET"].encode())
    hello = Target("Python hello", peers.url("hello"))
    health = Target("gateway /health", f"{url}/health")
    refused = Target("gateway, 429", f"{peers.url('gateway-limited')}{thing}", viewer, expected=429, strays=1)
    key = Target("gateway → db get, cached key", f"{url}/{thing}", viewer)
    token = Target("gateway → db get, cached token", f"{url}/{thing}", authorizations=lambda: tokens.new(1))
    unseen = Target("gateway → db get, unseen tokens", f"{url}/{thing}", authorizations=lambda: tokens.new(NEW_TOKENS))
    bare = Target("bare RPC: db get", peers.url("caller-of-db"), body='{"method":"get","params":["demo","welcome"]}')
    forward = Target("bare forwarding → db get", f"{peers.url('forward')}things/demo/welcome")
    hono = Target("Hono gateway → db get", f"{peers.url('hono')}{thing}", viewer)
    fastapi = Target("FastAPI gateway → db get", f"{peers.url('fastapi')}{thing}", viewer)
    alone = Target("gateway → constant", f"{peers.url('gateway-alone')}{thing}", viewer)
    fastapi_alone = Target("FastAPI gateway → constant", f"{peers.url('fastapi-alone')}{thing}", viewer)
    return Area(
        targets=[hello, health, refused, key, bare, forward, hono, fastapi, alone, fastapi_alone, token, unseen],
        figures=[
            Throughput("gateway_health_vs_hello", health.name, hello.name),
            Throughput("gateway_429_vs_hello", refused.name, hello.name),
            Throughput("gateway_get_cached_vs_bare_rpc", key.name, bare.name, at_least=0.7),
            Throughput("gateway_get_cached_vs_bare_forward", key.name, forward.name),
            Throughput("gateway_get_cached_vs_hono", key.name, hono.name),
            Throughput("gateway_get_cached_vs_fastapi", key.name, fastapi.name, at_least=2),
            Throughput("gateway_alone_vs_fastapi_alone", alone.name, fastapi_alone.name),
            Throughput("gateway_get_token_vs_bare_rpc", token.name, bare.name),
            Throughput("gateway_get_uncached_vs_bare_rpc", unseen.name, bare.name),
        ],
    )


class _Tokens:
    """Access tokens of one session, each another one: what auth issues, with a `jti` of its own and an hour to live."""

    def __init__(self, issued: str, secret: bytes) -> None:
        parsed = jws.parse(issued)
        self._claims, self._header, self._secret = parsed.claims, parsed.header, secret
        self._made = 0

    def new(self, count: int) -> list[str]:
        return [f"Bearer {self._one()}" for _ in range(count)]

    def _one(self) -> str:
        self._made += 1
        issued = int(time.time())
        claims = {**self._claims, "jti": f"bench-{self._made}", "iat": issued, "exp": issued + 3600}
        return jws.sign(claims, self._secret, self._header["typ"], self._header["kid"])
