"""The commands of schedule/README.md, “Restoring”, pasted into a shell one after the other."""

import re
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest

from dotdo.fakes import FakeBucket
from schedule.tasks import backup_database
from scripts.runtime.services import ROOT
from tests.stores.backup.conftest import MIGRATIONS
from tests.stores.backup.databases import FILL, NewDatabase, content_of, context, execute, fetch, saved

SECTION = (ROOT / "schedule" / "README.md").read_text().partition("\n## Restoring\n")[2].partition("\n## ")[0]
BLOCKS = [textwrap.dedent(block) for block in re.findall(r"^ *```sh\n(.*?)^ *```", SECTION, re.DOTALL | re.MULTILINE)]

STAND_INS = """
npx() { test "$1 $2 $3 $4" = "wrangler r2 object get" && cp "../bucket/${5##*/}" "$8"; }
make() { command make -o install "$@"; }
"""
"""wrangler fetches from a folder, and what is installed stays as it is."""

NEEDED = [tool for tool in ("bash", "jq", "make") if shutil.which(tool) is None]


@pytest.mark.skipif(bool(NEEDED), reason=f"not on this machine: {', '.join(NEEDED)}")
async def test_a_backup_from_before_a_migration_becomes_the_database_of_today(
    new_database: NewDatabase, small_parts: None, tmp_path: Path
) -> None:
    older, newest = sorted(MIGRATIONS.glob("*.sql"))[:-1], sorted(MIGRATIONS.glob("*.sql"))[-1]
    (tmp_path / "older").mkdir()
    for file in older:
        shutil.copy(file, tmp_path / "older")
    source, bucket = new_database(tmp_path / "older"), FakeBucket()
    execute(source, FILL)
    saved(bucket, tmp_path / "bucket", (await backup_database.run(context(source, bucket)))["backup"])

    there = tmp_path / "checkout"
    there.mkdir()
    for name in ("Makefile", ".venv", "scripts", "db"):
        (there / name).symlink_to(ROOT / name)
    (tmp_path / "none").mkdir()
    target = new_database(tmp_path / "none")
    fetching, *restoring = BLOCKS[1:-1]
    assert "aws s3 sync" in BLOCKS[0] and "BACKUP=latest" in BLOCKS[-1]
    script = "\n".join([STAND_INS, fetching, *restoring]).replace("postgresql://…/restored", f"'{target}'")
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=there, capture_output=True, text=True, timeout=300, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "each as it was backed up" in ran.stdout
    assert content_of(target)["things"] == content_of(source)["things"] != []
    applied = fetch(target, "select count(*), max(version) from schema_migrations")
    assert applied == [(len(older) + 1, int(newest.name[:4]))]
