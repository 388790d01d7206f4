"""What docs/security.md says of the last soak."""

import textwrap
from typing import Any

from scripts.runtime.services import ROOT

PAGE = ROOT / "docs" / "security.md"
WIDTH = 128


def paragraph(values: dict[str, Any]) -> str:
    """In words, from what `bench/soak.json` holds."""
    part = 100 * values["rate_per_s"] / values["capacity_per_s"]
    done = sum(one["done"] for one in values["operations"].values())
    faults, written, cron = values["faults"], values["written"], values["cron"]
    slowest = max(faults, key=lambda one: float(one["recovered_s"]))
    life = max(values["memory"], key=lambda one: float(one["minutes"]))
    sentences = (
        f"[bench/soak.json](../bench/soak.json) is a run of {values['minutes']:.0f} minutes: {done:,} operations, "
        f"{values['rate_per_s']:.0f} a second ({part:.0f} % of the {values['capacity_per_s']:.0f} that were measured first).",
        f"There were {len(faults)} faults; the slowest recovery took {slowest['recovered_s']:.1f} s ({slowest['fault']}).",
        f"{written['acknowledged']:,} writes were acknowledged, and {cron['events']} cron events sent for "
        f"{cron['instants']} instants.",
        _held(values["findings"]),
        f"The longest-lived process of the runtime held {life['last_mib']:.0f} MiB for all Workers together after "
        f"{life['minutes']:.0f} minutes, and changed by {round(life['slope_mib_a_minute'], 1) + 0:+.1f} MiB a minute "
        "in the second half of them, over its longest stretch without a daily backup.",
    )
    return textwrap.fill(" ".join(sentences), WIDTH, break_long_words=False, break_on_hyphens=False)


def _held(findings: list[str]) -> str:
    if findings:
        return f"**It did not hold:** {'; '.join(findings)}."
    return (
        "Every acknowledged write was read back from the stores, every instant ran once, every fault was recovered from within "
        "its bound, and there was no answer that the fault of the moment does not explain."
    )
