"""The soak in short: every fault once, under load, and nothing is lost, run twice or answered wrongly."""

import json
from pathlib import Path
from typing import Any

from scripts.runtime.services import ROOT
from scripts.soak.faults import FAULTS
from scripts.soak.report import as_values, write
from scripts.soak.run import Outcome, Plan, soak

DATA = ROOT / ".dotdo" / "test-soak"
PLAN = Plan(minutes=1.2, every_s=6, measured_s=3, cron_s=5)  # as many turns as there are faults


async def test_nothing_is_lost_run_twice_or_answered_wrongly(tmp_path: Path) -> None:
    outcome = await soak(PLAN, DATA, print)
    assert outcome.findings == []
    values = as_values(outcome)
    assert_it_was_one(outcome, values)
    write(values, tmp_path / "soak.json")
    assert json.loads((tmp_path / "soak.json").read_text()) == values


def assert_it_was_one(outcome: Outcome, values: dict[str, Any]) -> None:
    """A soak in which nothing happened holds too: this one had work, faults, refusals and cron events."""
    assert [window.fault for window in outcome.load.windows][: len(FAULTS)] == list(FAULTS)
    assert all(window.ended_s is not None for window in outcome.load.windows)
    assert values["written"]["acknowledged"] > 100
    assert {name for name, one in values["operations"].items() if one["done"]} >= {
        "read", "write with a key", "batch of ten", "event", "401: unknown key", "403: a viewer writes", "sign in",
    }  # fmt: skip
    refused = {code for fault in values["faults"] for code in fault["refused"]}
    assert refused >= {"UNAVAILABLE", "CONNECTION"}
    assert values["cron"]["instants"] >= 5
    assert values["cron"]["events"] > values["cron"]["instants"]
    assert len(values["memory"]) == 2  # before and after the runtime was killed
