"""What the tests of this folder deploy by, and what they look at of what arrived."""

from scripts.deploy.table import ORDER
from tests.deploy.cloudflare_api import CloudflareApi, Upload
from tests.deploy.conftest import NAMESPACE

DEPLOY = "deploy-to-namespace.sh"
UPLOADS = r"PUT .*/scripts/"
"""Of the API's addresses; a script's name follows."""


def all_there(api: CloudflareApi) -> None:
    """Every Worker is deployed already."""
    for name in ORDER:
        where = "" if name == "dispatch" else NAMESPACE
        script = "dispatch-staging" if name == "dispatch" else name
        api.state.scripts[where, script] = Upload(where, script, {}, {})


def targets(upload: Upload) -> set[tuple[str, str, str]]:
    """Name, type and target of each of its bindings, variables and secrets apart."""
    found = set()
    for row in upload.metadata["bindings"]:
        if row["type"] not in ("plain_text", "secret_text"):
            target = (
                row.get("service") or row.get("namespace_id") or row.get("bucket_name") or row.get("namespace") or ""
            )
            found.add((row["name"], row["type"], target))
    return found


def names(api: CloudflareApi) -> list[str]:
    return [upload.name for upload in api.state.uploads]
