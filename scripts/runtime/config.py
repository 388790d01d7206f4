"""The local configuration of a Worker, derived from its production wrangler.jsonc.

What reaches outside is dropped or replaced: routes, tail consumers, placement and Workers AI go, KV and R2 become local, and
every variable must be one that the caller has given a local value for or that is safe as it is.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import json5

from scripts.runtime.services import SHARED_PACKAGE, Service

# The flag for our own bundle, and the ones that switch the dated runtimes off, which would otherwise win.
LOCAL_FLAGS = (
    "python_workers",
    "python_workers_development",
    "no_python_workers_314",
    "no_python_workers_20250116",
    "experimental",
)


class ConfigurationError(Exception):
    """A production value would reach a local run; the message names it."""


@dataclass(frozen=True, slots=True)
class LocalWorker:
    """What `workers.mjs` takes for one Worker. `sources` are read as Python modules, `vendored` as packages beside them."""

    name: str
    main: str
    sources: str
    vendored: list[dict[str, str]]
    compatibility_date: str
    compatibility_flags: list[str]
    variables: dict[str, str]
    services: dict[str, str] = field(default_factory=dict)
    kv: dict[str, str] = field(default_factory=dict)
    r2: dict[str, str] = field(default_factory=dict)
    crons: list[str] = field(default_factory=list)
    port: int = 0


def read_configuration(file: Path) -> dict[str, Any]:
    """A wrangler.jsonc as plain values."""
    configuration: dict[str, Any] = json5.loads(file.read_text())
    return configuration


def compatibility_flags(configuration: dict[str, Any], *, official_runtime: bool) -> list[str]:
    """The compatibility flags of a Python Worker: its own for the runtime that workerd downloads, else those for our bundle."""
    return list(configuration["compatibility_flags"] if official_runtime else LOCAL_FLAGS)


def vendored_packages(modules: Path) -> list[dict[str, str]]:
    """`python_modules`, with the shared package taken from its source so that edits show at once."""
    return [
        {"folder": str(modules), "prefix": "", "skip": "dotdo"},
        {"folder": str(SHARED_PACKAGE), "prefix": "dotdo/", "skip": ""},
    ]


def local_worker(service: Service, variables: dict[str, str], port: int, *, official_runtime: bool) -> LocalWorker:
    """Raises ConfigurationError when a production address has no local value."""
    production = read_configuration(service.configuration)
    merged = {**production.get("vars", {}), **variables}
    for name, value in merged.items():
        if name not in variables and "://" in str(value):
            raise ConfigurationError(f"{service.name}: {name} is an address of production; give it a local value")
    return LocalWorker(
        name=production["name"],
        main=Path(production["main"]).relative_to("src").as_posix(),
        sources=str(service.source),
        vendored=vendored_packages(service.modules),
        compatibility_date=production["compatibility_date"],
        compatibility_flags=compatibility_flags(production, official_runtime=official_runtime),
        variables=merged,
        services={row["binding"]: row["service"] for row in production.get("services", [])},
        kv={row["binding"]: row["id"] for row in production.get("kv_namespaces", [])},
        r2={row["binding"]: row["bucket_name"] for row in production.get("r2_buckets", [])},
        crons=production.get("triggers", {}).get("crons", []),
        port=port,
    )
