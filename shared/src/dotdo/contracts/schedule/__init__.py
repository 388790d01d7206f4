"""What the schedule service offers: its models, RPC methods and HTTP endpoints."""

from dotdo.contract import Contract
from dotdo.contracts.schedule.endpoints import ENDPOINTS
from dotdo.contracts.schedule.methods import METHODS

CONTRACT = Contract("schedule", "0.1.0", METHODS, ENDPOINTS)
