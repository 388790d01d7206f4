"""The command line as people run it, against the fake API; everything it keeps is in a folder of the test."""

import http.server
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.deploy.table import REQUIRED_SECRETS
from scripts.runtime.services import ROOT
from tests.deploy.cloudflare_api import ACCOUNT, TOKEN, CloudflareApi

NAMESPACE = "dotdo-staging"
CLICKHOUSE = "https://clickhouse.example:8443"
"""Staging's."""


@dataclass
class Answers:
    """What the dispatch Worker's address answers by path: status and body."""

    url: str
    table: dict[str, tuple[int, object]]


@pytest.fixture
def api() -> Iterator[CloudflareApi]:
    with CloudflareApi() as running:
        running.state.namespaces |= {NAMESPACE, "dotdo-production"}
        yield running


@pytest.fixture
def deployed(api: CloudflareApi) -> CloudflareApi:
    """Every Worker's secrets are there; as after `scripts/secrets.sh`."""
    for service, names in REQUIRED_SECRETS.items():
        api.state.secret(NAMESPACE, service, **dict.fromkeys(names, "stored"))
    return api


@pytest.fixture
def secrets(tmp_path: Path) -> str:
    """A file with every secret of every Worker, and where the environment's ClickHouse is."""
    names = {name for required in REQUIRED_SECRETS.values() for name in required}
    lines = [f"{name}='value of {name}'" for name in sorted(names)]
    file = tmp_path / "secrets.env"
    file.write_text("\n".join(["# all of them", *lines, f"CLICKHOUSE_URL={CLICKHOUSE}", ""]))
    return str(file)


@pytest.fixture
def dispatcher() -> Iterator[Answers]:
    healthy = {"status": "ok", "services": dict.fromkeys(("db", "auth", "schedule"), "ok")}
    table: dict[str, tuple[int, object]] = {"/health": (200, {"status": "ok"}), "/ready": (200, healthy)}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = table[self.path]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield Answers(f"http://127.0.0.1:{server.server_port}", table)
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass(frozen=True)
class Command:
    """`run("verify.sh", "staging", CLOUDFLARE_API_TOKEN="other")` runs a script from a folder elsewhere, with nobody to ask."""

    environment: dict[str, str]
    folder: Path

    def __call__(self, script: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", str(ROOT / "scripts" / script), *arguments], cwd=self.folder, env={**self.environment, **variables},
            capture_output=True, text=True, timeout=300, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def typed(self, keys: str, script: str, *arguments: str) -> tuple[int, str]:
        """The same at a terminal where these keys are pressed: the exit code and everything the terminal showed."""
        child, terminal = pty.fork()
        if child == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # tests that run in the background ignore it
            os.chdir(self.folder)
            os.execvpe("sh", ["sh", str(ROOT / "scripts" / script), *arguments], self.environment)
        shown = b""
        for line in keys.splitlines(keepends=True):
            asked = b""
            while not asked.rstrip().endswith(b":"):
                asked += _next(terminal, child)
            os.write(terminal, line.encode())
            shown += asked
        with suppress(OSError):  # the end of a terminal is an error to who reads it
            while more := _next(terminal, child):
                shown += more
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode()


def _next(terminal: int, child: int) -> bytes:
    """What the terminal shows next. A command that shows nothing for two minutes is ended."""
    if not select.select([terminal], [], [], 120)[0]:
        os.kill(child, signal.SIGKILL)
    return os.read(terminal, 4096)


Run = Command


@pytest.fixture
def run(api: CloudflareApi, dispatcher: Answers, tmp_path: Path) -> Iterator[Run]:
    """The scripts against the fake API; what they keep is set aside."""
    kept = ROOT / ".dotdo" / "deployments"
    aside = tmp_path / "deployments"
    if kept.exists():
        shutil.move(kept, aside)

    environment = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "COLUMNS": "200",
        "CLOUDFLARE_API_BASE_URL": api.url, "CLOUDFLARE_ACCOUNT_ID": ACCOUNT, "CLOUDFLARE_API_TOKEN": TOKEN,
        "DISPATCH_URL": dispatcher.url, "VERIFY_WAIT_S": "0",
    }  # fmt: skip
    yield Command(environment, tmp_path)
    shutil.rmtree(kept, ignore_errors=True)
    if aside.exists():
        shutil.move(aside, kept)
