"""A ClickHouse that answers as it is told, and keeps what it was asked."""

import json
from urllib.parse import parse_qs, urlsplit

from db.adapters.clickhouse import ClickHouse
from dotdo.fakes import FakeBindings, FakeHttp
from dotdo.ports import HttpCall, HttpError, HttpReply

TEXTS = {
    "CLICKHOUSE_URL": "https://ch.test:8443/", "CLICKHOUSE_USERNAME": "reader", "CLICKHOUSE_PASSWORD": "hunter2",
    "CLICKHOUSE_DATABASE": "analytics",
}  # fmt: skip
MESSAGE = "Code: 47. DB::Exception: Unknown identifier secret_column. (UNKNOWN_IDENTIFIER)\nstack of secrets"

OK = HttpReply(200, {}, json.dumps({"data": [{"n": 1}], "meta": [{"name": "n", "type": "UInt8"}], "rows": 1}).encode())
STORED = HttpReply(200, {}, b"")
"""What an insert is answered."""


def settings_of(call: HttpCall) -> dict[str, str]:
    """What stands in the address of a call."""
    return {name: values[0] for name, values in parse_qs(urlsplit(call.url).query).items()}


def exception(code: int, status: int = 500) -> HttpReply:
    return HttpReply(status, {"x-clickhouse-exception-code": str(code)}, MESSAGE.encode())


class Server:
    def __init__(self, *answers: HttpReply | HttpError) -> None:
        self._answers = list(answers)
        self.http = FakeHttp(self._respond)
        self.store = ClickHouse(FakeBindings(dict(TEXTS), http=self.http))

    def _respond(self, call: HttpCall) -> HttpReply:
        answer = self._answers.pop(0)
        if isinstance(answer, HttpError):
            raise answer
        return answer

    @property
    def settings(self) -> list[dict[str, str]]:
        return list(map(settings_of, self.http.calls))
