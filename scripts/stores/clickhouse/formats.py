"""Output formats: which can be sent part by part, and their media types."""

import re

# A text made of several texts of these formats is itself one.
CONCATENABLE = frozenset(
    {
        "Native", "Null", "RowBinary", "RawBLOB", "MsgPack", "LineAsString", "TSKV",
        "TabSeparated", "TSV", "TabSeparatedRaw", "TSVRaw", "Raw", "CSV",
        "JSONEachRow", "JSONLines", "NDJSON", "JSONStringsEachRow", "JSONCompactEachRow", "JSONCompactStringsEachRow",
    }
)  # fmt: skip

# Of these, only the first text may keep its header: so many lines, or so many lists of strings.
_LINES = {
    f"{base}With{what}": lines
    for base in ("TabSeparated", "TSV", "CSV", "JSONCompactEachRow", "JSONCompactStringsEachRow")
    for what, lines in (("Names", 1), ("NamesAndTypes", 2))
}
_LISTS = {"RowBinaryWithNames": 1, "RowBinaryWithNamesAndTypes": 2}
_LINE = re.compile(rb'(?:[^"\n]|"(?:[^"]|"")*")*\n')  # a CSV name may hold a line break

_JSON = "application/json; charset=UTF-8"
_LINES_OF_JSON = "application/x-ndjson; charset=UTF-8"
_TEXT = "text/plain; charset=UTF-8"
_BYTES = "application/octet-stream"
_BINARY = (
    "Native",
    "RowBinary",
    "Parquet",
    "Arrow",
    "ORC",
    "Avro",
    "MsgPack",
    "Protobuf",
    "CapnProto",
    "BSON",
    "Npy",
    "RawBLOB",
)


def streamed(output_format: str) -> bool:
    """Whether results of the format can be sent before they are complete."""
    return output_format in CONCATENABLE or output_format in _LINES or output_format in _LISTS


def header_size(output_format: str, part: bytes) -> int:
    """How many bytes of a part repeat what the first part began with."""
    if output_format in _LISTS:
        return _lists_size(part, _LISTS[output_format])
    position = 0
    for _ in range(_LINES.get(output_format, 0)):
        csv = output_format.startswith("CSV")
        line = _LINE.match(part, position) if csv else None
        position = line.end() if line else part.find(b"\n", position) + 1
    return position


def media_type(output_format: str) -> str:
    """What the server says in Content-Type."""
    if output_format.startswith(("TabSeparated", "TSV")):
        return "text/tab-separated-values; charset=UTF-8"
    if output_format.startswith("CSV"):
        return f"text/csv; charset=UTF-8; header={'present' if 'With' in output_format else 'absent'}"
    if output_format.startswith(_BINARY):
        return _BYTES
    if "EachRow" in output_format or output_format in ("JSONLines", "NDJSON"):
        return _LINES_OF_JSON
    if output_format.startswith("JSON"):
        return _JSON
    return "application/xml; charset=UTF-8" if output_format == "XML" else _TEXT


def _lists_size(part: bytes, lists: int) -> int:
    count, start = _varint(part, 0)
    for _ in range(count * lists):
        length, start = _varint(part, start)
        start += length
    return start


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
