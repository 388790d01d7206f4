"""What counts as installed: only what came to its end, and one installation at a time."""

import threading
from pathlib import Path

import pytest

from scripts import bootstrap


@pytest.fixture
def stamps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bootstrap, "STAMPS", tmp_path / "installed")
    return tmp_path / "installed"


@pytest.mark.parametrize("interruption", [bootstrap.InstallError, KeyboardInterrupt, SystemExit])
def test_what_did_not_come_to_its_end_is_not_installed(
    stamps: Path, tmp_path: Path, interruption: type[BaseException]
) -> None:
    installed: list[str] = []
    present = tmp_path / "packages"
    present.mkdir()

    def install(lock: str, fails: bool = False) -> None:
        def work() -> None:
            installed.append(lock)
            if fails:
                raise interruption("in the middle of it")

        bootstrap.step("Some packages", lock, present, work)

    with bootstrap.alone():
        install("A")
        install("A")
        assert installed == ["A"], "what is up to date is left alone"
        with pytest.raises(interruption):
            install("B", fails=True)
        install("A")
        assert installed == ["A", "B", "A"], "half of B may be there"
        install("A")
    assert installed == ["A", "B", "A"]


def test_a_second_installation_waits_and_says_so(stamps: Path) -> None:
    order: list[str] = []
    said = threading.Event()

    def second() -> None:
        with bootstrap.alone():
            order.append("second")

    def speak(text: str, **_: object) -> None:
        assert "Another installation is running" in text
        said.set()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bootstrap, "print", speak, raising=False)
        with bootstrap.alone():
            thread = threading.Thread(target=second)
            thread.start()
            assert said.wait(60)
            order.append("first")
        thread.join(60)
    assert order == ["first", "second"]
