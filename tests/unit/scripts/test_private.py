"""Keys are for their owner's eyes, also where a file that others could read is in the place."""

from pathlib import Path

from scripts.stack.private import write_private


def test_nobody_else_reads_it_not_even_from_a_file_that_was_open(tmp_path: Path) -> None:
    file, partial = tmp_path / "dev.json", tmp_path / "dev.partial"
    for left in (file, partial):
        left.write_text("old")
        left.chmod(0o644)
    with file.open() as open_file, partial.open() as open_partial:
        write_private(file, "key")
        assert (open_file.read(), open_partial.read()) == ("old", "old")
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("key", 0o600)
    assert list(tmp_path.iterdir()) == [file]
