"""What the tests of db's RPC methods share: values as JavaScript sends them, and what psycopg reads."""

from typing import Any

from dotdo.instants import utc_text
from tests.e2e.platform import Platform

HOSTILE = "x'; drop table things; --\" \\ $1 {a:String} %s \n\t ü 🦊"
NAN, DATE, BYTES = {"$js": "nan"}, {"$js": "date"}, {"$js": "bytes"}

_COLUMNS = "ns, id, type, content, code, data, visibility, version, created_at, updated_at"
THING_FIELDS = ("ns", "id", "type", "content", "code", "data", "visibility", "version", "createdAt", "updatedAt")


def along(*parts: float) -> list[float]:
    """An embedding with these first components."""
    return [*parts, *[0.0] * (768 - len(parts))]


def stored(platform: Platform, ns: str, id: str) -> dict[str, Any] | None:
    """A thing as psycopg reads it, in the form RPC answers it."""
    rows = platform.rows(f"select {_COLUMNS} from things where ns = %s and id = %s", ns, id)
    if not rows:
        return None
    *values, created, updated = rows[0]
    return dict(zip(THING_FIELDS, [*values, utc_text(created), utc_text(updated)], strict=True)) | {
        "embedding": None,
        "relationships": None,
    }


def how_many(platform: Platform, ns: str) -> int:
    return int(platform.rows("select count(*) from things where ns = %s", ns)[0][0])


def ids(found: dict[str, Any]) -> list[str]:
    return [thing["id"] for thing in found["data"]]


async def refused(platform: Platform, code: str, method: str, *args: object) -> str:
    """What the caller is told of a call that has to fail with this code."""
    answer = await platform.call("DB", method, *args)
    assert "error" in answer, (method, answer)
    told: str = answer["error"]["message"].strip().splitlines()[-1]
    assert told.startswith(f"{code}: "), (method, told)
    for inside in ("Traceback", "File ", ".py", "127.0.0.1"):
        assert inside not in answer["error"]["message"], answer
    return told.removeprefix(f"{code}: ")
