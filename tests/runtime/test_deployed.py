"""Each Worker as a deploy leaves it: a snapshot of its memory can be taken after its imports, and it answers from that."""

import asyncio
from pathlib import Path

import httpx
import pytest

from scripts.runtime.bundle import build_bundle
from scripts.runtime.config import read_configuration
from scripts.runtime.deployed import Deployed, DeployedError, Upload, deployed
from scripts.runtime.services import SERVICES, Service
from scripts.runtime.vendor import vendor
from scripts.runtime.workers import workerd_binary

# Memory grows in steps of a fifth: 31.5, 37.8, 45.4 MB. Each step is read at every start.
LARGEST_SNAPSHOT = 40_000_000
DATE = read_configuration(SERVICES[0].configuration)["compatibility_date"]


async def deploy(upload: Upload, folder: Path) -> Deployed:
    return await deployed(upload, workerd_binary(), build_bundle(), DATE, folder)


async def first_answer(worker: Deployed) -> httpx.Response:
    async with worker.running() as (address, _), httpx.AsyncClient(timeout=60) as http:
        return await http.get(f"{address}/health")


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
async def test_a_worker_answers_from_the_snapshot_that_its_deploy_takes(service: Service, tmp_path: Path) -> None:
    await asyncio.to_thread(vendor, service)
    worker = await deploy(Upload(service.source, service.modules), tmp_path)
    assert worker.snapshot.stat().st_size <= LARGEST_SNAPSHOT
    answers = [await first_answer(worker) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert {answer.json()["service"] for answer in answers} == {service.name}
    ids = {answer.headers["x-request-id"] for answer in answers}
    assert len(ids) == 2, "randomness of the snapshot: two isolates began with the same request id"


@pytest.mark.parametrize(
    ("at_import", "said"),
    [
        ("import secrets\nTOKEN = secrets.token_hex()", "Randomness is not allowed"),
        ("import js\nREQUESTS = js.Headers.new()", "Can't serialize top-level variable"),
        ("raise ValueError('of the import')", "ValueError: of the import"),
    ],
)
async def test_what_a_snapshot_cannot_hold_is_refused_by_name(at_import: str, said: str, tmp_path: Path) -> None:
    await asyncio.to_thread(vendor, SERVICES[0])
    source = tmp_path / "src"
    source.mkdir()
    (source / "entry.py").write_text(f"{at_import}\nfrom workers import WorkerEntrypoint\n")
    folder = tmp_path / "deployed"
    folder.mkdir()
    with pytest.raises(DeployedError, match=said):
        await deploy(Upload(source, SERVICES[0].modules), folder)
