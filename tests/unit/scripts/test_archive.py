"""Which version a roll-back goes to, by what was deployed before and what came of it."""

import tarfile
from pathlib import Path

import pytest

from scripts.deploy.archive import KEPT, Archive, unpacked
from scripts.deploy.table import ENVIRONMENTS
from scripts.deploy.tools import Peers


class Deployments:
    """`play("A B C?")` deploys A, then B; then C, of which nobody knows whether it arrived. `C!` was refused."""

    def __init__(self, folder: Path) -> None:
        self.source, self.root = folder / "worker", folder / "deployments"
        (self.source / "src" / "__pycache__").mkdir(parents=True)
        self.archive = Archive("db", ENVIRONMENTS["staging"], self.root)

    def play(self, history: str, peers: Peers = "services") -> None:
        for number, step in enumerate(history.split()):
            (self.source / "src" / "entry.py").write_text(step[0])
            (self.source / "src" / "__pycache__" / "entry.pyc").write_text(f"compiled {number}")
            attempt = self.archive.attempt(self.source, peers)
            if step.endswith("!"):
                attempt.unlink()
            elif not step.endswith("?"):
                self.archive.confirm(attempt)

    def previous(self) -> str | None:
        version = self.archive.previous()
        return None if version is None else _content(version)

    def kept(self) -> str:
        return " ".join(
            _content(file) + ("?" if file.suffix == ".attempt" else "") for file in sorted(self.root.rglob("*Z-*"))
        )


def _content(version: Path) -> str:
    with tarfile.open(version) as archive:
        member = archive.extractfile("src/entry.py")
        assert member is not None
        return member.read().decode()


@pytest.fixture
def deployments(tmp_path: Path) -> Deployments:
    return Deployments(tmp_path)


@pytest.mark.parametrize(
    ("history", "previous"),
    [
        ("", None),
        ("A", None),
        ("A?", None),
        ("A! B", None),
        ("A B", "A"),
        ("A B B", "A"),
        ("A B C!", "A"),
        ("A B C?", "B"),
        ("A B C? D?", "B"),
        ("A B C? D!", "B"),
        ("A B C? B?", "B"),
        ("A B B?", "A"),
        ("A B C? C", "B"),
        ("A B C? D", "B"),
        ("A B C? B", "A"),
        ("A B A", "B"),
    ],
)
def test_a_rollback_goes_to_what_was_there_before_what_may_be_there(
    deployments: Deployments, history: str, previous: str | None
) -> None:
    deployments.play(history)
    assert deployments.previous() == previous


@pytest.mark.parametrize(
    ("history", "kept"), [("A B C", "A B"), ("A B C? D?", "A B"), ("A B C? C D", "A B C"), ("A B B", "A")]
)
def test_after_a_rollback_nothing_later_is_kept(deployments: Deployments, history: str, kept: str) -> None:
    deployments.play(history)
    version = deployments.archive.previous()
    assert version is not None
    deployments.archive.forget_after(version)
    assert deployments.kept() == kept


def test_the_last_ten_are_kept_however_often_the_newest_is_deployed(deployments: Deployments) -> None:
    deployments.play("A B C D E F G H I J K" + " L" * 12)
    assert deployments.kept() == "C D E F G H I J K L"
    assert len(deployments.archive.versions()) == KEPT


def test_how_it_finds_its_peers_is_part_of_a_version(deployments: Deployments) -> None:
    deployments.play("A")
    deployments.play("A", "dispatch")
    previous = deployments.archive.previous()
    assert previous is not None
    with unpacked(previous) as (folder, peers):
        assert (peers, (folder / "src" / "entry.py").read_text()) == ("services", "A")
        assert not list(folder.rglob("*.pyc"))
