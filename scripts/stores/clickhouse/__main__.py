"""`python -m scripts.stores.clickhouse --port N --path DIR`; the password comes from CLICKHOUSE_PASSWORD."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
import uvicorn

from scripts.stack.process import LOOPBACK
from scripts.stores.clickhouse.confinement import confine
from scripts.stores.clickhouse.errors import ClickHouseError
from scripts.stores.clickhouse.process import DATABASE, ROOT, USER

if TYPE_CHECKING:
    from scripts.stores.clickhouse.server import Server

# Looked up before the engine is loaded: a parent that ends meanwhile must be missed. One that ended even earlier has left
# this process to number 1, which starts no servers.
PARENT = os.getppid()
INIT = 1
PARENT_CHECK_S = 0.5
# Requests still running after this when the server stops are cut off; their statements were cancelled before.
GRACE_S = 2


def main(
    port: Annotated[int, typer.Option(help="TCP port of 127.0.0.1 to listen on.")],
    path: Annotated[Path, typer.Option(help="Folder of the data; made when missing.")],
    database: Annotated[str, typer.Option(help="Database to create and to use unless a request names one.")] = DATABASE,
    with_parent: Annotated[bool, typer.Option(help="End when the process that started this one has ended.")] = False,
) -> None:
    temporary = path / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    # The engine takes these from here while it is loaded. Servers run in UTC.
    os.environ.update(TZ="UTC", TMPDIR=str(temporary.resolve()))
    confine(path, [ROOT / "scripts"], ROOT)  # before the engine starts its threads
    from scripts.stores.clickhouse.engine import Engine  # noqa: PLC0415
    from scripts.stores.clickhouse.server import Server  # noqa: PLC0415

    try:
        engine = Engine(path, database)
    except ClickHouseError as error:
        sys.exit(
            f"ClickHouse cannot open {path}: {error}\nOnly one process can use the folder; is another one running?"
        )
    server = Server(engine, USER, os.environ.get("CLICKHOUSE_PASSWORD", ""), database)
    config = uvicorn.Config(
        server, host=LOOPBACK, port=port, lifespan="off", access_log=False, log_level="warning", server_header=False,
        proxy_headers=False, timeout_keep_alive=30, timeout_graceful_shutdown=GRACE_S,
    )  # fmt: skip
    asyncio.run(_serve(_Http(config, server), PARENT if with_parent else None))
    server.close()


class _Http(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, application: "Server") -> None:
        super().__init__(config)
        self._application = application

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals end the server in order; uvicorn's own way would raise them again, before the engine is closed."""
        loop = asyncio.get_running_loop()
        for stop in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(stop, self.handle_exit, stop, None)
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await asyncio.to_thread(self._application.stop_queries)
        await super().shutdown(sockets)


async def _serve(http: _Http, parent: int | None) -> None:
    async def follow_parent() -> None:
        while os.getppid() == parent != INIT:
            await asyncio.sleep(PARENT_CHECK_S)
        http.should_exit = True

    watch = asyncio.create_task(follow_parent()) if parent is not None else None
    await http.serve()
    if watch is not None:
        watch.cancel()


if __name__ == "__main__":
    typer.run(main)
