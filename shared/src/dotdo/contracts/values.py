"""What fields of more than one service's models are made of."""

from typing import Annotated, Any

from pydantic import AfterValidator

from dotdo.nesting import MAX_DEPTH, nests_deeper

JsonObject = dict[str, Any]

EMBEDDING_DIMENSIONS = 768

WITHOUT_EMBEDDING = "embedding is null and type not in ('session', 'api_key', 'log')"
"""Of things, in SQL: what shall have an embedding and has none. The text of those types means nothing to a reader.

The index things_without_embedding has just this condition: a query that says it otherwise, or in a parameter, does not use it.
"""


def shallow(value: Any) -> Any:
    """The value, unless it nests too deep for the stores."""
    if nests_deeper(value, MAX_DEPTH):
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    return value


Data = Annotated[JsonObject, AfterValidator(shallow)]
"""An object as callers send it."""
