"""What wrangler says of an upload decides whether the Worker may have arrived; a version is forgotten only if it cannot."""

import sys
from pathlib import Path

import pytest

from scripts.deploy import tools
from scripts.deploy.tools import TIMED_OUT, Outcome

API = "http://127.0.0.1:1/client/v4/accounts/a/workers"


def asked(method: str, path: str) -> str:
    return f"-- START CF API REQUEST: {method} {API}{path}\nINIT: omitted\n-- END CF API REQUEST\n"


def answered(status: str) -> str:
    return f"-- START CF API RESPONSE: {status}\nRESPONSE: omitted\n-- END CF API RESPONSE\n"


LOOKED = asked("GET", "/scripts/db/settings") + answered("Not Found 404")
SENT = asked("PUT", "/dispatch/namespaces/n/scripts/db")


@pytest.mark.parametrize(
    ("output", "nothing_sent"),
    [
        ("", True),
        (LOOKED, True),
        (LOOKED + SENT + answered("Forbidden 403"), True),
        (LOOKED + SENT + answered("Bad Request 400") + SENT + answered("Forbidden 403"), True),
        (LOOKED + SENT, False),
        (LOOKED + SENT + answered("OK 200"), False),
        (LOOKED + SENT + answered("Internal Server Error 500"), False),
        (LOOKED + SENT + answered("Internal Server Error 500") + SENT + answered("Forbidden 403"), False),
        (LOOKED + SENT + asked("GET", "/scripts/db") + answered("Not Found 404"), False),
        (LOOKED + asked("POST", "/scripts/db/versions") + answered("OK 200"), False),
        (LOOKED + SENT + answered("OK 200") + asked("PUT", "/scripts/db/schedules") + answered("Forbidden 403"), False),
    ],
)
def test_nothing_was_sent_only_if_every_upload_was_refused(output: str, nothing_sent: bool) -> None:
    assert Outcome(1, output, Path("log")).nothing_sent is nothing_sent


def test_what_was_stopped_may_have_arrived() -> None:
    assert not Outcome(TIMED_OUT, LOOKED, Path("log")).nothing_sent


def test_a_tool_without_end_is_stopped_and_what_it_said_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "TIMEOUT_S", 0.5)
    outcome = tools._run([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path, tmp_path / "logs" / "db.log")
    assert outcome.code == TIMED_OUT
    assert outcome.reason == "ERROR no end after 0.5 s"
    assert outcome.log.read_text() == outcome.output


def test_text_that_is_not_utf_8_ends_nothing(tmp_path: Path) -> None:
    written = "import sys; sys.stdout.buffer.write(b'one \\xff two')"
    outcome = tools._run([sys.executable, "-c", written], tmp_path, tmp_path / "db.log")
    assert (outcome.code, outcome.output) == (0, "one \ufffd two")
