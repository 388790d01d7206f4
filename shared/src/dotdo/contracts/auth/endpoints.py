"""The HTTP endpoints of the auth service."""

from dotdo.contract import Endpoint
from dotdo.contracts.auth import models as m
from dotdo.contracts.auth import rights as r
from dotdo.contracts.auth import sessions as s
from dotdo.contracts.auth import workos as w
from dotdo.contracts.common import Health, ServiceCard

ENDPOINTS = (
    Endpoint("GET", "/", "card", "What this service is.", access="public", result=ServiceCard),
    Endpoint("GET", "/health", "health", "Whether the service answers.", access="public", result=Health),
    Endpoint("GET", "/.well-known/jwks.json", "jwks", "The public keys of access tokens.", access="public", result=m.Jwks),
    Endpoint("GET", "/login", "login", "Sends the browser to sign in.", access="public", query=w.LoginQuery, status=302),
    Endpoint("GET", "/callback", "callback", "Where the browser returns to; with Accept: application/json, the tokens.",
             access="public", query=w.CallbackQuery, result=s.CreatedSession, status=303, also=(200,), problems=(403, 409)),
    Endpoint("POST", "/logout", "logout", "Signs this browser out.", access="public", result=w.LoggedOut),
    Endpoint("GET", "/sso/authorize", "sso_authorize", "Sends the browser to its organisation's identity provider.",
             access="public", query=w.SsoQuery, status=302, problems=(404,)),
    Endpoint("GET", "/sso/callback", "sso_callback", "Where the browser returns to from there.",
             access="public", query=w.CallbackQuery, result=s.CreatedSession, status=303, also=(200,), problems=(403,)),
    Endpoint("POST", "/webhooks/workos", "workos_event", "What WorkOS tells of its users, organisations and directories.",
             access="public", result=w.EventTaken, headers=("WorkOS-Signature",), problems=(401, 408, 413)),
    Endpoint("POST", "/refresh", "refresh", "The next pair of tokens.", access="public",
             body=s.RefreshBody, may_be_empty=True, result=s.Tokens, also=(204,), problems=(401,)),
    Endpoint("GET", "/session", "session", "The current session.", result=s.Session, problems=(404,)),
    Endpoint("GET", "/sessions", "list_sessions", "Where the caller is signed in.", query=m.ListQuery, result=s.SessionPage),
    Endpoint("DELETE", "/sessions", "revoke_sessions", "Signs the caller out everywhere.", result=s.Revoked),
    Endpoint("DELETE", "/sessions/{id}", "revoke_session", "Signs the caller out at one place.", status=204),
    Endpoint("GET", "/me", "me", "Who asks, and what the credential may do.", result=r.Me, problems=(404,)),
    Endpoint("POST", "/apikeys", "create_api_key", "A new key of the caller's; the clear key comes back once.",
             body=m.ApiKeyBody, result=m.CreatedApiKey, status=201, problems=(404, 409)),
    Endpoint("GET", "/apikeys", "list_api_keys", "The caller's keys.", query=m.ListQuery, result=m.ApiKeyPage),
    Endpoint("GET", "/apikeys/{id}", "get_api_key", "One of the caller's keys.", result=m.ApiKey),
    Endpoint("DELETE", "/apikeys/{id}", "revoke_api_key", "Ends a key.", status=204),
    Endpoint("POST", "/apikeys/{id}/rotate", "rotate_api_key", "A new key in place of one.",
             body=m.RotateInput, result=m.CreatedApiKey, status=201, problems=(409,)),
    Endpoint("POST", "/check-permission", "check_permission", "Whether the caller may do this.",
             body=r.CheckBody, result=r.Decision),
    Endpoint("GET", "/permissions", "list_permissions", "What a user may do.",
             access="admin", query=r.GrantsQuery, result=r.GrantPage, problems=(404,)),
    Endpoint("POST", "/permissions", "grant_permission", "Grants; 200 when it was granted already.",
             access="admin", body=r.GrantBody, result=r.Grant, status=201, also=(200,), problems=(404,)),
    Endpoint("DELETE", "/permissions", "revoke_permission", "Takes back one grant.",
             access="admin", body=r.GrantBody, status=204, problems=(404,)),
    Endpoint("GET", "/users", "list_users", "All users.", access="admin", query=m.ListQuery, result=m.UserPage),
    Endpoint("PATCH", "/users/{id}", "update_user", "Gives a user another role.",
             access="admin", body=m.UserChange, result=m.User),
    Endpoint("GET", "/directories", "list_directories", "The directories of organisations.",
             access="admin", query=w.DirectoryQuery, result=w.DirectoryPage),
    Endpoint("GET", "/directories/{id}/users", "list_directory_users", "Who is in a directory.",
             access="admin", query=m.ListQuery, result=w.DirectoryUserPage),
    Endpoint("GET", "/directories/{id}/groups", "list_directory_groups", "The groups of a directory.",
             access="admin", query=m.ListQuery, result=w.DirectoryGroupPage),
    Endpoint("GET", "/audit", "audit", "Who changed what, newest first.",
             access="admin", query=r.AuditQuery, result=r.AuditPage),
)  # fmt: skip
