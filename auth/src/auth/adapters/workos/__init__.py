"""A small client of the WorkOS API (https://workos.com/docs/reference), its parts named as the official SDKs name them."""

from auth.adapters.workos.api import Api, Refused
from auth.adapters.workos.directory_sync import DirectorySync
from auth.adapters.workos.organizations import Organizations
from auth.adapters.workos.sso import SSO
from auth.adapters.workos.tokens import AccessTokens
from auth.adapters.workos.user_management import UserManagement
from dotdo.ports import Bindings

__all__ = ["Refused", "WorkOS"]


class WorkOS:
    """Reads WORKOS_CLIENT_ID, WORKOS_API_KEY and WORKOS_API_URL at each call.

    Every method that asks WorkOS raises Refused for what it says no to, else TIMEOUT, UNAVAILABLE or UPSTREAM_ERROR.
    """

    def __init__(self, bindings: Bindings) -> None:
        api = Api(bindings)
        self.user_management = UserManagement(api)
        self.sso = SSO(api)
        self.organizations = Organizations(api)
        self.directory_sync = DirectorySync(api)
        self.tokens = AccessTokens(api, bindings)
