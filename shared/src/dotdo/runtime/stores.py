"""Workers KV and R2."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import js
from pyodide.ffi import JsException, to_js

from dotdo.ports import KvError
from dotdo.runtime.values import js_object, settled


class KvNamespace:
    """A Workers KV namespace. Its values cross as JSON text."""

    def __init__(self, namespace: Any) -> None:
        self._namespace = namespace

    async def put(self, key: str, value: str, *, ttl_s: int, metadata: Mapping[str, object]) -> None:
        options = js.JSON.parse(json.dumps({"expirationTtl": ttl_s, "metadata": metadata}))
        try:
            await self._namespace.put(key, value, options)
        except JsException as error:
            raise KvError(str(error.message)) from None

    async def list(self, prefix: str) -> list[tuple[str, Any]]:
        try:
            page = await self._namespace.list(js_object({"prefix": prefix}))
        except JsException as error:
            raise KvError(str(error.message)) from None
        return [(key["name"], key.get("metadata")) for key in json.loads(js.JSON.stringify(page))["keys"]]


class R2Bucket:
    """An R2 bucket. Its listings come in pages."""

    def __init__(self, bucket: Any) -> None:
        self._bucket = bucket

    async def put(self, key: str, body: bytes) -> None:
        await settled(self._bucket.put(key, to_js(body)))

    async def get(self, key: str) -> bytes | None:
        found = await settled(self._bucket.get(key))
        if not hasattr(found, "arrayBuffer"):  # null, which is not None here
            return None
        body: bytes = (await settled(found.arrayBuffer())).to_bytes()
        return body

    async def keys(self, prefix: str) -> list[str]:
        return [str(one.key) for page in await self._pages({"prefix": prefix}) for one in page.objects]

    async def folders(self, prefix: str) -> list[str]:
        pages = await self._pages({"prefix": prefix, "delimiter": "/"})
        return [str(name)[len(prefix) : -1] for page in pages for name in page.delimitedPrefixes]

    async def delete(self, keys: Sequence[str]) -> None:
        await settled(self._bucket.delete(to_js(list(keys))))

    async def _pages(self, options: dict[str, Any]) -> list[Any]:
        pages = [await settled(self._bucket.list(js_object(options)))]
        while pages[-1].truncated:
            pages.append(await settled(self._bucket.list(js_object({**options, "cursor": pages[-1].cursor}))))
        return pages
