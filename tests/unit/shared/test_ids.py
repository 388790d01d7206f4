"""dotdo.ids: what is made later sorts later, and nothing else of an id can be guessed."""

import re

import pytest

from dotdo import ids


def at(monkeypatch: pytest.MonkeyPatch, milliseconds: int) -> None:
    monkeypatch.setattr("dotdo.ids.time.time_ns", lambda: milliseconds * 1_000_000 + 999_999)


def test_an_id_begins_with_its_millisecond(monkeypatch: pytest.MonkeyPatch) -> None:
    """The examples of RFC 9562 §A.6 and of ULID's README."""
    at(monkeypatch, 1_645_557_742_000)
    assert re.fullmatch(r"017f22e2-79b0-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", ids.uuid7())
    at(monkeypatch, 1_469_918_176_385)
    assert re.fullmatch(r"01ARYZ6S41[0-9A-HJKMNP-TV-Z]{16}", ids.ulid())


def test_what_is_made_later_sorts_later(monkeypatch: pytest.MonkeyPatch) -> None:
    uuids, ulids = list[str](), list[str]()
    for milliseconds in (0, 1, 31, 32, 1_790_000_000_000, 1_790_000_000_001, 2**48 - 1):
        at(monkeypatch, milliseconds)
        uuids.append(ids.uuid7())
        ulids.append(ids.ulid())
    assert uuids == sorted(uuids)
    assert ulids == sorted(ulids)


def test_ids_of_one_millisecond_differ_in_what_is_random(monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, 1_790_000_000_000)
    assert len({ids.uuid7() for _ in range(1_000)}) == 1_000
    made = ids.ulids(1_000)
    assert len({one[:10] for one in made}) == 1
    assert [len({one[place] for one in made}) for place in range(10, 26)] == [32] * 16


def test_random_text_has_every_character_of_its_alphabet_and_no_other() -> None:
    made = [ids.random_base62(32) for _ in range(1_000)]
    assert {len(text) for text in made} == {32}
    assert len(set(made)) == 1_000
    assert "".join(sorted({*"".join(made)})) == "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
