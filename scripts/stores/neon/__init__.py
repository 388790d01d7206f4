"""Neon's SQL over HTTP, served from an ordinary PostgreSQL.

The Workers speak this protocol to Neon in production; locally `python -m scripts.stores.neon` answers it. Reference:
https://neon.com/docs/serverless/serverless-driver and the driver's own source, npm `@neondatabase/serverless`.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from scripts.stack.process import LOOPBACK, Child, ChildPart, accepts_tcp, require_free

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Neon(ChildPart):
    """The endpoint as a child process. Of `upstream_url` only host and port count: each request brings its own account."""

    port: int
    upstream_url: str
    log: Path

    @property
    def url(self) -> str:
        """What a driver posts its queries to."""
        return f"http://{LOOPBACK}:{self.port}/sql"

    async def start(self) -> None:
        """Returns when requests are answered. Raises StartError with what to do."""
        require_free(self.port, "the Neon endpoint", "NEON_PORT")
        upstream = urlsplit(self.upstream_url)
        address = (
            f"postgresql://{upstream.hostname or LOOPBACK}:{upstream.port or 5432}"  # no password in a process list
        )
        command = [sys.executable, "-m", __name__, "--port", str(self.port), "--upstream", address]
        self.child = Child("The Neon endpoint", command, self.log, cwd=ROOT)
        await self.child.start(lambda: accepts_tcp(self.port))
