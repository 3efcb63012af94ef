"""XML of providers: read in one way only, within bounds, and never shown."""

from __future__ import annotations

import contextlib
import time
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kikao.channels.channel import BadRequest, Request
from kikao.channels.markup import MAX_DEPTH, MAX_ELEMENTS, escaped, quoted
from kikao.channels.reading import RequestReader


class Anyone(RequestReader):
    slug = "any"
    channel = "ussd"


READER = Anyone()
LARGEST = 64 * 1024
"""Octets that the edge lets in."""

PRINTABLE = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"))
NAMES = st.text("abcdefgXYZ_", min_size=1, max_size=8)


def read(body: bytes | str, content_type: str | None = "text/xml", root: str = "ussd") -> dict[str, object]:
    headers = {} if content_type is None else {"content-type": content_type}
    encoded = body.encode() if isinstance(body, str) else body
    return READER.xml(Request("POST", "/ussd/any", b"", headers, encoded), root)


def refused(body: bytes | str) -> str:
    with pytest.raises(BadRequest) as refusal:
        read(body)
    assert "4321" not in str(refusal.value)
    return str(refusal.value)


# --- reading ---


def test_elements_are_fields_as_they_came() -> None:
    assert read(
        '<?xml version="1.0" encoding="UTF-8"?>\n<!-- from the USSDC -->'
        "<ussd><msg> *165*1# </msg><empty/><blank>  </blank>\n"
        "<where><mcc>641</mcc>\n<mnc>10</mnc></where>"
        "<odd>&lt;ŋ&gt; &amp; <![CDATA[<b>]]>&#x20ac;</odd></ussd>"
    ) == {
        "msg": " *165*1# ",
        "empty": "",
        "blank": "  ",
        "where": {"mcc": "641", "mnc": "10"},
        "odd": "<ŋ> & <b>€",
    }


def test_attributes_are_fields_by_the_name_of_their_element() -> None:
    assert read('<ussd type="pull"><a n="1">x</a><b><c n="2"/></b></ussd>') == {
        "@type": "pull",
        "a@n": "1",
        "a": "x",
        "b": {"c": "", "c@n": "2"},
    }


@given(st.dictionaries(NAMES, PRINTABLE, max_size=20))
def test_a_document_is_read_as_another_wrote_it(fields: dict[str, str]) -> None:
    root = ElementTree.Element("ussd")
    for name, value in fields.items():
        ElementTree.SubElement(root, name).text = value
    assert read(ElementTree.tostring(root)) == fields
    assert read(ElementTree.tostring(root, encoding="utf-8")) == fields


@pytest.mark.parametrize("content_type", [None, "text/xml", "application/xml; charset=x", "Text/XML ;"])
def test_content_types_are_compared_as_http_does(content_type: str | None) -> None:
    assert read("<ussd><a>1</a></ussd>", content_type) == {"a": "1"}


@pytest.mark.parametrize("content_type", ["", "text/html", "application/soap+xml", "text/xml, text/plain"])
def test_another_content_type_is_refused(content_type: str) -> None:
    with pytest.raises(BadRequest, match="the content type must be text/xml or application/xml"):
        read("<ussd><a>4321</a></ussd>", content_type)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "UTF8", "ISO-8859-1", "windows-1252", "US-ASCII", "no-such-encoding"]
)
def test_plain_ascii_is_read_whatever_encoding_it_declares(encoding: str) -> None:
    assert read(f'<?xml version="1.0" encoding="{encoding}"?><ussd><a>1</a></ussd>') == {"a": "1"}


def test_a_byte_order_mark_of_utf_8_is_not_text() -> None:
    assert read('\ufeff<?xml version="1.0"?><ussd><a>ŋ</a></ussd>') == {"a": "ŋ"}


# --- refusing ---

DTD = '<!DOCTYPE ussd [<!ENTITY e "4321">]>'
BILLION_LAUGHS = (
    '<!DOCTYPE ussd [<!ENTITY a "4321">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "]><ussd><a>&i;</a></ussd>"
)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"<ussd><a>\xff4321</a></ussd>", "the body is not UTF-8"),
        ("<ussd><a>4321</a></ussd>".encode("utf-16"), "the body is not UTF-8"),
        (
            '<?xml version="1.0" encoding="ISO-8859-1"?><ussd><a>é4321</a></ussd>',
            "the body declares an encoding that is not UTF-8",
        ),
        (
            '<?xml version="1.0" encoding="utf-7"?><ussd><a>ŋ4321</a></ussd>',
            "the body declares an encoding that is not UTF-8",
        ),
        ("", "the body is not well-formed XML"),
        ("4321", "the body is not well-formed XML"),
        ("<ussd><a>4321</ussd>", "the body is not well-formed XML"),
        ("<ussd/><ussd>4321</ussd>", "the body is not well-formed XML"),
        ("<ussd><a>4321 & more</a></ussd>", "the body is not well-formed XML"),
        ("<ussd><a>4321\0</a></ussd>", "the body is not well-formed XML"),
        ("<ussd><a>4321&#0;</a></ussd>", "the body is not well-formed XML"),
        ("<ussd><a>4321\x07</a></ussd>", "the body is not well-formed XML"),
        ("<ussd><a>4321&#xd83d;</a></ussd>", "the body is not well-formed XML"),
        ("<ussd><a>&e;4321</a></ussd>", "the body is not well-formed XML"),
        ('<ussd a="4321" a="1"/>', "the body is not well-formed XML"),
        (' <?xml version="1.0"?><ussd>4321</ussd>', "the body is not well-formed XML"),
        (f"{DTD}<ussd><a>&e;</a></ussd>", "the body has a document type"),
        ('<!DOCTYPE ussd SYSTEM "file:///etc/passwd"><ussd/>', "the body has a document type"),
        ('<!DOCTYPE ussd [<!ENTITY % p SYSTEM "http://h/4321"> %p;]><ussd/>', "the body has a document type"),
        (BILLION_LAUGHS, "the body has a document type"),
        ("<?php 4321 ?><ussd/>", "the body has a processing instruction"),
        ("<ussd><a><?x 4321?></a></ussd>", "the body has a processing instruction"),
        ("<ussd><a>4321</a></ussd><?x?>", "the body has a processing instruction"),
        ("<request><a>4321</a></request>", "the body must be an element ussd"),
        ("<USSD><a>4321</a></USSD>", "the body must be an element ussd"),
        ("<ussd><pin>4321</pin><pin>4321</pin></ussd>", "field pin is given twice"),
        ("<ussd><pin>4321</pin><b><pin>1</pin><pin/></b></ussd>", "field pin is given twice"),
        ("<ussd><p4321>1</p4321><p4321>1</p4321></ussd>", "field ? is given twice"),
        ("<ussd><a>43<b/>21</a></ussd>", "field a has text beside elements"),
        ("<ussd>4321</ussd>", "the body has text beside the elements of ussd"),
        ("<ussd><a/>4321</ussd>", "the body has text beside the elements of ussd"),
        ("<ussd><a>432<!-- not -->1</a></ussd>", "field a has a comment within its text"),
        (
            f"<ussd>{''.join(f'<f{n}>4321</f{n}>' for n in range(MAX_ELEMENTS))}</ussd>",
            "the body has more than 64 elements and attributes",
        ),
        (
            "<ussd " + " ".join(f'a{n}="4321"' for n in range(MAX_ELEMENTS)) + "/>",
            "the body has more than 64 elements and attributes",
        ),
        (
            f"<ussd>{'<a>' * MAX_DEPTH}4321{'</a>' * MAX_DEPTH}</ussd>",
            "the body is nested deeper than 8",
        ),
    ],
)
def test_what_is_not_plain_fields_is_refused(body: bytes | str, problem: str) -> None:
    assert refused(body) == f"ussd/any: {problem}. Check the gateway's callback settings."


def test_what_stands_at_the_bounds_is_read() -> None:
    many = "".join(f"<f{n}>1</f{n}>" for n in range(MAX_ELEMENTS - 1))
    assert len(read(f"<ussd>{many}</ussd>")) == MAX_ELEMENTS - 1
    deep = "<a>" * (MAX_DEPTH - 1) + "1" + "</a>" * (MAX_DEPTH - 1)
    assert "a" in read(f"<ussd>{deep}</ussd>")


@given(st.binary(max_size=300))
def test_no_body_is_too_strange(body: bytes) -> None:
    for whole in (body, b"<ussd>" + body + b"</ussd>", b"<ussd><a>" + body + b"</a></ussd>"):
        with contextlib.suppress(BadRequest):
            assert isinstance(read(whole), dict)


@given(st.text("<>/&;#x!?[]-\"'= \nab\0ŋ", max_size=60))
def test_no_markup_is_too_strange(text: str) -> None:
    with contextlib.suppress(BadRequest):
        assert isinstance(read(f"<ussd>{text}</ussd>"), dict)


@pytest.mark.parametrize(
    "body",
    [
        "<ussd>" + "<a>" * (LARGEST // 3),
        "<ussd" + "".join(f" a{n}=''" for n in range(LARGEST // 9)) + "/>",
        "<ussd><a>" + "&lt;" * (LARGEST // 4 - 6) + "</a></ussd>",
        "<ussd><a>" + "<![CDATA[]]>x" * (LARGEST // 13 - 2) + "</a></ussd>",
        "<ussd>" + "<!---->" * (LARGEST // 7 - 2) + "</ussd>",
        "<ussd><a>" + "<!---->x" * (LARGEST // 8 - 3) + "</a></ussd>",
        "<" * LARGEST,
        "<ussd>" + "&a" * (LARGEST // 2),
        BILLION_LAUGHS,
    ],
)
def test_the_largest_body_takes_no_time(body: str) -> None:
    started = time.process_time()
    with contextlib.suppress(BadRequest):
        read(body)
    assert time.process_time() - started < 0.5, "some milliseconds, on a busy machine"


# --- writing ---


@given(st.text())
def test_a_text_comes_back_but_for_what_xml_cannot_hold(text: str) -> None:
    element = ElementTree.fromstring(f"<a b={quoted(text)}>{escaped(text)}</a>")
    kept = "".join(character for character in text if escaped(character))
    assert (element.text or "") == kept
    assert element.get("b") == kept
    assert {character for character in text if not escaped(character)} <= {
        *map(chr, range(32)),
        "\ufffe",
        "\uffff",
    }


def test_half_a_character_is_written_as_a_question_mark() -> None:
    assert escaped("half \ud83d of it") == "half ? of it"


def test_quotes_stay_what_they_are_between_tags() -> None:
    assert escaped('okukung\'aanya "1 < 2" & ]]>\x00\x0b\r') == 'okukung\'aanya "1 &lt; 2" &amp; ]]&gt;&#13;'
    assert quoted('http://h/?a=1&b="2"\n') == '"http://h/?a=1&amp;b=&quot;2&quot;&#10;"'
