"""`make dev` as a process: what it prints, what survives it, and that it leaves nothing running."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from scripts.runtime.services import ROOT
from scripts.stack.process import LOOPBACK, free_port

GONE_WITHIN_S = 30
NAMES = (
    "PORT",
    "DB_PORT",
    "AUTH_PORT",
    "SCHEDULE_PORT",
    "POSTGRES_PORT",
    "NEON_PORT",
    "CLICKHOUSE_PORT",
    "WORKOS_PORT",
)


@dataclass
class Dev:
    """One run of the command."""

    data: Path
    process: subprocess.Popen[str]

    def read_until(self, text: str) -> str:
        """What it prints up to the line with the text; fails when it ends before."""
        assert self.process.stdout is not None
        printed = ""
        for line in self.process.stdout:
            printed += line
            if text in line:
                return printed
        raise AssertionError(f"ended before {text!r}:\n{printed}")

    def started(self) -> list[psutil.Process]:
        """Every process it has started so far."""
        children: list[psutil.Process] = psutil.Process(self.process.pid).children(recursive=True)
        return children

    def info(self) -> dict[str, Any]:
        info: dict[str, Any] = json.loads((self.data / "dev.json").read_text())
        return info

    def ends(self) -> int:
        """Its exit code; what it still prints is read meanwhile, so that it never waits for a reader."""
        self.process.communicate(timeout=GONE_WITHIN_S)
        return self.process.returncode


Start = Callable[..., Dev]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    runs: list[Dev] = []

    def start(**environment: str) -> Dev:
        ports = {name: str(free_port()) for name in NAMES}
        command = [sys.executable, "-m", "scripts.dev", "--quiet", "--no-cron", "--data", str(tmp_path / "data")]
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **ports, **environment}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        runs.append(Dev(tmp_path / "data", process))
        return runs[-1]

    yield start
    for run in runs:
        run.process.kill()
        run.process.wait()
        if run.process.stdout:
            run.process.stdout.close()


def all_gone(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=GONE_WITHIN_S)
    return not alive


def signed_in(gateway_url: str, email: str) -> tuple[str, str]:
    """Who that is, by id and role, after a sign-in as a browser does it."""
    query = {"login_hint": email, "return_to": "/auth/session"}
    with httpx.Client(follow_redirects=True, timeout=30) as browser:
        user = browser.get(f"{gateway_url}/auth/login", params=query).json()["user"]
    return user["id"], user["role"]


def test_what_is_written_survives_and_nothing_stays_behind(start: Start) -> None:
    dev = start()
    printed = dev.read_until("Ctrl-C")
    info = dev.info()
    assert info["pid"] == dev.process.pid
    assert set(info) == {"gateway_url", "workers", "postgres_url", "clickhouse_url", "workos_url", "keys", "pid"}
    assert info["gateway_url"] in printed
    assert info["keys"]["admin"] in printed
    thing = f"{info['gateway_url']}/db/things/kept/one"
    key = {"authorization": f"Bearer {info['keys']['user']}"}
    assert httpx.put(thing, headers=key, json={"type": "note"}, timeout=30).status_code == 201
    assert signed_in(info["gateway_url"], "admin@example.com") == ("usr_admin", "admin")
    children = dev.started()
    assert len(children) >= 8
    dev.process.send_signal(signal.SIGINT)
    assert dev.ends() == 0
    assert all_gone(children)
    assert not (dev.data / "dev.json").exists()

    again = start()
    again.read_until("Ctrl-C")
    assert again.info()["keys"] == info["keys"]
    thing = f"{again.info()['gateway_url']}/db/things/kept/one"
    assert httpx.get(thing, headers=key, timeout=30).json()["version"] == 1
    assert signed_in(again.info()["gateway_url"], "admin@example.com") == ("usr_admin", "admin")
    children = again.started()
    next(child for child in children if child.name() == "postgres").kill()
    assert "PostgreSQL ended with code" in again.read_until("ended with code")
    assert again.ends() == 1
    assert all_gone(children)
    assert not (again.data / "dev.json").exists()


def test_killed_outright_it_takes_everything_with_it(start: Start) -> None:
    dev = start()
    dev.read_until("Ready")
    children = dev.started()
    dev.process.kill()
    assert all_gone(children)
    dev.process.communicate()
    after = start()
    after.read_until("Ready")
    after.process.send_signal(signal.SIGTERM)
    assert after.ends() == 0


def test_stopped_while_starting_it_leaves_nothing(start: Start) -> None:
    dev = start()
    dev.read_until("✓")
    children = dev.started()
    dev.process.send_signal(signal.SIGTERM)
    assert dev.ends() == 0
    assert all_gone(children)
    assert not (dev.data / "dev.json").exists()


def test_a_taken_port_is_named(start: Start) -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        dev = start(PORT=str(port))
        printed = dev.read_until("is taken")
    assert f"Port {port}" in printed
    assert dev.ends() == 1


def test_two_on_the_same_data_are_refused(start: Start) -> None:
    first = start()
    first.read_until("✓")
    assert "already" in start().read_until("already")
    first.process.send_signal(signal.SIGTERM)
    assert first.ends() == 0
