"""The page of `GET /dashboard`: one file, which asks the endpoints beside it. Read when it is first asked for."""

from functools import cache
from pathlib import Path

from dotdo.documents import Document, document
from dotdo.http import PRIVATE_CACHE

MEDIA = "text/html; charset=utf-8"


@cache
def dashboard() -> Document:
    text = Path(__file__).with_name("dashboard.html").read_text(encoding="utf-8")
    return document(text, MEDIA, PRIVATE_CACHE)
