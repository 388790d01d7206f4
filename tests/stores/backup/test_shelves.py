"""Which backups a bucket keeps, and whose: each environment has its own, and their time."""

import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dotdo.errors import ServiceError
from dotdo.fakes import FakeBucket, FakeClock
from schedule.domain.backup.retention import backup_id
from schedule.tasks import backup_database
from scripts.backups.files import RestoreError, fetch_local
from scripts.stack.node import node
from tests.stores.backup.databases import ROWS, NewDatabase, content_of, context, execute, restored, saved


async def test_a_week_of_days_and_a_month_of_weeks_stay(new_database: NewDatabase) -> None:
    source, bucket, clock = new_database(), FakeBucket(), FakeClock()
    for _ in range(40):
        await backup_database.run(context(source, bucket, clock))
        clock.now += 86_400
    bucket.objects["postgres/production/notes/readme"] = b"not ours"
    await backup_database.run(context(source, bucket, clock))
    days = {key.split("/")[2] for key in bucket.objects} - {"notes"}
    today = datetime.fromtimestamp(clock.now)
    ages = sorted((today - datetime.strptime(day, "%Y%m%dT%H%M%SZ")) // timedelta(days=1) for day in days)
    assert ages[:7] == [0, 1, 2, 3, 4, 5, 6]
    assert 8 <= len(ages) <= 10
    assert ages[-1] in range(15, 22)
    assert "postgres/production/notes/readme" in bucket.objects


@pytest.mark.usefixtures("small_parts")
async def test_environments_that_share_a_bucket_leave_each_others_backups_alone(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    production, staging, bucket, clock = new_database(), new_database(), FakeBucket(), FakeClock()
    execute(production, *ROWS)
    backups = []
    for _ in range(10):
        backups.append((await backup_database.run(context(production, bucket, clock)))["backup"])
        clock.now += 1
        result = await backup_database.run(context(staging, bucket, clock, environment="staging"))
        assert result["backup"] not in backups
        clock.now += 1
    bucket.fails_at = bucket.operations + 4
    with pytest.raises(ServiceError):
        await backup_database.run(context(production, bucket, clock))
    bucket.fails_at = None
    cut = [key for key in bucket.objects if key.startswith(f"postgres/production/{backup_id(clock.now)}/")]
    assert cut
    clock.now += 1
    result = await backup_database.run(context(staging, bucket, clock, environment="staging"))
    assert len(result["removed"]) == 1
    assert set(cut) <= set(bucket.objects)
    target = new_database()
    restored(saved(bucket, tmp_path / "b", backups[-1]), target)
    assert content_of(target) == content_of(production)


def test_of_the_local_bucket_an_environments_backup_is_fetched(tmp_path: Path) -> None:
    storage = tmp_path / "storage"
    old, one, other = "20261101T000000Z", "20261102T000000Z", "20261103T000000Z"
    complete = [f"postgres/{old}", f"postgres/development/{one}", f"postgres/staging/{other}"]
    keys = [f"{folder}/{file}" for folder in complete for file in ("manifest.json", "a.gz")]
    cut = "postgres/development/20261104T000000Z/a.gz"
    subprocess.run([node(), Path(__file__).with_name("local_bucket.mjs"), storage, *keys, cut], check=True)
    for environment, wanted, found, key in (
        ("development", "latest", one, f"postgres/development/{one}/a.gz"),
        ("staging", "latest", other, f"postgres/staging/{other}/a.gz"),
        ("development", old, old, f"postgres/{old}/a.gz"),
        ("production", "latest", old, f"postgres/{old}/a.gz"),
    ):
        folder = tmp_path / f"{environment} {wanted}"
        assert fetch_local(storage, environment, wanted, folder) == found
        assert sorted(file.name for file in folder.iterdir()) == ["a.gz", "manifest.json"]
        assert (folder / "a.gz").read_text() == key
    for wanted in (other, "20261104T000000Z", "development"):
        with pytest.raises(RestoreError, match="no complete backup"):
            fetch_local(storage, "development", wanted, tmp_path / "none")
