"""How large the uploads are: our own code and the vendored packages apart, as wrangler would send them."""

import gzip
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from scripts.deploy import archive, tools
from scripts.deploy.table import ENVIRONMENTS, ORDER
from scripts.runtime.services import ROOT

DIST = ROOT / "dist"

# gzip sizes of the TypeScript version's uploads, kB.
TYPESCRIPT_KB = {"gateway": 15.8, "db": 139.0, "auth": 142.6, "schedule": 84.8}


@dataclass(frozen=True, slots=True)
class Size:
    """gzip bytes, file by file: an upload is compressed as a whole, so these are upper bounds."""

    service: str
    modules: int
    own: int
    shared: int
    vendored: int


def measure(console: Console) -> tuple[list[Size], bool]:
    """The sizes, and whether any build failed. Nothing is uploaded and no account is needed."""
    sizes, failed = [], False
    for service in ORDER:
        with console.status(f"{service} …"):
            outcome = tools.upload(
                archive.folder_of(service), service, ENVIRONMENTS["staging"], dry_run=True, secrets=None
            )  # fmt: skip
        if outcome.ok:
            sizes.append(_size(service, DIST / service))
        else:
            failed = True
            console.print(f"{service}: {outcome.reason}", style="red", markup=False)
    return sizes, failed


def _size(service: str, folder: Path) -> Size:
    counts = {"own": 0, "shared": 0, "vendored": 0}
    files = [file for file in folder.rglob("*") if file.is_file() and file.name != "README.md"]
    for file in files:
        counts[_part(file.relative_to(folder))] += len(gzip.compress(file.read_bytes()))
    return Size(service, len(files), **counts)


def _part(file: Path) -> str:
    if file.parts[0] != "python_modules":
        return "own"
    return "shared" if file.parts[1] == "dotdo" else "vendored"


def show(sizes: list[Size], console: Console) -> None:
    table = Table("Worker", "modules", "own code, kB", "shared, kB", "packages, kB", "TypeScript, kB", title="gzip")
    for size in sizes:
        before = TYPESCRIPT_KB.get(size.service)
        table.add_row(
            size.service,
            str(size.modules),
            *(f"{count / 1000:.1f}" for count in (size.own, size.shared, size.vendored)),
            f"{before:.1f}" if before else "-",
        )
    console.print(table)
