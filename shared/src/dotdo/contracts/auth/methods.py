"""The RPC methods of the auth service."""

from typing import Annotated

from pydantic import StringConstraints

from dotdo.contract import RpcMethod
from dotdo.contracts.auth import models as m
from dotdo.contracts.auth import rights as r
from dotdo.contracts.auth import sessions as s
from dotdo.contracts.auth import workos as w
from dotdo.contracts.common import Health
from dotdo.model import Key

_USER, _ID = (Key, ...), (Key, ...)
_TEXT = (Annotated[str, StringConstraints(max_length=2048, pattern=r"^[^\x00]*$")] | None, None)
_CREDENTIAL = (str, ...)
_ADDRESS = (Annotated[str, StringConstraints(max_length=2048, pattern=r"^https?://[^\s\x00]+$")], ...)
_GRANT = {
    "user_id": _USER, "resource": (r.Resource, ...), "action": (r.Action, ...), "organization_id": (Key | None, None),
}  # fmt: skip

METHODS = (
    RpcMethod("health", "Whether the service and its database answer.", {}, Health),
    RpcMethod("verify", "Who presents this API key or access token.", {"credential": _CREDENTIAL}, m.Verification),
    RpcMethod("validateToken", "The user of an API key, or the user and session of an access token.",
              {"token": _CREDENTIAL}, s.Validation),
    RpcMethod("validateApiKey", "The owner of an API key, or null.", {"key": _CREDENTIAL}, m.ApiKeyOwner | None),
    RpcMethod("validateSession", "The user and session of an access token; an API key has none.",
              {"token": _CREDENTIAL}, s.Validation),
    RpcMethod("createApiKey", "Makes a key for a user; the clear key comes back once.",
              {"input": (m.CreateApiKeyInput, ...)}, m.CreatedApiKey),
    RpcMethod("rotateApiKey", "A new key in place of one; the clear key comes back once.",
              {"user_id": _USER, "key_id": _ID, "options": (m.RotateInput, m.RotateInput())}, m.CreatedApiKey),
    RpcMethod("listApiKeys", "A user's keys, newest first.",
              {"user_id": _USER, "options": (m.ListQuery, m.ListQuery())}, m.ApiKeyPage),
    RpcMethod("revokeApiKey", "Ends a key; false when there was none to end.", {"user_id": _USER, "key_id": _ID}, bool),
    RpcMethod("checkPermission", "Whether a user may do this.", {"input": (r.CheckInput, ...)}, bool),
    RpcMethod("grantPermission", "Grants; false when it was granted already.", _GRANT, bool),
    RpcMethod("revokePermission", "Takes back one grant, of exactly this organisation.", _GRANT, bool),
    RpcMethod("listPermissions", "What a user may do, by role and by grant.", {"user_id": _USER}, list[r.Grant]),
    RpcMethod("createSession", "Signs a user in.",
              {"user_id": _USER, "device": _TEXT, "ip_address": _TEXT, "user_agent": _TEXT}, s.CreatedSession),
    RpcMethod("getSession", "A session that has not ended, or null.", {"session_id": _ID}, s.SessionRow | None),
    RpcMethod("listSessions", "Where a user is signed in, newest first.", {"user_id": _USER}, list[s.SessionRow]),
    RpcMethod("revokeSession", "Ends a session; false when there was none to end.", {"session_id": _ID}, bool),
    RpcMethod("revokeAllSessions", "Ends all of a user's sessions; how many.", {"user_id": _USER}, int),
    RpcMethod("refreshSession", "A refresh token's successor, and an access token.",
              {"refresh_token": (str, ...)}, s.Tokens),
    RpcMethod("getUser", "A user, or null.", {"user_id": _USER}, m.User | None),
    RpcMethod("updateUserRole", "Gives a user another role; null for no such user.",
              {"user_id": _USER, "role": (r.Role, ...)}, m.User | None),
    RpcMethod("getWorkOSAuthURL", "Where a browser signs in; it comes back to `redirectUri` with a code.",
              {"redirect_uri": _ADDRESS, "state": (Key | None, None), "options": (w.AuthUrlOptions, w.AuthUrlOptions())},
              str),
    RpcMethod("exchangeWorkOSCode", "Who came back with this code, and WorkOS's tokens.",
              {"code": (Key, ...), "code_verifier": (Key | None, None), "organization_id": (Key | None, None)},
              w.WorkOSSignIn),
    RpcMethod("jwks", "The public keys of access tokens.", {}, m.Jwks),
)  # fmt: skip
