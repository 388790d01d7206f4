"""What the load sends, and what comes back as plain values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

TIMEOUT_S = 60.0
CONNECTION = "CONNECTION"
"""The code of a call that nobody answered."""


class Refused(Exception):
    """An answer that a fault may excuse: a 5xx, or none at all."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code} {detail}".strip())
        self.code = code


class Wrong(Exception):
    """An answer that nothing excuses."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is parsed JSON, or None. `code` is the problem's."""

    status: int
    body: Any = None
    code: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def expect(self, *statuses: int) -> Any:
        """The body of an answer with one of the statuses. Raises Refused, Wrong."""
        if self.status in statuses:
            return self.body
        if self.status >= 500:
            raise Refused(self.code, str(self.status))
        raise Wrong(f"{self.status} {self.code}, not {' or '.join(map(str, statuses))}")


class Client:
    """Of the gateway, as the holder of a credential or as nobody; and, by way of the caller, of the Workers' RPC.

    `workos`: the gate before WorkOS and what is behind it. A browser goes around it: only auth's own calls pass there.
    """

    def __init__(self, gateway_url: str, caller_url: str, keys: Mapping[str, str], workos: tuple[int, int]) -> None:
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=64)
        self._http = httpx.AsyncClient(base_url=gateway_url, timeout=TIMEOUT_S, limits=limits)
        self._caller_url = caller_url
        self._workos_gate, self._workos = workos
        self.gateway_url, self.keys = gateway_url, keys

    async def close(self) -> None:
        await self._http.aclose()

    async def send(
        self, role: str, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """`role`: one of the seeded keys, nothing for nobody, or the credential itself."""
        credential = self.keys.get(role, role)
        sent = {**({"authorization": f"Bearer {credential}"} if credential else {}), **(headers or {})}
        try:
            response = await self._http.request(method, path, json=body, headers=sent)
        except httpx.TransportError as error:
            raise Refused(CONNECTION, type(error).__name__) from None
        return _answer(response)

    async def call(self, binding: str, method: str, *args: object) -> Any:
        """The result of an RPC method. Raises Refused with the code of its rejection."""
        told = {"binding": binding, "method": method, "args": args}
        try:
            response = await self._http.post(self._caller_url, json=told)
            answer = response.json()
        except (httpx.TransportError, json.JSONDecodeError) as error:
            raise Refused(CONNECTION, type(error).__name__) from None
        if "ok" in answer:
            return answer["ok"]
        last_line = answer["error"].strip().splitlines()[-1]
        code, colon, detail = last_line.partition(": ")
        raise Refused(code if colon and code.isupper() else CONNECTION, detail or last_line)

    async def browse(self, path: str) -> Answer:
        """What a browser that follows redirects and keeps cookies ends up with."""

        async def around(request: httpx.Request) -> None:
            if request.url.port == self._workos_gate:
                request.url = request.url.copy_with(port=self._workos)

        hooks = {"request": [around]}
        async with httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=True, event_hooks=hooks) as browser:
            try:
                return _answer(await browser.get(self.gateway_url + path))
            except httpx.TransportError as error:
                raise Refused(CONNECTION, type(error).__name__) from None


def _answer(response: httpx.Response) -> Answer:
    """Raises Wrong for an error that is no problem+json, and for a body that is not what its type says."""
    kind = response.headers.get("content-type", "")
    if response.status_code >= 400 and kind != "application/problem+json":
        raise Wrong(f"{response.status_code} as {kind!r}: {response.text[:200]!r}")
    body: Any = response.json() if "json" in kind and response.content else None
    code = body["code"] if response.status_code >= 400 else ""
    return Answer(response.status_code, body, code, response.headers)
