"""The whole database as of one instant, though every request to it is a transaction of its own.

One repeatable-read transaction copies each table into the schema `dotdo_backup`; the copies are then read in pages that may be
as far apart as they like. They are unlogged, so that copying costs no write-ahead log: a crash of the database empties them,
which is noticed, because every table's rows were counted. The transaction holds the migrations' lock: no table changes its
form.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from schedule.domain.backup.manifest import Part
from schedule.domain.registry import TaskContext

MAX_COPY_S = 25.0
"""What db allows one transaction."""

# Every table of ours with what reads it: its columns but for the generated ones, the order its rows are taken in, which is that
# of its primary key whatever the database's collation, and the expression that makes a row its line.
TABLES = """
select relname::text as name, columns, line, coalesce(keys, 'source::text collate "C"') as ordering
from pg_class
cross join lateral (
    select array_agg(attname::text order by attnum) as columns,
        'array_to_json(array[' || string_agg(format('%I::text', attname), ',' order by attnum) || '])::text' as line
    from pg_attribute where attrelid = pg_class.oid and attnum > 0 and not attisdropped and attgenerated = ''
) as readable
cross join lateral (
    select string_agg(format('%I', attname) || case when attcollation <> 0 then ' collate "C"' else '' end, ', '
        order by array_position(indkey::int2[], attnum)) as keys
    from pg_index join pg_attribute on attrelid = indrelid and attnum = any(indkey)
    where indrelid = pg_class.oid and indisprimary
) as ordered
where columns is not null and relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
    and relname <> 'schema_migrations'
    and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = pg_class.oid and deptype = 'e')
order by relname
"""
# What makes the text of a value depend on nothing but the value; pg_dump sets the same.
TEXT_SETTINGS = {
    "datestyle": "ISO, YMD",
    "timezone": "UTC",
    "intervalstyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
}

_SETTINGS = " ".join(f"set {name} = '{value}'" for name, value in TEXT_SETTINGS.items())

# A schema of that name that is not known by this was made by somebody else, and is neither read nor dropped.
_MARK = "made by the task backup-database, which drops it once the backup is finished"
_OURS = f"obj_description(to_regnamespace('dotdo_backup'), 'pg_namespace') = '{_MARK}'"

_DROP = f"""
do $do$
begin
    if {_OURS} then
        drop schema dotdo_backup cascade;
    elsif to_regnamespace('dotdo_backup') is not null then
        raise exception 'the schema dotdo_backup was not made by backups, which need its name: rename it';
    end if;
end
$do$
"""
_CREATE = (
    "create schema dotdo_backup",
    f"comment on schema dotdo_backup is '{_MARK}'",
    "create table dotdo_backup.snapshot (id text, taken_at timestamptz, migrations jsonb, sequences jsonb)",
    "create table dotdo_backup.tables (number integer primary key, name text, columns text[], line text, rows bigint)",
    """
    create table dotdo_backup.parts (
        table_number integer, number integer, last bigint, file text, rows bigint, bytes bigint, sha256 text, file_sha256 text,
        primary key (table_number, number)
    )
    """,
)
_COPY = f"""
do $do$
declare
    found record;
    table_number integer := 0;
    copied bigint;
begin
    if not pg_try_advisory_xact_lock_shared(hashtextextended('public.schema_migrations', 0)) then
        raise exception 'migrations are being applied' using errcode = 'serialization_failure';
    end if;
    for found in {TABLES} loop
        table_number := table_number + 1;
        execute format(
            'create unlogged table dotdo_backup.rows_%s as'
                ' select row_number() over (order by %s) as "#", %s from public.%I as source',
            table_number, found.ordering,
            (select string_agg(format('%I', name), ',') from unnest(found.columns) as name), found.name
        );
        get diagnostics copied = row_count;
        execute format('alter table dotdo_backup.rows_%s add primary key ("#")', table_number);
        insert into dotdo_backup.tables values (table_number, found.name, found.columns, found.line, copied);
    end loop;
end
$do$
"""
# As many rows behind `after` as are within both limits, at least one. Their lines are one text, so that a page is one value to
# carry; it is null for a row that is longer than the limit by itself, which is read in slices. One row is looked up after the
# other, so that no line is made but those that are delivered and the one that has no room any more: rows may be long.
_FUNCTIONS = (
    f"""
    create function dotdo_backup.page(
        wanted integer, after bigint, most_rows integer, most_bytes bigint, out last bigint, out rows bigint, out lines text
    ) language plpgsql stable {_SETTINGS} as $function$
    begin
        execute format($query$
            with recursive page as (
                select "#" as n, %1$s as line, 0::bigint as starts from dotdo_backup.rows_%2$s where "#" = $1 + 1
                union all
                select next.n, next.line, page.starts + octet_length(page.line) + 1 from page
                cross join lateral (
                    select "#" as n, %1$s as line from dotdo_backup.rows_%2$s where "#" = page.n + 1
                ) as next
                where page.n < $1 + $2 and page.starts + octet_length(page.line) + 1 < $3
            )
            select max(n), count(*), string_agg(line || E'\\n', '' order by n) filter (where ends <= $3)
            from (select n, line, starts + octet_length(line) + 1 as ends from page) as measured where ends <= $3 or n = $1 + 1
        $query$, (select line from dotdo_backup.tables where number = wanted), wanted)
        into last, rows, lines using after, most_rows, most_bytes;
    end
    $function$
    """,
    f"""
    create function dotdo_backup.slice(wanted integer, at bigint, start integer, characters integer) returns text
    language plpgsql stable {_SETTINGS} as $function$
    declare
        found text;
    begin
        execute format(
            'select substring(%s from $2 for $3) from dotdo_backup.rows_%s where "#" = $1',
            (select line from dotdo_backup.tables where number = wanted), wanted
        ) into found using at, start, characters;
        return found;
    end
    $function$
    """,
)
_DESCRIBE = """
insert into dotdo_backup.snapshot select $1, now(),
    (select jsonb_agg(jsonb_build_object('version', version, 'name', name, 'checksum', checksum) order by version)
        from schema_migrations),
    (select coalesce(jsonb_agg(jsonb_build_object('name', sequencename, 'last_value', last_value::text) order by sequencename),
        '[]') from pg_sequences where schemaname = 'public')
"""
_EXISTS = f"select {_OURS} and to_regclass('dotdo_backup.snapshot') is not null as there"
_FIND = """
select id, taken_at, migrations, sequences, taken_at < now() - interval '20 hours' as old from dotdo_backup.snapshot
"""
_STATE = """
select number, name, columns, rows, coalesce(max(last), 0) as read, count(last) as parts
from dotdo_backup.tables left join (select table_number, last from dotdo_backup.parts) as done on table_number = number
group by number order by number
"""
_PARTS = """
select table_number, file, rows, bytes, sha256, file_sha256 from dotdo_backup.parts order by table_number, number
"""
_PAGE = "select * from dotdo_backup.page($1, $2, $3, $4)"
_SLICE = "select dotdo_backup.slice($1, $2, $3, $4) as piece"
_RECORD = "insert into dotdo_backup.parts values ($1, $2, $3, $4, $5, $6, $7, $8)"


@dataclass(frozen=True, slots=True)
class CopiedTable:
    """`read` rows of `rows` are in parts already."""

    number: int
    name: str
    columns: list[str]
    rows: int
    read: int
    parts: int


@dataclass(frozen=True, slots=True)
class Page:
    """`last` is the number of its last row; no rows when the copy has no more. `lines` is None for one row that is too long."""

    last: int
    rows: int
    lines: str | None


class Snapshot:
    """`id` names the backup it becomes; `old`: what it shows is yesterday's."""

    def __init__(self, context: TaskContext, row: dict[str, Any]) -> None:
        self._sql = context.sql
        self.id: str = row["id"]
        self.taken_at: str = row["taken_at"]
        self.migrations: list[dict[str, Any]] = row["migrations"]
        self.sequences: list[dict[str, Any]] = row["sequences"]
        self.old: bool = row["old"]

    async def tables(self) -> list[CopiedTable]:
        return [CopiedTable(**row) for row in await self._sql.rows(_STATE, repeatable=True)]

    async def page(self, table: CopiedTable, after: int, most_rows: int, most_bytes: int) -> Page:
        """`most_bytes` of lines, in UTF-8."""
        (row,) = await self._sql.rows(_PAGE, table.number, after, most_rows, most_bytes, repeatable=True)
        return Page(row["last"] or after, row["rows"], row["lines"])

    async def slices(self, table: CopiedTable, at: int, characters: int) -> AsyncIterator[str]:
        """The line of one row, piece by piece, without its line feed."""
        start = 1
        while True:
            (row,) = await self._sql.rows(_SLICE, table.number, at, start, characters, repeatable=True)
            yield row["piece"] or ""
            if len(row["piece"] or "") < characters:
                return
            start += characters

    async def record(self, table: CopiedTable, number: int, last: int, part: Part) -> None:
        """Raises CONFLICT when another run has recorded this one."""
        await self._sql.execute(
            _RECORD, table.number, number, last, part.file, part.rows, part.bytes, part.sha256, part.file_sha256
        )

    async def parts(self) -> dict[int, list[Part]]:
        """By the table's number, in order."""
        found: dict[int, list[Part]] = {}
        for row in await self._sql.rows(_PARTS, repeatable=True):
            found.setdefault(row.pop("table_number"), []).append(Part(**row))
        return found


async def find(context: TaskContext) -> Snapshot | None:
    """The one that is there, left by a run that did not come to the end of it."""
    there = await context.sql.first(_EXISTS, repeatable=True)
    row = await context.sql.first(_FIND, repeatable=True) if there and there["there"] else None
    return Snapshot(context, row) if row else None


async def take(context: TaskContext, id: str, timeout_s: float) -> Snapshot:
    """A new one in place of what was there.

    Raises INVALID_SQL where somebody else has a schema of its name, TIMEOUT when copying takes longer than that.
    """
    statements = [_DROP, *_CREATE, _COPY, *_FUNCTIONS, _DESCRIBE]
    batch = [{"sql": sql, "params": [id] if sql is _DESCRIBE else []} for sql in statements]
    options = {"isolation": "repeatable_read", "timeoutMs": int(min(timeout_s, MAX_COPY_S) * 1000)}
    await context.bindings.peer("DB").call("transaction", batch, options)
    taken = await find(context)
    assert taken is not None, "it has just been taken"
    return taken


async def drop(context: TaskContext) -> None:
    await context.sql.execute(_DROP)
