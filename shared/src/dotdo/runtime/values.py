"""Plain values as JavaScript's, and what becomes of a promise."""

import json
from collections.abc import Mapping
from typing import Any

import js
from pyodide.ffi import JsException, to_js

from dotdo.ports import BindingError


def js_object(values: dict[str, Any]) -> Any:
    return to_js(values, dict_converter=js.Object.fromEntries)


def js_value(value: Mapping[str, object]) -> Any:
    return js.JSON.parse(json.dumps(value))


def js_body(body: str | bytes) -> Any:
    """The body of a message. Bytes cross at once, and so does ASCII; any other text would cross character by character."""
    if isinstance(body, bytes):
        return to_js(body)
    if body.isascii():
        return body
    try:
        return to_js(body.encode())
    except UnicodeEncodeError:  # half of a surrogate pair: JavaScript writes U+FFFD
        return body


async def settled(promise: Any) -> Any:
    """What the promise of a binding becomes; its rejection as BindingError."""
    try:
        return await promise
    except JsException as error:
        raise BindingError(str(error.message)) from None
