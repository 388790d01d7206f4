"""A file of secrets: `NAME=value` lines, outside of git."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


def parse(text: str) -> dict[str, str]:
    """Empty lines and `#` comments are skipped, quotes around a value are taken off. Raises ValueError."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or not name.strip().isidentifier():
            raise ValueError(f"line {number} is not NAME=value")
        value = value.strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        found[name.strip()] = value
    return found


def read(file: Path) -> dict[str, str]:
    """Raises OSError, ValueError."""
    return parse(file.read_text())


@contextmanager
def only(file: Path | None, names: Sequence[str]) -> Iterator[Path | None]:
    """A file with the secrets of these names alone, readable by its owner, gone afterwards: a Worker gets what is its own."""
    own = {name: value for name, value in read(file).items() if name in names} if file else {}
    if not own:
        yield None
        return
    with tempfile.NamedTemporaryFile("w", suffix=".json") as chosen:  # readable by its owner only
        json.dump(own, chosen)
        chosen.flush()
        yield Path(chosen.name)
