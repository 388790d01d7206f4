"""Faults of the stores, and what callers of the Worker with the failing ones are told."""

from typing import Any

from tests.e2e.fault_proxy import cut_after, cut_before, cut_within, says
from tests.e2e.platform import Platform

THING = {"id": "a", "type": "x"}
UNREADABLE = {
    "no JSON": says("200 OK", b"<html>hello</html>"),
    "half a JSON": says("200 OK", b'{"fields": [{"na'),
    "another shape": says("200 OK", b'{"fields": [], "rows": [["1"]], "command": 5}'),
    "a list": says("200 OK", b"[]"),
    "nothing": says("200 OK", b""),
    "no UTF-8": says("200 OK", b'{"rows": "\xff\xfe"}'),
    "an error without a code": says("400 Bad Request", b'{"message": "password is hunter2"}'),
}
OUT_OF_ORDER = says("500 Internal Server Error", b"stack trace with a secret")
BROKEN = [cut_before, cut_after, cut_within, says("503 Service Unavailable", b""), OUT_OF_ORDER]


def code(answer: dict[str, Any]) -> str:
    """The code a caller is told; OK when the call succeeded."""
    message: str = answer["error"]["message"] if "error" in answer else "OK: "
    for inside in ("hunter2", "secret", "Traceback", "127.0.0.1", "stack"):
        assert inside not in message
    return message.strip().splitlines()[-1].partition(":")[0]


async def told(platform: Platform, method: str, *args: object) -> str:
    """The code that the Worker with the failing stores answers."""
    return code(await platform.call("FAULTY_DB", method, *args))


async def told_by(platform: Platform, method: str, *args: object) -> str:
    """The code that the Worker with the sound stores answers."""
    return code(await platform.call("DB", method, *args))


def versions(platform: Platform, ns: str) -> list[int]:
    return [version for (version,) in platform.rows("select version from things where ns = %s order by id", ns)]
