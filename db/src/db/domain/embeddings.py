"""Things that still have no embedding, and storing those that were made."""

from collections.abc import Sequence

from db.domain.sql import Conditions, Parameters, Sql, vector
from dotdo.contracts.db.models import EmbeddingInput, WithoutEmbedding, WithoutEmbeddingOptions
from dotdo.contracts.values import NOT_EMBEDDED
from dotdo.errors import invalid_argument

# Neither version nor updated_at: what readers are shown of the thing is what it was.
_STORE = """
update things set embedding = made.embedding::vector, embedding_model = made.model
from jsonb_to_recordset($1::jsonb -> 'made') as made (ns text, id text, embedding text, model text, version int8)
where things.ns = made.ns and things.id = made.id and things.version = coalesce(made.version, things.version)
"""


class Embeddings:
    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def missing(self, options: WithoutEmbeddingOptions) -> list[WithoutEmbedding]:
        """In the order of their keys."""
        parameters = Parameters()
        where = Conditions(parameters)
        where.equal("ns", options.ns)
        where.term(f"embedding is null and type <> all({parameters.add(NOT_EMBEDDED)}::text[])")
        statement = (
            f"select ns, id, type, content, data, version from things where {where} "
            f"order by ns, id limit {parameters.add(options.limit)}"
        )
        rows = (await self._sql.query(statement, parameters.values, repeatable=True)).dicts()
        return [WithoutEmbedding.model_construct(**row) for row in rows]

    async def store(self, made: Sequence[EmbeddingInput]) -> int:
        """How many of the things were there to get theirs, in the version it was made of.

        Raises INVALID_ARGUMENT when a thing stands there twice.
        """
        if len({(one.ns, one.id) for one in made}) != len(made):
            raise invalid_argument("embeddings: the same ns and id stand there twice")
        batch = [{**one.model_dump(exclude={"embedding"}), "embedding": vector(one.embedding)} for one in made]
        return (await self._sql.query(_STORE, [{"made": batch}], repeatable=True)).row_count
