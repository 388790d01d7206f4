"""Components, their manifest and which backups stay; over values made up by hypothesis."""

import gzip
import hashlib
import json
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from schedule.domain.backup.manifest import Manifest, Table, folder, table_sha256
from schedule.domain.backup.parts import PartWriter
from schedule.domain.backup.retention import backup_id, is_backup_id, kept
from scripts.backups.files import rows_of, verify

values = st.none() | st.text(st.characters(exclude_categories=["Cs"]))
rows = st.lists(st.lists(values, min_size=2, max_size=2), max_size=8)


def lines_of(page: list[list[str | None]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in page)


@given(st.lists(rows.filter(bool), min_size=1, max_size=4))
def test_what_is_written_page_by_page_is_read_row_by_row(tmp_path_factory, pages) -> None:  # type: ignore[no-untyped-def]
    place = tmp_path_factory.mktemp("part")
    writer = PartWriter("things", 3)
    for page in pages:
        writer.add(lines_of(page), len(page))
    part, content = writer.finish()
    (place / part.file).write_bytes(content)
    assert list(rows_of(place, part)) == [row for page in pages for row in page]
    table = Table(name="things", columns=["a", "b"], rows=part.rows, sha256=table_sha256([part]), parts=[part])
    manifest = Manifest(id="x", taken_at="", finished_at="", migrations=[], sequences=[], tables=[table])
    done: list[int] = []
    verify(place, manifest, done.append)
    assert done == [manifest.rows]
    assert Manifest.model_validate_json(manifest.model_dump_json(), by_name=True) == manifest


def test_a_part_is_hashed_over_its_lines_and_over_its_file() -> None:
    writer = PartWriter("Every table", 12)
    writer.add('["a"]\n', 1)
    part, content = writer.finish()
    assert gzip.decompress(content) == b'["a"]\n'
    assert part.sha256 == hashlib.sha256(b'["a"]\n').hexdigest()
    assert part.file_sha256 == hashlib.sha256(content).hexdigest()
    assert (part.rows, part.bytes) == (1, 6)
    assert part.file == f"Every-table-00012-{part.sha256[:12]}.ndjson.gz"


def test_equal_rows_are_equal_files() -> None:
    one, other = PartWriter("t", 1), PartWriter("t", 1)
    one.add("[]\n[]\n", 2)
    other.add("[]\n", 1)
    other.add("[]\n", 1)
    assert one.finish()[0].sha256 == other.finish()[0].sha256


def test_an_id_is_its_instant() -> None:
    assert backup_id(1_790_000_000.9) == "20260921T141320Z"
    assert is_backup_id("20260921T141320Z")
    assert not any(is_backup_id(name) for name in ("", "notes", "20260921T141320Z.old", "x20260921T141320Z"))
    assert folder("staging", "20260921T141320Z") == "postgres/staging/20260921T141320Z/"


instants = st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2026, 6, 1), timezones=st.just(UTC))


@given(st.sets(instants.map(lambda at: backup_id(at.timestamp())), max_size=60))
def test_of_the_last_days_and_weeks_the_newest_stay(ids: set[str]) -> None:
    def day(id: str) -> date:
        return datetime.strptime(id, "%Y%m%dT%H%M%SZ").date()

    def monday(id: str) -> date:
        return day(id) - timedelta(days=day(id).weekday())

    days = sorted({day(id) for id in ids})[-7:]
    weeks = sorted({monday(id) for id in ids})[-4:]
    of_days = {max(id for id in ids if day(id) == one) for one in days}
    of_weeks = {max(id for id in ids if monday(id) == one) for one in weeks}
    assert kept(ids) == of_days | of_weeks
    assert not ids or max(ids) in kept(ids)


def of(*days: str) -> set[str]:
    return {f"{day.replace('-', '')}T000000Z" for day in days}


def test_a_week_of_days_and_four_weeks_stay_of_a_backup_each_day() -> None:
    """Today is a Thursday. The newest of this week and of the last one are among the seven days."""
    today = date(2026, 11, 26)
    ids = of(*((today - timedelta(days=age)).isoformat() for age in range(60)))
    days = of(*(f"2026-11-{day}" for day in range(20, 27)))
    assert kept(ids) == days | of("2026-11-22", "2026-11-15", "2026-11-08")


def test_what_is_old_stays_while_there_is_nothing_newer() -> None:
    few = of("2020-01-01", "2021-02-03", "2022-03-04")
    assert kept(few) == few
    assert kept([]) == set()
    rare = of(*(f"20{year}-06-15" for year in range(10, 30)))
    assert kept(rare) == of(*(f"20{year}-06-15" for year in range(23, 30)))


def test_of_one_day_the_newest_stays() -> None:
    assert kept(["20261126T000000Z", "20261126T235959Z", "20261126T120000Z"]) == {"20261126T235959Z"}
