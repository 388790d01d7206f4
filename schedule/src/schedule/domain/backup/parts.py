"""Rows as files: gzip over lines of JSON, hashed on the way."""

import hashlib
import re
import zlib

from schedule.domain.backup.manifest import Part

GZIP = 31
"""The window of 15 bits, and a gzip header around it; without a time in it, so that equal rows are equal files."""
LEVEL = 4

_PLAIN = re.compile(r"[^A-Za-z0-9_]")


class PartWriter:
    """Takes the lines of a table page by page, and holds no more of them than their compressed form."""

    def __init__(self, table: str, number: int) -> None:
        self._name = f"{_PLAIN.sub('-', table)}-{number:05}"
        self._compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
        self._digest = hashlib.sha256()
        self._compressed: list[bytes] = []
        self.rows = 0
        self.bytes = 0

    def add(self, lines: str, rows: int) -> None:
        """`lines`: each with its line feed."""
        text = lines.encode()
        self._digest.update(text)
        self._compressed.append(self._compressor.compress(text))
        self.rows += rows
        self.bytes += len(text)

    def finish(self) -> tuple[Part, bytes]:
        """The part and its file. The hash in the name keeps two runs from writing each other's files over."""
        self._compressed.append(self._compressor.flush())
        content = b"".join(self._compressed)
        sha256 = self._digest.hexdigest()
        part = Part(
            file=f"{self._name}-{sha256[:12]}.ndjson.gz",
            rows=self.rows,
            bytes=self.bytes,
            sha256=sha256,
            file_sha256=hashlib.sha256(content).hexdigest(),
        )
        return part, content
