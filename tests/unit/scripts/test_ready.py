"""When the Workers count as ready."""

import asyncio

import pytest

from scripts.runtime.workers import all_answer
from scripts.stack.process import LOOPBACK

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
NOTHING = b""


class Worker:
    """Answers with the same bytes each time, and not before `after` is set."""

    def __init__(self, answer: bytes, after: asyncio.Event | None = None) -> None:
        self._answer = answer
        self._after = after
        self.answered = False
        self.gone = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if self._after:
            await self._after.wait()
        writer.write(self._answer)
        self.answered = True
        writer.write_eof()
        await reader.read()  # the caller has seen it, and closed its end
        self.gone.set()
        writer.close()


async def ready(*workers: Worker) -> bool:
    servers = [await asyncio.start_server(worker.serve, LOOPBACK, 0) for worker in workers]
    try:
        return await all_answer(f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}" for server in servers)
    finally:
        for server in servers:
            server.close()


@pytest.mark.parametrize("answer", [BUSY, NOTHING])
async def test_ready_is_when_each_answers_200(answer: bytes) -> None:
    assert await ready(Worker(OK), Worker(OK))
    assert not await ready(Worker(OK), Worker(answer))


async def test_a_worker_that_fails_leaves_no_request_to_another_behind() -> None:
    fails = Worker(NOTHING)
    other = Worker(OK, after=fails.gone)
    assert not await ready(fails, other)
    assert other.answered
