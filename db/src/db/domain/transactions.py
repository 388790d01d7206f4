"""Raw SQL of trusted callers: one statement, or several that hold or fall together."""

from collections.abc import Sequence

from db.adapters.neon import Isolation, Neon, Rows, Statement, StatementError
from db.domain.sql import ABORT, ABORTED
from db.domain.statements import require_plain
from dotdo.contracts.db.models import (
    QueryField,
    QueryOptions,
    QueryResult,
    SqlStatement,
    StatementOptions,
    TransactionOptions,
    TransactionResult,
)
from dotdo.errors import ServiceError

_ISOLATION: dict[str, Isolation] = {
    "read_committed": "ReadCommitted",
    "repeatable_read": "RepeatableRead",
    "serializable": "Serializable",
}

# Put behind a prefix of the statements, so that the prefix is tried and taken back.
_ABORT = Statement(f"select {ABORT}")

# Failures of the moment: asking again which statement it was would get another answer.
_OF_THE_MOMENT = frozenset({"40001", "40P01", "57014", "57P01", "57P02", "57P03"})


def result_of(rows: Rows) -> QueryResult:
    fields = [QueryField(name=field.name, type_oid=field.type_oid) for field in rows.fields]
    return QueryResult(rows=rows.dicts(), row_count=rows.row_count, fields=fields)


def _at(index: int, error: ServiceError) -> ServiceError:
    detail = f"statement {index}: {error.detail}"
    return ServiceError(error.code, error.status, error.title, detail, retryable=error.retryable)


class RawSql:
    def __init__(self, neon: Neon) -> None:
        self._neon = neon

    async def query(self, sql: str, params: Sequence[object], options: QueryOptions) -> QueryResult:
        """Raises RESULT_TOO_LARGE rather than cutting rows off without a word. The statement has been carried out by then."""
        rows = await self.run(sql, params, options)
        if len(rows) > options.max_rows:
            detail = f"the answer has more than {options.max_rows} rows; what was written, if anything, is kept"
            raise ServiceError("RESULT_TOO_LARGE", 400, "Result too large", detail)
        return result_of(rows)

    async def run(self, sql: str, params: Sequence[object], options: StatementOptions) -> Rows:
        """However many rows it has: for who wants one of them, or their number."""
        require_plain(sql)
        return await self._neon.query(
            sql,
            params,
            read_only=options.read_only,
            repeatable=options.repeatable or options.read_only,
            timeout_s=options.timeout_ms / 1000,
            raw_sql=True,
        )

    async def transaction(self, statements: Sequence[SqlStatement], options: TransactionOptions) -> TransactionResult:
        """Raises the error of the statement that failed, its index first in the detail; nothing of it has happened."""
        for index, one in enumerate(statements):
            try:
                require_plain(one.sql)
            except ServiceError as error:
                raise _at(index, error) from error
        batch = [Statement(one.sql, one.params) for one in statements]
        try:
            results = await self._run(batch, options)
        except StatementError as error:
            if error.sqlstate in _OF_THE_MOMENT:
                raise
            raise _at(await self._failing(batch, options), error) from error
        return TransactionResult(success=True, results=[result_of(rows) for rows in results])

    async def _run(self, batch: Sequence[Statement], options: TransactionOptions) -> list[Rows]:
        return await self._neon.transaction(
            batch,
            isolation=_ISOLATION[options.isolation],
            read_only=options.read_only,
            timeout_s=options.timeout_ms / 1000,
            repeatable=options.read_only,
            raw_sql=True,
        )

    async def _failing(self, batch: Sequence[Statement], options: TransactionOptions) -> int:
        """The index of the first statement that fails, by bisection over prefixes that are taken back.

        Neon's answer to a failed batch does not say which statement it was.
        """
        holds, fails = 0, len(batch)
        while fails - holds > 1:
            middle = (holds + fails) // 2
            if await self._holds([*batch[:middle], _ABORT], options):
                holds = middle
            else:
                fails = middle
        return holds

    async def _holds(self, aborted: Sequence[Statement], options: TransactionOptions) -> bool:
        """Whether nothing failed before the abort at the end."""
        try:
            await self._run(aborted, options)
        except StatementError as error:
            return error.sqlstate == ABORTED
        return False
