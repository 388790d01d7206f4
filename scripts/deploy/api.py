"""The parts of Cloudflare's REST API that wrangler has no command for.

Reference: https://developers.cloudflare.com/api/resources/workers_for_platforms/
"""

import os
from typing import Any

import httpx

API = "https://api.cloudflare.com/client/v4"
TIMEOUT_S = 30.0


class ApiError(Exception):
    """What the API said; `status` is 0 when it did not answer."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class Cloudflare:
    """One account, by CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID, as wrangler takes them. Raises ApiError."""

    def __init__(self) -> None:
        self.account = os.environ.get("CLOUDFLARE_ACCOUNT_ID", "")
        token = os.environ.get("CLOUDFLARE_API_TOKEN", "")
        self.configured = bool(token and self.account)
        self._base = os.environ.get("CLOUDFLARE_API_BASE_URL", API)
        self._headers = {"authorization": f"Bearer {token}"}

    def account_name(self) -> str:
        return str(self._get(f"/accounts/{self.account}").get("name", self.account))

    def has_namespace(self, namespace: str) -> bool:
        return self._exists(f"/accounts/{self.account}/workers/dispatch/namespaces/{namespace}")

    def scripts(self, namespace: str) -> list[str]:
        rows = self._get(f"/accounts/{self.account}/workers/dispatch/namespaces/{namespace}/scripts")
        return sorted(row["id"] for row in rows)

    def has_script(self, namespace: str, name: str) -> bool:
        """`namespace` is empty for a Worker of the account itself."""
        if not namespace:
            return self._exists(f"/accounts/{self.account}/workers/services/{name}")
        return self._exists(self._script(namespace, name))

    def secrets(self, namespace: str, name: str) -> set[str]:
        """Their names; the values never come back."""
        return {row["name"] for row in self._get(f"{self._script(namespace, name)}/secrets")}

    def texts(self, namespace: str, name: str) -> dict[str, str]:
        """The variables that a Worker has, by name; none when there is no such Worker."""
        try:
            rows = self._get(f"{self._script(namespace, name)}/bindings")
        except ApiError as error:
            if error.status == 404:
                return {}
            raise
        return {row["name"]: row.get("text", "") for row in rows if row["type"] == "plain_text"}

    def put_secret(self, namespace: str, name: str, key: str, value: str) -> None:
        body = {"name": key, "text": value, "type": "secret_text"}
        self._call("PUT", f"{self._script(namespace, name)}/secrets", json=body)

    def subdomain(self) -> str:
        """The account's part of its workers.dev addresses."""
        return str(self._get(f"/accounts/{self.account}/workers/subdomain")["subdomain"])

    def _script(self, namespace: str, name: str) -> str:
        return f"/accounts/{self.account}/workers/dispatch/namespaces/{namespace}/scripts/{name}"

    def _exists(self, path: str) -> bool:
        try:
            self._get(path)
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return True

    def _get(self, path: str) -> Any:
        return self._call("GET", path)

    def _call(self, method: str, path: str, **options: Any) -> Any:
        try:
            response = httpx.request(method, self._base + path, headers=self._headers, timeout=TIMEOUT_S, **options)
        except httpx.HTTPError as error:
            raise ApiError(f"Cloudflare's API does not answer ({type(error).__name__})") from error
        if response.is_success:
            return response.json()["result"]
        raise ApiError(f"Cloudflare's API answers {response.status_code}: {_said(response)}", response.status_code)


def _said(response: httpx.Response) -> str:
    try:
        return "; ".join(f"{row['message']} (code {row['code']})" for row in response.json()["errors"])
    except (ValueError, KeyError, TypeError):
        return "no reason given"
