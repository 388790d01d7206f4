"""What ClickHouse answers: formats, streams, and errors in their midst."""

import httpx
import pytest

from tests.stores.clickhouse_http.client import MEGABYTE, Client, nothing_runs

pytestmark = pytest.mark.asyncio(loop_scope="module")

# What reading one result may add to the server's memory, whatever its size: some blocks of it in each step of the pipeline.
STREAM_BYTES = 256 * MEGABYTE


async def test_native_both_ways(client: Client) -> None:
    table = await client.table("a UInt64, b Array(Nullable(String)), c LowCardinality(String)")
    rows = "select number as a, ['x', null] as b, toString(number % 3) as c from numbers(100000)"
    data = (await client.post(f"{rows} format Native")).content
    await client.text(f"insert into {table} format Native", data)
    again = f"select a, b, c::String from {table} order by a"
    assert await client.text(again) == await client.text(rows)


HEADED = [
    "TSVWithNames", "TabSeparatedWithNamesAndTypes", "CSVWithNames", "CSVWithNamesAndTypes", "JSONCompactEachRowWithNames",
    "JSONCompactEachRowWithNamesAndTypes", "JSONCompactStringsEachRowWithNamesAndTypes", "RowBinaryWithNames",
    "RowBinaryWithNamesAndTypes",
]  # fmt: skip


@pytest.mark.parametrize("headed", HEADED)
async def test_a_streamed_result_has_one_header(client: Client, headed: str) -> None:
    plain = headed.partition("With")[0]
    sql = 'select number as "a ""b\n", toString(number) as s from numbers(50000) settings max_block_size = 1000'
    sent, rows = [(await client.post(f"{sql} format {one}")).content for one in (headed, plain)]
    assert sent.endswith(rows)
    header = sent[: -len(rows)]
    assert 0 < len(header) < 100
    empty = await client.post(sql.replace("50000", "0") + f" format {headed}")
    assert empty.content == header


@pytest.mark.parametrize(
    "output_format", ["JSON", "JSONCompact", "JSONColumns", "XML", "Pretty", "Vertical", "Markdown", "Values"]
)
async def test_other_formats_are_one_document(client: Client, output_format: str) -> None:
    answer = await client.post(
        f"select number from numbers(30000) settings max_block_size = 1000 format {output_format}"
    )
    assert answer.status_code == 200
    assert "transfer-encoding" not in answer.headers
    if output_format == "JSON":
        found = answer.json()
        assert (found["rows"], len(found["data"]), found["statistics"]["rows_read"]) == (30000, 30000, 30000)


async def test_totals_and_extremes(client: Client) -> None:
    totals = await client.text("select number % 2 as k, count() from numbers(4) group by k with totals order by k")
    assert totals == "0\t2\n1\t2\n\n0\t4\n"
    assert await client.text("select number from numbers(3)", extremes=1) == "0\n1\n2\n\n0\n2\n"


async def test_a_large_result_is_streamed_in_bounded_memory(client: Client) -> None:
    process = client.process()
    before, peak, size = process.memory_info().rss, 0, 0
    sql = "select number, repeat('x', 1000) from numbers(800000)"
    async with client.http.stream("POST", "/", content=sql) as answer:
        assert answer.headers["transfer-encoding"] == "chunked"
        async for piece in answer.aiter_raw(MEGABYTE):
            size += len(piece)
            peak = max(peak, process.memory_info().rss)
    assert size > 3 * STREAM_BYTES
    assert peak - before < STREAM_BYTES


async def test_a_reader_that_waits_makes_the_server_wait(client: Client) -> None:
    process = client.process()
    before = process.memory_info().rss
    sql = "select repeat('x', 1000) from numbers(100000000)"
    async with client.http.stream("POST", "/", content=sql, params={"query_id": "slow"}) as answer:
        assert answer.status_code == 200
        for _ in range(20):
            await client.text("select 1")
        assert process.memory_info().rss - before < STREAM_BYTES
    await nothing_runs(client, "slow")


async def test_waiting_for_the_end(client: Client) -> None:
    late = "select throwIf(number = 1999999), repeat('x', 100) from numbers(2000000)"
    await client.error(395, 500, late, wait_end_of_query=1)
    answer = await client.post("select repeat('x', 100) from numbers(200000)", wait_end_of_query=1)
    assert answer.text == ("x" * 100 + "\n") * 200000


async def test_an_error_in_mid_result_cuts_the_connection(client: Client) -> None:
    sql = "select throwIf(number = 5000000, 'on purpose'), number from numbers(100000000)"
    received = bytearray()
    with pytest.raises(httpx.RemoteProtocolError):
        async with client.http.stream("POST", "/", content=sql, params={"max_threads": 1}) as answer:
            assert answer.status_code == 200
            tag = answer.headers["x-clickhouse-exception-tag"].encode()
            async for piece in answer.aiter_raw():
                received += piece
    end = bytes(received[-2000:])
    message = end.partition(b"\r\n__exception__\r\n" + tag + b"\r\n")[2]
    text, _, size = message.removesuffix(b" " + tag + b"\r\n__exception__\r\n").rpartition(b"\n")
    assert text.startswith(b"Code: 395. DB::Exception: on purpose")
    assert int(size) == len(text) + 1
