"""One HTTP answer: headers, a body at once or in parts, errors before and after the first part."""

import json
import re
import secrets
from collections.abc import Mapping

from starlette.types import Send

from scripts.stores.clickhouse.engine import Progress
from scripts.stores.clickhouse.errors import ClickHouseError
from scripts.stores.clickhouse.formats import media_type

DISPLAY_NAME = "dotdo-local"
KEEP_ALIVE_S = 30

_UNSENDABLE = re.compile(r"[^\x20-\x7e]")  # a client's own query id may hold anything


class Answer:
    """Sends at most one response."""

    def __init__(self, send: Send, version: str, timezone: str) -> None:
        self._send = send
        self._version = version
        self._tag = secrets.token_hex(8)
        self.started = False
        self.headers = {"x-clickhouse-timezone": timezone, "x-clickhouse-server-display-name": DISPLAY_NAME}

    async def plain(self, status: int, text: str) -> None:
        """A short text that is no result."""
        await self._whole(status, {"content-type": "text/plain; charset=UTF-8"}, text.encode())

    async def result(self, output_format: str | None, coding: str, progress: Progress, body: bytes) -> None:
        """A result that is complete."""
        await self._whole(200, self._of_result(output_format, coding, progress), body)

    async def begin(self, output_format: str | None, coding: str, progress: Progress) -> None:
        """A result that follows in parts."""
        await self._start(200, self._of_result(output_format, coding, progress))

    async def part(self, data: bytes, *, last: bool) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": not last})

    async def error(self, error: ClickHouseError) -> None:
        """An error before anything was sent."""
        headers = {"content-type": "text/plain; charset=UTF-8", "x-clickhouse-exception-code": str(error.code)}
        if error.status == 401:
            headers["www-authenticate"] = 'Basic realm="ClickHouse server HTTP API"'
        await self._whole(error.status, headers, self._text(error).encode())

    def last_words(self, error: ClickHouseError) -> bytes:
        """What a client finds at the end of a result that broke off, next to a connection that ends too early.

        Format: ClickHouse src/Server/HTTP/WriteBufferFromHTTPServerResponse.cpp.
        """
        message = self._text(error).rstrip("\n").encode()
        size = len(message) + 1
        mark, tag = b"__exception__", self._tag.encode()
        return b"\r\n".join([b"", mark, tag, message + b"\n" + f"{size} ".encode() + tag, mark, b""])

    def _text(self, error: ClickHouseError) -> str:
        return f"{error} (version {self._version} (official build))\n"

    def _of_result(self, output_format: str | None, coding: str, progress: Progress) -> Mapping[str, str]:
        headers = {
            "content-type": media_type(output_format) if output_format else "text/plain; charset=UTF-8",
            "x-clickhouse-exception-tag": self._tag,
            "x-clickhouse-summary": _summary(progress),
        }
        if output_format:
            headers["x-clickhouse-format"] = output_format
        return {**headers, "content-encoding": coding} if coding else headers

    async def _whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        await self._start(status, {**headers, "content-length": str(len(body))})
        await self.part(body, last=True)

    async def _start(self, status: int, headers: Mapping[str, str]) -> None:
        self.started = True
        named = {**self.headers, "keep-alive": f"timeout={KEEP_ALIVE_S}", **headers}
        raw = [(name.encode(), _UNSENDABLE.sub("?", value).encode()) for name, value in named.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})


def _summary(progress: Progress) -> str:
    """Numbers as strings, as the server writes them."""
    found = {name: str(value) for name, value in vars(progress).items()}
    return json.dumps({**found, "total_rows_to_read": found["read_rows"]}, separators=(",", ":"))
