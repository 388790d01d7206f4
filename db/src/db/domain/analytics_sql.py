"""What a caller's own read of the analytics database may not say: settings of its own, and functions that reach elsewhere.

`readonly` lets a statement change every other setting, the service's limits among them, and a function such as `url` reads what
the database's network reaches. A second wall, besides the store's own grants.
"""

import re

from db.errors import invalid_sql

# ClickHouse's lexer: comments, texts (heredocs and typographic quotes among them), quoted names. What does not end reaches to
# the end: one pass, whatever comes.
_OPAQUE = re.compile(
    r"""--[^\n]*|\#[ !][^\n]*|/\*.*?(?:\*/|\Z)
    |'(?:[^'\\]|\\.|'')*+(?:'|\Z)|\u2018[^\u2019]*+(?:\u2019|\Z)|\$(\w*+)\$.*?(?:\$\1\$|\Z)
    |"(?P<double>(?:[^"\\]|\\.|"")*+)(?:"|\Z)|`(?P<back>(?:[^`\\]|\\.|``)*+)(?:`|\Z)|\u201c(?P<curly>[^\u201d]*+)(?:\u201d|\Z)""",
    re.DOTALL | re.VERBOSE,
)
_SETTINGS = re.compile(r"\bsettings\s+\w+\s*=|^[\s(;]*set\s", re.IGNORECASE)
# https://clickhouse.com/docs/sql-reference/table-functions: those that read beyond the server's own tables.
_OUTSIDE = re.compile(
    r"\b((?:url|file|s3|hdfs|azureBlobStorage)(?:Cluster)?|(?:iceberg|deltaLake|hudi|paimon)\w*|gcs|cosn|oss|hive|ytsaurus"
    r"|remote|remoteSecure|cluster|clusterAllReplicas|mysql|postgresql|mongodb|redis|sqlite|odbc|jdbc|arrowFlight"
    r"|filesystem|executable|input)\s*\(",
    re.IGNORECASE,
)


def require_own_tables(sql: str) -> None:
    """Raises INVALID_SQL."""
    plain = _OPAQUE.sub(_name, sql)
    if _SETTINGS.search(plain):
        raise invalid_sql("settings are chosen by the options of the call: leave SETTINGS and SET out")
    if found := _OUTSIDE.search(plain):
        raise invalid_sql(f"{found[1]}: not offered, since it reads elsewhere than in this database")


def _name(opaque: re.Match[str]) -> str:
    """A quoted name bare, since what it names counts; nothing of anything else. Raises INVALID_SQL for an escaped one."""
    name = opaque["double"] or opaque["back"] or opaque["curly"] or ""
    if "\\" in name:
        raise invalid_sql("a quoted name with a backslash in it")
    return f" {name} "
