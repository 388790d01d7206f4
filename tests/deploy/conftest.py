"""The command line as people run it, against the fake API; everything it keeps is in a folder of the test."""

import http.server
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.deploy.table import REQUIRED_SECRETS
from scripts.runtime.services import ROOT
from tests.deploy.cloudflare_api import ACCOUNT, TOKEN, CloudflareApi

NAMESPACE = "dotdo-staging"


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
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Answers(f"http://127.0.0.1:{server.server_port}", table)
    server.shutdown()
    thread.join()
    server.server_close()


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(api: CloudflareApi, dispatcher: Answers, tmp_path: Path) -> Iterator[Run]:
    """`run("deploy-to-namespace.sh", "db", "staging", CLOUDFLARE_API_TOKEN="other")`, from a folder elsewhere."""
    kept = ROOT / ".dotdo" / "deployments"
    aside = tmp_path / "deployments"
    if kept.exists():
        shutil.move(kept, aside)

    def command(script: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(tmp_path), "COLUMNS": "200",
            "CLOUDFLARE_API_BASE_URL": api.url, "CLOUDFLARE_ACCOUNT_ID": ACCOUNT, "CLOUDFLARE_API_TOKEN": TOKEN,
            "DISPATCH_URL": dispatcher.url, **variables,
        }  # fmt: skip
        return subprocess.run(
            ["sh", str(ROOT / "scripts" / script), *arguments], cwd=tmp_path, env=environment, capture_output=True,
            text=True, timeout=120, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    yield command
    shutil.rmtree(kept, ignore_errors=True)
    if aside.exists():
        shutil.move(aside, kept)
