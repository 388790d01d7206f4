"""What was deployed, kept so that it can be deployed again: one archive for each upload, the newest last."""

import io
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from scripts.deploy.table import Environment
from scripts.deploy.tools import Peers
from scripts.runtime.services import ROOT

KEPT = 10
DISPATCH = ROOT / "scripts" / "dispatch"

# What an upload is made of; everything else in a Worker's folder stays out.
_PARTS = ("src", "python_modules", ".venv-workers/.synced", "pyproject.toml", "package.json", "wrangler.jsonc")

PEERS = "peers"


def folder_of(service: str) -> Path:
    return DISPATCH if service == "dispatch" else ROOT / service


class Archive:
    """The versions of one service in one environment."""

    def __init__(self, service: str, environment: Environment, root: Path) -> None:
        self._service = service
        self._folder = root / environment.name / service

    def versions(self) -> list[Path]:
        """Oldest first."""
        return sorted(self._folder.glob("*.tar.gz"))

    def keep(self, peers: Peers) -> Path:
        """Keeps what the Worker's folder holds now, and how it finds its peers. Older ones than the last ten go."""
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}-{revision()}.tar.gz"
        partial = file.with_suffix(".partial")
        source = folder_of(self._service)
        with tarfile.open(partial, "w:gz", compresslevel=6) as archive:
            for part in _PARTS:
                if (source / part).exists():
                    archive.add(source / part, part)
            archive.addfile(_member(PEERS, text := peers.encode()), io.BytesIO(text))
        partial.rename(file)
        for old in self.versions()[:-KEPT]:
            old.unlink()
        return file

    def previous(self) -> Path | None:
        """The version before the one deployed last."""
        versions = self.versions()
        return versions[-2] if len(versions) > 1 else None

    def forget_last(self) -> None:
        """After a roll-back: what was deployed last is no version to come back to."""
        self.versions()[-1].unlink()


@contextmanager
def unpacked(version: Path) -> Iterator[tuple[Path, Peers]]:
    """A folder as the Worker's was, beside the others so that the tools find what is above it; how it finds its peers."""
    (ROOT / ".dotdo").mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="rollback-", dir=ROOT / ".dotdo"))
    try:
        with tarfile.open(version) as archive:
            archive.extractall(folder, filter="data")
        yield folder, "dispatch" if (folder / PEERS).read_text() == "dispatch" else "services"
    finally:
        shutil.rmtree(folder)


def _member(name: str, content: bytes) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    return member


def revision() -> str:
    """The commit that is checked out, in short; `unknown` outside of git."""
    result = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return result.stdout.strip() or "unknown"
