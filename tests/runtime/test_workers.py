"""Workers on the runtime: vendored packages, bindings, calls between them, cron events."""

import json
from typing import Any

import httpx
import pytest

from .conftest import Addresses, until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def call(http: httpx.AsyncClient, cases: Addresses, method: str, *params: Any) -> Any:
    """A call from the JavaScript Worker: `{types, value}` or `{name, message}`."""
    return (await http.post(cases.javascript, json={"method": method, "params": params})).json()


async def text(http: httpx.AsyncClient, url: str, **params: str) -> str:
    return (await http.get(url, params=params)).raise_for_status().text


async def test_each_worker_answers_at_its_own_address(http: httpx.AsyncClient, cases: Addresses) -> None:
    answers = [await text(http, f"{url}/") for url in (cases.caller, cases.callee, cases.javascript, cases.front)]
    assert answers == ["hello", "callee", "javascript caller", "hello"]


async def test_a_python_worker_calls_another_which_uses_pydantic(http: httpx.AsyncClient, cases: Addresses) -> None:
    assert json.loads(await text(http, f"{cases.caller}/rpc", text='{"x": 1}')) == {"x": 1, "y": 0.5}


async def test_variables_and_kv_are_bound(http: httpx.AsyncClient, cases: Addresses) -> None:
    assert await text(http, f"{cases.caller}/variable") == "local"
    assert await text(http, f"{cases.caller}/put", key="a", value="b") == "hello"
    assert await text(http, f"{cases.caller}/get", key="a") == "b"


async def test_what_a_worker_prints_stays_one_line(http: httpx.AsyncClient, cases: Addresses) -> None:
    line = json.dumps({"event": "request", "path": "/ä", "quote": '"'}, ensure_ascii=False)
    await text(http, f"{cases.caller}/print", line=line)
    await until(lambda: line in cases.runtime.log().splitlines())


async def test_an_exception_in_a_handler_is_in_the_log(http: httpx.AsyncClient, cases: Addresses) -> None:
    assert (await http.get(f"{cases.caller}/rpc")).status_code == 500
    await until(lambda: "KeyError: 'text'" in cases.runtime.log())


async def test_a_cron_event_brings_its_trigger_and_time(http: httpx.AsyncClient, cases: Addresses) -> None:
    event = {"cron": "*/5 * * * *", "time": "1700000000000"}
    assert await text(http, f"{cases.front}/cdn-cgi/handler/scheduled", **event) == "ok"
    assert await text(http, f"{cases.caller}/get", key="cron") == "*/5 * * * * 1700000000000"


async def test_a_cron_event_that_fails_says_so(http: httpx.AsyncClient, cases: Addresses) -> None:
    response = await http.get(f"{cases.front}/cdn-cgi/handler/scheduled", params={"cron": "fail"})
    assert (response.status_code, response.text) == (500, "exception")


async def test_a_javascript_caller_gets_plain_objects_from_a_parsed_text(
    http: httpx.AsyncClient, cases: Addresses
) -> None:
    answer = await call(http, cases, "parsed", '{"rows": [{"id": 1}], "half": 0.5}')
    assert answer["types"] == {"Object": {"rows": [{"Object": {"id": "number"}}], "half": "number"}}


async def test_a_javascript_object_arrives_as_python_values(http: httpx.AsyncClient, cases: Addresses) -> None:
    answer = await call(http, cases, "describe", {"list": [1, 2.5, None], "nested": {"flag": True}})
    described = json.loads(answer["value"])
    assert described == {"type": "JsDict", "items": {"list": ["int", "float", "NoneType"], "nested": {"flag": "bool"}}}


async def test_a_python_caller_gets_python_values_from_a_parsed_text(http: httpx.AsyncClient, cases: Addresses) -> None:
    types = json.loads(await text(http, f"{cases.caller}/parsed"))
    # An integer beyond 2**53 was a JavaScript number on the way.
    assert types == {"value": "JsDict", "rows": "list", "big": "float", "half": "float", "none": "NoneType"}


async def test_an_exception_crosses_as_a_traceback_whose_last_line_is_its_own(
    http: httpx.AsyncClient, cases: Addresses
) -> None:
    answer = await call(http, cases, "fail")
    assert answer["name"] == "PythonError"
    assert answer["message"].rstrip().splitlines()[-1] == "LookupError: NOT_FOUND: no such thing"
    failure = await text(http, f"{cases.caller}/failure")
    assert failure.startswith("pyodide.ffi.JsException: PythonError: Traceback")


async def test_a_method_added_to_a_closed_class_is_reachable(http: httpx.AsyncClient, cases: Addresses) -> None:
    assert (await call(http, cases, "add", 2, 3))["value"] == 5


@pytest.mark.parametrize("name", ["_private", "__getattribute__", "__dict__", "env", "ctx"])
async def test_a_name_off_the_list_of_a_closed_class_is_not_reachable(
    http: httpx.AsyncClient, cases: Addresses, name: str
) -> None:
    answer = await call(http, cases, name)
    assert answer["name"] == "TypeError"
    assert "does not" in answer["message"]
