"""What nobody should send, to every gateway: it is refused, with words that show nothing, or read; nothing breaks."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from kikao.channels.channel import BadRequest, Request
from kikao.channels.edge import Denied
from kikao.channels.inbound import TURNS
from kikao.channels.ussd.gateway import UssdReader
from kikao.channels.ussd.registry import SLUGS, client, kind
from tests.channels.ussd.told import (
    CANARY,
    CODE,
    EVERY,
    NUMBER,
    Case,
    fixtures,
    made,
    reading,
    reads,
    request_of,
    settings_of,
)

EXAMPLES = 12
"""Of each kind, for each gateway: together they are hundreds. `make reliability` spoils requests for longer."""

SPOILT = 8
"""How often each request of the fixtures is spoilt."""

STRANGE = [
    b'"',
    b"\\",
    b"&",
    b"=",
    b"%",
    b"{",
    b"[",
    b"null,",
    b"<",
    b"&#0;",
    b"]]>",
    b"<!DOCTYPE a>",
    b"\xff",
]


def well_formed(slug: str) -> Case:
    """The first request of a gateway's fixtures that is read."""
    return next(case for case in fixtures(slug)["requests"] if "inbound" in case)


def read_or_refused(found: UssdReader, request: Request) -> None:
    """Whoever sent it, and whatever it is: an inbound, or a refusal that shows nothing."""
    refusal = ""
    try:
        found.verify(request)
    except (BadRequest, Denied) as refused:
        refusal = str(refused)
    assert CANARY not in refusal
    try:
        inbound = found.parse(request)
    except BadRequest as refused:
        refusal = str(refused)
    else:
        assert inbound.identity or inbound.happening not in TURNS
        assert inbound.happening in found.happenings
        return
    assert CANARY not in refusal
    assert refusal.startswith(f"ussd/{found.slug}: ")
    assert len(refusal) < 2000


# --- parts that are anything ---


@pytest.mark.parametrize("slug", EVERY)
@given(body=st.binary(max_size=300))
@settings(max_examples=EXAMPLES)
def test_no_body_is_too_strange(slug: str, body: bytes) -> None:
    case = well_formed(slug)
    read_or_refused(reading(slug, case), structs.replace(request_of(slug, case), body=body))


@pytest.mark.parametrize("slug", EVERY)
@given(query=st.one_of(st.binary(max_size=200), st.text("abMSISDN=&%+;0123456789*#é").map(str.encode)))
@settings(max_examples=EXAMPLES)
def test_no_query_is_too_strange(slug: str, query: bytes) -> None:
    case = well_formed(slug)
    read_or_refused(reading(slug, case), structs.replace(request_of(slug, case), query=query))


@pytest.mark.parametrize("slug", EVERY)
@given(data=st.data())
@settings(max_examples=EXAMPLES)
def test_no_header_is_too_strange(slug: str, data: st.DataObject) -> None:
    case = well_formed(slug)
    request = request_of(slug, case)
    names = sorted({"content-type", "x-forwarded-for", "host", *request.headers})
    value = data.draw(st.text(st.characters(max_codepoint=255), max_size=60))
    headers = {**request.headers, data.draw(st.sampled_from(names)): value}
    read_or_refused(reading(slug, case), structs.replace(request, headers=headers))


@pytest.mark.parametrize("slug", EVERY)
@given(data=st.data())
@settings(max_examples=EXAMPLES)
def test_no_path_that_is_let_in_is_too_strange(slug: str, data: st.DataObject) -> None:
    allowed = kind(slug).rest
    if allowed is None:
        return
    rest = data.draw(st.from_regex(allowed, fullmatch=True))
    for case in fixtures(slug)["requests"]:
        read_or_refused(reading(slug, case), structs.replace(request_of(slug, case), rest=rest))


# --- what happens to requests on the way ---


@pytest.mark.parametrize("slug", EVERY)
def test_no_spoilt_request_is_too_strange_and_no_refusal_shows_a_value(slug: str) -> None:
    chance = random.Random(f"spoilt {slug}")
    for case in fixtures(slug)["requests"]:
        found, request = reading(slug, case), request_of(slug, case)
        for _ in range(SPOILT):
            read_or_refused(found, spoilt(request, chance))


@pytest.mark.parametrize("slug", EVERY)
def test_a_part_that_is_missing_is_refused_or_not_needed(slug: str) -> None:
    for case in fixtures(slug)["requests"]:
        found, request = reading(slug, case), request_of(slug, case)
        bare = {name: value for name, value in request.headers.items() if name == "content-type"}
        for lacking in (
            structs.replace(request, body=b""),
            structs.replace(request, query=b""),
            structs.replace(request, rest=""),
            structs.replace(request, headers=bare),
            structs.replace(request, headers={}),
            structs.replace(request, body=b"", query=b"", headers={}),
        ):
            read_or_refused(found, lacking)


@pytest.mark.parametrize("slug", EVERY)
@pytest.mark.parametrize("content_type", ["", ";", "text/plain", "application/jsonp", "multipart/form-data"])
def test_another_content_type_is_refused(slug: str, content_type: str) -> None:
    case = well_formed(slug)
    request = request_of(slug, case)
    if not request.body:
        return
    headers = {**request.headers, "content-type": content_type}
    with pytest.raises(BadRequest, match="the content type must be"):
        reading(slug, case).parse(structs.replace(request, headers=headers))


@pytest.mark.parametrize("slug", SLUGS)
def test_half_a_character_in_a_text_does_not_break_a_reply(slug: str) -> None:
    found, phone = made(slug), client(slug, NUMBER, CODE, settings_of(slug))
    dialled = found.parse(phone.dial("d1").request(f"/ussd/{slug}"))
    reply = reads(slug, found, dialled, "half \ud83d of it", ends=True)
    assert phone.read(reply) == ("half ? of it", False)


def spoilt(request: Request, chance: random.Random) -> Request:
    """A request after one to three of the things that happen to one."""
    for _ in range(chance.randint(1, 3)):
        parts = ["body"] * bool(request.body) + ["query"] * bool(request.query)
        parts += ["headers"] * (len(request.headers) > 1 or not parts)
        part = chance.choice(parts)
        if part == "body":
            request = structs.replace(request, body=torn(request.body, chance))
        elif part == "query":
            request = structs.replace(request, query=torn(request.query, chance))
        elif request.headers:
            name = chance.choice(sorted(request.headers))
            value = torn(request.headers[name].encode("latin-1", "replace"), chance).decode("latin-1")
            request = structs.replace(request, headers={**request.headers, name: value})
    return request


def torn(octets: bytes, chance: random.Random) -> bytes:
    start, end = sorted(chance.choices(range(len(octets) + 1), k=2))
    part = octets[start:end]
    return chance.choice(
        [
            octets[:start] + octets[start + 1 :],
            octets[:end],
            octets[start:],
            octets[:start] + chance.randbytes(1) + octets[start:],
            octets[:start] + chance.choice(STRANGE) + octets[start:],
            octets[:end] + part + octets[end:],
            octets + octets,
            octets[:start] + part.swapcase() + octets[end:],
            octets.replace(b"true", b"[[[{}]]]").replace(b"=", b"=="),
        ]
    )
