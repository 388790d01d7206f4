"""Users, their memberships and sessions, and how they sign in (https://workos.com/docs/reference/authkit)."""

from typing import Any

from auth.adapters.workos.api import Api, segment
from auth.adapters.workos.models import Authentication, Listed, Membership, Nothing, User

DEFAULT_PROVIDER = "authkit"

_ORGANIZATION_SELECTION = "urn:workos:oauth:grant-type:organization-selection"


class UserManagement:
    def __init__(self, api: Api) -> None:
        self._api = api

    def authorize_url(
        self, *, redirect_uri: str, state: str | None = None, challenge: str | None = None, **optional: str | None
    ) -> str:
        """Where the browser signs in. `challenge`: PKCE's, S256. `optional`: provider, organization_id, connection_id,
        domain_hint, login_hint, screen_hint, prompt.
        """
        chosen = {name: value for name, value in optional.items() if value}
        query = {
            "client_id": self._api.client_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256" if challenge else None,
            "provider": None if "connection_id" in chosen else DEFAULT_PROVIDER,
            **chosen,
        }
        return self._api.url("/user_management/authorize", query)

    async def authenticate_with_code(self, code: str, verifier: str | None = None) -> Authentication:
        return await self._authenticate("authorization_code", code=code, code_verifier=verifier)

    async def authenticate_with_refresh_token(self, token: str, organization_id: str | None = None) -> Authentication:
        """The old token is used up. `organization_id`: the session goes on in that organisation."""
        return await self._authenticate("refresh_token", refresh_token=token, organization_id=organization_id)

    async def authenticate_with_organization_selection(self, pending: str, organization_id: str) -> Authentication:
        """`pending` is the `pending_authentication_token` of a Refused `organization_selection_required`."""
        return await self._authenticate(
            _ORGANIZATION_SELECTION, pending_authentication_token=pending, organization_id=organization_id
        )

    async def get_user(self, user_id: str) -> User:
        return await self._api.get(User, f"/user_management/users/{segment(user_id)}")

    async def list_users(self, **query: str | int | None) -> Listed[User]:
        """`query`: email, organization_id, limit (at most 100), after."""
        return await self._api.get(Listed[User], "/user_management/users", **query)

    async def list_organization_memberships(self, **query: str | int | None) -> Listed[Membership]:
        """`query`: user_id or organization_id; limit (at most 100), after."""
        return await self._api.get(Listed[Membership], "/user_management/organization_memberships", **query)

    async def revoke_session(self, session_id: str) -> None:
        await self._api.post(Nothing, "/user_management/sessions/revoke", {"session_id": session_id})

    def logout_url(self, session_id: str, return_to: str | None = None) -> str:
        """Where a browser goes to end its session at WorkOS, too."""
        return self._api.url("/user_management/sessions/logout", {"session_id": session_id, "return_to": return_to})

    async def _authenticate(self, grant_type: str, **fields: Any) -> Authentication:
        credentials = {"client_id": self._api.client_id, "client_secret": self._api.key, "grant_type": grant_type}
        return await self._api.post(Authentication, "/user_management/authenticate", {**credentials, **fields})
