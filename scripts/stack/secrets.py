"""The secrets of one local stack: made once, kept beside its data, readable by their owner only."""

import json
import os
import secrets
from pathlib import Path

from auth.domain.api_keys import generate

ROLES = ("admin", "user", "viewer")


def local_secrets(data: Path) -> dict[str, str]:
    """Passwords, signing secrets and the three API keys (`admin`, `user`, `viewer`) of the stack in this folder."""
    file = data / "secrets.json"
    if file.exists():
        known: dict[str, str] = json.loads(file.read_text())
        return known
    names = ("POSTGRES_PASSWORD", "CLICKHOUSE_PASSWORD", "INTERNAL_SECRET", "JWT_SECRET", "JWT_REFRESH_SECRET")
    made = {name: secrets.token_urlsafe(32) for name in names}
    made |= {role: generate("test") for role in ROLES}
    data.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as output:
        json.dump(made, output, indent=2)
    partial.rename(file)
    return made
