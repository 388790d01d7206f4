"""The request's body as it arrives, and the moment the client goes away."""

import asyncio

from starlette.types import Receive

from scripts.stores.clickhouse.compression import Decoder


class ClientGone(Exception):
    """The client closed the connection; nobody waits for an answer."""


class Body:
    """Decoded pieces of the body. Reads no further than asked, so that a fast sender waits for a slow statement."""

    def __init__(self, receive: Receive, coding: str) -> None:
        self._receive = receive
        self._decoder = Decoder(coding)
        self.ended = False

    async def next(self) -> bytes:
        """The next piece; empty at the end, and sometimes before it. Raises ClientGone and ClickHouseError."""
        if self.ended:
            return b""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        piece = self._decoder.decode(message.get("body", b""))
        if not message.get("more_body", False):
            self._decoder.finish()
            self.ended = True
        return piece

    async def read(self, size: int) -> bytes:
        """At least so many bytes, or all that there are."""
        data = bytearray()
        while not self.ended and len(data) < size:
            data += await self.next()
        return bytes(data)

    def disconnect(self) -> "asyncio.Task[None]":
        """Done when the client has closed the connection. To be asked for once the body has been read."""

        async def wait() -> None:
            while (await self._receive())["type"] != "http.disconnect":
                pass

        return asyncio.create_task(wait())
