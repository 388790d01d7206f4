"""`python -m scripts.stores.neon --port N --upstream postgresql://host:port`."""

from typing import Annotated
from urllib.parse import urlsplit

import typer
import uvicorn

from scripts.stack.process import LOOPBACK
from scripts.stores.neon.server import create_app


def main(
    port: Annotated[int, typer.Option(help="TCP port of 127.0.0.1 to listen on")],
    upstream: Annotated[str, typer.Option(help="postgresql://host:port of the server; requests bring their account")],
) -> None:
    """Serves Neon's SQL over HTTP at /sql, and /health."""
    address = urlsplit(upstream)
    app = create_app(address.hostname or LOOPBACK, address.port or 5432)
    uvicorn.run(
        app, host=LOOPBACK, port=port, loop="uvloop", http="httptools", ws="none",
        log_level="warning", access_log=False, timeout_graceful_shutdown=1,
        timeout_keep_alive=600,  # closing early would race with a request on the same connection
    )  # fmt: skip


if __name__ == "__main__":
    typer.run(main)
