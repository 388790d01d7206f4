"""generate-missing-embeddings, over a table of things in memory."""

import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotdo.errors import ServiceError
from dotdo.fakes import FakeAi, FakeBindings, FakeClock, FakeJobs, FakePeer
from dotdo.log import Logger
from dotdo.ports import BindingError
from dotdo.sql import Sql
from schedule.domain.embedders import HashingEmbedder
from schedule.domain.registry import Skipped, TaskContext
from schedule.tasks import generate_missing_embeddings as task

VECTOR = [0.5] * 768


class Things:
    """What the task's statements see: `texts` by id; embedded and marked ones are no longer missing."""

    def __init__(self, *ids: str) -> None:
        self.ids = sorted(ids)
        self.embedded: dict[str, tuple[list[float], str]] = {}
        self.marked: dict[str, str] = {}
        self.clock = FakeClock()
        self.page_s = 0.0

    def query(self, sql: str, params: list[Any], *options: Any) -> dict[str, Any]:
        if sql.lstrip().startswith("insert"):
            marks, outcome = params
            self.marked |= {thing["id"]: outcome for thing in marks["things"]}
            return {"rows": [], "rowCount": len(marks["things"])}
        self.clock.now += self.page_s
        ns, id, _ = params
        missing = [one for one in self.ids if one not in {*self.embedded, *self.marked} and ("n", one) > (ns, id)]
        rows = [
            {"ns": "n", "id": one, "type": "t", "version": 3, "text": f"text of {one}"} for one in missing[: task.PAGE]
        ]
        return {"rows": rows, "rowCount": len(rows)}

    def store(self, made: list[dict[str, Any]]) -> dict[str, int]:
        assert all(one["version"] == 3 for one in made), "an embedding is of the version that was read"
        self.embedded |= {one["id"]: (one["embedding"], one["model"]) for one in made}
        return {"updated": len(made)}

    def context(self, log: Logger | None = None, *, provider: str = "", **bound: Any) -> TaskContext:
        db = FakePeer(query=self.query, updateEmbeddings=self.store)
        bindings = FakeBindings({"EMBEDDINGS_PROVIDER": provider}, peers={"DB": db}, bound=bound, clock=self.clock)
        return TaskContext(bindings, Sql(bindings), log or Logger("schedule"), self.clock.now, self.clock.now + 29)


def ai(*poisoned: str, dead: bool = False, clock: FakeClock | None = None) -> FakeAi:
    """Fails for every batch with a poisoned text in it, as the real one does for what it cannot take.

    With `clock` every call takes half a second of it.
    """

    def respond(model: str, inputs: Mapping[str, Any]) -> Any:
        if clock is not None:
            clock.now += 0.5
        if dead or any(f"text of {one}" in inputs["text"] for one in poisoned):
            raise BindingError("3010: Invalid input")
        return {"shape": [len(inputs["text"]), 768], "data": [VECTOR] * len(inputs["text"])}

    return FakeAi(respond)


async def test_every_page_is_embedded() -> None:
    things = Things(*(f"{n:03}" for n in range(2 * task.PAGE + 7)))
    result = await task.run(things.context(AI=ai()))
    assert result == {"embedded": 107, "failed": 0, "complete": True}
    assert set(things.embedded) == set(things.ids)
    assert things.embedded["000"] == (VECTOR, "@cf/baai/bge-base-en-v1.5")


async def test_one_poisoned_thing_fails_alone_and_is_left_alone(logged: Any) -> None:
    things = Things("a", "b", "poison", "z")
    result = await task.run(things.context(logged.log, AI=ai("poison")))
    assert result == {"embedded": 3, "failed": 1, "complete": True}
    assert set(things.embedded) == {"a", "b", "z"}
    assert things.marked == {"poison": "failed"}
    assert [line["id"] for line in logged.of("embedding.failed")] == ["poison"]
    assert await task.run(things.context(AI=ai("poison"))) == {"embedded": 0, "failed": 0, "complete": True}


async def test_the_poisoned_one_is_found_by_halving() -> None:
    ids = [f"{n:03}" for n in range(task.PAGE)]
    things, answers = Things(*ids), ai("017")
    assert await task.run(things.context(AI=answers)) == {"embedded": 49, "failed": 1, "complete": True}
    assert things.marked == {"017": "failed"}
    assert len(answers.calls) <= 2 * 2 * math.log2(task.PAGE)


async def test_what_is_known_when_the_time_is_up_is_kept() -> None:
    """A page of things that are all refused, slowly: each run gets rid of some, so that others have their turn."""
    things = Things(*(f"{n:03}" for n in range(task.PAGE)), "good")
    runs = 0
    while "good" not in things.embedded:
        runs += 1
        before, began = len(things.marked), things.clock.now
        result = await task.run(things.context(AI=ai(*things.ids[:-1], clock=things.clock)))
        assert things.clock.now - began < 29
        assert len(things.marked) - before == result["failed"] > 0
    assert runs > 2
    assert things.marked == dict.fromkeys(things.ids[:-1], "failed")


@pytest.mark.parametrize(
    "row", [[0.0] * 768, [1.0] * 767, [math.nan] * 768, None], ids=["zeros", "short", "nan", "none"]
)
async def test_a_vector_that_db_would_refuse_fails_alone(row: Any) -> None:
    things = Things("a", "b")
    answers = FakeAi(lambda model, inputs: {"data": [row, VECTOR]})
    assert await task.run(things.context(AI=answers)) == {"embedded": 1, "failed": 1, "complete": True}


async def test_an_ai_that_is_down_is_no_fault_of_the_things() -> None:
    things = Things("a", "b")
    with pytest.raises(ServiceError, match="Workers AI") as failed:
        await task.run(things.context(AI=ai(dead=True)))
    assert failed.value.retryable
    assert things.marked == {}


@pytest.mark.parametrize(("page_s", "embedded"), [(10, 100), (11.75, 100), (12, 50), (24, 0)])
async def test_it_stops_five_seconds_early_and_goes_on_next_time(page_s: float, embedded: int) -> None:
    """Of the 29 that it has; a page has 50 things."""
    things = Things(*(f"{n:03}" for n in range(500)))
    things.page_s = page_s
    assert await task.run(things.context(AI=ai())) == {"embedded": embedded, "failed": 0, "complete": False}
    things.page_s = 0
    assert await task.run(things.context(AI=ai())) == {"embedded": 500 - embedded, "failed": 0, "complete": True}


async def test_what_failed_is_left_alone_for_a_week_and_texts_are_cut_to_what_the_model_reads() -> None:
    asked: list[tuple[str, list[Any]]] = []

    def query(sql: str, params: list[Any], *options: Any) -> dict[str, Any]:
        asked.append((sql, params))
        return {"rows": [], "rowCount": 0}

    bindings = FakeBindings({"EMBEDDINGS_PROVIDER": "hash"}, peers={"DB": FakePeer(query=query)})
    now_s = bindings.clock.now_s()  # 2026-09-21T14:13:20Z
    await task.run(TaskContext(bindings, Sql(bindings), Logger("schedule"), now_s, now_s + 29))
    ((sql, params),) = asked
    assert params == ["", "", "2026-09-14T14:13:20.000Z"]
    assert ", 2000) as text" in sql
    assert "order by ns, id limit 50" in sql


async def test_without_ai_they_are_queued_once() -> None:
    things, queue = Things("a", "b"), FakeJobs()
    assert await task.run(things.context(QUEUE=queue, provider="hash")) == {"queued": 2, "failed": 0, "complete": True}
    assert queue.jobs[0] == {
        "type": "generate-embedding",
        "payload": {
            "ns": "n",
            "id": "a",
            "type": "t",
            "content": "text of a",
            "model": "@cf/baai/bge-base-en-v1.5",
            "version": 3,
        },
        "priority": 5,
    }
    assert things.marked == {"a": "queued", "b": "queued"}
    assert await task.run(things.context(QUEUE=queue)) == {"queued": 0, "failed": 0, "complete": True}
    assert len(queue.jobs) == 2


async def test_a_job_that_is_refused_is_offered_again() -> None:
    things = Things("a", "b")
    refusing = FakeJobs(lambda job: "'id': 'a'" in str(job))
    assert await task.run(things.context(QUEUE=refusing)) == {"queued": 1, "failed": 1, "complete": True}
    assert await task.run(things.context(QUEUE=FakeJobs())) == {"queued": 1, "failed": 0, "complete": True}


async def test_a_queue_that_takes_nothing_fails_the_run() -> None:
    things = Things("a", "b")
    with pytest.raises(ServiceError, match="QUEUE"):
        await task.run(things.context(QUEUE=FakeJobs(lambda job: True)))
    assert things.marked == {}


async def test_the_hashing_embedder_serves_where_it_is_asked_for() -> None:
    things = Things("a")
    assert await task.run(things.context(provider="hash")) == {"embedded": 1, "failed": 0, "complete": True}
    assert things.embedded["a"][1] == "hash-768"


async def test_with_nothing_that_embeds_the_run_is_skipped() -> None:
    with pytest.raises(Skipped, match="EMBEDDINGS_PROVIDER"):
        await task.run(Things("a").context())


@given(st.text())
async def test_every_text_has_a_vector_of_length_one(text: str) -> None:
    (vector,) = await HashingEmbedder().embed([text])
    assert vector is not None
    assert math.isclose(math.hypot(*vector), 1)


async def test_texts_that_share_words_are_near() -> None:
    one, near, far = (v or [] for v in await HashingEmbedder().embed(["a red fox", "the red fox", "tax law of 1998"]))
    assert dot(one, near) > 0.6
    assert dot(one, far) < 0.2


def dot(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
