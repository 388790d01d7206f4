"""What the auth service offers: its models, RPC methods and HTTP endpoints."""

from dotdo.contract import Contract
from dotdo.contracts.auth.endpoints import ENDPOINTS
from dotdo.contracts.auth.methods import METHODS

CONTRACT = Contract("auth", "0.1.0", METHODS, ENDPOINTS)
