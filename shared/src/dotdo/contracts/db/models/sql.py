"""SQL of a bound Worker, and calls of methods over HTTP."""

from typing import Any, Literal

from pydantic import Field

from dotdo.contracts.db.models.values import Text, Values
from dotdo.contracts.values import JsonObject
from dotdo.model import Model


class StatementOptions(Model):
    """`repeatable`: doing it twice does no harm, as with a plain select, so that it is tried again when a connection breaks.

    What is `read_only` is so anyway.
    """

    read_only: bool = False
    repeatable: bool = False
    timeout_ms: int = Field(default=10_000, ge=1, le=25_000)


class QueryOptions(StatementOptions):
    max_rows: int = Field(default=10_000, ge=1, le=10_000)


class QueryField(Model):
    name: str
    type_oid: int


class QueryResult(Model):
    rows: list[JsonObject]
    row_count: int
    fields: list[QueryField]


class ExecuteResult(Model):
    row_count: int


class SqlStatement(Model):
    sql: Text
    params: Values = Field(default_factory=list)


class TransactionOptions(Model):
    isolation: Literal["read_committed", "repeatable_read", "serializable"] = "read_committed"
    read_only: bool = False
    timeout_ms: int = Field(default=10_000, ge=1, le=25_000)


class TransactionResult(Model):
    success: bool
    results: list[QueryResult]


class RpcBody(Model):
    """An RPC call over HTTP, for admins."""

    method: str
    params: list[Any] = Field(default_factory=list)
