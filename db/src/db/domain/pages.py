"""Pages of a table, which PostgreSQL writes as JSON: it takes a fraction of the time that Python would, value by value."""

from collections.abc import Sequence

from pydantic_core import from_json, to_json

from db.adapters.neon import Rows
from db.adapters.pgtypes import MAX_DECODED_DEPTH, require_shallow
from db.domain.sql import Conditions
from dotdo.json_text import JsonText
from dotdo.model import Model

# As the answer has it.
_INSTANT = """coalesce(to_char({0} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), {0}::text)"""
_INSTANTS = ("created_at", "updated_at")

# In JSON a control character takes six bytes, and a row that has just fitted into an answer would no longer.
_TEXTS, _LONGEST_WITHIN = ("content", "code"), 32 * 1024


def json_fields(model: type[Model], columns: str, *, camel: bool) -> str:
    """Columns, as SQL selects them for an answer: by the names of the model's fields, null for a field that is no column.

    So are long texts, which `page_statement` asks for apart.
    """
    stored = {*columns.split(", ")}
    fields = []
    for name, field in model.model_fields.items():
        value = name if name in stored else "null"
        if name in _INSTANTS:
            value = _INSTANT.format(name)
        elif name in _TEXTS:
            value = f"case when octet_length({name}) <= {_LONGEST_WITHIN} then {name} end"
        fields.append(f'{value} as "{field.alias if camel else name}"')
    return ", ".join(fields)


def page_statement(
    table: str,
    columns: str,
    fields: str,
    sort_key: str,
    where: Conditions,
    order: Sequence[str],
    *,
    limit: str,
    offset: str = "0",
) -> str:
    """`limit` rows in their order and one more, which only says that there is one.

    A row is the JSON text of its `fields`, the text of its sort key, the other columns of the order and, last, its long texts.
    The row behind the page has only what a cursor is made of: otherwise two large rows side by side, which together are more
    than the database answers with at once, could not be listed one by one.
    """
    key = ", ".join(column.split()[0] for column in order[1:])
    ordered = ", ".join(order)
    on_page = f"place <= {limit}::int8 + {offset}"
    written = f"(select row_to_json(shown)::text from (select {fields}) as shown)"
    apart = [
        f"case when {on_page} and octet_length({name}) > {_LONGEST_WITHIN} then {name} end as {name}"
        for name in columns.split(", ")
        if name in _TEXTS
    ]
    return (
        f"select case when {on_page} then {written} end as json, sort_key, {key}, {', '.join(apart)} from ("
        f"select {columns}, {sort_key} as sort_key, row_number() over (order by {ordered}) as place from {table} "
        f"where {where} order by {ordered} limit {limit}::int8 + 1 offset {offset}"
        f") as numbered order by {', '.join(f'numbered.{column}' for column in order)}"
    )


def json_array(rows: Rows, limit: int) -> JsonText:
    """The rows of a page, which `page_statement` asked for. Raises RESULT_TOO_DEEP."""
    first = len([name for name in rows.names if name not in _TEXTS])
    texts = []
    for row in rows.rows[:limit]:
        text = row[0]
        require_shallow(text, MAX_DECODED_DEPTH + 1)
        if any(row[first:]):
            long = {name: value for name, value in zip(rows.names[first:], row[first:], strict=True) if value}
            text = to_json({**from_json(text), **long}).decode()
        texts.append(text)
    return JsonText(f"[{','.join(texts)}]")
