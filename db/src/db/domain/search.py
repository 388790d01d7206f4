"""Search by words, by meaning, and by both.

Words: PostgreSQL's full text, as people write queries (`websearch_to_tsquery`). Meaning: cosine similarity of embeddings. Both:
reciprocal rank fusion with k = 60 (Cormack, Clarke, Büttcher: SIGIR 2009).
"""

from typing import Literal

from db.domain.sql import Conditions, Parameters, Sql, vector
from db.domain.things import COLUMNS
from dotdo.contracts.db.models import Found, FoundList, Pagination, SearchOptions
from dotdo.errors import invalid_argument
from dotdo.model import rows_reader

FUSION_K = 60
# How many of each list are fused: the least of these that holds the page. A depth that grew with every page would rank anew for
# each, and rows would be shown twice or never.
_DEPTHS = (100, 1_000, 10_100)

# Firsts of both lists weigh the same. The one with the words goes first: something is always nearest, however far.
_FUSED_ORDER = "score desc, place_by_words, place_by_meaning"

Mode = Literal["text", "vector", "hybrid"]

_QUERY = "websearch_to_tsquery('english', {query})"

_TEXT = """
select {columns}, ts_rank_cd(search, words, 1)::float8 as score
from things, (select {query} as words) as asked
where search @@ words and {where}
order by score desc, ns, id
"""

_VECTOR = """
select {columns}, 1 - (embedding <=> {embedding}::vector) as score
from things
where embedding is not null and {where}
order by embedding <=> {embedding}::vector, ns, id
"""

_HYBRID = """
with by_words as (
    select ns, id, row_number() over (order by score desc, ns, id) as rank from ({text} limit {candidates}) as found
), by_meaning as (
    select ns, id, row_number() over (order by score desc, ns, id) as rank from ({vector} limit {candidates}) as found
    where score >= {threshold}
), fused as (
    select ns, id,
        coalesce({alpha}::float8 / ({k} + by_words.rank), 0)
        + coalesce((1 - {alpha}::float8) / ({k} + by_meaning.rank), 0) as score,
        by_words.rank as place_by_words, by_meaning.rank as place_by_meaning
    from by_words full join by_meaning using (ns, id)
    order by {order} limit {limit} offset {offset}
)
select {columns}, fused.score from fused join things using (ns, id) order by {order}
"""

_found_from = rows_reader(Found)


class Search:
    """Each search is one round trip."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def search(self, query: str, embedding: list[float] | None, options: SearchOptions) -> FoundList:
        """Raises INVALID_ARGUMENT when the mode lacks what it searches by."""
        mode = options.mode or _mode_of(query, embedding)
        if mode != "vector" and not query.strip():
            raise invalid_argument(f"query: a {mode} search needs one")
        if mode != "text" and embedding is None:
            raise invalid_argument(f"embedding: a {mode} search needs one")
        parameters = Parameters()
        where = Conditions(parameters)
        where.equal("ns", options.ns)
        where.equal("type", options.type)
        where.equal("visibility", options.visibility)
        statement = _statement(mode, query, embedding, options, parameters, where)
        rows = (await self._sql.query(statement, parameters.values, repeatable=True)).dicts()
        return FoundList(
            data=_found_from(rows),
            pagination=Pagination(limit=options.limit, offset=options.offset),
        )


def _mode_of(query: str, embedding: list[float] | None) -> Mode:
    if embedding is None:
        return "text"
    return "hybrid" if query.strip() else "vector"


def _statement(
    mode: Mode,
    query: str,
    embedding: list[float] | None,
    options: SearchOptions,
    parameters: Parameters,
    where: Conditions,
) -> str:
    text = vector_part = ""
    if mode != "vector":
        words = _QUERY.format(query=f"{parameters.add(query)}::text")
        text = _TEXT.format(columns=COLUMNS, query=words, where=where)
    if mode != "text":
        vector_part = _VECTOR.format(columns=COLUMNS, embedding=parameters.add(vector(embedding)), where=where)
    limit, offset = parameters.add(options.limit), parameters.add(options.offset)
    if mode == "text":
        return f"{text} limit {limit} offset {offset}"
    threshold = f"{parameters.add(options.threshold)}::float8"
    if mode == "vector":
        # The threshold stands outside: inside it would keep the index from being used.
        return f"select * from ({vector_part} limit {limit} offset {offset}) as found where score >= {threshold}"
    candidates = next(depth for depth in _DEPTHS if depth >= options.limit + options.offset)
    return _HYBRID.format(
        text=text, vector=vector_part, candidates=parameters.add(candidates), threshold=threshold,
        alpha=parameters.add(options.alpha), k=FUSION_K, limit=limit, offset=offset, columns=COLUMNS, order=_FUSED_ORDER,
    )  # fmt: skip
