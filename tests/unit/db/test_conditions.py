"""db.handlers.conditions: reads and writes that depend on the version that is there."""

from typing import Any

import pytest

from tests.unit.db.test_access import ADMIN, BODY, VIEWER, code_of, thing


@pytest.mark.parametrize(
    ("tag", "status"),
    [('"3"', 304), ('W/"3"', 304), ('"1", "3"', 304), ("*", 304), ('"4"', 200), ("3", 200), ("", 200)],
)
async def test_a_reader_who_has_it_gets_no_body(endpoint: Any, rows: Any, tag: str, status: int) -> None:
    response = await endpoint(rows(thing())).send("GET", "/things/n/i", VIEWER, if_none_match=tag)
    assert (response.status, response.body == "") == (status, status == 304)


@pytest.mark.parametrize(
    "tag",
    ["", "3", '"x"', '"0"', 'W/3', 'w/"3"', 'W/ "3"', 'W/"0"', '"3", ', '*, "3"', '"3" "4"', '"-1"', '""', '"٣', '"٣"',
     '"' + "9" * 30 + '"',
     '"0","3"', '"3","0"', '"3", "0" , "4"', '"0","0"', '"3","x"', '"3";"4"', ',"3"', ",", '"3","' + "9" * 19 + '"', '"3"x'],
)  # fmt: skip
async def test_a_write_is_not_made_on_a_condition_that_cannot_be_read(endpoint: Any, rows: Any, tag: str) -> None:
    database = endpoint(rows(thing()))
    response = await database.send("PUT", "/things/n/i", ADMIN, BODY, if_match=tag)
    assert (response.status, code_of(response), database.http.calls) == (400, "INVALID_ARGUMENT", [])


@pytest.mark.parametrize(
    ("tags", "versions"),
    [
        ('"2","1" , "7"', [2, 1, 7]),
        ('W/"2"', [2]),
        ('W/"2", "1"', [2, 1]),
        ('"1"', [1]),
        ('"3","3"', [3, 3]),
        (f'"{"9" * 18}"', [10**18 - 1]),
    ],
)
async def test_a_write_on_another_version_is_refused(endpoint: Any, tags: str, versions: list[int]) -> None:
    database = endpoint()
    response = await database.send("PUT", "/things/n/i", ADMIN, BODY, if_match=tags)
    assert (response.status, code_of(response)) == (412, "VERSION_MISMATCH")
    assert "version = any($9::int8[])" in database.bodies[0]["query"]
    assert database.bodies[0]["params"][-1] == versions


@pytest.mark.parametrize(
    ("condition", "begins"), [({"if_match": "*"}, "update things"), ({"if_none_match": "*"}, "insert into things (")]
)
async def test_a_write_of_what_is_there_or_of_what_is_not(
    endpoint: Any, condition: dict[str, str], begins: str
) -> None:
    """An update makes nothing new, and this insert changes nothing that is there."""
    database = endpoint()
    response = await database.send("PUT", "/things/n/i", ADMIN, BODY, **condition)
    assert (response.status, code_of(response)) == (412, "VERSION_MISMATCH")
    statement = database.bodies[0]["query"].strip()
    assert statement.startswith(begins)
    assert "do update" not in statement


@pytest.mark.parametrize(
    "condition",
    [{"if_none_match": '"3"'}, {"if_none_match": ""}, {"if_none_match": "*", "if_match": '"3"'},
     {"if_none_match": "*", "if_match": "*"}, {"if_none_match": "*", "if_match": ""}],
)  # fmt: skip
async def test_a_write_takes_one_condition_that_can_hold(endpoint: Any, condition: dict[str, str]) -> None:
    database = endpoint()
    response = await database.send("PUT", "/things/n/i", ADMIN, BODY, **condition)
    assert (response.status, code_of(response), database.http.calls) == (400, "INVALID_ARGUMENT", [])
