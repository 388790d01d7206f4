"""What one request asks for: the statement, its output format, or the data an INSERT brings along.

The engine's embedded client would run every statement of a text, and would run as SQL whatever follows a blank line in the
data of an INSERT. So a text with two statements is refused here, and the data of an INSERT is cut off and never reaches the
engine's parser.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from scripts.stores.clickhouse.errors import NOT_IMPLEMENTED, SYNTAX_ERROR, refuse
from scripts.stores.clickhouse.lexer import Kind, Token, tokens

OPENING, CLOSING = (b"(", b"[", b"{"), (b")", b"]", b"}")
_QUERY_WORDS = (b"SELECT", b"WITH", b"WATCH", b"FROM")
# Before the data the engine skips blanks and one line break: ParserInsertQuery.cpp.
_BEFORE_DATA = re.compile(rb"[ \t\f]*\r?\n?")
_STREAMED = (b"SELECT", b"WITH", b"FROM", b"(")
# Totals and extremes come after the rows, once; the engine cannot stream them.
_AFTER_ROWS = (b"TOTALS", b"EXTREMES")


@dataclass(frozen=True)
class Statement:
    """A statement without data."""

    text: bytes
    tokens: tuple[Token, ...]
    format: str | None
    """The output format the text names."""

    @property
    def first_word(self) -> bytes:
        return self.tokens[0].text.upper() if self.tokens else b""

    @property
    def streams(self) -> bool:
        """Whether the engine can give the result part by part, if the statement only reads."""
        return self.first_word in _STREAMED and not any(token.is_word(*_AFTER_ROWS) for token in self.tokens)


@dataclass(frozen=True)
class Insert:
    """An INSERT whose rows come as data: `text` ends before FORMAT or VALUES."""

    text: bytes
    tokens: tuple[Token, ...]
    format: str
    data: bytes
    """What the text held of the data; the rest follows in the request's body."""

    @property
    def evaluates(self) -> bool:
        """Whether the data may hold expressions."""
        return self.format.lower() == "values"


def parse(sql: bytes) -> Statement | Insert:
    """The one statement of a text. Raises ClickHouseError for several, and for data the engine would misread."""
    reader = _Reader(sql)
    if reader.next_is(b"INSERT"):
        insert = _insert(reader)
        if insert is not None:
            return insert
    reader.finish()
    found = reader.read
    if _brings_data(sql, found):
        raise refuse(NOT_IMPLEMENTED, "Data in the request of anything but a plain INSERT is not implemented")
    return Statement(sql, tuple(found), _output_format(found))


class _Reader:
    """Reads tokens one by one, never beyond what is asked for: data may follow."""

    def __init__(self, sql: bytes) -> None:
        self.sql = sql
        self.read: list[Token] = []
        self._rest: Iterator[Token] = tokens(sql)
        self._ahead: Token | None = next(self._rest, None)

    @property
    def ahead(self) -> Token | None:
        return self._ahead

    def take(self) -> Token | None:
        token = self._ahead
        if token is not None:
            self.read.append(token)
            self._ahead = next(self._rest, None)
        return token

    def next_is(self, *words: bytes) -> bool:
        return self._ahead is not None and self._ahead.is_word(*words)

    def next_is_symbol(self, *symbols: bytes) -> bool:
        return self._ahead is not None and self._ahead.kind is Kind.SYMBOL and self._ahead.text in symbols

    def take_brackets(self) -> None:
        """Everything up to the bracket that closes the one ahead."""
        depth = 0
        while (token := self.take()) is not None:
            if token.kind is Kind.SYMBOL:
                depth += (token.text in OPENING) - (token.text in CLOSING)
            if depth == 0:
                return

    def finish(self) -> None:
        """Takes the rest. Raises when it is more than one statement."""
        while not self.next_is_symbol(b";"):
            if self.take() is None:
                return
        semicolon = self._ahead
        for token in self._rest:
            if semicolon is not None and not token.is_symbol(b";"):
                rest = self.sql[semicolon.start : semicolon.start + 40].decode(errors="replace")
                where = f"failed at position {semicolon.start + 1}: {rest}"
                raise refuse(SYNTAX_ERROR, f"Syntax error (Multi-statements are not allowed): {where}")


def _insert(reader: _Reader) -> Insert | None:
    """The INSERT ahead when its rows come as data; None when they come from a query. Raises when neither can be told."""
    reader.take()
    _take_target(reader)
    while not reader.next_is(*_QUERY_WORDS):
        if reader.next_is(b"VALUES", b"FORMAT"):
            return _data(reader)
        if reader.next_is_symbol(*OPENING):
            inside = len(reader.read) + 1
            reader.take_brackets()
            if len(reader.read) > inside and reader.read[inside].is_word(*_QUERY_WORDS):
                return None
        elif reader.next_is_symbol(b";") or reader.take() is None:
            raise refuse(SYNTAX_ERROR, "Syntax error: an INSERT needs VALUES, FORMAT or a SELECT")
    return None


def _take_target(reader: _Reader) -> None:
    """`INTO [TABLE] [db.]table` or `INTO [TABLE] FUNCTION f(…)`, where each name may be a word of the grammar."""
    for optional in (b"INTO", b"TABLE"):
        if reader.next_is(optional):
            reader.take()
    if reader.next_is(b"FUNCTION"):
        reader.take()
        reader.take()
        reader.take_brackets()
        return
    while True:
        if reader.next_is_symbol(b"{"):
            reader.take_brackets()
        else:
            reader.take()
        if not reader.next_is_symbol(b"."):
            return
        reader.take()


def _data(reader: _Reader) -> Insert:
    keyword = reader.ahead
    assert keyword is not None, "called when it is ahead"
    head, text = tuple(reader.read), reader.sql[: keyword.start]
    if keyword.is_word(b"VALUES"):
        return Insert(text, head, "Values", reader.sql[keyword.end :])
    reader.take()
    name = reader.ahead
    if name is None or name.kind is not Kind.WORD:
        raise refuse(SYNTAX_ERROR, "Syntax error: FORMAT needs the name of a format")
    start = _BEFORE_DATA.match(reader.sql, name.end)
    assert start is not None, "the pattern takes nothing too"
    return Insert(text, head, name.text.decode(), reader.sql[start.end() :])


def _outside_brackets(found: list[Token]) -> list[Token]:
    depth, outside = 0, []
    for token in found:
        if token.kind is Kind.SYMBOL:
            depth += (token.text in OPENING) - (token.text in CLOSING)
        elif depth == 0:
            outside.append(token)
    return outside


def _brings_data(sql: bytes, found: list[Token]) -> bool:
    """Whether the engine would take part of an INSERT … SELECT or EXPLAIN INSERT for its data."""
    outside = _outside_brackets(found)
    inserts = bool(found) and found[0].is_word(b"INSERT")
    for before, token, following in zip(outside, outside[1:], outside[2:], strict=False):
        if token.is_word(b"INSERT") and following.is_word(b"INTO"):
            return isinstance(parse(sql[token.start :]), Insert)
        named = following.kind is Kind.WORD and not before.is_word(b"SELECT", b"AS")
        if inserts and token.is_word(b"FORMAT") and named:
            return True
    return False


def _output_format(found: list[Token]) -> str | None:
    """The name in `… FORMAT name` or `… FORMAT name SETTINGS …`."""
    for index in range(len(found) - 2, 0, -1):
        last = index + 2 == len(found) or found[index + 2].is_word(b"SETTINGS")
        if last and found[index].is_word(b"FORMAT") and found[index + 1].kind is Kind.WORD:
            return found[index + 1].text.decode()
    return None
