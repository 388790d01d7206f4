"""What `make lock` writes: only what a tool wrote, and never where the packages came from."""

from pathlib import Path

import pytest
from typer import Typer
from typer.testing import CliRunner

from scripts import lock
from scripts.runtime.services import FASTAPI, ROOT, SERVICES
from scripts.runtime.vendor import VendorError


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(lock, "ROOT", tmp_path)
    file = tmp_path / "pnpm-lock.yaml"
    file.write_text("before\n")
    return file


def writing(monkeypatch: pytest.MonkeyPatch, file: Path, text: str) -> list[list[str]]:
    """Has a tool write this; what it was asked to upgrade."""
    asked: list[list[str]] = []

    def work(upgrade: object) -> None:
        assert isinstance(upgrade, list)
        asked.append(upgrade)
        file.write_text(text)

    monkeypatch.setattr(lock, "LOCKS", {"one": (work, (file,))})
    return asked


def run(*arguments: str) -> tuple[int, str]:
    app = Typer()
    app.command()(lock.main)
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.output


def test_every_lock_is_written() -> None:
    written = {file for _, files in lock.LOCKS.values() for file in files}
    assert written == {*(ROOT / "locks").glob("*.txt"), ROOT / "pnpm-lock.yaml"}
    assert {service.lock for service in (*SERVICES, FASTAPI)} < written


def test_no_lock_names_an_address() -> None:
    for _, files in lock.LOCKS.values():
        for file in files:
            assert lock.addresses(file.read_text()) == [], file.name


def test_it_says_what_has_changed(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    asked = writing(monkeypatch, file, "after\n")
    assert run("--upgrade", "idna", "--upgrade", "certifi") == (0, "  ✓ one: pnpm-lock.yaml\n")
    assert run() == (0, "  ✓ one: as before\n")
    assert asked == [["idna", "certifi"], []]


def test_a_lock_with_an_address_is_put_back(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    writing(monkeypatch, file, "ws@8.0.0:\n  resolution: {tarball: https://packages.example.com/ws.tgz}\n")
    code, output = run()
    assert code == 1
    assert "https://packages.example.com/ws.tgz" in output
    assert file.read_text() == "before\n"


def test_what_a_tool_refuses_is_told(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    def refuse(_: object) -> None:
        raise VendorError("no version of it")

    monkeypatch.setattr(lock, "LOCKS", {"one": (refuse, (file,))})
    assert run() == (1, "  ✗ one\nno version of it\n")


def test_upgrading_is_by_name() -> None:
    assert lock.upgrading(["idna", "certifi"]) == ["--upgrade-package", "idna", "--upgrade-package", "certifi"]
    assert lock.upgrading([]) == []
