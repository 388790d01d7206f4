"""One child process of the local stack: started, probed until ready, stopped, its output in a log file."""

import asyncio
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

GUARD = Path(__file__).with_name("guard.py")
LOOPBACK = "127.0.0.1"

Probe = Callable[[], Awaitable[bool]]


class StartError(Exception):
    """A part of the local stack did not start. The message says which, why, and what to do next."""


_GIVEN: set[int] = set()
_BELOW_EPHEMERAL = range(10_000, 32_000)
"""From 32768 (Linux) or 49152 on the system gives ports to outgoing connections, between our choice of one and its use too."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on at the moment of asking; none that this process was given before."""
    while True:
        port = secrets.choice(_BELOW_EPHEMERAL)
        if port in _GIVEN:
            continue
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
        _GIVEN.add(port)
        return port


def require_free(port: int, name: str, setting: str) -> None:
    """Raises StartError naming the setting to change when something already listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise StartError(
                f"Port {port}, wanted by {name}, is taken. Stop what listens there or choose another: {setting}=<port>"
            ) from error


async def accepts_tcp(port: int) -> bool:
    """Whether something on 127.0.0.1 accepts connections on the port."""
    try:
        _, writer = await asyncio.open_connection(LOOPBACK, port)
    except OSError:
        return False
    writer.close()
    return True


@dataclass
class Child:
    """A command under guard.py, so that it ends when this process does, in whatever way."""

    name: str
    command: Sequence[str]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    process: asyncio.subprocess.Process | None = None

    async def start(self, ready: Probe, timeout_s: float = 60.0) -> None:
        """Returns when `ready` answers true. Raises StartError, with the end of the log, on exit or timeout."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as output:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-E", "-S", str(GUARD), self.stop_signal.name, *self.command,
                stdin=asyncio.subprocess.PIPE, stdout=output, stderr=output,
                env={**os.environ, **self.env}, cwd=self.cwd, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + timeout_s
        while not await ready():
            if self.process.returncode is not None:
                raise StartError(
                    f"{self.name} ended with code {self.process.returncode} while starting.\n{self.tail()}"
                )
            if time.monotonic() > deadline:
                await self.stop()
                raise StartError(f"{self.name} was not ready after {timeout_s:.0f} s.\n{self.tail()}")
            await asyncio.sleep(0.02)

    async def wait(self) -> int:
        """The exit code, once the process has ended."""
        assert self.process is not None, "not started"
        return await self.process.wait()

    async def stop(self) -> None:
        """Ends the process and everything it started. Does nothing when it has already ended."""
        if self.process is None or self.process.stdin is None:
            return
        self.process.stdin.close()
        await self.process.wait()

    def tail(self, lines: int = 20) -> str:
        """The last lines of the log, for a person to read."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(["", f"--- end of {self.log} ---", *text.splitlines()[-lines:]])


@dataclass
class ChildPart:
    """A part of the stack that is one child process, which its `start` makes."""

    child: Child | None = field(default=None, init=False)

    async def wait(self) -> int:
        """The exit code, once the process has ended."""
        assert self.child is not None, "not started"
        return await self.child.wait()

    async def stop(self) -> None:
        """Ends the process and everything it started. Does nothing when it does not run."""
        if self.child is not None:
            await self.child.stop()
