"""What runs in CI is pinned, and what it asks for is what docs/deploying.md says."""

import re

from scripts.runtime.services import ROOT

WORKFLOWS = {file.name: file.read_text() for file in sorted((ROOT / ".github" / "workflows").glob("*.yml"))}
DEPLOYING = (ROOT / "docs" / "deploying.md").read_text()


def used() -> list[str]:
    """What stands behind `uses:`, but for this repository's own workflows."""
    lines = re.findall(r"^\s*(?:- )?uses: (.+)$", "\n".join(WORKFLOWS.values()), re.MULTILINE)
    return [line for line in lines if not line.startswith("./")]


def test_every_action_is_pinned_by_its_commit_and_names_its_version() -> None:
    assert len(used()) >= 5
    for line in used():
        assert re.fullmatch(r"[\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_a_repository_of_actions_has_one_version_everywhere() -> None:
    versions: dict[str, set[str]] = {}
    for line in used():
        action, _, version = line.partition("@")
        versions.setdefault("/".join(action.split("/")[:2]), set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_the_secrets_and_variables_of_the_workflows_are_those_to_create() -> None:
    section = DEPLOYING.partition("With GitHub Actions\n")[2].partition("\n## ")[0]
    assert section
    for kind in ("secrets", "vars"):
        for name in re.findall(rf"\b{kind}\.(\w+)", "\n".join(WORKFLOWS.values())):
            assert f"`{name}`" in section, name
