"""Organisations' directories, over a WorkOS that is a fake."""

import json
from typing import Any

import pytest

from dotdo.identity import Identity
from dotdo.paging import encode_cursor

ADMIN = Identity("user", "usr_admin", "admin", permissions=("*",), session_id="ses_1")


@pytest.mark.parametrize("path", ["/directories", "/directories/d1/users", "/directories/d1/groups"])
async def test_a_forged_cursor_is_refused_before_workos_is_asked(browser: Any, path: str) -> None:
    for key in (["\ud800"], ["a", "b"], []):
        answer = await browser.get(f"{path}?cursor={encode_cursor(key)}", ADMIN)
        assert (answer.status, json.loads(answer.body)["code"]) == (400, "INVALID_ARGUMENT")
    assert browser.asked == []
