"""What a restore refuses, with nothing restored."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts.backups.files import RestoreError
from tests.stores.backup.databases import NewDatabase, content_of, execute, restored


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0x20
    file.write_bytes(content)


def swap_a_row(file: Path) -> None:
    """A file that is sound in itself."""
    text = gzip.decompress(file.read_bytes()).replace(b"note", b"NOTE", 1)
    file.write_bytes(gzip.compress(text, mtime=0))


CORRUPTIONS = {
    "a bit": flip,
    "half": lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
    "empty": lambda file: file.write_bytes(b""),
    "missing": Path.unlink,
    "a row": swap_a_row,
    "longer": lambda file: file.write_bytes(file.read_bytes() + gzip.compress(b'["x"]\n')),
}


@pytest.mark.parametrize("corrupt", CORRUPTIONS.values(), ids=CORRUPTIONS)
async def test_a_corrupted_part_is_named_and_nothing_restored(
    backup: Path, new_database: NewDatabase, corrupt: Callable[[Path], object]
) -> None:
    part = sorted(backup.glob("things-*.gz"))[-1]
    corrupt(part)
    target = new_database()
    with pytest.raises(RestoreError) as refused:
        restored(backup, target)
    assert part.name in str(refused.value).replace("\n", "")
    assert "table things" in str(refused.value)
    assert not any(content_of(target).values())


def rewritten(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def things(manifest: dict[str, Any]) -> dict[str, Any]:
    return next(table for table in manifest["tables"] if table["name"] == "things")


MANIFESTS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a part less": (lambda manifest: things(manifest)["parts"].pop(), "contradicts itself about the table things"),
    "other count": (lambda manifest: things(manifest).update(rows=1), "contradicts itself about the table things"),
    "no hash": (lambda manifest: things(manifest).pop("sha256"), "sha256"),
    "other format": (lambda manifest: manifest.update(format="dotdo-postgres/9"), "format"),
    "elsewhere": (lambda manifest: things(manifest)["parts"][0].update(file="../x.gz"), "outside of the backup"),
    "a table less": (lambda manifest: manifest["tables"].pop(0), "other tables or columns"),
    "other schema": (lambda manifest: manifest["migrations"].pop(), "Check the repository out as of the backup"),
}


@pytest.mark.parametrize(("change", "told"), MANIFESTS.values(), ids=MANIFESTS)
async def test_a_manifest_that_does_not_fit_is_refused(
    backup: Path, new_database: NewDatabase, change: Callable[[dict[str, Any]], object], told: str
) -> None:
    rewritten(backup, change)
    target = new_database()
    with pytest.raises(RestoreError, match=told):
        restored(backup, target)
    assert not any(content_of(target).values())


async def test_a_backup_without_manifest_is_refused(backup: Path, new_database: NewDatabase) -> None:
    (backup / "manifest.json").unlink()
    with pytest.raises(RestoreError, match="without a manifest"):
        restored(backup, new_database())


async def test_rows_that_come_out_otherwise_are_taken_back(backup: Path, new_database: NewDatabase) -> None:
    """A trigger that restoring leaves on changes what is stored."""
    target = new_database()
    execute(
        target,
        "create function shout() returns trigger language plpgsql as $$ begin new.type = 'NOTE'; return new; end $$",
        "create trigger shout before insert on things for each row execute function shout()",
        "create function on_again() returns event_trigger language plpgsql as"
        " $$ begin alter table things enable trigger shout; end $$",
        "create event trigger on_again on sql_drop execute function on_again()",
    )
    with pytest.raises(RestoreError, match="are others in the table things"):
        restored(backup, target)
    assert not any(content_of(target).values())
