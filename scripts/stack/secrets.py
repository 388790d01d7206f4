"""The secrets of one local stack: made once, kept beside its data, readable by their owner only."""

import json
import secrets
from pathlib import Path

from auth.domain.api_keys import generate
from scripts.stack.private import write_private

ROLES = ("admin", "user", "viewer")

_NAMES = (
    "POSTGRES_PASSWORD", "CLICKHOUSE_PASSWORD", "INTERNAL_SECRET", "JWT_SECRET", "JWT_REFRESH_SECRET", "WORKOS_WEBHOOK_SECRET",
)  # fmt: skip


def local_secrets(data: Path) -> dict[str, str]:
    """Passwords, signing secrets and the three API keys (`admin`, `user`, `viewer`) of the stack in this folder.

    What a folder of an earlier version lacks is added.
    """
    file = data / "secrets.json"
    known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    made = {name: known.get(name) or secrets.token_urlsafe(32) for name in _NAMES}
    made |= {role: known.get(role) or generate("test") for role in ROLES}
    if made == known:
        return known
    data.mkdir(parents=True, exist_ok=True)
    write_private(file, json.dumps(made, indent=2))
    return made
