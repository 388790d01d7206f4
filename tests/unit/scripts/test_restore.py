"""What `make restore` says before it touches anything."""

from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from scripts.restore import main


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([""], "Name the backup: make restore BACKUP="),
        ([], "Name the backup: make restore BACKUP="),
        (["latest"], "Name the database to restore into: set DATABASE_URL"),
    ],
)
def test_what_is_not_named_is_asked_for(
    arguments: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder one stands in is not the backup, even if it looks like one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "manifest.json").write_text("{}")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    app = Typer()
    app.command()(main)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert told in result.output
