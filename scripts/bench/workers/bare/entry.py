"""The floor of a db call: takes it and, when it is asked anything, makes one POST to the Neon endpoint; does nothing else."""

import js
from pyodide.ffi import to_js
from workers import WorkerEntrypoint

__all__ = ["Default"]


class Default(WorkerEntrypoint):
    async def callJson(self, text: str) -> str:
        if not text:
            return '{"ok":null}'
        headers = {"neon-connection-string": self.env.DATABASE_URL, **RAW}
        options = {"method": "POST", "headers": headers, "body": text}
        response = await js.fetch(self.env.NEON_HTTP_ENDPOINT, to_js(options, dict_converter=js.Object.fromEntries))
        return f'{{"ok":{await response.text()}}}'


RAW = {"content-type": "application/json", "neon-raw-text-output": "true", "neon-array-mode": "true"}
