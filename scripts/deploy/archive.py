"""What was deployed, kept so that it can be deployed again: one archive for each version, the newest last."""

import hashlib
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
    """The versions of one service in one environment, as files named by time, commit and digest.

    A `.tar.gz` was deployed. An `.attempt` was sent and may have arrived: what broke the connection does not say.
    """

    def __init__(self, service: str, environment: Environment, root: Path) -> None:
        self._folder = root / environment.name / service

    def versions(self) -> list[Path]:
        """What was deployed, oldest first."""
        return sorted(self._folder.glob("*.tar.gz"))

    def attempt(self, source: Path, peers: Peers) -> Path:
        """Keeps what the Worker's folder holds now, and how it finds its peers. To be called before it is sent."""
        self._folder.mkdir(parents=True, exist_ok=True)
        files = _files(source)
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}-{revision()}-{_digest(source, files, peers)}"
        partial = self._folder / f"{name}.partial"
        with tarfile.open(partial, "w:gz", compresslevel=6) as archive:
            for file in files:
                archive.add(source / file, file)
            archive.addfile(_member(PEERS, text := peers.encode()), io.BytesIO(text))
        return partial.rename(self._folder / f"{name}.attempt")

    def confirm(self, attempt: Path) -> None:
        """It has arrived. What is deployed twice is one version; older ones than the last ten go, and so do other attempts."""
        again = [newest for newest in self.versions()[-1:] if _content(newest) == _content(attempt)]
        attempt.rename(attempt.with_suffix(".tar.gz"))
        for old in (*again, *self._attempts()):
            old.unlink()
        for old in self.versions()[:-KEPT]:
            old.unlink()

    def previous(self) -> Path | None:
        """The version before the one that is, or may be, deployed."""
        versions = self.versions()
        if versions and any(_content(attempt) != _content(versions[-1]) for attempt in self._attempts()):
            return versions[-1]
        return versions[-2] if len(versions) > 1 else None

    def forget_after(self, version: Path) -> None:
        """After a roll-back: what came later is no version to come back to."""
        for file in (*self.versions(), *self._attempts()):
            if file.name > version.name:
                file.unlink()

    def _attempts(self) -> list[Path]:
        return sorted(self._folder.glob("*.attempt"))


def _files(source: Path) -> list[str]:
    found = [file for part in _PARTS for file in (source / part, *(source / part).rglob("*")) if file.is_file()]
    return sorted(file.relative_to(source).as_posix() for file in found if "__pycache__" not in file.parts)


def _digest(source: Path, files: list[str], peers: Peers) -> str:
    """Names what is sent, whenever and from whichever commit."""
    digest = hashlib.sha256(peers.encode())
    for file in files:
        content = (source / file).read_bytes()
        digest.update(f"\0{file}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


def _content(version: Path) -> str:
    """The digest in its name."""
    return version.name.split(".")[0].split("-")[-1]


def peers_of(environment: Environment, root: Path) -> Peers:
    """How the Workers that were sent there last find each other; by service bindings when nothing is kept."""
    kept = [file for ending in ("tar.gz", "attempt") for file in (root / environment.name).glob(f"*/*.{ending}")]
    return peers_in(max(kept, key=lambda file: file.name)) if kept else "services"


def peers_in(version: Path) -> Peers:
    """How the Worker of that version finds the others."""
    with tarfile.open(version) as archive:
        found = archive.extractfile(PEERS)
        return _peers(found.read() if found else b"")


@contextmanager
def unpacked(version: Path) -> Iterator[tuple[Path, Peers]]:
    """A folder as the Worker's was, beside the others so that the tools find what is above it; how it finds its peers."""
    (ROOT / ".dotdo").mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="rollback-", dir=ROOT / ".dotdo"))
    try:
        with tarfile.open(version) as archive:
            archive.extractall(folder, filter="data")
        yield folder, _peers((folder / PEERS).read_bytes())
    finally:
        shutil.rmtree(folder)


def _peers(text: bytes) -> Peers:
    return "dispatch" if text == b"dispatch" else "services"


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
