"""The Workers as they stand in a dispatch namespace: no routes, no triggers, reached through the dispatch Worker alone."""

from typing import Any

from scripts.runtime.services import ROOT

DISPATCH = ROOT / "scripts" / "dispatch" / "src" / "index.mjs"


def into_namespace(workers: list[dict[str, Any]]) -> dict[str, Any]:
    """Takes the Workers' service bindings and triggers away; they find each other through DISPATCH.

    The dispatch Worker that comes back stands at the gateway's port, and takes the cron events there.
    """
    scripts = {worker["name"]: worker["name"] for worker in workers}
    crons: list[str] = []
    for worker in workers:
        crons += worker["crons"]
        worker.update(services={}, crons=[], namespaces={"DISPATCH": scripts})
    gateway = next(worker for worker in workers if worker["name"] == "gateway")
    dispatch = {
        "name": "dispatch",
        "script": DISPATCH.read_text(),
        "compatibility_date": gateway["compatibility_date"],
        "compatibility_flags": [],
        "namespaces": {"NAMESPACE": scripts},
        "crons": crons,
        "port": gateway["port"],
    }
    gateway["port"] = 0
    return dispatch
