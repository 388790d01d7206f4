"""Single sign-on with an organisation's own identity provider (https://workos.com/docs/reference/sso)."""

from auth.adapters.workos.api import Api
from auth.adapters.workos.models import Connection, Listed, ProfileAndToken


class SSO:
    def __init__(self, api: Api) -> None:
        self._api = api

    def authorize_url(self, *, redirect_uri: str, state: str, challenge: str, **chosen: str | None) -> str:
        """Where the browser signs in. `chosen`: connection or organization; login_hint, domain_hint."""
        query = {
            "client_id": self._api.client_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **chosen,
        }
        return self._api.url("/sso/authorize", query)

    async def profile_and_token(self, code: str, verifier: str) -> ProfileAndToken:
        body = {
            "client_id": self._api.client_id,
            "client_secret": self._api.key,
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": verifier,
        }
        return await self._api.post(ProfileAndToken, "/sso/token", body)

    async def list_connections(self, **query: str | int | None) -> Listed[Connection]:
        """`query`: domain, organization_id, limit (at most 100), after."""
        return await self._api.get(Listed[Connection], "/connections", **query)
