"""ClickHouse's own Node client, run by the pinned Node, works against the local server."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from scripts.stack.node import node
from scripts.stack.process import free_port
from scripts.stores.clickhouse import ClickHouse

DRIVER = Path(__file__).with_name("clickhouse_client.mjs")
CHECKS = [name for name in re.findall(r'check\("(.+?)",', DRIVER.read_text()) if "${" not in name]
PARAMETERS = 24
PASSWORD = "p@ss/word"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def problems(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, str | None]]:
    """What went wrong in each check of clickhouse_client.mjs; null where nothing did."""
    folder = tmp_path_factory.mktemp("clickhouse_node")
    server = ClickHouse(folder / "data", free_port(), folder / "clickhouse.log", PASSWORD)
    await server.start()
    child = await asyncio.create_subprocess_exec(
        node(), DRIVER, server.url, server.username, PASSWORD, server.database,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, complaints = await child.communicate()
    await server.stop()
    assert child.returncode == 0, complaints.decode()
    checks = [json.loads(line) for line in output.splitlines()]
    yield {check["name"]: check["problem"] for check in checks}


@pytest.mark.parametrize("check", CHECKS)
async def test_node_client(check: str, problems: dict[str, str | None]) -> None:
    assert problems[check] is None, problems[check]


async def test_node_client_parameters_formats_and_compression(problems: dict[str, str | None]) -> None:
    """The checks whose names are made in loops."""
    others = {name: problem for name, problem in problems.items() if name not in CHECKS}
    assert len(others) == PARAMETERS + 4 + 5
    assert {name: problem for name, problem in others.items() if problem} == {}


async def test_every_check_is_reported(problems: dict[str, str | None]) -> None:
    assert len(CHECKS) >= 35
    assert set(CHECKS) <= set(problems)
