"""Python compiled ahead for local runs, by the interpreter that will run it: Pyodide, on Node.

workerd's isolates would compile every module they import from source, at each start and each reload, which is half of the time
that these take. In production nothing is imported but at deploy, so nothing of this goes there.
"""

import hashlib
import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts.stack.node import node

SCRIPT = Path(__file__).with_name("bytecode.mjs")
JOB = Path(__file__).with_name("bytecode_job.py")
LIBRARY_ON_RUNTIME = "/lib/python314.zip"
TIMEOUT_S = 180


class BytecodeError(Exception):
    """Pyodide did not run; the message is what it said."""


def compile_modules(package: Path, cache: Path, folders: Iterable[Path]) -> None:
    """Leaves `cache/<SHA-256 of the source>.pyc` for every module below the folders; one that is wrong is left out.

    `package` is the folder of the npm package `pyodide`. Raises BytecodeError.
    """
    cache.mkdir(parents=True, exist_ok=True)
    sources: dict[str, Path] = {}
    for folder in folders:
        for file in folder.rglob("*.py"):
            sources.setdefault(hashlib.sha256(file.read_bytes()).hexdigest(), file)
    there = {file.stem for file in cache.iterdir()}
    missing = {digest: file for digest, file in sources.items() if digest not in there}
    if not missing:
        return
    with TemporaryDirectory(dir=cache.parent) as name:
        _run(package, modules=[(str(file), f"{name}/{digest}.pyc") for digest, file in missing.items()])
        for compiled in Path(name).iterdir():
            compiled.replace(cache / compiled.name)  # at once: another stack may be starting


def compile_library(package: Path, archive: Path, target: Path) -> None:
    """Writes the standard library at `target`, each module's bytecode beside its source. Raises BytecodeError."""
    _run(package, library=(str(archive), str(target)))


def _run(package: Path, modules: Iterable[tuple[str, str]] = (), library: tuple[str, str] | None = None) -> None:
    job = {"pyodide": str(package), "modules": list(modules), "library": library, "mounted": LIBRARY_ON_RUNTIME}
    result = subprocess.run(
        [str(node()), str(SCRIPT)],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if result.returncode != 0:
        raise BytecodeError(f"Pyodide could not compile Python:\n{result.stderr.strip()[-2000:]}")
