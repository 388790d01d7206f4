"""`make audit` against services that know of a vulnerability, of none, and that are not there: the real pnpm asks them."""

import gzip
import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from rich.console import Console

from scripts import audit
from scripts.audit import Finding, NotOffered, javascript_packages, locked, python_packages, report
from scripts.stack.process import LOOPBACK, free_port

NOWHERE = f"http://{LOOPBACK}:{free_port()}"


class Advisories(ThreadingHTTPServer):
    """OSV and an npm registry in one. `known` are the packages with a vulnerability."""

    known: frozenset[str] = frozenset()
    asked: set[str]

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Advisories

    def do_GET(self) -> None:
        self._answer({"summary": "Runs away with the spoon"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        asked = json.loads(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
        if self.path == "/v1/querybatch":
            names = [query["package"]["name"] for query in asked["queries"]]
            answer: Any = {"results": [{"vulns": [{"id": "PYSEC-1"}]} if n in self.server.known else {} for n in names]}
        else:
            names = list(asked)
            answer = {name: [_advisory(asked[name])] for name in names if name in self.server.known}
        self.server.asked |= set(names)
        self._answer(answer)

    def _answer(self, value: Any) -> None:
        text = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


def _advisory(versions: list[str]) -> dict[str, Any]:
    return {
        "id": 1, "url": "https://github.com/advisories/GHSA-aaaa-bbbb-cccc", "title": "Jumps over the moon",
        "severity": "high", "vulnerable_versions": ">=0", "cwe": [], "cvss": {"score": 9, "vectorString": None},
    }  # fmt: skip


@pytest.fixture
def advisories() -> Iterator[Advisories]:
    server = Advisories((LOOPBACK, 0), _Handler)
    server.asked = set()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def shown(**audits: Any) -> tuple[bool, str]:
    output = io.StringIO()
    return report(audits, Console(file=output, width=200)), output.getvalue()


def test_every_package_of_every_lock_is_asked_about(advisories: Advisories) -> None:
    names = {name for name, _ in locked()}
    assert {"pydantic", "psycopg", "workers-runtime-sdk", "croniter"} <= names
    assert python_packages(advisories.url) == []
    assert advisories.asked == names


def test_a_known_vulnerability_of_a_python_package_is_found(advisories: Advisories) -> None:
    advisories.known = frozenset({"pydantic"})
    found = python_packages(advisories.url)
    assert {finding.id for finding in found} == {"PYSEC-1"}
    assert all(finding.package.startswith("pydantic ") for finding in found)
    assert found[0].title == "Runs away with the spoon"


def test_pnpm_asks_the_registry_about_what_its_lock_names(advisories: Advisories) -> None:
    assert javascript_packages(advisories.url) == []
    assert {"wrangler", "miniflare", "pyodide", "typescript"} <= advisories.asked


def test_a_known_vulnerability_of_a_javascript_package_is_found(advisories: Advisories) -> None:
    advisories.known = frozenset({"hono"})
    (found,) = javascript_packages(advisories.url)
    assert (found.package, found.title) == ("hono", "Jumps over the moon")


@pytest.mark.parametrize("ask", [python_packages, javascript_packages])
def test_a_service_that_is_not_there_is_said_to_be(ask: Any) -> None:
    with pytest.raises(NotOffered):
        ask(NOWHERE)


def test_what_was_found_fails_the_audit_and_what_is_not_offered_does_not_pass_silently(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def absent() -> list[Finding]:
        raise NotOffered("nobody answers")

    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    finding = Finding("spoon 1.0", "PYSEC-1", "Runs away")
    assert shown(Python=lambda: [finding]) == (
        False,
        f"  ✗ Python: 1 known vulnerabilities\n      spoon 1.0: PYSEC-1 Runs away\n{audit.REMEDY}\n",
    )
    assert shown(Python=absent) == (True, "  ? Python: not available here: nobody answers\n")
    assert shown(Python=list) == (True, "  ✓ Python: 0 known vulnerabilities\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    shown(Python=absent)
    assert "::warning title=Audit of Python packages::not available: nobody answers" in capsys.readouterr().out
    monkeypatch.setitem(audit.ACCEPTED, "PYSEC-1", "for a test")
    assert shown(Python=lambda: [finding])[0]
