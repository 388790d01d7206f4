"""Who a call is put on record as."""

from auth.domain.audit import Actor
from dotdo.service import Call
from dotdo.tracing import current_request_id


def actor_of(call: Call) -> Actor:
    identity = call.identity
    credential = identity.key_id or identity.session_id or None
    return Actor(_name_of(call), identity.address or None, current_request_id(), credential)


def _name_of(call: Call) -> str:
    if call.identity.key_id:
        return f"api_key:{call.identity.key_id}"
    if call.identity.subject:
        return f"user:{call.identity.subject}"
    return "anonymous" if call.request else "rpc"
