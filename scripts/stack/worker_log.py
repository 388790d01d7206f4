"""What the Workers log, as a person reads it while working."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from rich.markup import escape

POLL_S = 0.2
_COLOURS = {"warn": "yellow", "error": "bold red"}
_LEFT_OUT = frozenset({"time", "level", "service", "event", "request_id", "trace_id"})


async def follow(log: Path, write: Callable[[str], None]) -> None:
    """Writes what is added to the log from now on, until cancelled."""
    with log.open(errors="replace") as lines:
        lines.seek(0, 2)
        while True:
            line = lines.readline()
            if not line:
                await asyncio.sleep(POLL_S)
            elif line.strip():
                write(readable(line.rstrip()))


def readable(line: str) -> str:
    """A JSON log line as `12:00:01 gateway request GET /db 200 3.2 ms`, with colour; any other line as it is."""
    try:
        fields = json.loads(line)
    except ValueError:
        fields = None
    if not isinstance(fields, dict) or "service" not in fields:
        return escape(line)
    details = " ".join(f"{name}={value}" for name, value in fields.items() if name not in _LEFT_OUT)
    text = escape(f"{fields['time'][11:23]} {fields['service']:8} {fields['event']} {details}")
    return f"[{_COLOURS.get(fields['level'], 'dim')}]{text}[/]"
