"""The TypeScript declarations, by the compiler: every method called and answered, and what is wrong refused."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic.alias_generators import to_camel, to_pascal

from dotdo.contract import Contract, RpcMethod
from dotdo.contracts import gateway
from scripts.contracts.__main__ import CONTRACTS, TYPES
from scripts.contracts.schemas import INPUT, OUTPUT, Mode, Schema, parameters_of, schemas_of
from scripts.runtime.services import ROOT
from scripts.stack.node import node
from tests.unit.contracts.samples import REF, sample

TSC = ROOT / "node_modules" / "typescript" / "bin" / "tsc"
CALLER = Path(__file__).with_name("caller.ts")
ALL = (gateway.CONTRACT, *CONTRACTS)
METHODS = [(contract, method) for contract in ALL for method in contract.methods]


def compiled(folder: Path, *files: Path) -> list[str]:
    """What the compiler has to say about the files, strictly."""
    settings = {
        "compilerOptions": {
            "strict": True, "noEmit": True, "exactOptionalPropertyTypes": True, "noUncheckedIndexedAccess": True,
            "module": "nodenext", "target": "es2024", "types": [], "skipLibCheck": False,
            "paths": {"dotdo/*.mjs": [f"{TYPES}/*.d.mts"], "dotdo/*": [f"{TYPES}/*.d.ts"]},
        },
        "files": [str(file) for file in (*files, *TYPES.glob("*.d.*ts"))],
    }  # fmt: skip
    configuration = folder / "tsconfig.json"
    configuration.write_text(json.dumps(settings))
    ran = subprocess.run(
        [node(), TSC, "--project", configuration], capture_output=True, text=True, check=False, timeout=120
    )
    return (ran.stdout + ran.stderr).splitlines() or ([] if ran.returncode == 0 else ["failed without a word"])


def schemas(contract: Contract, method: RpcMethod) -> tuple[list[tuple[bool, Schema]], Schema, dict[str, Schema]]:
    """Of the parameters (required?), of the result, and the models they refer to."""
    parameters = parameters_of(method.params)
    types: list[tuple[str, Mode, Any]] = [(name, INPUT, kind) for name, (kind, _) in parameters.items()]
    found, models = schemas_of([*types, ("()", OUTPUT, method.result)], camel=True, ref_template=REF + "{model}")
    return [(required, found[name]) for name, (_, required) in parameters.items()], found["()"], models


def calls(contract: Contract) -> Iterator[str]:
    """One function for each method: called with the least and with everything, and answered both ways."""
    service = f"{to_pascal(contract.service)}Service"
    yield f'import type {{ {service} }} from "dotdo/{contract.service}";\ndeclare const service: {service};\n'
    for method in contract.methods:
        parameters, result, models = schemas(contract, method)
        least = [json.dumps(sample(schema, models, whole=False)) for required, schema in parameters if required]
        whole = [json.dumps(sample(schema, models, whole=True)) for _, schema in parameters]
        empty = [
            "null" if not required else argument for (required, _), argument in zip(parameters, whole, strict=True)
        ]
        answers = [json.dumps(sample(result, models, whole=part)) for part in (False, True)]
        yield (
            f"export async function {method.name}_() {{\n"
            f'  const answers: Awaited<ReturnType<{service}["{method.name}"]>>[] = [{", ".join(answers)}];\n'
            + "".join(
                f"  answers.push(await service.{method.name}({', '.join(given)}));\n" for given in (least, whole, empty)
            )
            + "  return answers;\n}\n"
        )


def test_every_method_is_called_and_answered_as_its_contract_says(tmp_path: Path) -> None:
    files = []
    for contract in ALL:
        file = tmp_path / f"{contract.service}.ts"
        file.write_text("".join(calls(contract)))
        files.append(file)
    assert compiled(tmp_path, *files) == []
    text = "".join(file.read_text() for file in files)
    assert all(f"await service.{method.name}(" in text for _, method in METHODS)
    assert len(METHODS) >= 55


@pytest.mark.parametrize("contract", ALL, ids=lambda contract: contract.service)
def test_comments_name_fields_as_callers_know_them(contract: Contract) -> None:
    text = (TYPES / f"{contract.service}.d.ts").read_text()
    fields = set(re.findall(r"^  (\w+)\??:", text, re.MULTILINE))
    named = [name for code in re.findall(r"`([^`\n]+)`", text) for name in re.findall(r"\w+", code)]
    assert [name for name in named if to_camel(name) in fields and name not in fields] == []


def test_a_callers_code_compiles_and_its_mistakes_do_not(tmp_path: Path) -> None:
    assert compiled(tmp_path, CALLER) == []


@pytest.mark.parametrize("method", ["get", "upsert", "list"])
def test_an_argument_of_another_kind_is_an_error(tmp_path: Path, method: str) -> None:
    """That the compiler looks at what it is given at all."""
    file = tmp_path / "wrong.mts"
    file.write_text(
        f'import type {{ DbService }} from "dotdo/db";\ndeclare const db: DbService;\nawait db.{method}(1);\n'
    )
    (error,) = compiled(tmp_path, file)
    assert re.search(r"wrong\.mts\(3,\d+\): error TS2\d{3}", error)


@pytest.mark.parametrize(
    ("message", "name", "code", "detail"),
    [
        ("NOT_FOUND: no such thing", "ServiceError", "NOT_FOUND", "no such thing"),
        ("pyodide.ffi.JsException: \nINVALID_ARGUMENT: limit: too large", "ServiceError", "INVALID_ARGUMENT",
         "limit: too large"),
        ("Network connection lost.", "Error", None, None),
    ],
)  # fmt: skip
def test_the_client_turns_a_rejection_into_a_typed_error(
    message: str, name: str, code: str | None, detail: str | None
) -> None:
    found = run(f"""
        const service = typed({{ get: async () => {{ throw new Error({json.dumps(message)}); }} }});
        const error = await service.get().catch((error) => error);
        const {{ name, code = null, detail = null }} = error;
        return {{ name, code, detail }};
    """)
    assert found == {"name": name, "code": code, "detail": detail}


def test_the_client_passes_arguments_and_results_and_is_no_promise() -> None:
    found = run("""
        const service = await typed({ list: async (...args) => ({ args }) });
        return service.list("notes", { limit: 1 });
    """)
    assert found == {"args": ["notes", {"limit": 1}]}


def test_the_client_reads_the_answers_python_workers_get() -> None:
    found = run("""
        const failed = () => unwrap('{"error": {"code": "NOT_FOUND", "status": 404, "detail": "no such thing"}}');
        try { failed(); } catch (error) { return [unwrap('{"ok": [1]}'), error instanceof ServiceError, error.code]; }
    """)
    assert found == [[1], True, "NOT_FOUND"]


def run(body: str) -> Any:
    """What a function of JavaScript returns that has the client at hand."""
    client = json.dumps((TYPES / "client.mjs").as_uri())
    script = f"""
        const {{ ServiceError, typed, unwrap }} = await import({client});
        const result = await (async () => {{ {body} }})();
        console.log(JSON.stringify(result));
    """
    ran = subprocess.run(
        [node(), "--input-type=module", "--eval", script], capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(ran.stdout)
