"""dotdo.http: the parts of a request, and what is no request of ours."""

import json
from urllib.parse import quote, urlencode, urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotdo.errors import ServiceError
from dotdo.http import HttpRequest, HttpResponse, json_response, with_defaults

ENCODABLE = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(ENCODABLE.filter(bool)))
def test_segments_come_back_decoded(segments: list[str]) -> None:
    path = "/" + "/".join(quote(segment, safe="") for segment in segments)
    assert HttpRequest("GET", path).segments == segments


@given(st.dictionaries(ENCODABLE, ENCODABLE))
def test_query_parameters_come_back_decoded(query: dict[str, str]) -> None:
    assert HttpRequest("GET", "/", urlencode(query)).query == query


@pytest.mark.parametrize("query", ["a=1&a=2", "a=&a=", "a&%61"])
def test_a_parameter_given_twice_is_refused(query: str) -> None:
    with pytest.raises(ServiceError, match="more than once"):
        _ = HttpRequest("GET", "/", query).query


@pytest.mark.parametrize("path", ["/%ff", "/%c0%af", "/a/%ed%a0%80"])
def test_a_path_that_is_no_utf8_is_refused(path: str) -> None:
    with pytest.raises(ServiceError) as refused:
        _ = HttpRequest("GET", path).segments
    assert (refused.value.status, refused.value.code) == (400, "INVALID_ARGUMENT")


def posted(body: bytes, content_type: str = "application/json") -> HttpRequest:
    async def read() -> bytes:
        return body

    return HttpRequest("POST", "/", headers={"content-type": content_type}, read_body=read)


@pytest.mark.parametrize("media", ["application/json", "Application/JSON; charset=utf-8", " application/json ;x=y"])
async def test_json_is_read_under_its_own_name(media: str) -> None:
    assert await posted(b'{"a": [1]}', media).json() == {"a": [1]}


@pytest.mark.parametrize(
    "media", ["", "text/plain", "application/jsonx", "application/problem+json", "multipart/form-data"]
)
async def test_another_media_type_is_refused_unread(media: str) -> None:
    with pytest.raises(ServiceError) as refused:
        await posted(b"{}", media).json()
    assert (refused.value.status, refused.value.code) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_a_body_that_may_be_empty_is_an_empty_object_or_json() -> None:
    async def read(body: bytes, **headers: str) -> object:
        async def sent() -> bytes:
            return body

        return await HttpRequest("POST", "/", "", headers, sent).json(may_be_empty=True)

    assert await read(b"") == {}
    assert await read(b'{"a": 1}', **{"content-type": "application/json"}) == {"a": 1}
    for body, headers in ((b'{"a": 1}', {}), (b"", {"content-type": "text/plain"})):
        with pytest.raises(ServiceError, match="UNSUPPORTED_MEDIA_TYPE"):
            await read(body, **headers)
    with pytest.raises(ServiceError, match="MALFORMED_JSON"):
        await read(b"", **{"content-type": "application/json"})


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"{'a': 1}", b"NaN", b"[Infinity]", b"\xff", b"[" * 100_000, b"{}{}"],
    ids=lambda body: repr(body[:8]),
)
async def test_what_is_no_json_is_malformed(body: bytes) -> None:
    with pytest.raises(ServiceError) as refused:
        await posted(body).json()
    assert (refused.value.status, refused.value.code) == (400, "MALFORMED_JSON")


async def test_a_body_that_is_too_large_says_so() -> None:
    async def read() -> bytes:
        raise ServiceError("PAYLOAD_TOO_LARGE", 413, "Payload too large", "at most 10 bytes are taken")

    with pytest.raises(ServiceError) as refused:
        await HttpRequest("POST", "/", headers={"content-type": "application/json"}, read_body=read).json()
    assert refused.value.status == 413


def test_an_answer_is_compact_json() -> None:
    response = json_response({"a": "é", "b": [1]}, 201, [("location", "/x")])
    assert (response.status, response.body) == (201, '{"a":"é","b":[1]}')
    assert list(response.headers) == [("content-type", "application/json"), ("location", "/x")]
    assert json.loads(response.body) == {"a": "é", "b": [1]}


@pytest.mark.parametrize("path", ["/things", "/things/", "/things/a/b%2Fc", "/tasks/x/run"])
@pytest.mark.parametrize("prefix", ["", "/db"])
def test_a_reference_leads_there_with_and_without_a_prefix(path: str, prefix: str) -> None:
    reference = HttpRequest("POST", path).reference("/things/a%3Ab/c")
    assert urljoin(f"https://host{prefix}{path}", reference) == f"https://host{prefix}/things/a%3Ab/c"


def test_every_answer_says_who_may_keep_it_and_none_twice() -> None:
    defaults = [("cache-control", "private, no-cache"), ("x-content-type-options", "nosniff")]
    assert list(with_defaults(HttpResponse(200, "x", [("etag", "1")])).headers) == [("etag", "1"), *defaults]
    told = [("x-content-type-options", "nosniff"), ("cache-control", "no-store")]
    assert list(with_defaults(HttpResponse(200, "x", told)).headers) == told
