"""How well search ranks: nDCG@10 of words, meaning and both, on a small labelled set, through RPC on the real runtime.

No embedding model is at hand, and none is needed to judge the fusion: the set brings a lexicon of senses, each with a
direction of its own in the 768 dimensions, and a text points where the senses of its words do. Synonyms are near each other,
as with a model; names and codes mean nothing to it, and all share one faint direction.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
import pytest_asyncio
from rich.console import Console
from rich.table import Table

from dotdo.contracts.db.models import EMBEDDING_DIMENSIONS
from tests.e2e.platform import Platform

SET: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "search_quality.json").read_text())
NAMESPACE = "test-search-quality"
MODES = ("text", "vector", "hybrid")
CUT = 10

TOPIC_WEIGHT = 0.5
UNKNOWN_WEIGHT = 0.2
_WORD = re.compile(r"[a-z]+|[0-9]+")
_WITHOUT_MEANING = frozenset(SET["without_meaning"].split())


def direction(name: str) -> tuple[float, ...]:
    """A vector of ±1 that is the name's own: two of them are all but orthogonal in 768 dimensions."""
    bits = int.from_bytes(hashlib.shake_256(name.encode()).digest(EMBEDDING_DIMENSIONS // 8))
    return tuple(1.0 if bits >> n & 1 else -1.0 for n in range(EMBEDDING_DIMENSIONS))


@dataclass(frozen=True)
class Lexicon:
    """Word → the (topic, sense) pairs it stands for."""

    senses: Mapping[str, Sequence[tuple[str, str]]]

    @classmethod
    def of(cls, topics: Mapping[str, Mapping[str, str]]) -> "Lexicon":
        found: dict[str, list[tuple[str, str]]] = {}
        for topic, senses in topics.items():
            for sense, words in senses.items():
                for word in words.split():
                    found.setdefault(word, []).append((topic, sense))
        return cls(found)

    def of_word(self, word: str) -> Sequence[tuple[str, str]]:
        return self.senses.get(word) or self.senses.get(word.removesuffix("s"), ())

    def embed(self, text: str) -> list[float]:
        """The sum of its words' directions, each word once, of length 1."""
        weights: dict[str, float] = {}
        for word in set(_WORD.findall(text.lower())) - _WITHOUT_MEANING:
            senses = self.of_word(word)
            for topic, sense in senses:
                weights[sense] = weights.get(sense, 0.0) + 1 / len(senses)
                weights[f"topic {topic}"] = weights.get(f"topic {topic}", 0.0) + TOPIC_WEIGHT / len(senses)
            if not senses:
                weights["unknown"] = weights.get("unknown", 0.0) + UNKNOWN_WEIGHT
        parts = [(weight, direction(name)) for name, weight in sorted(weights.items())]
        summed = [sum(weight * axis[n] for weight, axis in parts) for n in range(EMBEDDING_DIMENSIONS)]
        length = math.hypot(*summed)
        return [value / length for value in summed]


LEXICON = Lexicon.of(SET["senses"])


def ndcg(found: Sequence[str], relevant: Mapping[str, int]) -> float:
    """Järvelin and Kekäläinen (2002), gain 2^grade - 1, over the first ten."""

    def gained(grades: Sequence[int]) -> float:
        return sum((2.0**grade - 1) / math.log2(place + 2) for place, grade in enumerate(grades[:CUT]))

    return gained([relevant.get(id, 0) for id in found]) / gained(sorted(relevant.values(), reverse=True))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def library(platform: Platform) -> Platform:
    """The documents of the set, in a namespace of their own, embedded."""
    things = [
        {"ns": NAMESPACE, "id": id, "type": "document", "content": content, "embedding": LEXICON.embed(content)}
        for id, content in SET["documents"].items()
    ]
    await platform.result("DB", "batchUpsert", things)
    return platform


async def ranked(platform: Platform, query: str, mode: str, options: Mapping[str, float]) -> list[str]:
    asked = {"ns": NAMESPACE, "mode": mode, "limit": CUT, **options}
    found = await platform.result("DB", "search", query, LEXICON.embed(query), asked)
    return [thing["id"] for thing in found["data"]]


def shown(title: str, scores: Mapping[str, Sequence[float]]) -> str:
    table = Table("query", "kind", *MODES, title=title)
    for row, query in enumerate(SET["queries"]):
        table.add_row(query["query"], query["kind"], *(f"{scores[mode][row]:.3f}" for mode in MODES))
    table.add_section()
    for kind in ("words", "meaning", "both"):
        rows = [row for row, query in enumerate(SET["queries"]) if query["kind"] == kind]
        table.add_row(f"mean of {kind}", "", *(f"{mean(scores[mode][row] for row in rows):.3f}" for mode in MODES))
    table.add_row("mean", "", *(f"{mean(scores[mode]):.3f}" for mode in MODES), style="bold")
    console = Console(width=100, no_color=True)
    with console.capture() as text:
        console.print(table)
    return text.get()


def test_the_set_is_large_and_sound() -> None:
    documents, queries = SET["documents"], SET["queries"]
    assert len(documents) >= 44
    assert len(queries) >= 18
    assert {query["kind"] for query in queries} == {"words", "meaning", "both"}
    assert {id for query in queries for id in query["relevant"]} <= set(documents)
    grades = {grade for query in queries for grade in query["relevant"].values()}
    assert grades == {1, 2, 3}


@pytest.mark.parametrize("options", [{"threshold": 0.5}, {"threshold": 0}], ids=["default", "no threshold"])
async def test_both_together_are_at_least_as_good_as_the_better_of_the_two(
    library: Platform, options: dict[str, float], capsys: pytest.CaptureFixture[str]
) -> None:
    scores = {
        mode: [
            ndcg(await ranked(library, query["query"], mode, options), query["relevant"]) for query in SET["queries"]
        ]
        for mode in MODES
    }
    with capsys.disabled():
        print(f"\n{shown(f'nDCG@{CUT} with {options}', scores)}")
    means = {mode: mean(scores[mode]) for mode in MODES}
    assert means["hybrid"] >= max(means["text"], means["vector"]), means


@pytest.mark.parametrize("named", ["first", "last"])
async def test_of_two_firsts_the_one_with_the_words_leads(platform: Platform, ns: str, named: str) -> None:
    near = "last" if named == "first" else "first"
    things = [
        {"ns": ns, "id": named, "type": "person", "content": "Okonkwo", "embedding": LEXICON.embed("winter")},
        {"ns": ns, "id": near, "type": "person", "content": "Nwosu", "embedding": LEXICON.embed("dog")},
    ]
    await platform.result("DB", "batchUpsert", things)
    found = await platform.result("DB", "search", "Okonkwo", LEXICON.embed("dog"), {"ns": ns})
    assert [thing["id"] for thing in found["data"]] == [named, near]


async def test_pages_of_both_show_every_row_once(platform: Platform, ns: str) -> None:
    """The words rank the things one way, their directions the other way."""
    east, north = direction("east"), direction("north")

    def towards(n: int) -> list[float]:
        return [e + n / 50 * up for e, up in zip(east, north, strict=True)]

    things = [
        {"ns": ns, "id": f"{n:03}", "type": "thing", "content": "rain " * (n + 1), "embedding": towards(n)}
        for n in range(150)
    ]
    await platform.result("DB", "batchUpsert", things)

    async def page(limit: int, offset: int) -> list[str]:
        options = {"ns": ns, "threshold": 0, "limit": limit, "offset": offset}
        found = await platform.result("DB", "search", "rain", list(east), options)
        return [thing["id"] for thing in found["data"]]

    whole = await page(100, 0)
    assert len(set(whole)) == 100
    assert [id for offset in range(0, 100, 20) for id in await page(20, offset)] == whole
