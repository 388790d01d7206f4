"""What the db service offers: its models, RPC methods and HTTP endpoints."""

from dotdo.contract import Contract
from dotdo.contracts.db.endpoints import ENDPOINTS
from dotdo.contracts.db.methods import METHODS

CONTRACT = Contract("db", "0.1.0", METHODS, ENDPOINTS)
