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


async def settled(promise: Any) -> Any:
    """What the promise of a binding becomes; its rejection as BindingError."""
    try:
        return await promise
    except JsException as error:
        raise BindingError(str(error.message)) from None
