"""Content codings of requests and answers, both incremental."""

import sys
import zlib
from collections.abc import Callable, Mapping
from typing import Protocol

import lz4.frame  # type: ignore[import-untyped]

from scripts.stores.clickhouse.errors import CANNOT_DECOMPRESS, UNSUPPORTED_MEDIA_TYPE, refuse

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

GZIP_WINDOW = 31  # zlib's own number for gzip framing with the largest window
ZLIB_WINDOW = 15


class Decompressor(Protocol):
    """What zlib, lz4 and zstd share."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes | None: ...

    def decompress(self, data: bytes, /) -> bytes: ...


class Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


class _Lz4Compressor:
    """lz4's needs an explicit beginning."""

    def __init__(self) -> None:
        self._frame = lz4.frame.LZ4FrameCompressor()
        self._begin: bytes = self._frame.begin()

    def compress(self, data: bytes, /) -> bytes:
        begin, self._begin = self._begin, b""
        compressed: bytes = self._frame.compress(data)
        return begin + compressed

    def flush(self) -> bytes:
        end: bytes = self._frame.flush()
        return self._begin + end


DECOMPRESSORS: Mapping[str, Callable[[], Decompressor]] = {
    "gzip": lambda: zlib.decompressobj(GZIP_WINDOW),
    "x-gzip": lambda: zlib.decompressobj(GZIP_WINDOW),
    "deflate": lambda: zlib.decompressobj(ZLIB_WINDOW),
    "lz4": lz4.frame.LZ4FrameDecompressor,
    "zstd": zstd.ZstdDecompressor,
}
# In the order this server prefers them.
COMPRESSORS: Mapping[str, Callable[[], Compressor]] = {
    "lz4": _Lz4Compressor,
    "zstd": lambda: zstd.ZstdCompressor(level=1),
    "gzip": lambda: zlib.compressobj(3, zlib.DEFLATED, GZIP_WINDOW),
    "deflate": lambda: zlib.compressobj(3, zlib.DEFLATED, ZLIB_WINDOW),
}


class Decoder:
    """Undoes a request's Content-Encoding. Bodies may be several compressed frames in a row."""

    def __init__(self, coding: str) -> None:
        self._new = None
        if coding not in ("", "identity"):
            if coding not in DECOMPRESSORS:
                known = ", ".join(DECOMPRESSORS)
                raise refuse(
                    UNSUPPORTED_MEDIA_TYPE, f"Unknown Content-Encoding '{coding[:40]}'; this server knows: {known}"
                )
            self._new = DECOMPRESSORS[coding]
        self._current: Decompressor | None = None

    def decode(self, data: bytes) -> bytes:
        """Raises ClickHouseError when the data is not what the header says."""
        if self._new is None:
            return data
        parts = []
        while data:
            if self._current is None:
                self._current = self._new()
            try:
                parts.append(self._current.decompress(data))
            except (zlib.error, zstd.ZstdError, RuntimeError, EOFError) as error:
                raise refuse(CANNOT_DECOMPRESS, f"Cannot decompress the request's body: {error}") from None
            if not self._current.eof:
                break
            data = self._current.unused_data or b""
            self._current = None
        return b"".join(parts)

    def finish(self) -> None:
        """Raises ClickHouseError when the data ended early."""
        if self._current is not None:
            raise refuse(CANNOT_DECOMPRESS, "Cannot decompress the request's body: it ends early")


def choose(accepted: str) -> str:
    """The coding to answer with, from an Accept-Encoding; empty for none."""
    offered = {part.split(";")[0].strip().lower() for part in accepted.split(",") if not _refused(part)}
    return next((coding for coding in COMPRESSORS if coding in offered), "")


def _refused(part: str) -> bool:
    return part.replace(" ", "").lower().endswith((";q=0", ";q=0.0", ";q=0.00", ";q=0.000"))
