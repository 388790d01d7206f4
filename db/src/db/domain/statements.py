"""What raw SQL may not be, whoever sends it: nothing, the transaction's own beginning or end, or a COPY."""

import re

from db.errors import invalid_sql

# PostgreSQL nests comments: https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-COMMENTS
_SKIPPED = re.compile(r"[\s;(]+|--[^\n\r]*")
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_WORD = re.compile(r"[A-Za-z_]+")

# Behind any of these the statements of a batch would no longer hold or fall together.
_TRANSACTION = frozenset({"begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release", "prepare"})


def first_word(sql: str) -> str:
    """In lower case; empty when there is no statement."""
    at = 0
    while at < len(sql):
        if skipped := _SKIPPED.match(sql, at):
            at = skipped.end()
        elif sql.startswith("/*", at):
            at = _behind_comment(sql, at)
        else:
            break
    word = _WORD.match(sql, at)
    return word[0].lower() if word else sql[at : at + 1]


def _behind_comment(sql: str, at: int) -> int:
    depth = 0
    for edge in _COMMENT_EDGE.finditer(sql, at):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(sql)


def require_plain(sql: str) -> None:
    """Raises INVALID_SQL for what is not one statement of reading, writing or defining data."""
    word = first_word(sql)
    if not word:
        raise invalid_sql("there is no statement")
    if word in _TRANSACTION:
        raise invalid_sql(f"{word}: a transaction is one call of `transaction`, which begins and ends it")
    if word == "copy":
        raise invalid_sql("copy: not offered, since it reads and writes elsewhere than in the answer")
