"""The two files about the platform itself: the OpenAPI document and the page that shows it. Read once an isolate."""

from dataclasses import dataclass, field
from pathlib import Path

from dotdo.documents import Document, document

FOLDER = Path(__file__).with_name("reference")


@dataclass(slots=True)
class Documents:
    """Keeps what it has read: the files are part of the Worker and do not change under it."""

    _read: dict[str, Document] = field(default_factory=dict)

    def openapi(self) -> Document:
        return self._once("openapi.json", "application/json")

    def page(self) -> Document:
        return self._once("docs.html", "text/html; charset=utf-8")

    def _once(self, name: str, media: str) -> Document:
        if name not in self._read:
            self._read[name] = document((FOLDER / name).read_text(encoding="utf-8"), media)
        return self._read[name]
