"""The pages for people: what they name is there."""

import ast
import json
import re
from pathlib import Path

import pytest

from dotdo.contracts.auth.endpoints import ENDPOINTS as AUTH
from scripts.deploy.table import ENVIRONMENTS, ORDER
from scripts.pages import marks
from scripts.runtime.config import read_configuration
from scripts.runtime.services import ROOT, SERVICES
from scripts.soak.page import PAGE, paragraph
from scripts.soak.report import RESULTS
from scripts.stack.stack import SERVICE_NAMES

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *(ROOT / name / "README.md" for name in SERVICE_NAMES)])
REQUESTS = {"dotdo.http", "dotdo.service", "dotdo.surface", "dotdo.problem", "dotdo.cookies", "dotdo.csrf"}
RUNTIME = ROOT / "shared" / "src" / "dotdo" / "runtime"
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]
FOLDERS = {path.name for path in ROOT.iterdir() if path.is_dir() and path.name[0] != "."} | {".github", ".ci"}
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def test_every_page_is_looked_at() -> None:
    assert {"README.md", "CONTRIBUTING.md", "docs/architecture.md", "gateway/README.md"} <= set(NAMES)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_files_that_are_named_exist(page: Path) -> None:
    for name in re.findall(r"`([\w./-]+/[\w./-]*)`", page.read_text()):
        if name.split("/")[0] in FOLDERS:
            assert (ROOT / name).exists() or (page.parent / name).exists(), name


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_commands_that_are_named_exist(page: Path) -> None:
    text = page.read_text()
    assert set(re.findall(r"(?:^|[`\s])make ([a-z]+)\b(?=[`\s]|$)", "\n".join(commands(text)))) <= TARGETS
    for module in re.findall(r"python -m (scripts[\w.]*)", text):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module


def commands(text: str) -> list[str]:
    """What stands as code: in backticks and in blocks."""
    blocks = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    return blocks + re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def test_every_page_is_reached_from_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    for name in NAMES:
        assert name == "README.md" or f"]({name})" in text, name


def test_only_entry_modules_and_the_ports_import_the_runtime() -> None:
    """What architecture.md says, and what lets everything else run on the host."""
    found = set()
    for source in [ROOT / "shared" / "src", *(service.source for service in SERVICES)]:
        for file in source.rglob("*.py"):
            imported = {name.partition(".")[0] for name in imports(file)}
            if imported & {"workers", "js", "pyodide"}:
                found.add("dotdo/runtime" if file.parent == RUNTIME else file.name)
    assert found == {"entry.py", "dotdo/runtime"}


def test_what_a_service_does_knows_nothing_of_requests() -> None:
    """Nothing in a `domain` folder imports what answers requests, of ours or of its own service."""
    files = [file for service in SERVICES for file in (service.source / service.name / "domain").glob("*.py")]
    assert len(files) > 50
    for file in files:
        for name in imports(file):
            assert name not in REQUESTS and ".handlers" not in name, f"{file.relative_to(ROOT)} imports {name}"


def imports(file: Path) -> list[str]:
    nodes = list(ast.walk(ast.parse(file.read_text())))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    return names + [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]


DEPLOYING = (ROOT / "docs" / "deploying.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_the_deployment_scripts_are_given_what_they_take(page: Path) -> None:
    for script, service, environment in re.findall(r"scripts/([\w-]+)\.sh ([\w-]+) ([\w-]+)", page.read_text()):
        assert service in {*ORDER, "all"}, f"{script}.sh {service} {environment}"
        assert environment in ENVIRONMENTS, f"{script}.sh {service} {environment}"


def test_every_routed_host_has_its_dns_record_in_deploying() -> None:
    """A route of `*/*` is for the zone and everything below it; `@` is the zone itself."""
    section = DEPLOYING.partition("### DNS records\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([\w.]+)` \| (.+?) \|$", section, re.MULTILINE)
    listed = {(zone, name) for zone, names in rows for name in re.findall(r"`(.+?)`", names)}
    for route in read_configuration(ROOT / "scripts" / "dispatch" / "wrangler.jsonc")["env"]["production"]["routes"]:
        zone, host = route["zone_name"], route["pattern"].partition("/")[0]
        names = {"@", "*"} if host == "*" else {host.removesuffix(zone).removesuffix(".") or "@"}
        assert {(zone, name) for name in names} <= listed, route["pattern"]


def test_the_addresses_at_workos_are_those_that_auth_answers() -> None:
    section = DEPLOYING.partition("### Addresses at WorkOS\n")[2].partition("\n### ")[0]
    named = set(re.findall(r"/auth(/[\w/]+)`", section))
    assert named == {"/callback", "/sso/callback", "/webhooks/workos"}
    assert named <= {endpoint.path for endpoint in AUTH}


def test_deploying_uses_nothing_before_it_says_where_it_comes_from() -> None:
    for name in ("ADMIN_KEY", "API", "CLOUDFLARE_API_TOKEN", "CLOUDFLARE_ACCOUNT_ID"):
        first = DEPLOYING.index(f"${name}")
        assert 0 < DEPLOYING.find(f"export {name}=") < first, name


def test_every_test_that_security_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", (ROOT / "docs" / "security.md").read_text())
    assert len(named) > 50
    for file, name in named:
        assert (ROOT / file).exists(), file
        functions = re.findall(r"^(?:async )?def (test_\w+)", (ROOT / file).read_text(), re.MULTILINE)
        assert functions, f"{file} has no test"
        assert not name or name in functions, f"{file}::{name}"


def test_what_is_said_of_the_soak_is_what_it_measured() -> None:
    begin, end = marks("soak")
    written = PAGE.read_text().partition(begin)[2].partition(end)[0]
    assert written.strip() == paragraph(json.loads(RESULTS.read_text()))


def test_a_soak_that_did_not_hold_is_said_to() -> None:
    values = json.loads(RESULTS.read_text())
    text = paragraph({**values, "findings": ["a lost write", "another"]})
    assert "**It did not hold:** a lost write; another." in text and "read back" not in text
