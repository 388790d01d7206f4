"""Files that a Worker answers with as they are: a page that is one file, a document."""

import base64
import hashlib
import re
from dataclasses import dataclass

from dotdo.http import HttpResponse, names

PUBLIC_CACHE = "public, max-age=300"
"""What came with the last deployment may be shown for five minutes; after that the tag decides."""

_INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)

_PAGE_POLICY = (
    "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Document:
    """`headers` are those of a whole answer; a 304 leaves out what describes the body."""

    text: str
    tag: str
    headers: tuple[tuple[str, str], ...]

    def answer(self, if_none_match: str) -> HttpResponse:
        """304 for who has it already."""
        if names(if_none_match, self.tag):
            kept = tuple((name, value) for name, value in self.headers if name in ("etag", "cache-control"))
            return HttpResponse(304, headers=kept)
        return HttpResponse(200, self.text, self.headers)


def document(text: str, media: str, cache_control: str = PUBLIC_CACHE) -> Document:
    """Of an HTML page, exactly the scripts and styles that are written in it will run."""
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    headers = [("content-type", media), ("etag", tag), ("cache-control", cache_control)]
    headers.append(("referrer-policy", "no-referrer"))
    if media.startswith("text/html"):
        headers += [("content-security-policy", page_policy(text)), ("cross-origin-opener-policy", "same-origin")]
    return Document(text, tag, tuple(headers))


def page_policy(html: str) -> str:
    """The Content-Security-Policy under which exactly the scripts and styles written in the page run."""
    hashes: dict[str, list[str]] = {"script": [], "style": []}
    for kind, text in _INLINE.findall(html):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        hashes[kind].append(f"'sha256-{digest}'")
    allowed = [f"{kind}-src {' '.join(found)}" for kind, found in hashes.items() if found]
    return "; ".join([_PAGE_POLICY, *allowed])
