"""A proxy between a Worker and a store that fails as it is told: one fault for each request, none when none are left."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType

from scripts.stack.process import LOOPBACK

Fault = Callable[[bytes, "FaultProxy"], Awaitable[bytes | None]]
"""Takes the request, returns the bytes of the answer before the connection closes, or None to cut it without a word."""


class FaultProxy:
    """Listens while it is entered. `seen` are the requests that came, `faults` what happens to the next ones."""

    def __init__(self, port: int, upstream: int) -> None:
        self.port, self.upstream = port, upstream
        self.faults: deque[Fault] = deque()
        self.usual: Fault = passed
        """What happens to a request when no fault is left."""
        self.seen: list[bytes] = []
        self.held = asyncio.Event()
        """Set when a request is being held back."""
        self.release = asyncio.Event()
        """Lets held requests go on."""
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "FaultProxy":
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, where: TracebackType | None) -> None:
        assert self._server is not None
        self.release.set()
        self._server.close()
        while self._serving:  # what a Worker still asks for after its answer, or asks for now
            for task in self._serving:
                task.cancel()
            await asyncio.wait(self._serving)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "asyncio serves each connection in a task"
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._answer(reader, writer)
            writer.close()
        except asyncio.CancelledError:  # and no more: the protocol of the connection would log it
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await _message(reader)
        self.seen.append(request)
        fault = self.faults.popleft() if self.faults else self.usual
        answer = await fault(request, self)
        if answer is None:
            writer.transport.abort()
        else:
            writer.write(answer)
            await writer.drain()

    async def forward(self, request: bytes) -> bytes:
        """The store's own answer, as it came."""
        reader, writer = await asyncio.open_connection(LOOPBACK, self.upstream)
        try:
            head, _, body = request.partition(b"\r\n\r\n")
            lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
            writer.write(b"\r\n".join([*lines, b"connection: close"]) + b"\r\n\r\n" + body)
            return await reader.read()
        finally:
            writer.close()


async def _message(reader: asyncio.StreamReader) -> bytes:
    """One request, with its body by length or in chunks."""
    head = await reader.readuntil(b"\r\n\r\n")
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:] if b":" in line)
    if b"chunked" in fields.get(b"transfer-encoding", b""):
        body = b""
        while not body.endswith(b"0\r\n\r\n"):
            body += await reader.readuntil(b"\r\n")
        return head + body
    return head + await reader.readexactly(int(fields.get(b"content-length", b"0")))


def answer(status: str, body: bytes, content_type: str = "application/json", extra: str = "") -> bytes:
    fields = f"content-type: {content_type}\r\n{extra}content-length: {len(body)}\r\nconnection: close\r\n"
    return f"HTTP/1.1 {status}\r\n{fields}\r\n".encode() + body


async def passed(request: bytes, proxy: FaultProxy) -> bytes:
    """No fault."""
    return await proxy.forward(request)


async def cut_before(_request: bytes, _proxy: FaultProxy) -> None:
    """The store never sees the request."""


async def cut_after(request: bytes, proxy: FaultProxy) -> None:
    """The store has done what was asked, and nobody hears of it."""
    await proxy.forward(request)


async def cut_within(request: bytes, proxy: FaultProxy) -> bytes:
    """The answer ends in the middle of its body."""
    return (await proxy.forward(request))[:-20]


async def held(request: bytes, proxy: FaultProxy) -> bytes | None:
    """Nothing comes back until the proxy is told to go on, and then a cut."""
    proxy.held.set()
    await proxy.release.wait()
    return None


def says(status: str, body: bytes, content_type: str = "application/json", extra: str = "") -> Fault:
    """The store answers this, whatever it was asked."""

    async def fault(_request: bytes, _proxy: FaultProxy) -> bytes:
        return answer(status, body, content_type, extra)

    return fault
