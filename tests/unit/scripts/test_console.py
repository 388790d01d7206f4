"""What others wrote is printed as they wrote it, brackets included: rich would take some for its own markup."""

import io
import json
from collections.abc import Callable

import pytest
from rich.console import Console

from scripts import audit
from scripts.deploy.checks import Problem
from scripts.deploy.steps import Report
from scripts.soak.report import show
from scripts.stack.worker_log import readable

FOREIGN = ("refused [code: 10000]", "no file [/tmp/a]", "a list [[red]]", "escaped \\[/b] already", "C:\\")


def _report(text: str, console: Console) -> None:
    Report(console).step("step", lambda: [Problem(text, text)])


def _finding(text: str, console: Console) -> None:
    audit.report({"Python": lambda: [audit.Finding("package", "ID-1", text)]}, console)


def _not_offered(text: str, console: Console) -> None:
    def refuse() -> list[audit.Finding]:
        raise audit.NotOffered(text)

    audit.report({"Python": refuse}, console)


def _log_line(text: str, console: Console) -> None:
    line = {"time": "2026-11-26T12:00:01.000Z", "level": "error", "service": "db", "event": "failed", "error": text}
    console.print(readable(json.dumps(line)))


def _traceback(text: str, console: Console) -> None:
    console.print(readable(text))


def _soak(text: str, console: Console) -> None:
    cron = {"events": 1, "instants": 1, "attempts": {}}
    values = {
        "operations": {},
        "faults": [],
        "memory": [],
        "written": {},
        "cron": cron,
        "findings": [text],
        "minutes": 1,
    }
    show(values, console)


@pytest.mark.parametrize("text", FOREIGN)
@pytest.mark.parametrize("printed", [_report, _finding, _not_offered, _log_line, _traceback, _soak])
def test_brackets_of_others_are_text(printed: Callable[[str, Console], None], text: str) -> None:
    output = io.StringIO()
    printed(text, Console(file=output, width=300, highlight=False))
    assert text in output.getvalue()
