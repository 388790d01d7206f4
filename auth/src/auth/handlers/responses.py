"""Answers that nothing on their way may keep."""

from collections.abc import Sequence

from dotdo.http import HttpResponse, json_text_response
from dotdo.model import Model

NO_STORE = ("cache-control", "no-store")


def private(answer: Model, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> HttpResponse:
    """An answer with a secret in it."""
    return json_text_response(answer.model_dump_json(by_alias=False), status, [NO_STORE, *headers])
