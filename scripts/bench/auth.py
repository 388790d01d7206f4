"""auth by RPC from a Python Worker: what the gateway waits for when it sees a credential for the first time."""

import json
from typing import Any
from urllib.parse import urljoin

import httpx

from scripts.bench.areas import Area, Info
from scripts.bench.figures import Time
from scripts.bench.load import Target
from scripts.bench.peers import Peers

CALLS = 10


async def auth(info: Info, peers: Peers) -> Area:
    """The floor of a check is the bare RPC; what it is made of is one query by way of db."""
    of_auth, of_db = peers.url("caller-of-auth"), peers.url("caller-of-db")
    session = await _result(of_auth, "createSession", ["usr_user"])
    rpc = Target("bare RPC", f"{peers.url('caller-of-bare')}{CALLS}", body="", calls=CALLS, connections=1)
    query = _call(
        "db query by primary key", of_db, "query", ["select * from sessions where id = $1", [session["session"]["id"]]]
    )
    key = _call("auth verify, key", of_auth, "verify", [info["keys"]["user"]])
    token = _call("auth verify, token", of_auth, "verify", [session["token"]])
    malformed = _call("auth verify, wrong checksum", of_auth, "verify", [info["keys"]["user"][:-1] + "_"])
    return Area(
        targets=[rpc, query, key, token, malformed],
        figures=[
            Time("auth_verify_key_vs_query", key.name, query.name, at_most=2),
            Time("auth_verify_token_vs_query", token.name, query.name, at_most=2),
            Time("auth_refuse_malformed_vs_bare_rpc", malformed.name, rpc.name, at_most=1.5),
        ],
    )


def _call(name: str, url: str, method: str, params: list[Any]) -> Target:
    body = json.dumps({"method": method, "params": params}, separators=(",", ":"))
    return Target(name, f"{url}{CALLS}", body=body, calls=CALLS, connections=1)


async def _result(url: str, method: str, params: list[Any]) -> Any:
    async with httpx.AsyncClient(timeout=60) as client:
        response = await client.post(urljoin(url, "/"), content=json.dumps({"method": method, "params": params}))
    return response.raise_for_status().json()["ok"]
