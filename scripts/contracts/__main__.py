"""`make contracts`: writes what is derived from the contract tables. With --check it only says what is out of date."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from dotdo.contracts import auth, db, gateway, schedule
from scripts.contracts.openapi import Mounted, document
from scripts.contracts.typescript import declarations
from scripts.runtime.services import ROOT

VERSION = "0.1.0"
CONTRACTS = (db.CONTRACT, auth.CONTRACT, schedule.CONTRACT)

OPENAPI = ROOT / "gateway" / "src" / "gateway" / "reference" / "openapi.json"
TYPES = ROOT / "shared" / "types"


def derived() -> Iterator[tuple[Path, str]]:
    """Every file, and what it should hold."""
    for contract in (gateway.CONTRACT, *CONTRACTS):
        yield TYPES / f"{contract.service}.d.ts", declarations(contract)
    yield OPENAPI, json.dumps(document(mounted(), VERSION), indent=1, ensure_ascii=False) + "\n"


def mounted() -> list[Mounted]:
    """The gateway's own endpoints, then each service's under its route."""
    return [Mounted(gateway.CONTRACT), *(Mounted(contract, f"/{contract.service}") for contract in CONTRACTS)]


def main(
    check: Annotated[bool, typer.Option("--check", help="Change nothing; fail when a file is old.")] = False,
) -> None:
    """Write the TypeScript declarations and the OpenAPI document."""
    old = [(file, text) for file, text in derived() if not file.exists() or file.read_text() != text]
    for file, text in old:
        print(f"{'out of date' if check else 'written'}: {file.relative_to(ROOT)}")
        if not check:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    raise typer.Exit(1 if check and old else 0)


if __name__ == "__main__":
    typer.run(main)
