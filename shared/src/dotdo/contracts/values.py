"""What fields of more than one service's models are made of."""

from typing import Annotated, Any

from pydantic import AfterValidator

from dotdo.nesting import MAX_DEPTH, nests_deeper

JsonObject = dict[str, Any]

EMBEDDING_DIMENSIONS = 768

NOT_EMBEDDED = ["session", "api_key", "log"]
"""Types of things whose text means nothing to a reader."""


def shallow(value: Any) -> Any:
    """The value, unless it nests too deep for the stores."""
    if nests_deeper(value, MAX_DEPTH):
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    return value


Data = Annotated[JsonObject, AfterValidator(shallow)]
"""An object as callers send it."""
