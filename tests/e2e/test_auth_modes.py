"""auth as production has it: EdDSA keys, ENVIRONMENT production; and what is left of it when the database or KV is gone.

The same Workers again beside the running stack: a set on its database, one on a port where nothing listens, one whose KV fails.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from auth.domain import api_keys
from auth.domain.access_tokens import AccessTokens, Bearer
from dotdo.fakes import FakeBindings, FakeClock
from scripts.runtime.config import local_worker
from scripts.runtime.services import SERVICES
from scripts.stack.process import free_port
from tests.e2e.fixtures import CALLER
from tests.e2e.platform import DATA, Platform, problem
from tests.runtime.conftest import CaseRuntime
from tests.unit.auth.ed25519 import HostEd25519, encode, jwk

SERVICE = {service.name: service for service in SERVICES}
CURRENT, NEXT = jwk(6, "2026-11"), jwk(7, "2026-12")
PREVIOUS = {name: value for name, value in jwk(8, "2026-10").items() if name != "d"}
JWKS = json.dumps({"keys": [CURRENT, NEXT, PREVIOUS]})


@dataclass(frozen=True)
class Modes:
    """Addresses of gateways and of the Worker that makes RPC calls, of the set that works and of those without a store."""

    gateway: str
    caller: str
    gateway_down: str
    caller_down: str
    gateway_kv: str
    log: Path

    async def call(self, method: str, *args: object, down: bool = False) -> Any:
        async with httpx.AsyncClient(timeout=60) as client:
            told = json.dumps({"binding": "AUTH", "method": method, "args": args})
            return (await client.post(self.caller_down if down else self.caller, content=told)).json()


def _add(runtime: CaseRuntime, suffix: str, changes: dict[str, dict[str, str]]) -> tuple[str, str]:
    """The gateway's address and the caller's."""
    running = json.loads((DATA / "workers" / "configuration.json").read_text())["workers"]
    variables = {worker["name"]: worker["variables"] for worker in running if "variables" in worker}
    for name in ("db", "auth", "gateway"):
        worker = asdict(
            local_worker(
                SERVICE[name], {**variables[name], **changes.get(name, {})}, free_port(), official_runtime=False
            )
        )
        bound = {binding: f"{to}{suffix}" for binding, to in worker["services"].items() if to in ("db", "auth")}
        worker |= {"name": f"{name}{suffix}", "services": bound, "crons": []}
        if name == "auth" and suffix == "-kv":
            # Bound to a Worker that has no put and no list: every use fails, as it does while KV is down.
            bound |= dict.fromkeys(worker["kv"], f"caller{suffix}")
            worker["kv"] = {}
        del worker["port"]
        gateway = runtime.add(**worker)
    services = {"AUTH": f"auth{suffix}"}
    return gateway, runtime.javascript(f"caller{suffix}", CALLER, services)


@pytest.fixture(scope="module")
def modes(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Modes]:
    runtime = CaseRuntime(tmp_path_factory.mktemp("modes"))
    nowhere = f"http://127.0.0.1:{free_port()}/sql"
    production = {"ENVIRONMENT": "production", "JWT_PRIVATE_JWKS": JWKS}
    live = _add(runtime, "", {"auth": production})
    down = _add(runtime, "-down", {"db": {"NEON_HTTP_ENDPOINT": nowhere}})
    kv = _add(runtime, "-kv", {"auth": {"ATTEMPT_LIMITS": "", "LOCKOUT_MAX_S": ""}})
    with asyncio.Runner() as runner:
        try:
            runner.run(runtime.start())
            yield Modes(*live, *down, kv[0], runtime.folder / "workers.log")
        finally:
            runner.run(runtime.stop())


def bearer(credential: str) -> dict[str, str]:
    return {"authorization": f"Bearer {credential}"}


async def test_tokens_are_signed_by_the_first_published_key(modes: Modes, platform: Platform) -> None:
    made = (await modes.call("createSession", "usr_user"))["ok"]
    async with httpx.AsyncClient(base_url=modes.gateway) as client:
        published = await client.get("/auth/.well-known/jwks.json")
        me = await client.get("/auth/me", headers=bearer(made["token"]))
    assert me.json()["id"] == "usr_user"
    keys = published.json()["keys"]
    assert [key["kid"] for key in keys] == ["2026-11", "2026-12", "2026-10"]
    assert not [key for key in keys if set(key) - {"kty", "crv", "x", "kid", "alg", "use"}]
    assert (await modes.call("jwks"))["ok"] == {"keys": keys}
    header = jwt.get_unverified_header(made["token"])
    assert (header["alg"], header["kid"], header["typ"]) == ("EdDSA", "2026-11", "at+jwt")
    chosen = jwt.PyJWKSet.from_dict({"keys": keys})["2026-11"]
    claims = jwt.decode(made["token"], chosen.key, algorithms=["EdDSA"], audience="dotdo", issuer="dotdo-auth")
    assert claims["sid"] == made["session"]["id"]
    # The stack's own auth has a shared secret: it believes none of these, nor this one its tokens.
    assert (await platform.result("AUTH", "verify", made["token"]))["code"] == "NOT_FOUND"
    other = await platform.result("AUTH", "createSession", "usr_user")
    assert (await modes.call("verify", other["token"]))["ok"]["code"] == "NOT_FOUND"


async def test_the_keys_beside_the_first_are_accepted_and_others_are_not(modes: Modes) -> None:
    session = (await modes.call("createSession", "usr_user"))["ok"]["session"]["id"]
    held = Bearer("usr_user", session, "user", None, [])

    async def by(*keys: dict[str, Any]) -> str:
        texts = {"JWT_PRIVATE_JWKS": json.dumps({"keys": keys})}
        issuer = AccessTokens(FakeBindings(texts, clock=FakeClock(time.time()), ed25519=HostEd25519()))
        answer: str = (await modes.call("verify", await issuer.issue(held)))["ok"]["code"]
        return answer

    assert await by(CURRENT) == "VALID"
    assert await by(NEXT) == "VALID"
    assert await by(jwk(8, "2026-10")) == "VALID"
    assert await by(jwk(9, "2026-11")) == "NOT_FOUND"
    assert await by(jwk(9, "unknown")) == "NOT_FOUND"
    assert await by({**NEXT, "kid": "2026-11"}) == "NOT_FOUND"


@pytest.mark.parametrize("length", [0, 1, 63, 64, 65, 128])
async def test_a_signature_of_any_length_by_a_known_key_is_no_failure(modes: Modes, length: int) -> None:
    header = encode(json.dumps({"alg": "EdDSA", "typ": "at+jwt", "kid": "2026-11"}).encode())
    told = await modes.call("verify", f"{header}.e30.{encode(bytes(length))}")
    assert told["ok"]["valid"] is False


async def test_a_token_nested_without_end_is_no_token(modes: Modes) -> None:
    """Its header is read before its signature is known to hold; the parser's recursion has no guard on this runtime."""
    for bomb in (b"[" * 50_000, b'{"kid":' * 20_000):
        header = encode(bomb)
        for token in (f"{header}.e30.AAAA", f"e30.{header}.AAAA"):
            assert (await modes.call("verify", token))["ok"]["valid"] is False
    assert (await modes.call("health"))["ok"]["status"] == "ok"


async def test_test_keys_are_refused_in_production(modes: Modes, platform: Platform) -> None:
    assert (await modes.call("verify", platform.keys["admin"]))["ok"]["code"] == "WRONG_ENVIRONMENT"
    assert (await modes.call("validateApiKey", platform.keys["admin"]))["ok"] is None
    async with httpx.AsyncClient(base_url=modes.gateway) as client:
        answer = await client.get("/db/things/demo/welcome", headers=bearer(platform.keys["admin"]))
        problem(answer, 401, "WRONG_ENVIRONMENT")
        live = (await modes.call("createApiKey", {"userId": "usr_user", "name": "live"}))["ok"]["key"]
        assert live.startswith("sk_live_")
        assert (await client.get("/auth/me", headers=bearer(live))).json()["kind"] == "api_key"


async def test_without_a_database_nobody_is_let_in(modes: Modes, platform: Platform) -> None:
    token = (await platform.result("AUTH", "createSession", "usr_admin"))["token"]
    async with httpx.AsyncClient(base_url=modes.gateway_down, timeout=60) as client:
        for credential in (platform.keys["admin"], api_keys.generate("live"), token):
            for path in ("/auth/me", "/auth/users", "/auth/apikeys"):
                problem(await client.get(path, headers=bearer(credential)), 503, "UNAVAILABLE")
        refreshed = await client.post("/auth/refresh", json={"refresh_token": "x" * 43})
        problem(refreshed, 503, "UNAVAILABLE")
        assert (await client.get("/auth/health")).json()["status"] == "degraded"
    for method, argument in [
        ("verify", platform.keys["admin"]),
        ("validateToken", token),
        ("checkPermission", {"userId": "usr_admin", "resource": "things", "action": "read"}),
        ("refreshSession", "x" * 43),
        ("revokeAllSessions", "usr_admin"),
    ]:
        answer = await modes.call(method, argument, down=True)
        assert "UNAVAILABLE" in answer["error"]["message"], (method, answer)


async def test_without_a_database_nobody_signs_in(modes: Modes) -> None:
    async with httpx.AsyncClient(base_url=modes.gateway_down, timeout=60) as browser, httpx.AsyncClient() as workos:
        begun = await browser.get("/auth/login", params={"login_hint": "viewer@example.com"})
        assert begun.status_code == 302
        back = httpx.URL((await workos.get(begun.headers["location"])).headers["location"])
        answer = await browser.get(back.raw_path.decode())
        problem(answer, 503, "UNAVAILABLE")
        assert "set-cookie" not in answer.headers
        assert (await browser.get("/auth/session")).status_code == 401


async def test_without_kv_limits_hold_and_nobody_is_kept_out(modes: Modes) -> None:
    def at(address: str) -> dict[str, str]:
        return {"cf-connecting-ip": address}

    async with httpx.AsyncClient(base_url=modes.gateway_kv, timeout=60) as client:
        answers = [(await client.get("/auth/login", headers=at("203.0.113.50"))).status_code for _ in range(11)]
        assert answers == [302] * 10 + [429]
        guess = {"refresh_token": "x" * 43}
        client.cookies.clear()
        problem(await client.post("/auth/refresh", json=guess, headers=at("203.0.113.51")), 401, "NOT_FOUND")
        assert (await client.get("/auth/login", headers=at("203.0.113.52"))).status_code == 302
        assert (await client.get("/auth/health")).json()["status"] == "ok"
        async with asyncio.timeout(60):
            while "rate_limits.gossip_failed" not in modes.log.read_text():
                await asyncio.sleep(0.2)
        assert (await client.get("/auth/login", headers=at("203.0.113.53"))).status_code == 302
        assert "deferred.failed" not in modes.log.read_text()


async def test_what_is_malformed_is_refused_without_the_database(modes: Modes) -> None:
    key = api_keys.generate("test")
    wrong = key[:-1] + ("0" if key[-1] != "0" else "1")
    for credential in (wrong, "sk_test_x", "x", "a.b.c", "a.b"):
        assert (await modes.call("verify", credential, down=True))["ok"]["code"] in ("MALFORMED", "NOT_FOUND")


def test_no_private_key_is_in_the_log(modes: Modes, tmp_path_factory: pytest.TempPathFactory) -> None:
    logs = [file.read_text() for file in Path(tmp_path_factory.getbasetemp()).glob("modes*/workers.log")]
    assert logs
    assert not any(CURRENT["d"] in log for log in logs)
