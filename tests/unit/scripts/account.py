"""An account of Cloudflare's that is there without a network."""

from scripts.deploy.api import Cloudflare


class Account(Cloudflare):
    """`texts`: the variables of db where it is deployed; `workers`: those of the account itself."""

    def __init__(self, *workers: str, texts: dict[str, str] | None = None) -> None:
        self._workers, self._texts = workers, texts

    def subdomain(self) -> str:
        return "acme"

    def texts(self, namespace: str, name: str) -> dict[str, str]:
        return self._texts or {}

    def has_script(self, namespace: str, name: str) -> bool:
        return not namespace and name in self._workers
