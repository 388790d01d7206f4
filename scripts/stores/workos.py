"""The vendor's WorkOS emulator (npm `workos`), with the users of the local stack. Its state lives in memory."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from scripts.stack.node import node
from scripts.stack.process import LOOPBACK, Child, ChildPart, accepts_tcp, require_free

SCRIPT = Path(__file__).with_name("workos.mjs")

# Fixed by the emulator.
API_KEY = "sk_test_default"
CLIENT_ID = "client_emulate"


@dataclass
class WorkOSEmulator(ChildPart):
    """`users` are the emulator's seed: email, first_name, last_name, email_verified. `webhook`: endpoint_url and secret."""

    port: int
    log: Path
    users: list[dict[str, object]] = field(default_factory=list)
    webhook: dict[str, str] | None = None

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    async def start(self) -> None:
        require_free(self.port, "the WorkOS emulator", "WORKOS_PORT")
        command = [str(node()), str(SCRIPT), str(self.port), json.dumps({"users": self.users})]
        webhook = (
            {} if self.webhook is None else {"WORKOS_WEBHOOK": json.dumps(self.webhook)}
        )  # no secret in a process list
        self.child = Child("the WorkOS emulator", command, self.log, webhook)
        await self.child.start(lambda: accepts_tcp(self.port))
