"""dotdo.permissions: a granted one covers what it says and nothing else."""

import pytest

from dotdo.permissions import covers, permitted


@pytest.mark.parametrize(
    ("granted", "wanted", "result"),
    [
        ("*", "things:read", True),
        ("things:*", "things:write", True),
        ("things:read", "things:read", True),
        ("things:read", "things:write", False),
        ("things", "things:read", False),
        ("thing:*", "things:read", False),
        ("things:*", "*", False),
        ("", "things:read", False),
        (":*", "things:read", False),
    ],
)
def test_permissions_cover_what_they_say(granted: str, wanted: str, result: bool) -> None:
    assert covers(granted, wanted) is result


@pytest.mark.parametrize(
    ("granted", "result"),
    [([], False), (["ai:read"], False), (["ai:read", "things:*"], True), (["things:read", "ai:read"], True)],
)
def test_one_of_them_is_enough(granted: list[str], result: bool) -> None:
    assert permitted(granted, "things:read") is result
