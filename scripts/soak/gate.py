"""Stands between a Worker and a store: passes bytes on, or cuts, delays and holds them back, as it is told."""

import asyncio
from contextlib import suppress

from scripts.stack.process import LOOPBACK

CHUNK = 65_536


class Gate:
    """Listens between `start` and `stop`. `delay_s` is what each piece of a request waits before it goes on; while it is
    `shut`, no connection gets further than here.
    """

    def __init__(self, port: int, upstream: int) -> None:
        self.port, self.upstream = port, upstream
        self.delay_s = 0.0
        self.shut = False
        self._answers = asyncio.Event()
        self._answers.set()
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self.port)

    async def stop(self) -> None:
        self.release()
        self.cut()
        if self._server is not None:
            self._server.close()

    def cut(self) -> None:
        """Ends every connection at once, whatever is under way on it."""
        for writer in self._open:
            writer.transport.abort()

    def hold(self) -> None:
        """From now on the store does what it is asked and nobody hears of it."""
        self._answers.clear()

    def release(self) -> None:
        self._answers.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self.shut:
                raise ConnectionRefusedError
            inner, outer = await asyncio.open_connection(LOOPBACK, self.upstream)
        except OSError:  # the store is down
            writer.transport.abort()
            return
        both = {writer, outer}
        self._open |= both
        with suppress(ConnectionError):
            await asyncio.gather(self._requests(reader, outer), self._replies(inner, writer))
        for one in both:
            one.transport.abort()
        self._open -= both

    async def _requests(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(CHUNK):
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            sink.write(data)
            await sink.drain()
        raise ConnectionAbortedError  # the other direction ends with this one

    async def _replies(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(CHUNK):
            await self._answers.wait()
            sink.write(data)
            await sink.drain()
        raise ConnectionAbortedError
