"""What makes vectors of texts: Workers AI, and a stand-in for machines without it."""

import hashlib
import math
import re
from collections.abc import Sequence
from typing import Any, Protocol

from dotdo.contracts.values import EMBEDDING_DIMENSIONS
from dotdo.errors import unavailable
from dotdo.ports import Ai, BindingError

Vector = list[float]

_NUMBERS = (int, float)


class Refused(Exception):
    """One of the texts, at least, is at fault; any other of them may still be embedded."""


class Embedder(Protocol):
    """`model` is what is kept beside each embedding."""

    model: str

    async def embed(self, texts: Sequence[str]) -> list[Vector | None]:
        """One for each text, in order; None where it is none that can be stored.

        Raises Refused, and UNAVAILABLE when no text is at fault.
        """
        ...


class WorkersAiEmbedder:
    """At most 100 texts at once: https://developers.cloudflare.com/workers-ai/models/bge-base-en-v1.5/."""

    model = "@cf/baai/bge-base-en-v1.5"

    def __init__(self, ai: Ai) -> None:
        self._ai = ai

    async def embed(self, texts: Sequence[str]) -> list[Vector | None]:
        try:
            return await self._vectors(texts)
        except BindingError as error:
            await self._require_alive()
            raise Refused from error

    async def _vectors(self, texts: Sequence[str]) -> list[Vector | None]:
        answer = await self._ai.run(self.model, {"text": list(texts)})
        rows = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(rows, list) or len(rows) != len(texts):
            raise BindingError("the answer has another form than one vector for each text")
        return [_usable(row) for row in rows]

    async def _require_alive(self) -> None:
        """What fails for a plain word is no fault of the texts."""
        try:
            await self._vectors(["alive"])
        except BindingError as error:
            raise unavailable("Workers AI does not answer") from error


class HashingEmbedder:
    """The hashing trick over words: texts that share words are near each other. It knows nothing of meaning.

    Weinberger et al., "Feature Hashing for Large Scale Multitask Learning" (2009).
    """

    model = f"hash-{EMBEDDING_DIMENSIONS}"
    _WORD = re.compile(r"\w+")

    async def embed(self, texts: Sequence[str]) -> list[Vector | None]:
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> Vector:
        vector = [0.0] * EMBEDDING_DIMENSIONS
        for word in self._WORD.findall(text.lower()) or [text]:
            bits = int.from_bytes(hashlib.blake2b(word.encode(errors="surrogatepass"), digest_size=8).digest())
            vector[(bits >> 1) % EMBEDDING_DIMENSIONS] += 1.0 if bits & 1 else -1.0
        if not any(vector):  # words that cancel each other out
            vector[0] = 1.0
        length = math.hypot(*vector)
        return [value / length for value in vector]


def _usable(row: Any) -> Vector | None:
    """None for what db would refuse."""
    if not isinstance(row, list) or len(row) != EMBEDDING_DIMENSIONS:
        return None
    if not all(isinstance(value, _NUMBERS) and math.isfinite(value) for value in row):
        return None
    return [float(value) for value in row] if math.hypot(*row) > 1e-6 else None
