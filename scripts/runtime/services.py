"""The Workers of the platform and where their files are."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED_PACKAGE = ROOT / "shared" / "src" / "dotdo"


@dataclass(frozen=True, slots=True)
class Service:
    name: str

    @property
    def folder(self) -> Path:
        return ROOT / self.name

    @property
    def source(self) -> Path:
        return self.folder / "src"

    @property
    def configuration(self) -> Path:
        return self.folder / "wrangler.jsonc"

    @property
    def modules(self) -> Path:
        """Vendored packages: what wrangler uploads beside the source."""
        return self.folder / "python_modules"

    @property
    def lock(self) -> Path:
        return ROOT / "locks" / f"{self.name}.txt"


SERVICES = tuple(Service(name) for name in ("gateway", "db", "auth", "schedule"))


@dataclass(frozen=True, slots=True)
class BenchWorker(Service):
    """A Worker that only the bench runs, with packages of its own."""

    @property
    def folder(self) -> Path:
        return ROOT / "scripts" / "bench" / "workers" / self.name


FASTAPI = BenchWorker("fastapi")
