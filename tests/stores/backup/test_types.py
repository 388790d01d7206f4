"""Every type of PostgreSQL comes back to the last byte."""

import asyncio
import itertools
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dotdo.fakes import FakeBucket
from schedule.tasks import backup_database
from tests.e2e.pgvalues import TYPES
from tests.stores.backup.databases import NewDatabase, context, fetch, restored, saved

EVERY = '"Every ""type"" there is"'


@pytest.fixture
def every_type(tmp_path: Path) -> Path:
    """Migrations of a database with a table that has a column of each type, generated ones, and awkward names."""
    columns = ", ".join(f'"c{index}" {kind.name}' for index, kind in enumerate(TYPES))
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_types.sql").write_text(
        f"""
        create extension vector;
        create table {EVERY} (
            id bigint generated always as identity primary key, {columns},
            twice bigint generated always as (id * 2) stored
        );
        create table "no key" (a text, b jsonb);
        create table "no column" ();
        """
    )
    return folder


def test_every_type_comes_back_to_the_last_byte(new_database: NewDatabase, every_type: Path, tmp_path: Path) -> None:
    folders = itertools.count()
    rows = st.lists(st.tuples(*(st.none() | kind.literals for kind in TYPES)), min_size=1, max_size=4)
    names = ", ".join(f"c{index}" for index in range(len(TYPES)))
    values = ", ".join(f"${index + 1}::text::{kind.name}" for index, kind in enumerate(TYPES))

    @settings(
        max_examples=40,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(rows)
    def check(rows: list[tuple[str | None, ...]]) -> None:
        source, target, bucket = new_database(every_type), new_database(every_type), FakeBucket()
        with psycopg.connect(source, cursor_factory=psycopg.RawCursor) as connection:
            for row in rows:
                connection.execute(f"insert into {EVERY} ({names}) values ({values})", row)
            connection.execute("insert into \"no key\" values ('b', null), ('a', 'null'), ('a', null), (null, '[1]')")
        result = asyncio.run(backup_database.run(context(source, bucket)))
        restored(saved(bucket, tmp_path / str(next(folders)), result["backup"]), target)
        for table in (EVERY, '"no key"'):
            read = f"select t::text from {table} as t order by 1"
            assert fetch(target, read) == fetch(source, read)

    check()
