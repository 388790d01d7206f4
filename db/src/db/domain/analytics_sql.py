"""What a caller's own read of the analytics database may not say: settings of its own, and functions that reach elsewhere.

`readonly` lets a statement change every other setting, the service's limits among them, and a function such as `url` reads what
the database's network reaches. A second wall, besides the store's own grants.
"""

import re

from db.errors import invalid_sql

# ClickHouse's lexer (src/Parsers/Lexer.cpp): comments, texts (typographic quotes among them), quoted names; and the $ of
# heredocs. What does not end reaches to the end: one pass, whatever comes.
_OPAQUE = re.compile(
    r"""(?:--|//|\#)[^\n]*+|(?P<comment>/\*.*?(?:\*/|\Z))|(?P<dollar>\$)
    |'(?:[^'\\]|\\.|'')*+(?:'|\Z)|\u2018[^\u2019]*+(?:\u2019|\Z)
    |"(?P<double>(?:[^"\\]|\\.|"")*+)(?:"|\Z)|`(?P<back>(?:[^`\\]|\\.|``)*+)(?:`|\Z)|\u201c(?P<curly>[^\u201d]*+)(?:\u201d|\Z)""",
    re.DOTALL | re.VERBOSE,
)
_NOT_OF_A_TOKEN = re.compile(r"[^\x21-\x7e]")  # a dozen characters are space to it, and the others an error
_WORD = re.compile(r"\w+", re.ASCII)
# A name alone sets it to true, and more may follow; what no setting is called is a column's order. `.5settings` is two tokens.
_SETTINGS = re.compile(
    r"(?<![a-z_])settings\s++(?!(?:asc|desc|end)\b)\w++(?:\s*+\.\s*+\w++)*+\s*+"
    r"(?:[=,;)]|\Z|(?:format|into|union|except|intersect)\b)|^[\s(;]*+set\s",
    re.IGNORECASE,
)
# https://clickhouse.com/docs/sql-reference/table-functions: those that read beyond the server's own tables, and `eval`, which
# takes its SQL as a text.
_OUTSIDE = re.compile(
    r"\b((?:url|file|s3|hdfs|azureBlobStorage)(?:Cluster)?|(?:iceberg|deltaLake|hudi|paimon)\w*|gcs|cosn|oss|hive|ytsaurus"
    r"|remote|remoteSecure|cluster|clusterAllReplicas|mysql|postgresql|mongodb|redis|sqlite|odbc|jdbc|arrowFlight|bigquery"
    r"|filesystem|executable|input|eval)\s*\(",
    re.IGNORECASE,
)


def require_own_tables(sql: str) -> None:
    """Raises INVALID_SQL."""
    plain = _NOT_OF_A_TOKEN.sub(" ", _OPAQUE.sub(_name, sql))
    if _SETTINGS.search(plain):
        raise invalid_sql(
            "settings are chosen by the options of the call: leave SETTINGS and SET out, and quote a column of that name"
        )
    if found := _OUTSIDE.search(plain):
        raise invalid_sql(f"{found[1]}: not offered, since it reads elsewhere than in this database")


def _name(opaque: re.Match[str]) -> str:
    """A quoted name bare, since what it names counts, but never for a keyword; nothing of anything else.

    Raises INVALID_SQL for an escaped one, and for what need not end where it seems to.
    """
    if opaque["dollar"]:
        raise invalid_sql("a $ outside of texts and quoted names: write a heredoc as a text in quotes")
    if "/*" in (opaque["comment"] or "")[2:]:
        raise invalid_sql("a comment in a comment")
    name = opaque["double"] or opaque["back"] or opaque["curly"] or ""
    if "\\" in name:
        raise invalid_sql("a quoted name with a backslash in it")
    if not name:
        return " "
    return f" {name} " if _WORD.fullmatch(name) and name.lower() not in ("settings", "set") else " _ "
