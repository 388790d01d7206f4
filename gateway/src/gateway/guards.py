"""The `ratelimits` bindings of a deployment: counters of one Cloudflare location, which bound what many cold isolates admit in
the minute before they have heard of each other. They only ever refuse more; without them the limits hold as they are.
A limit of a key's own has no guard.
"""

from dataclasses import replace

from dotdo.log import Logger
from dotdo.ports import Bindings, QuotaError
from dotdo.rate_limits.limiter import Decision


class Guards:
    """The binding of a class is called `LIMIT_` and its name: LIMIT_IP, LIMIT_DEFAULT, …"""

    def __init__(self, bindings: Bindings, classes: list[str], log: Logger) -> None:
        names = {policy: f"LIMIT_{policy.upper()}" for policy in classes}
        self._quotas = {policy: bindings.quota(name) for policy, name in names.items() if bindings.has(name)}
        self._log = log

    async def confirm(self, decision: Decision, key: str) -> Decision:
        """The decision, or a refusal in its place. A binding that fails changes nothing."""
        quota = self._quotas.get(decision.policy)
        if quota is None or not decision.allowed:
            return decision
        try:
            admitted = await quota.take(key)
        except QuotaError as error:
            self._log.warn("rate_limits.guard_failed", policy=decision.policy, error=repr(error))
            return decision
        return decision if admitted else replace(decision, allowed=False, remaining=0)
