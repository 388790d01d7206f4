"""What goes through the gateway as it is: bodies of any size both ways, WebSockets, hang-ups, headers."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from scripts.bench.runtime import runtime_below
from scripts.stack.process import LOOPBACK
from tests.e2e.gateways import hasty, limited
from tests.e2e.platform import Platform, problem

MIB = 1024 * 1024
SIZE = 50 * MIB


@pytest.fixture
async def behind(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the gateway that has the echo Worker behind /fn and /agent."""
    async with hasty(platform, "admin") as client:
        yield client


def resident_mib(platform: Platform) -> float:
    return float(runtime_below(platform.pid).process.memory_info().rss) / MIB


async def test_fifty_megabytes_come_down_with_flat_memory(platform: Platform, behind: httpx.AsyncClient) -> None:
    before, most, received = resident_mib(platform), 0.0, 0
    async with behind.stream("GET", f"/fn/download?bytes={SIZE}") as response:
        assert response.status_code == 200
        async for chunk in response.aiter_raw():
            received += len(chunk)
            most = max(most, resident_mib(platform))
    print(f"50 MiB down: {before:.0f} MiB resident before, at most {most:.0f}")
    assert received == SIZE
    assert most - before < 25


async def upload(platform: Platform, headers: dict[str, str]) -> float:
    """Sends `SIZE` bytes; the most MiB the runtime held meanwhile."""
    most = 0.0

    async def body() -> AsyncIterator[bytes]:
        nonlocal most
        for _ in range(SIZE // MIB):
            yield b"x" * MIB
            most = max(most, resident_mib(platform))

    async with limited(platform, "admin") as client:
        response = await client.post("/fn/upload", content=body(), headers=headers)
    assert response.json() == {"bytes": SIZE}
    return most


async def test_fifty_megabytes_go_up_with_flat_memory(platform: Platform) -> None:
    before = resident_mib(platform)
    most = await upload(platform, {"content-length": str(SIZE)})
    print(f"50 MiB up: {before:.0f} MiB resident before, at most {most:.0f}")
    assert most - before < 25


async def test_chunked_uploads_do_not_add_up(platform: Platform) -> None:
    """Chunks that are counted are garbage until V8 collects it, which it does in its own time: it levels off after 350 MiB."""
    before = resident_mib(platform)
    most = [await upload(platform, {}) for _ in range(9)]
    print(f"9 x 50 MiB up in chunks: {before:.0f} MiB resident before, at most {[round(one) for one in most]}")
    assert most[-1] - most[6] < 50, "100 MiB more"


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "chunked"])
async def test_a_body_beyond_the_limit_is_413_announced_or_not(platform: Platform, chunked: bool) -> None:
    """By a gateway with time: 11 MiB that are counted take more than half a second on a busy machine."""

    async def body() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * MIB

    headers = {} if chunked else {"content-length": str(11 * MIB)}
    async with limited(platform, "admin") as client:
        before = (await client.get("/agent/uploaded")).json()
        problem(await client.post("/agent/upload", content=body(), headers=headers), 413, "PAYLOAD_TOO_LARGE")
        assert (await client.get("/agent/uploaded")).json() == before, "what may pass of it is not all of it"


async def test_a_client_that_hangs_up_cancels_the_call_behind(behind: httpx.AsyncClient) -> None:
    before = (await behind.get("/fn/cancelled")).json()
    async with behind.stream("GET", f"/fn/download?bytes={100 * SIZE}") as response:
        async for _ in response.aiter_raw():
            break
    async with asyncio.timeout(20):
        while (await behind.get("/fn/cancelled")).json() == before:
            await asyncio.sleep(0.05)


async def test_a_websocket_goes_through(platform: Platform, behind: httpx.AsyncClient) -> None:
    address = f"ws://{behind.base_url.host}:{behind.base_url.port}/fn/socket"
    key = {"authorization": f"Bearer {platform.keys['admin']}"}
    async with connect(address, additional_headers=key) as socket:
        for word in ("one", "two"):
            await socket.send(word)
            assert await socket.recv() == f"echo {word}"


async def test_a_websocket_needs_a_credential_and_not_one_a_foreign_page_brings(
    platform: Platform, behind: httpx.AsyncClient
) -> None:
    address = f"ws://{behind.base_url.host}:{behind.base_url.port}/fn/socket"
    session = await platform.result("AUTH", "createSession", "usr_user")
    cookie, own = {"cookie": f"session={session['token']}"}, str(behind.base_url).rstrip("/")
    for headers, status in ({}, 401), (cookie, 403), ({**cookie, "origin": "https://evil.com"}, 403):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(address, additional_headers=headers):
                pass
        assert refused.value.response.status_code == status
    async with connect(address, additional_headers={**cookie, "origin": own}) as socket:
        await socket.send("ours")
        assert await socket.recv() == "echo ours"


async def test_a_worker_that_does_not_answer_in_time_is_504(behind: httpx.AsyncClient) -> None:
    body = problem(await behind.get("/fn/hang"), 504, "TIMEOUT")
    assert body["detail"] == "the fn service has not answered within 0.5 seconds"
    assert (await behind.get("/fn/status")).status_code == 418


def request_head(path: str, head: str, method: str = "POST") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: gateway\r\n{head}\r\n\r\n".encode()


async def status_of(port: int, sent: bytes, *, late: bytes = b"", ends: bool = False) -> int:
    """Of the answer to raw bytes that need not be all of a request. `ends`: and the client says that no more will come.

    `late`: what it keeps back for most of the half second that the call has.
    """
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    writer.write(sent)
    if late:
        await asyncio.sleep(0.4)  # its slowness is the case
        writer.write(late)
    if ends:
        writer.write_eof()
    async with asyncio.timeout(20):
        line = await reader.readline()
    writer.close()
    return int(line.split()[1])


@pytest.mark.parametrize(
    "sent",
    [
        request_head("/auth/webhooks/workos", "Content-Length: 100"),
        request_head("/auth/webhooks/workos", "Content-Length: 100") + b"x" * 99,
        request_head("/auth/webhooks/workos", "Transfer-Encoding: chunked"),
        request_head("/auth/webhooks/workos", "Transfer-Encoding: chunked") + b"5\r\nabcde\r\n",
    ],
    ids=["nothing", "one byte short", "no chunk", "no last chunk"],
)
async def test_clients_that_do_not_send_their_body_get_408_and_shut_nobody_out(platform: Platform, sent: bytes) -> None:
    """As many at once as open the circuit of a Worker that does not answer, and more."""
    port = platform.proxies.hasty_gateway
    assert await asyncio.gather(*(status_of(port, sent) for _ in range(8))) == [408] * 8
    async with hasty(platform) as client:
        assert (await client.get("/auth/health")).status_code == 200


@pytest.mark.parametrize(
    ("head", "body", "last"),
    [("Content-Length: 100", b"x" * 99, b"x"), ("Transfer-Encoding: chunked", b"5\r\nabcde\r\n", b"0\r\n\r\n")],
    ids=["announced", "chunked"],
)
async def test_a_worker_that_had_the_whole_body_late_has_not_failed(
    platform: Platform, head: str, body: bytes, last: bytes
) -> None:
    """As many at once as open the circuit of a Worker that does not answer, and more."""
    sent = request_head("/fn/swallow", f"Authorization: Bearer {platform.keys['admin']}\r\n{head}") + body
    port = platform.proxies.hasty_gateway
    assert await asyncio.gather(*(status_of(port, sent, late=last) for _ in range(8))) == [504] * 8
    async with hasty(platform, "admin") as client:
        assert (await client.get("/fn/status")).status_code == 418


async def test_a_refusal_does_not_wait_for_a_body_without_end(platform: Platform) -> None:
    port, head = platform.proxies.hasty_gateway, "Content-Length: 100"
    refused = [request_head("/db/things", head), request_head("/nowhere", head) + b"x"]
    assert await asyncio.gather(*(status_of(port, sent) for sent in refused)) == [401, 404]


async def test_a_body_announced_beyond_all_numbers_is_413(platform: Platform) -> None:
    key = f"Authorization: Bearer {platform.keys['admin']}"
    for length in ("9" * 19, "0" * 20 + "9" * 19):
        sent = request_head("/fn/upload", f"{key}\r\nContent-Length: {length}") + b"x"
        assert await status_of(platform.proxies.hasty_gateway, sent) == 413


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("Content-Length: 100", b"x" * 99),
        ("Transfer-Encoding: chunked", b"5\r\nabcde\r\n"),
        ("Transfer-Encoding: chunked", b"5\r\nabc"),
    ],
    ids=["one byte short", "no last chunk", "half a chunk"],
)
async def test_part_of_a_body_is_400_and_no_whole_one_to_the_worker(platform: Platform, head: str, body: bytes) -> None:
    """As many at once as open the circuit of a Worker that does not answer, and more."""
    port = platform.proxies.hasty_gateway
    sent = request_head("/fn/upload", f"Authorization: Bearer {platform.keys['admin']}\r\n{head}") + body
    async with hasty(platform, "admin") as client:
        before = (await client.get("/fn/uploaded")).json()
        assert await asyncio.gather(*(status_of(port, sent, ends=True) for _ in range(8))) == [400] * 8
        assert (await client.post("/fn/upload", content=b"abcde")).json() == {"bytes": 5}
        assert (await client.get("/fn/uploaded")).json() == before + 1


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "chunked"])
@pytest.mark.parametrize("size", [0, 100, 256 * 1024])
async def test_a_worker_that_hangs_on_a_body_is_504(behind: httpx.AsyncClient, size: int, chunked: bool) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(0, size, 4096):
            yield b"x" * min(size, 4096)

    headers = {} if chunked else {"content-length": str(size)}
    told = problem(await behind.post("/fn/hang", content=body(), headers=headers), 504, "TIMEOUT")
    what = "has not answered" if size <= 4096 else "has not taken the body"
    assert what in told["detail"]
    assert (await behind.get("/fn/status")).status_code == 418


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("head", ["Content-Length: 5", "Transfer-Encoding: chunked"])
async def test_a_body_where_none_means_anything_does_no_harm(platform: Platform, method: str, head: str) -> None:
    body = b"abcde" if "Length" in head else b"5\r\nabcde\r\n0\r\n\r\n"
    sent = request_head("/fn/status", f"Authorization: Bearer {platform.keys['admin']}\r\n{head}", method) + body
    assert await status_of(platform.proxies.hasty_gateway, sent) == 418


async def test_a_worker_that_throws_is_503_without_its_reasons(behind: httpx.AsyncClient) -> None:
    response = await behind.get("/fn/throw")
    problem(response, 503, "UNAVAILABLE")
    assert "secret of the inside" not in response.text


async def test_its_answer_comes_through_untouched(behind: httpx.AsyncClient) -> None:
    response = await behind.get("/fn/status")
    assert (response.status_code, response.text, response.headers["x-own"]) == (418, "teapot", "kept")
    assert response.headers["x-request-id"].startswith("req_")
    response = await behind.get("/fn/cookies")
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert {name.strip() for name in response.headers["vary"].split(",")} == {"Accept", "Origin"}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_what_arrives_has_our_headers_and_none_of_the_callers_claims(
    behind: httpx.AsyncClient, method: str
) -> None:
    sent = {
        "x-dotdo-identity": "forged", "x-user-id": "usr_admin", "x-forwarded-for": "1.2.3.4", "forwarded": "for=1.2.3.4",
        "connection": "x-hop", "x-hop": "1", "x-request-id": "mine", "x-kept": "yes", "te": "trailers",
    }  # fmt: skip
    arrived = (await behind.request(method, "/fn/a%20b?x=%2F&y=1", headers=sent)).json()
    assert arrived["method"] == method
    assert arrived["url"].endswith("/a%20b?x=%2F&y=1")
    headers = arrived["headers"]
    assert headers["x-dotdo-identity"].startswith("eyJ")
    assert (headers["x-request-id"], headers["x-kept"]) == ("mine", "yes")
    assert not {"x-user-id", "x-forwarded-for", "forwarded", "x-hop", "te"} & set(headers)


async def test_ready_asks_every_worker_that_is_bound(behind: httpx.AsyncClient) -> None:
    """Those of others by HTTP: /health of the echo Worker is an answer."""
    answer = await behind.get("/ready")
    assert answer.status_code == 200, answer.text
    assert answer.json()["services"] == dict.fromkeys(("auth", "db", "schedule", "fn", "agent", "ai"), "ok")


async def test_five_failures_open_the_circuit_and_others_go_on(platform: Platform) -> None:
    """The last test of this gateway's /agent: it stays shut for ten seconds."""
    async with hasty(platform, "admin") as client:
        answers = [await client.get("/agent/throw") for _ in range(6)]
        problem(answers[-1], 503, "CIRCUIT_OPEN")
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 10
        assert (await client.get("/fn/status")).status_code == 418
