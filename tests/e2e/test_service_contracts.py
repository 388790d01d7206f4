"""auth's and schedule's contracts, called from JavaScript and from Python: one table, and the answers it says, to the field.

db's has a test of its own, of every row (test_db_contract).
"""

from typing import Any

import pytest
from pydantic import TypeAdapter

from dotdo.contract import Contract
from dotdo.contracts import auth, schedule
from tests.e2e.platform import Platform

SERVICES: dict[str, Contract] = {"AUTH": auth.CONTRACT, "SCHEDULE": schedule.CONTRACT}
USER, TASK = "usr_viewer", "cleanup-expired-api-keys"

# `{key}` is the viewer's API key, `{name}` a name of the test's own.
CALLS: list[tuple[str, str, list[Any]]] = [
    ("AUTH", "health", []), ("AUTH", "verify", ["{key}"]), ("AUTH", "verify", ["nonsense"]),
    ("AUTH", "validateApiKey", ["{key}"]), ("AUTH", "validateToken", ["{key}"]),
    ("AUTH", "createApiKey", [{"userId": USER, "name": "{name}", "scopes": ["things:read"]}]),
    ("AUTH", "listApiKeys", [USER, {"limit": 1}]), ("AUTH", "revokeApiKey", [USER, "key_none"]),
    ("AUTH", "checkPermission", [{"userId": USER, "resource": "things", "action": "read"}]),
    ("AUTH", "listPermissions", [USER]), ("AUTH", "createSession", [USER, "{name}"]), ("AUTH", "listSessions", [USER]),
    ("AUTH", "getSession", ["none"]), ("AUTH", "getUser", [USER]), ("AUTH", "getUser", ["usr_none"]), ("AUTH", "jwks", []),
    ("SCHEDULE", "health", []), ("SCHEDULE", "listTasks", [2]), ("SCHEDULE", "getTask", [TASK]),
    ("SCHEDULE", "getTask", ["none"]),
    ("SCHEDULE", "registerTask", [{"name": "{name}", "schedule": "@weekly", "handler": TASK, "enabled": False}]),
    ("SCHEDULE", "enableTask", ["none"]), ("SCHEDULE", "runTaskNow", [TASK]), ("SCHEDULE", "getTaskHistory", [TASK, 5]),
    ("SCHEDULE", "getRecentExecutions", [5]), ("SCHEDULE", "stats", []), ("SCHEDULE", "getAvailableHandlers", []),
    ("SCHEDULE", "initializeDefaultTasks", []), ("SCHEDULE", "unregisterTask", ["none"]),
]  # fmt: skip

REFUSED: list[tuple[str, str, list[Any], str]] = [
    ("AUTH", "createApiKey", [{"userId": "usr_none", "name": "x"}], "NOT_FOUND"),
    ("AUTH", "createSession", ["usr_none"], "NOT_FOUND"),
    ("AUTH", "listApiKeys", [USER, {"limit": 0}], "INVALID_ARGUMENT"),
    ("SCHEDULE", "registerTask", [{"name": TASK, "schedule": "@daily", "handler": TASK}], "TASK_EXISTS"),
    ("SCHEDULE", "runTaskNow", ["none"], "NOT_FOUND"),
    ("SCHEDULE", "listTasks", [1001], "INVALID_ARGUMENT"),
]  # fmt: skip


def filled(value: Any, **names: str) -> Any:
    if isinstance(value, dict):
        return {name: filled(item, **names) for name, item in value.items()}
    if isinstance(value, list):
        return [filled(item, **names) for item in value]
    return value.format(**names) if isinstance(value, str) else value


def call_of(platform: Platform, caller: str) -> Any:
    return platform.call if caller == "JavaScript" else platform.from_python


@pytest.mark.parametrize("caller", ["JavaScript", "Python"])
@pytest.mark.parametrize(("binding", "method", "arguments"), CALLS)
async def test_an_answer_is_what_the_contract_says(
    platform: Platform, binding: str, method: str, arguments: list[Any], caller: str
) -> None:
    name = f"contract-{caller.lower()}"
    await platform.result("SCHEDULE", "initializeDefaultTasks")
    try:
        answer = await call_of(platform, caller)(
            binding, method, *filled(arguments, key=platform.keys["viewer"], name=name)
        )
        assert "ok" in answer, answer
        (row,) = (row for row in SERVICES[binding].methods if row.name == method)
        result = TypeAdapter(row.result)
        told = result.validate_python(answer["ok"], by_alias=True, by_name=False)
        assert result.dump_python(told, by_alias=True) == answer["ok"]
    finally:
        for table, column in (("scheduled_tasks", "name"), ("api_keys", "name"), ("sessions", "device")):
            platform.rows(f"delete from {table} where {column} = %s returning 1", name)


@pytest.mark.parametrize("caller", ["JavaScript", "Python"])
@pytest.mark.parametrize(("binding", "method", "arguments", "code"), REFUSED)
async def test_a_refusal_has_its_code(
    platform: Platform, binding: str, method: str, arguments: list[Any], code: str, caller: str
) -> None:
    await platform.result("SCHEDULE", "initializeDefaultTasks")
    error = (await call_of(platform, caller)(binding, method, *arguments))["error"]
    assert (error["code"] if caller == "Python" else error["message"].splitlines()[-1].partition(":")[0]) == code
