"""The calls of the README, pasted into a shell, do what it says."""

import re
import shutil
import subprocess

import pytest

from scripts.runtime.services import ROOT
from tests.e2e.platform import DATA, Platform


def pasted(page: str, heading: str, platform: Platform) -> str:
    """What the calls below this heading of a page print."""
    calls = re.search(rf"## {heading}.*?```sh\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    assert calls is not None, f"{page} has its calls below “{heading}”"
    script = (
        calls[1]
        .replace("http://127.0.0.1:8787", platform.gateway_url)
        .replace("http://127.0.0.1:8790", platform.workers["schedule"])
        .replace(".dotdo/dev.json", str(DATA / "dev.json"))
        .replace("/tmp/cookies", str(DATA / "cookies"))
        .replace("curl ", "curl --silent --show-error --write-out '\\n' ")
    )
    assert "8787" not in script
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


CURL = pytest.mark.skipif(shutil.which("curl") is None, reason="the calls are curl's, which this machine does not have")


@CURL
def test_the_readmes_calls_work_as_pasted(platform: Platform) -> None:
    platform.forget_schedule()
    output = pasted("README.md", "Try it", platform)
    for expected in (
        '"data":{"text":"hello"}',  # written, and read back
        '"page":{"limit":10',
        "401 Unauthorized",
        "403 Forbidden",
        '"email":"admin@example.com"',  # signed in
        '"logout_url":',  # signed out
        "\nok\n",  # the cron event
        '"task":"health-check-services"',
        "('notes', 'first', 1)",  # by SQL
    ):
        assert expected in output, f"{expected!r} is not in what the calls print:\n{output}"
    after = output.partition('"logout_url":')[2]
    # The gateway believes auth's last answer for 30 s; auth itself knows at once.
    assert "the session has ended" in after or '"code":"UNAUTHENTICATED"' in after, f"not signed out:\n{after}"


@CURL
def test_so_do_those_of_auth(platform: Platform) -> None:
    output = pasted("auth/README.md", "Calls over HTTP", platform)
    for expected in ('"role":"user"', '"key":"sk_test_', '"has_permission":false', '"action":"api_key.created"',
                     '"email":"admin@example.com"'):  # fmt: skip
        assert expected in output, f"{expected!r} is not in what the calls print:\n{output}"


@CURL
def test_so_do_those_of_schedule(platform: Platform) -> None:
    try:
        output = pasted("schedule/README.md", "Calls", platform)
    finally:
        platform.rows("delete from scheduled_tasks where name = 'tidy' returning name")
        platform.rows("delete from task_executions where task = 'tidy' returning task")
    for expected in ('"added":', '"name":"tidy"', '"status":"succeeded"', '"trigger":"manual"'):
        assert expected in output, f"{expected!r} is not in what the calls print:\n{output}"


@CURL
def test_so_do_those_of_db(platform: Platform) -> None:
    output = pasted("db/README.md", "Over HTTP", platform)
    for expected in (
        '"data":{"year":1815,"pages":474}',  # patched on its condition
        "412 Precondition Failed",
        '"nodes":[{"ns":"books","id":"emma","depth":0},{"ns":"books","id":"austen","depth":1}]',
        '"score":',  # found by words
        '{"result":{"rows":[{"n":2}]',
    ):
        assert expected in output, f"{expected!r} is not in what the calls print:\n{output}"
    written = platform.rows("select id, version from things where ns = 'books' order by id")
    assert written == [("austen", 1), ("emma", 2)], "written once under its key"


@CURL
def test_so_do_those_of_the_gateway(platform: Platform) -> None:
    output = pasted("gateway/README.md", "Calls", platform)
    for expected in (
        '"docs":"/docs"',
        '"services":{"db":"ok","auth":"ok","schedule":"ok"}',
        "401 Unauthorized",
        '"id":"welcome"',
        '"default";q=',
        "403 Forbidden",
        '"code":"SERVICE_NOT_BOUND"',
    ):
        assert expected in output, f"{expected!r} is not in what the calls print:\n{output}"
