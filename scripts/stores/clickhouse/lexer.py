"""ClickHouse's tokens, enough of them to tell code from text: quotes, comments, heredocs, words.

Follows ClickHouse src/Parsers/Lexer.cpp. Whatever byte is none of these (operators aside) never starts or ends a quote, so
it is skipped like white space.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    WORD = "word"  # a keyword, a name or a number
    QUOTED = "quoted"  # a name in `…`, "…" or typographic quotes
    STRING = "string"  # '…' or its typographic form, x'…', b'…', $tag$…$tag$
    SYMBOL = "symbol"  # one ASCII character
    UNCLOSED = "unclosed"  # a quote or comment that never ends; nothing follows it


@dataclass(frozen=True, slots=True)
class Token:
    kind: Kind
    start: int
    end: int
    text: bytes

    def is_word(self, *words: bytes) -> bool:
        """Whether it is one of the upper-case keywords, in any case."""
        return self.kind is Kind.WORD and self.text.upper() in words

    def is_symbol(self, symbol: bytes) -> bool:
        return self.kind is Kind.SYMBOL and self.text == symbol

    @property
    def name(self) -> bytes | None:
        """What a word or quoted name stands for; None for anything else."""
        if self.kind is Kind.WORD:
            return self.text
        if self.kind is not Kind.QUOTED:
            return None
        if self.text.startswith(_OPEN_QUOTE_NAME):
            return self.text[3:-3]
        quote = self.text[:1]
        return _ESCAPE.sub(_unescape, self.text[1:-1].replace(quote * 2, quote))


_OPEN_QUOTE_NAME = "“".encode()

_TOKEN = re.compile(
    rb"""
      (?P<space>   [\x00-\x20\x7f]++ )
    | (?P<comment> (?: -- | // | \#[ !] ) [^\n]*+ )
    | (?P<block>   /\* )
    | (?P<string>  ' (?: [^'\\]++ | \\. | '' )*+ '
                 | [xX] ' [0-9a-fA-F]*+ '
                 | [bB] ' [01]*+ '
                 | \xe2\x80\x98 (?: (?! \xe2\x80\x99 ) . )*+ \xe2\x80\x99
                 | \$ (?P<tag> \w*+ ) \$ .*? \$ (?P=tag) \$ )
    | (?P<quoted>  ` (?: [^`\\]++ | \\. | `` )*+ `
                 | " (?: [^"\\]++ | \\. | "" )*+ "
                 | \xe2\x80\x9c (?: (?! \xe2\x80\x9d ) . )*+ \xe2\x80\x9d )
    | (?P<open>    [xXbB]?+ ' | [`"] | \xe2\x80[\x98\x9c] )
    | (?P<word>    [0-9] \w*+ | [a-zA-Z_] [\w$]*+ | \$ \w [\w$]*+ )
    | (?P<symbol>  [\x21-\x7e] )
    | (?P<other>   . )
    """,
    re.VERBOSE | re.DOTALL,
)
_KINDS = {"string": Kind.STRING, "quoted": Kind.QUOTED, "word": Kind.WORD, "symbol": Kind.SYMBOL}
_BLOCK_EDGE = re.compile(rb"/\*|\*/")

_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)", re.DOTALL)
_ESCAPED = {b"b": b"\b", b"f": b"\f", b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0", b"a": b"\a", b"v": b"\v"}
_ESCAPED |= {b"e": b"\x1b", b"N": b""}


def tokens(sql: bytes) -> Iterator[Token]:
    """The significant tokens in order, lazily: what follows the last one asked for may be no SQL at all."""
    position, end = 0, len(sql)
    while position < end:
        found = _TOKEN.match(sql, position)
        assert found is not None, "the last alternative takes any byte"
        group, stop = found.lastgroup or "", found.end()
        if group == "block":
            stop = _block_end(sql, stop)
        if group == "open" or stop < 0:
            yield Token(Kind.UNCLOSED, position, end, sql[position:])
            return
        kind = _KINDS.get(group)
        if kind is not None:
            yield Token(kind, position, stop, found[0])
        position = stop


def _block_end(sql: bytes, position: int) -> int:
    """Where the comment opened before `position` ends; they nest. -1 when it does not end."""
    depth = 1
    while depth:
        edge = _BLOCK_EDGE.search(sql, position)
        if edge is None:
            return -1
        depth += 1 if edge[0] == b"/*" else -1
        position = edge.end()
    return position


def _unescape(found: re.Match[bytes]) -> bytes:
    code = found[1]
    if len(code) == 3:
        return bytes.fromhex(code[1:].decode())
    return _ESCAPED.get(code, code)
