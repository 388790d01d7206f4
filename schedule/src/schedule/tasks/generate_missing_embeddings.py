"""Embeds the things that have no embedding yet, or has them embedded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from dotdo.contracts.values import NOT_EMBEDDED
from dotdo.errors import unavailable
from dotdo.instants import utc_text
from dotdo.ports import BindingError, Jobs
from schedule.domain.embedders import Embedder, HashingEmbedder, Refused, Vector, WorkersAiEmbedder
from schedule.domain.registry import Skipped, TaskContext, TaskResult
from schedule.tasks.batches import seconds_left

PAGE = 50
SPARE_S = 5.0
AGAIN_AFTER = timedelta(days=7)
"""What was queued, or could not be embedded, is left alone for so long unless it is written again."""
MAX_CHARACTERS = 2000
"""The model reads 512 tokens of about four characters."""

_MISSING = f"""
select ns, id, type, version, left(concat_ws(E'\\n', type, content, nullif(data::text, '{{}}')), {MAX_CHARACTERS}) as text
from things where embedding is null and type <> all($1::text[]) and (ns, id) > ($2, $3) and not exists (
    select from embedding_attempts as attempt
    where attempt.ns = things.ns and attempt.id = things.id and attempt.at > greatest($4::timestamptz, things.updated_at)
)
order by ns, id limit {PAGE}
"""
# A thing that has been deleted meanwhile needs no mark.
_MARK = """
insert into embedding_attempts (ns, id, outcome)
select ns, id, $2 from jsonb_to_recordset($1::jsonb -> 'things') as marked (ns text, id text) join things using (ns, id)
on conflict (ns, id) do update set at = now(), outcome = excluded.outcome
"""


@dataclass(frozen=True, slots=True)
class Thing:
    """`text` is what is embedded: the type, the content and the data, cut to what the model reads.

    What is made of it is for this `version` alone: whoever writes the thing meanwhile may have sent an embedding with it.
    """

    ns: str
    id: str
    type: str
    version: int
    text: str


class Way(Protocol):
    """What is done with things that have no embedding. `name` is what the result calls those it was done for."""

    name: str

    async def take(self, things: Sequence[Thing]) -> tuple[int, int]:
        """How many it was done for, and for how many it failed; when the time is up, those are not all.

        Raises ServiceError when it would fail for any.
        """
        ...


async def run(context: TaskContext) -> TaskResult:
    """`{embedded or queued, failed, complete}`; not complete when the time is up, and the next run goes on.

    Raises Skipped where nothing is bound that could do it.
    """
    way = _way(context)
    done = failed = 0
    after = ("", "")
    since = utc_text(datetime.fromtimestamp(context.now_s, UTC) - AGAIN_AFTER)
    while seconds_left(context) > SPARE_S:
        rows = await context.sql.rows(_MISSING, NOT_EMBEDDED, *after, since, repeatable=True)
        things = [Thing(**row) for row in rows]
        taken, refused = await way.take(things) if things else (0, 0)
        done, failed = done + taken, failed + refused
        if len(things) < PAGE and taken + refused == len(things):
            return {way.name: done, "failed": failed, "complete": True}
        after = (things[-1].ns, things[-1].id)
    return {way.name: done, "failed": failed, "complete": False}


def _way(context: TaskContext) -> Way:
    bindings = context.bindings
    if bindings.has("AI"):
        return _Embedded(context, WorkersAiEmbedder(bindings.ai("AI")))
    if bindings.has("QUEUE"):
        return _Queued(context, bindings.jobs("QUEUE"))
    if bindings.optional("EMBEDDINGS_PROVIDER") == "hash":
        return _Embedded(context, HashingEmbedder())
    raise Skipped("nothing makes embeddings here: neither AI nor QUEUE is bound, and EMBEDDINGS_PROVIDER is not hash")


class _Embedded:
    name = "embedded"

    def __init__(self, context: TaskContext, embedder: Embedder) -> None:
        self._context = context
        self._embedder = embedder

    async def take(self, things: Sequence[Thing]) -> tuple[int, int]:
        """What is refused is halved until the one at fault is alone. What is made is stored at once."""
        done, failed, waiting = 0, 0, [things]
        while waiting and seconds_left(self._context) > SPARE_S:
            batch = waiting.pop()
            try:
                vectors = await self._embedder.embed([thing.text for thing in batch])
            except Refused:
                if len(batch) > 1:
                    middle = len(batch) // 2
                    waiting += [batch[middle:], batch[:middle]]
                    continue
                vectors = [None]
            stored = await self._store(batch, vectors)
            done, failed = done + stored, failed + len(batch) - stored
        return done, failed

    async def _store(self, things: Sequence[Thing], vectors: Sequence[Vector | None]) -> int:
        """How many have a vector; the others are marked."""
        model = self._embedder.model
        made = [
            {"ns": thing.ns, "id": thing.id, "embedding": vector, "model": model, "version": thing.version}
            for thing, vector in zip(things, vectors, strict=True)
            if vector is not None
        ]
        failed = [thing for thing, vector in zip(things, vectors, strict=True) if vector is None]
        if made:
            await self._context.bindings.peer("DB").call("updateEmbeddings", made)
        for thing in failed:
            self._context.log.warn("embedding.failed", ns=thing.ns, id=thing.id)
        await _mark(self._context, failed, "failed")
        return len(made)


class _Queued:
    """The consumer stores the embedding by `updateEmbeddings`, with the version it was given."""

    name = "queued"

    def __init__(self, context: TaskContext, jobs: Jobs) -> None:
        self._context = context
        self._jobs = jobs

    async def take(self, things: Sequence[Thing]) -> tuple[int, int]:
        taken = [thing for thing in things if await self._enqueued(thing)]
        if not taken:
            raise unavailable("QUEUE takes no job")
        await _mark(self._context, taken, "queued")
        return len(taken), len(things) - len(taken)

    async def _enqueued(self, thing: Thing) -> bool:
        payload = {
            "ns": thing.ns, "id": thing.id, "type": thing.type, "content": thing.text, "model": WorkersAiEmbedder.model,
            "version": thing.version,
        }  # fmt: skip
        try:
            await self._jobs.enqueue({"type": "generate-embedding", "payload": payload, "priority": 5})
        except BindingError as error:
            self._context.log.warn("embedding.not_queued", ns=thing.ns, id=thing.id, error=repr(error))
            return False
        return True


async def _mark(context: TaskContext, things: Sequence[Thing], outcome: str) -> None:
    if things:
        keys = [{"ns": thing.ns, "id": thing.id} for thing in things]
        await context.sql.execute(_MARK, {"things": keys}, outcome)
