"""ClickHouse for one module of tests."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from scripts.stack.process import free_port
from scripts.stores.clickhouse import ClickHouse
from tests.stores.clickhouse_http.client import PASSWORD, Client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    folder = tmp_path_factory.mktemp("clickhouse_http")
    server = ClickHouse(folder / "data", free_port(), folder / "log" / "clickhouse.log", PASSWORD)
    await server.start()
    auth = httpx.BasicAuth(server.username, PASSWORD)
    async with httpx.AsyncClient(base_url=server.url, auth=auth, timeout=30, trust_env=False) as http:
        yield Client(server, http)
    await server.stop()
    assert "Traceback" not in server.log.read_text()
