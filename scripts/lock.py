"""`make lock`: writes every lock anew from the files that say what is wanted.

What a lock pins already stays as it is, unless the wanted version is another one or `--upgrade` names the package. A lock
holds names, versions and hashes, and no address: whoever installs brings a registry of their own.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from scripts.bootstrap import TOOLS
from scripts.runtime.services import FASTAPI, ROOT, SERVICES
from scripts.runtime.vendor import VendorError, lock
from scripts.stack.node import node

HOST = ROOT / "locks" / "host.txt"
JAVASCRIPT = ROOT / "pnpm-lock.yaml"
PNPM = TOOLS / "node_modules" / "pnpm" / "bin" / "pnpm.mjs"

OLDEST_PYTHON = "3.11"
"""The oldest one that the project is run with; the lock holds for it and all newer ones."""

_ADDRESS = re.compile(r"\w+://[^\s'\"}]+")


class LockError(Exception):
    """What a tool said, or what is wrong with what it wrote."""


def host(upgrade: Sequence[str]) -> None:
    _run([
        sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes", "--no-header",
        "--no-annotate", "--python-version", OLDEST_PYTHON, *upgrading(upgrade), "pyproject.toml", "-o", str(HOST),
    ])  # fmt: skip


def workers(upgrade: Sequence[str]) -> None:
    for service in (*SERVICES, FASTAPI):
        lock(service, upgrading(upgrade))


def javascript(_: Sequence[str]) -> None:
    """pnpm has no option for a package that only others ask for: CONTRIBUTING.md says what to do about one."""
    _run([str(node()), str(PNPM), "install", "--lockfile-only", "--no-frozen-lockfile", "--ignore-scripts"])


def upgrading(packages: Sequence[str]) -> list[str]:
    """uv's options."""
    return [part for package in packages for part in ("--upgrade-package", package)]


def addresses(text: str) -> list[str]:
    """pnpm writes where a tarball is when a registry has it elsewhere than npm's has."""
    return _ADDRESS.findall(text)


LOCKS: dict[str, tuple[Callable[[Sequence[str]], None], tuple[Path, ...]]] = {
    "host": (host, (HOST,)),
    "Workers": (workers, tuple(service.lock for service in (*SERVICES, FASTAPI))),
    "JavaScript": (javascript, (JAVASCRIPT,)),
}


def write(name: str, upgrade: Sequence[str]) -> list[Path]:
    """The locks that are others than before. One with an address in it is put back, and is a LockError."""
    work, files = LOCKS[name]
    before = {file: file.read_text() for file in files}
    try:
        work(upgrade)
    except VendorError as error:
        raise LockError(str(error)) from None
    for file, text in before.items():
        if found := addresses(file.read_text()):
            file.write_text(text)
            raise LockError(f"{file.name} would name an address, {found[0]}: use a registry that has npm's own paths.")
    return [file for file, text in before.items() if file.read_text() != text]


def _run(command: list[str]) -> None:
    environment = {**os.environ, "CI": "true", "PATH": f"{node().parent}{os.pathsep}{os.environ['PATH']}"}
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode:
        said = (ran.stdout + ran.stderr).strip().splitlines()[-25:]
        raise LockError("\n".join([f"{' '.join(command[:3])} … failed:", *said]))


def main(
    upgrade: Annotated[
        list[str] | None, typer.Option(metavar="PACKAGE", help="Take the newest version of this Python package, too.")
    ] = None,
) -> None:
    """Write the locks of the host, of the Workers and of the JavaScript tools. `make install` then installs them.

    Example: make lock ARGS="--upgrade idna --upgrade certifi"
    """
    for name in LOCKS:
        try:
            changed = write(name, upgrade or [])
        except LockError as error:
            print(f"  ✗ {name}\n{error}", file=sys.stderr)
            raise typer.Exit(1) from None
        print(f"  ✓ {name}: {', '.join(str(file.relative_to(ROOT)) for file in changed) or 'as before'}")


if __name__ == "__main__":
    typer.run(main)
