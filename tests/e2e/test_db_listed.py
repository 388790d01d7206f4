"""What a list shows, which PostgreSQL writes as JSON, is what a single read shows, which Python does."""

import asyncio
import json
import uuid
from typing import Any

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tests.e2e.platform import Platform

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
KEY = TEXT.filter(bool)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
DATA = st.dictionaries(TEXT, VALUES, max_size=4)

HARD = "\"\\\b\f\n\r\t\x01\x1f\x7f\u2028\u2029</script>{}[],:' é 漢 \U0001f600"
NUMBERS_TO_KEEP = [0.1, 1e22, 1e-7, 5e-324, 1.7976931348623157e308, -0.0, 2**53 - 1, 2**53 + 1, -(2**63), 10**40, 1.10]


@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # each example is ten requests: shrinking takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(KEY, KEY, TEXT, st.none() | TEXT, DATA)
@example(HARD, HARD, HARD, HARD, {HARD: HARD, "numbers": NUMBERS_TO_KEEP, "nested": [[{"": [None, True, {}]}], []]})
@example("id", "type", HARD * 2_000, HARD * 3_000, {"\x01": HARD * 1_000})
@example("id", "type", "", None, {})
def test_a_listed_thing_or_edge_is_the_one_that_is_read(
    platform: Platform, id: str, type: str, content: str, code: str | None, data: dict[str, Any]
) -> None:
    asyncio.run(compared(platform, id, type, content, code, data))


async def compared(
    platform: Platform, id: str, type: str, content: str, code: str | None, data: dict[str, Any]
) -> None:
    home = f"listed-{uuid.uuid4()}"
    thing = {"ns": home, "id": id, "type": type, "content": content, "code": code, "data": data}
    await platform.result("DB", "upsert", {**thing, "visibility": "unlisted"})
    ends = {"fromNs": home, "fromId": id, "toNs": home, "toId": id}
    edge = await platform.result(
        "DB", "upsertRelationship", {**ends, "type": type, "data": data, "code": code, "visibility": "private"}
    )
    read = await platform.result("DB", "get", home, id)
    assert same((await platform.result("DB", "list", home))["data"], [read])
    whole = await platform.result("DB", "get", home, id, {"includeRelationships": True})
    assert same(whole, {**read, "relationships": [edge]})
    for method, where, rows in (
        ("listRelationships", [home], "data"),
        ("getRelationships", [home, id], "outgoing"),
        ("getIncomingRelationships", [home, id], "incoming"),
    ):
        assert same((await platform.result("DB", method, *where))[rows], [edge])
    async with platform.client("admin") as admin:
        written = (await admin.post("/db/things", json={**thing, "visibility": "unlisted"})).json()
        listed = (await admin.get("/db/things", params={"ns": home, "visibility": "unlisted"})).json()
        assert same(listed["data"], [written])
        edges = (await admin.get("/db/relationships", params={"ns": home})).json()
        assert same(edges["data"], [{snake(name): value for name, value in edge.items()}])


def same(one: Any, other: Any) -> bool:
    """Numbers as JavaScript has them, from which half of the answers come; and 1 is not true."""
    read = [json.loads(json.dumps(value), parse_int=float) for value in (one, other)]
    return json.dumps(read[0], sort_keys=True) == json.dumps(read[1], sort_keys=True)


def snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
