"""What no statement may do: reach the host's files, other machines, programs or this process.

The engine's grants (configuration.py) close most of it. What they leave open in the embedded engine is closed here: the
function file(), which it lets read anywhere, table engines, which it does not check, and paths in clauses.
"""

import re

from scripts.stores.clickhouse.errors import (
    ACCESS_DENIED,
    INTO_OUTFILE_NOT_ALLOWED,
    UNKNOWN_TYPE_OF_QUERY,
    ClickHouseError,
    refuse,
)
from scripts.stores.clickhouse.lexer import Kind, Token, tokens

# Functions and table functions, in lower case.
FUNCTIONS = frozenset(
    {b"file", b"python", b"arrowstream", b"executable", b"executablepool", b"eval", b"disk", b"filesystem"}
)
TABLE_ENGINES = frozenset(
    {
        f"{kind}mergetree".encode()
        for kind in ("", "aggregating", "coalescing", "collapsing", "graphite", "replacing", "summing", "versionedcollapsing")
    }
    | {b"memory", b"null", b"set", b"join", b"log", b"tinylog", b"stripelog", b"buffer", b"merge", b"generaterandom"}
)  # fmt: skip
DATABASE_ENGINES = frozenset({b"atomic", b"memory"})
_ENGINES = TABLE_ENGINES | DATABASE_ENGINES

# Statements without any of this cannot be refused. An escape in a quoted name can spell anything.
_SUSPECT = re.compile(
    rb"""(?i)file|python|arrowstream|executable|eval|disk|engine|attach|identifier|["`][^"`]*\\""", re.DOTALL
)  # fmt: skip


def check(text: bytes, found: tuple[Token, ...]) -> None:
    """Raises ClickHouseError when the statement asks for what is closed."""
    if not _SUSPECT.search(text):
        return
    defines = any(token.is_word(b"CREATE", b"ATTACH", b"REPLACE") for token in found)
    attaches = any(token.is_word(b"ATTACH") for token in found)
    depth = 0
    for index, token in enumerate(found):
        depth += token.is_symbol(b"(") - token.is_symbol(b")")
        if token.is_symbol(b"{") and _is_identifier(found[index + 1 : index + 4]) and _passed(found[:index]):
            raise _denied("a parameter in the place of a function is")
        if token.kind not in (Kind.WORD, Kind.QUOTED):
            continue
        following = found[index + 1] if index + 1 < len(found) else None
        _check_clause(token, following, attaches)
        if defines and depth <= 0 and token.is_word(b"ENGINE"):  # in brackets it names a column
            _check_engine(found[index + 1 : index + 3])
        name = token.name or b""
        if name.lower() in FUNCTIONS and (_called(following) or (name == b"file" and _passed(found[:index]))):
            raise _denied(f"the function {name.decode(errors='replace')} is")


def check_values(data: bytes) -> None:
    """The same for the expressions that VALUES may hold. Raises ClickHouseError."""
    if _SUSPECT.search(data):
        check(data, tuple(tokens(data)))


def _check_clause(token: Token, following: Token | None, attaches: bool) -> None:
    if following is None:
        return
    if token.is_word(b"INTO") and following.is_word(b"OUTFILE"):
        raise refuse(INTO_OUTFILE_NOT_ALLOWED, "INTO OUTFILE is not allowed")
    if token.is_word(b"FROM") and following.is_word(b"INFILE"):
        raise refuse(UNKNOWN_TYPE_OF_QUERY, "Query has infile and was send directly to server")
    if attaches and token.is_word(b"FROM") and following.kind is Kind.STRING:
        raise _denied("ATTACH from a path is")


def _check_engine(following: tuple[Token, ...]) -> None:
    if following and following[0].is_symbol(b"="):
        following = following[1:]
    engine = following[0].name if following else None
    if engine is not None and engine.lower() not in _ENGINES:
        raise _denied(f"the engine {engine.decode(errors='replace')} is")


def _called(following: Token | None) -> bool:
    return following is not None and following.is_symbol(b"(")


def _passed(before: tuple[Token, ...]) -> bool:
    """Whether a name stands where a function is named by its name alone: APPLY(f), arrayMap(f, …)."""
    index = len(before)
    while index and before[index - 1].is_symbol(b"("):
        index -= 1
    caller = (before[index - 1].name or b"").lower() if index else b""
    return caller == b"apply" or (
        index < len(before) and caller != b"arrayjoin" and caller.startswith((b"array", b"map"))
    )


def _is_identifier(following: tuple[Token, ...]) -> bool:
    """Whether a brace begins `{name:Identifier}`."""
    return len(following) == 3 and following[1].is_symbol(b":") and following[2].is_word(b"IDENTIFIER")


def _denied(what: str) -> ClickHouseError:
    return refuse(ACCESS_DENIED, f"Not enough privileges: {what} closed, it reaches beyond the database")
