"""What the tests of auth share: making sessions and keys as other Workers do, and reading the record."""

from typing import Any

from tests.e2e.platform import Platform


def bearer(credential: str) -> dict[str, str]:
    return {"authorization": f"Bearer {credential}"}


async def session_of(platform: Platform, user: str = "usr_user") -> dict[str, Any]:
    """A session as signing in makes one."""
    made: dict[str, Any] = await platform.result("AUTH", "createSession", user, "laptop", "203.0.113.9", "tests/1")
    return made


async def key_of(platform: Platform, user: str = "usr_user", **fields: Any) -> dict[str, Any]:
    wanted = {"userId": user, "name": "test", "environment": "test", **fields}
    made: dict[str, Any] = await platform.result("AUTH", "createApiKey", wanted)
    return made


def audited(platform: Platform, target: str) -> list[str]:
    """The actions on a target, oldest first."""
    return [action for (action,) in platform.rows("select action from audit_log where target = %s order by id", target)]
