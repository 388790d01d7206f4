"""Bodies of requests to ClickHouse: compressed, chunked, as forms."""

import gzip
import json
from collections.abc import AsyncIterator

import pytest

from scripts.stores.clickhouse.compression import COMPRESSORS, DECOMPRESSORS
from tests.stores.clickhouse_http.client import MEGABYTE, Client

pytestmark = pytest.mark.asyncio(loop_scope="module")


def pack(coding: str, data: bytes) -> bytes:
    compressor = COMPRESSORS[coding]()
    return compressor.compress(data) + compressor.flush()


@pytest.mark.parametrize("coding", COMPRESSORS)
async def test_compression_both_ways(client: Client, coding: str) -> None:
    table = await client.table("a UInt64")
    rows = "".join(f"{number}\n" for number in range(300000)).encode()
    packed = pack(coding, rows[:MEGABYTE]) + pack(coding, rows[MEGABYTE:])  # two frames in a row
    answer = await client.post(f"insert into {table} format CSV", packed, {"content-encoding": coding})
    assert answer.status_code == 200, answer.text
    for output_format in ("CSV", "JSON"):
        sql = f"select a from {table} order by a format {output_format}"
        plain = (await client.post(sql, headers={"accept-encoding": coding})).content
        params = {"query": sql, "enable_http_compression": "1"}
        async with client.http.stream("GET", "/", params=params, headers={"accept-encoding": coding}) as answer:
            assert answer.headers["content-encoding"] == coding
            received = b"".join([piece async for piece in answer.aiter_raw()])
        unpacked = DECOMPRESSORS[coding]().decompress(received)
        assert len(received) < len(plain)
        if output_format == "CSV":
            assert unpacked == plain == rows
        else:
            assert json.loads(unpacked)["data"] == json.loads(plain)["data"]


async def test_compression_that_cannot_be_undone(client: Client) -> None:
    for coding, code, status in (("gzip", "271", 500), ("br", "755", 415)):
        for data in (b"select 1", gzip.compress(b"select 1")[:-3] if coding == "gzip" else b"x"):
            answer = await client.post(data, headers={"content-encoding": coding})
            assert (answer.headers["x-clickhouse-exception-code"], answer.status_code) == (code, status), answer.text
    await client.error(48, 501, "select 1", compress=1)


async def test_chunked_bodies(client: Client) -> None:
    table = await client.table("a UInt64")

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, 2_000_000, 20_000):
            yield "".join(f"{number}\n" for number in range(start, start + 20_000)).encode()

    answer = await client.http.post("/", params={"query": f"insert into {table} format CSV"}, content=pieces())
    assert json.loads(answer.headers["x-clickhouse-summary"])["written_rows"] == "2000000"
    assert await client.text(f"select count(), max(a) from {table}") == "2000000\t1999999\n"

    async def statement() -> AsyncIterator[bytes]:
        for word in (b"select", b" 1", b" + 1"):
            yield word

    assert (await client.http.post("/", content=statement())).text == "2\n"


async def test_forms(client: Client) -> None:
    long = "x'\\n" * 100_000
    form = {"query": (None, "select length({p:String}), {q:UInt8}"), "param_p": (None, long), "param_q": (None, "7")}
    answer = await client.http.post("/", files=form)
    assert answer.text == f"{len(long) - 100_000}\t7\n"
    answer = await client.http.post("/", files={"query": (None, "select 1"), "t": ("t.csv", b"1")})
    assert (answer.status_code, answer.headers["x-clickhouse-exception-code"]) == (501, "48")
