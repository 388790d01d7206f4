"""The server as a child process of the local stack."""

import sys
from dataclasses import dataclass
from pathlib import Path

from scripts.stack.process import LOOPBACK, Child, ChildPart, accepts_tcp, require_free

ROOT = Path(__file__).resolve().parents[3]
USER = "default"
DATABASE = "dotdo"


@dataclass
class ClickHouse(ChildPart):
    """`data_dir` keeps everything; its content survives restarts and kill -9."""

    data_dir: Path
    port: int
    log: Path
    password: str

    @property
    def url(self) -> str:
        """Without credentials: those go into headers."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def username(self) -> str:
        return USER

    @property
    def database(self) -> str:
        """Exists once start() has returned."""
        return DATABASE

    async def start(self) -> None:
        """Returns when queries are answered. Raises StartError with what to do."""
        require_free(self.port, "ClickHouse", "CLICKHOUSE_PORT")
        command = [
            sys.executable, "-m", "scripts.stores.clickhouse", "--with-parent",
            "--port", str(self.port), "--path", str(self.data_dir.resolve()), "--database", DATABASE,
        ]  # fmt: skip
        env = {"CLICKHOUSE_PASSWORD": self.password}
        self.child = Child("ClickHouse", command, self.log, env=env, cwd=ROOT)
        try:
            await self.child.start(lambda: accepts_tcp(self.port))
        except BaseException:
            await self.child.stop()
            raise
