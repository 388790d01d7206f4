"""The runner while code changes and while things break."""

import asyncio
import os
import signal
import time
from pathlib import Path

import httpx
import pytest

from scripts.stack.process import StartError

from .conftest import PATIENCE_S, CaseRuntime, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


def runtime_processes(runtime: CaseRuntime) -> list[int]:
    """The workerd processes of this runtime, known by the configuration file of the runner that started them."""
    runners = [pid for pid, words in processes() if str(runtime.folder / "configuration.json") in words]
    return [pid for pid, words in processes() if words[0].endswith("/workerd") and parent(pid) in runners]


def processes() -> list[tuple[int, list[str]]]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_text().split("\0")
        except OSError:
            continue  # has ended meanwhile
        found.append((int(folder.name), words))
    return found


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


async def until_answer(http: httpx.AsyncClient, url: str, wanted: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    answer = ""
    while answer != wanted:
        assert time.monotonic() < deadline, f"still {answer!r}"
        try:
            answer = (await http.get(url)).text
        except httpx.TransportError as error:
            answer = repr(error)
        await asyncio.sleep(0.05)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds processes in /proc")
async def test_edits_mistakes_and_crashes(http: httpx.AsyncClient, runtime: CaseRuntime) -> None:
    """One runtime for all of it: each start takes seconds."""
    url = runtime.python("caller", kv={"STORE": "store"}, variables={"PLACE": "local"}) + "/"
    greeting = runtime.folder / "caller" / "greeting.py"
    await runtime.start()
    await until_answer(http, url, "hello")

    greeting.write_text('GREETING = "edited"\n')
    await until_answer(http, url, "edited")

    greeting.write_text("GREETING = = 1\n")
    await until(lambda: "SyntaxError: invalid syntax" in runtime.log())
    assert runtime.child.process is not None
    assert runtime.child.process.returncode is None, "a mistake must not end the runner"
    greeting.write_text('GREETING = "mended"\n')
    await until_answer(http, url, "mended")

    await http.get(f"{url}put", params={"key": "kept", "value": "yes"})
    (crashing,) = runtime_processes(runtime)
    os.kill(crashing, signal.SIGKILL)
    await until(lambda: crashing not in dict(processes()))
    await until_answer(http, f"{url}get?key=kept", "yes")

    (last,) = runtime_processes(runtime)
    await runtime.stop()
    await until(lambda: last not in dict(processes()))


@pytest.mark.usefixtures("runtime")  # which vendors the packages
async def test_a_worker_that_cannot_be_imported_is_a_readable_start_error(tmp_path: Path) -> None:
    broken = CaseRuntime(tmp_path)
    broken.python("caller")
    (tmp_path / "caller" / "greeting.py").write_text('raise RuntimeError("trouble at import")\n')
    try:
        with pytest.raises(StartError) as raised:
            await broken.start()
    finally:
        await broken.stop()
    assert "RuntimeError: trouble at import" in str(raised.value)
    assert 'greeting.py", line 1' in broken.log()
