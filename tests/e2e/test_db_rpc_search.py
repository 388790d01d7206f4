"""Search by RPC from JavaScript: by meaning, by words, by both, and how embeddings get there."""

import random
from typing import Any

import pytest

from tests.e2e.platform import Platform
from tests.e2e.rpc_calls import HOSTILE, NAN, THING_FIELDS, along, ids, refused, stored


@pytest.fixture
async def library(platform: Platform, ns: str) -> str:
    """Documents of two types with embeddings at known angles to `along(1)`."""
    rows: list[tuple[str, str, str, list[float] | None, str]] = [
        ("same", "note", "a quick fox", along(1.0), "public"),
        ("near", "page", "slow dogs", along(3.0, 1.0), "public"),
        ("right", "note", "fox and fox again", along(0.0, 2.0), "public"),
        ("opposite", "note", "nothing here", along(-1.0), "public"),
        ("hidden", "note", "a private fox", along(1.0, 0.1), "private"),
        ("plain", "note", "a fox without a vector", None, "public"),
    ]
    for id, type_, content, embedding, visibility in rows:
        await platform.result(
            "DB", "upsert",
            {"ns": ns, "id": id, "type": type_, "content": content, "embedding": embedding, "visibility": visibility},
        )  # fmt: skip
    return ns


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["same", "hidden", "near"]),
        ({"threshold": 0.99}, ["same", "hidden"]),
        ({"threshold": 1}, ["same"]),
        ({"threshold": 0}, ["same", "hidden", "near", "right"]),
        ({"threshold": -1}, ["same", "hidden", "near", "right", "opposite"]),
        ({"threshold": -1, "type": "page"}, ["near"]),
        ({"threshold": -1, "visibility": "private"}, ["hidden"]),
        ({"threshold": -1, "limit": 2, "offset": 1}, ["hidden", "near"]),
    ],
)
async def test_by_meaning(platform: Platform, library: str, options: dict[str, Any], expected: list[str]) -> None:
    found = await platform.result("DB", "vectorSearch", along(1.0), {"ns": library, **options})
    assert ids(found) == expected
    similarity = dict(platform.rows(
        "select id, 1 - (embedding <=> %s::vector) from things where ns = %s", str(along(1.0)), library
    ))  # fmt: skip
    for row in found["data"]:
        assert row["score"] == pytest.approx(similarity[row["id"]])
        assert {name: row[name] for name in THING_FIELDS} == {
            name: value for name, value in (stored(platform, library, row["id"]) or {}).items() if name in THING_FIELDS
        }
    assert found == await platform.result("DB", "search", "", along(1.0), {"ns": library, **options})


@pytest.mark.parametrize(
    ("query", "options", "expected"),
    [
        ("fox", {}, {"same", "right", "hidden", "plain"}),
        ("fox", {"type": "page"}, set()),
        ("dog", {"type": "page"}, {"near"}),
        ("fox -vector", {"visibility": "public"}, {"same", "right"}),
        ('"quick fox"', {}, {"same"}),
        ("dogs or quick", {}, {"same", "near"}),
        ("!!! & | ( ' \\ :*", {}, set()),
        (HOSTILE, {}, set()),
        ("fox", {"type": HOSTILE}, set()),
    ],
)
async def test_by_words(
    platform: Platform, library: str, query: str, options: dict[str, Any], expected: set[str]
) -> None:
    found = await platform.result("DB", "search", query, None, {"ns": library, **options})
    assert set(ids(found)) == expected
    scores = [row["score"] for row in found["data"]]
    assert scores == sorted(scores, reverse=True)


async def test_by_both_with_weights_and_filters(platform: Platform, library: str) -> None:
    async def search(**options: Any) -> list[str]:
        return ids(await platform.result("DB", "search", "fox", along(1.0), {"ns": library, **options}))

    assert set(await search()) == {"same", "hidden", "near", "right", "plain"}
    assert (await search())[0] in ("same", "hidden")
    assert (await search(alpha=0))[:3] == ["same", "hidden", "near"]
    assert (await search(alpha=1))[0] == "right"
    assert set(await search(visibility="private")) == {"hidden"}
    assert set(await search(type="page")) == {"near"}
    whole = await search()
    assert [id for offset in range(5) for id in await search(limit=1, offset=offset)] == whole


async def test_embeddings_are_asked_for_and_stored(platform: Platform, ns: str) -> None:
    for id, type_ in (("b", "x"), ("a", "y"), ("s", "session"), ("k", "api_key"), ("l", "log")):
        await platform.result("DB", "upsert", {"ns": ns, "id": id, "type": type_, "content": HOSTILE})
    before = stored(platform, ns, "a")
    missing = await platform.result("DB", "getEntitiesWithoutEmbeddings", {"ns": ns})
    assert [(row["id"], row["content"]) for row in missing] == [("a", HOSTILE), ("b", HOSTILE)]
    assert len(await platform.result("DB", "getEntitiesWithoutEmbeddings", {"ns": ns, "limit": 1})) == 1
    made = {"ns": ns, "embedding": along(0.25, -1.0), "model": HOSTILE}
    await refused(platform, "INVALID_ARGUMENT", "updateEmbeddings", [{**made, "id": "a"}, {**made, "id": "a"}])
    for bad in (along(1.0)[1:], along(0.0), [*along(1.0)[1:], NAN], along(1e-30), along(1e30)):
        await refused(
            platform,
            "INVALID_ARGUMENT",
            "updateEmbeddings",
            [{**made, "id": "b"}, {**made, "id": "a", "embedding": bad}],
        )
    assert platform.rows("select count(*) from things where ns = %s and embedding is not null", ns) == [(0,)]
    assert await platform.result("DB", "updateEmbeddings", [{**made, "id": "a"}, {**made, "id": "none"}]) == {
        "updated": 1
    }
    assert platform.rows(
        "select id, embedding::real[], embedding_model from things where ns = %s and embedding is not null", ns
    ) == [("a", along(0.25, -1.0), HOSTILE)]
    assert stored(platform, ns, "a") == before, "what readers see, and its version, is what it was"
    model = "select embedding_model from things where ns = %s and id = 'a'"
    await platform.result("DB", "upsert", {"ns": ns, "id": "a", "type": "y", "content": "c"})
    assert platform.rows(model, ns) == [(HOSTILE,)], "the embedding is still that model's"
    await platform.result("DB", "upsert", {"ns": ns, "id": "a", "type": "y", "embedding": along(1.0)})
    assert platform.rows(model, ns) == [(None,)], "this one came without"


async def test_an_embedding_that_was_made_of_an_older_version_is_not_stored(platform: Platform, ns: str) -> None:
    for id in ("changed", "same"):
        await platform.result("DB", "upsert", {"ns": ns, "id": id, "type": "x"})
    read = await platform.result("DB", "getEntitiesWithoutEmbeddings", {"ns": ns})
    await platform.result("DB", "upsert", {"ns": ns, "id": "changed", "type": "x", "embedding": along(0.0, 1.0)})
    made = [
        {"ns": ns, "id": row["id"], "embedding": along(1.0), "model": "m", "version": row["version"]} for row in read
    ]
    assert await platform.result("DB", "updateEmbeddings", made) == {"updated": 1}
    sql = "select id, embedding::real[], embedding_model from things where ns = %s order by id"
    assert platform.rows(sql, ns) == [("changed", along(0.0, 1.0), None), ("same", along(1.0), "m")]


@pytest.mark.parametrize("everywhere", [False, True])
async def test_things_of_one_embedding_stand_on_one_page_each(platform: Platform, ns: str, everywhere: bool) -> None:
    """In a namespace all are sorted; without one they come from the index, as it finds them."""
    axis = along(*random.Random(ns).choices((-1.0, 1.0), k=64))
    things = [{"ns": ns, "id": f"{n:02}", "type": "x", "embedding": axis} for n in range(60)]
    await platform.result("DB", "batchUpsert", things)
    where = {"threshold": 0.9999, **({} if everywhere else {"ns": ns})}
    pages = [
        await platform.result("DB", "vectorSearch", axis, {**where, "limit": 20, "offset": offset})
        for offset in (0, 20, 40)
    ]
    found = [id for page in pages for id in ids(page)]
    assert found == [thing["id"] for thing in things]
