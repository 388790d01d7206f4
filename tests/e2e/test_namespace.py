"""The platform as a dispatch namespace runs it: the dispatch Worker in front, the four found by name and nothing else."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from scripts.stack.ports import free_ports
from scripts.stack.stack import Stack
from tests.e2e.platform import DATA, OFFICIAL_RUNTIME

Info = dict[str, Any]


@pytest.fixture(scope="module")
def namespace() -> Iterator[Info]:
    with asyncio.Runner() as runner:
        data = DATA.with_name(f"{DATA.name}-namespace")
        stack = Stack(data, free_ports(), official_runtime=OFFICIAL_RUNTIME, namespace=True)
        try:
            yield runner.run(stack.start(fresh=True))
        finally:
            runner.run(stack.stop())


@pytest.fixture
def client(namespace: Info) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {namespace['keys']['admin']}"}
    with httpx.Client(base_url=namespace["gateway_url"], headers=headers, timeout=60) as client:
        yield client


def test_a_request_reaches_every_service_through_the_namespace(client: httpx.Client, namespace: Info) -> None:
    ready = client.get("/ready")
    assert (ready.status_code, ready.json()["services"]["db"]) == (200, "ok")
    written = client.put("/db/things/namespace/a", json={"type": "note", "data": {"n": 1}})
    assert written.status_code == 201
    assert client.get("/db/things/namespace/a").json()["data"] == {"n": 1}
    assert client.get("/schedule/tasks").status_code == 200
    refused = httpx.get(f"{namespace['gateway_url']}/db/things/namespace/a")
    assert (refused.status_code, refused.json()["code"]) == (401, "UNAUTHENTICATED")


def test_a_cron_event_reaches_schedule_through_the_namespace(client: httpx.Client, namespace: Info) -> None:
    fired = client.get("/cdn-cgi/handler/scheduled", params={"cron": "*/5 * * * *"})
    assert (fired.status_code, fired.text) == (200, "ok")
    with psycopg.connect(namespace["postgres_url"]) as connection:
        runs = connection.execute("select count(*) from task_executions").fetchone()
    assert runs is not None and runs[0] > 0


def test_a_cron_event_fails_when_a_task_did(client: httpx.Client, namespace: Info) -> None:
    add = "insert into scheduled_tasks (name, schedule, handler) values ('broken', 'every 1 minute', 'no-such-handler')"
    with psycopg.connect(namespace["postgres_url"]) as connection:
        connection.execute(add)
    fired = client.get("/cdn-cgi/handler/scheduled", params={"cron": "*/5 * * * *"})
    assert fired.text != "ok"
    with psycopg.connect(namespace["postgres_url"]) as connection:
        connection.execute("delete from scheduled_tasks where name = 'broken'")
