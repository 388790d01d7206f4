"""multipart/form-data bodies, in which clients send long parameters. Format: RFC 7578."""

import dataclasses
import re

from scripts.stores.clickhouse.errors import BAD_ARGUMENTS, NOT_IMPLEMENTED, refuse
from scripts.stores.clickhouse.request import QueryRequest

_BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,70})"|([^;\s]{1,70}))', re.IGNORECASE)
_NAME = re.compile(rb'(?i)content-disposition:[^\r\n]*?;\s*name="([^"]*)"')
_FILE = re.compile(rb"(?i)content-disposition:[^\r\n]*;\s*filename")


def with_form(request: QueryRequest, body: bytes) -> QueryRequest:
    """The request with the form's `query` and `param_…` in it. Raises ClickHouseError."""
    params, query = dict(request.params), request.query
    for name, value in _fields(request.form, body).items():
        if name == "query":
            query += value
        elif name.startswith("param_"):
            params[name.removeprefix("param_")] = value.decode(errors="replace")
        else:
            raise refuse(BAD_ARGUMENTS, f"The form has an unknown field '{name[:40]}'; it may have query and param_…")
    return dataclasses.replace(request, params=params, query=query)


def _fields(content_type: str, body: bytes) -> dict[str, bytes]:
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        raise refuse(BAD_ARGUMENTS, "multipart/form-data without a boundary")
    mark = b"\r\n--" + (boundary[1] or boundary[2]).encode("latin-1")
    fields: dict[str, bytes] = {}
    for part in (b"\r\n" + body).split(mark)[1:]:
        if part.startswith(b"--"):
            break
        head, _, value = part.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if name is None:
            raise refuse(BAD_ARGUMENTS, "A part of the form has no name")
        if _FILE.search(head):
            raise refuse(NOT_IMPLEMENTED, "External tables are not implemented; insert the data into a table first")
        fields[name[1].decode(errors="replace")] = value
    return fields
