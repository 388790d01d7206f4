"""Files with keys and passwords in them."""

import os
from pathlib import Path


def write_private(file: Path, text: str) -> None:
    """Writes it whole or not at all, readable by its owner only, whoever could read what was there before."""
    partial = file.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as output:
        output.write(text)
    partial.rename(file)
