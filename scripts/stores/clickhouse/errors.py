"""ClickHouse's errors: a number, a message, and the HTTP status the real server answers with.

Numbers: ClickHouse src/Common/ErrorCodes.cpp. Statuses: src/Server/HTTP/exceptionCodeToHTTPStatus.cpp.
"""

import re

BAD_ARGUMENTS = 36
NOT_IMPLEMENTED = 48
UNKNOWN_TYPE_OF_QUERY = 78
SYNTAX_ERROR = 62
UNKNOWN_SETTING = 115
READONLY = 164
INTO_OUTFILE_NOT_ALLOWED = 358
SESSION_NOT_FOUND = 372
SESSION_IS_LOCKED = 373
CANNOT_DECOMPRESS = 271
INVALID_SESSION_TIMEOUT = 374
ACCESS_DENIED = 497
AUTHENTICATION_FAILED = 516
QUERY_IS_TOO_LARGE = 578
UNSUPPORTED_MEDIA_TYPE = 755
STD_EXCEPTION = 1001

NAMES = {
    BAD_ARGUMENTS: "BAD_ARGUMENTS",
    NOT_IMPLEMENTED: "NOT_IMPLEMENTED",
    UNKNOWN_TYPE_OF_QUERY: "UNKNOWN_TYPE_OF_QUERY",
    SYNTAX_ERROR: "SYNTAX_ERROR",
    UNKNOWN_SETTING: "UNKNOWN_SETTING",
    READONLY: "READONLY",
    INTO_OUTFILE_NOT_ALLOWED: "INTO_OUTFILE_NOT_ALLOWED",
    SESSION_NOT_FOUND: "SESSION_NOT_FOUND",
    SESSION_IS_LOCKED: "SESSION_IS_LOCKED",
    CANNOT_DECOMPRESS: "CANNOT_DECOMPRESS",
    INVALID_SESSION_TIMEOUT: "INVALID_SESSION_TIMEOUT",
    ACCESS_DENIED: "ACCESS_DENIED",
    AUTHENTICATION_FAILED: "AUTHENTICATION_FAILED",
    QUERY_IS_TOO_LARGE: "QUERY_IS_TOO_LARGE",
    UNSUPPORTED_MEDIA_TYPE: "UNSUPPORTED_MEDIA_TYPE",
    STD_EXCEPTION: "STD_EXCEPTION",
}

# By status, the codes that are not 500.
STATUSES = {
    400: (
        *(6, 25, 26, 27, 36, 38, 41, 43, 44, 53, 62, 72, 117, 167, 168, 321, 376, 427, 441),
        *(8, 10, 15, 221, 223, 675, 676),
    ),
    401: (194,),
    403: (192, 193, 497, 512, 516),
    404: (46, 47, 50, 56, 60, 63, 73, 78, 81, 106, 115, 336, 511),
    408: (159,),
    411: (381,),
    413: (578,),
    415: (755,),
    501: (48,),
    503: (76, 209, 439),
}
STATUS_OF = {code: status for status, codes in STATUSES.items() for code in codes}

_CODE = re.compile(r"Code: (\d+)")
# The embedded client wraps what the engine said once more: `P: P: text (NAME) (version …). (NAME)`.
_WRAPPED = re.compile(
    r"(?s)(?P<prefix>Code: \d+\. DB::\w+: )(?P=prefix)(?P<text>.*) \((?P<name>\w+)\) \(version [^()]*\)\. \((?P=name)\)"
)
_VERSION = re.compile(r" \(version [^()]*(\([^()]*\))?\)\s*$")


class ClickHouseError(Exception):
    """`str()` is the text as a server answers it, `Code: 60. DB::Exception: … (UNKNOWN_TABLE)`, without a version."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code

    @property
    def status(self) -> int:
        return STATUS_OF.get(self.code, 500)


def refuse(code: int, message: str) -> ClickHouseError:
    """An error of this server's own, worded like the engine's."""
    return ClickHouseError(code, f"Code: {code}. DB::Exception: {message} ({NAMES[code]})")


def from_engine(message: str) -> ClickHouseError:
    """The engine's words as an error."""
    start = message.find("Code: ")
    if start < 0:
        return refuse(STD_EXCEPTION, message.strip() or "the engine gave no reason")
    text = _VERSION.sub("", message[start:].strip())
    wrapped = _WRAPPED.fullmatch(text)
    if wrapped:
        text = f"{wrapped['prefix']}{wrapped['text']} ({wrapped['name']})"
    code = _CODE.match(text)
    return ClickHouseError(int(code[1]) if code else STD_EXCEPTION, text)
