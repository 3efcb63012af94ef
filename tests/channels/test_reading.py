"""JSON and queries of providers: read in one way only, within bounds, and never shown."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kikao.channels.channel import BadRequest, Request
from kikao.channels.reading import MAX_FIELDS, MAX_NESTING, RequestReader


class Anyone(RequestReader):
    slug = "any"
    channel = "ussd"


READER = Anyone()
LARGEST = 64 * 1024
"""Octets that the edge lets in."""


def post(body: bytes | str, content_type: str | None = "application/json") -> Request:
    headers = {} if content_type is None else {"content-type": content_type}
    return Request("POST", "/ussd/any", b"", headers, body.encode() if isinstance(body, str) else body)


def refused(body: bytes | str) -> str:
    with pytest.raises(BadRequest) as refusal:
        READER.json(post(body))
    assert "4321" not in str(refusal.value)
    return str(refusal.value)


@given(st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=8) | st.none() | st.booleans()))
def test_an_object_is_read_as_written(fields: dict[str, Any]) -> None:
    surely = {
        name: value for name, value in fields.items() if not isinstance(value, str) or "\0" not in value
    }
    for ascii_only in (True, False):
        assert READER.json(post(json.dumps(surely, ensure_ascii=ascii_only))) == surely


@pytest.mark.parametrize(
    "content_type", [None, "application/json", "application/json; charset=utf-8", "Application/JSON ;x"]
)
def test_content_types_are_compared_as_http_does(content_type: str | None) -> None:
    assert READER.json(post('{"a": 1}', content_type)) == {"a": 1}


@pytest.mark.parametrize(
    "content_type", ["", "text/json", "application/jsonx", "application/json, text/plain"]
)
def test_another_content_type_is_refused(content_type: str) -> None:
    with pytest.raises(BadRequest, match="ussd/any: the content type must be application/json"):
        READER.json(post('{"a": "4321"}', content_type))


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"a": "\xff4321"}', "the body is not UTF-8"),
        ('{"a": "4321"}'.encode("utf-16"), "the body is not UTF-8"),
        ('\ufeff{"a": "4321"}', "the body is not JSON"),
        ('{"a": "4321"', "the body is not JSON"),
        ('{"a": "4321"} {}', "the body is not JSON"),
        ("{'a': '4321'}", "the body is not JSON"),
        ('{"a": 4321,}', "the body is not JSON"),
        ('{"a": NaN, "b": 4321}', "the body is not JSON"),
        ('{"a": -Infinity, "b": 4321}', "the body is not JSON"),
        ('{"a": "4321\n"}', "the body is not JSON"),
        (f'{{"a": {"4321" * 2000}}}', "the body is not JSON"),
        ("4321", "the body must be a JSON object, not a number"),
        ('["4321"]', "the body must be a JSON object, not a list"),
        ('"4321"', "the body must be a JSON object, not a text"),
        ("null", "the body must be a JSON object, not null"),
        ('{"PIN": "4321", "PIN": "4321"}', "field PIN is given twice"),
        ('{"PIN": "4321", "P\\u0049N": "1"}', "field PIN is given twice"),
        ('{"a": {"b": 4321, "b": 1}}', "field b is given twice"),
        ('{"4321": 1, "4321": 2}', "field ? is given twice"),
        ('{"a": "4321\\u0000"}', "field a has a NUL or half a surrogate pair"),
        ('{"a": "\\ud83d4321"}', "field a has a NUL or half a surrogate pair"),
        ('{"a": {"4321 4321": "\\udc00"}}', "field ? has a NUL or half a surrogate pair"),
        (json.dumps({f"f{n}": "4321" for n in range(MAX_FIELDS + 1)}), "the body has more than 64 fields"),
    ],
)
def test_what_is_not_one_plain_object_is_refused(body: bytes | str, problem: str) -> None:
    assert refused(body) == f"ussd/any: {problem}. Check the gateway's callback settings."


def test_a_whole_surrogate_pair_is_a_character() -> None:
    assert READER.json(post('{"a": "\\ud83d\\ude00"}')) == {"a": "😀"}


def test_nesting_has_a_bound_and_brackets_in_texts_are_no_nesting() -> None:
    deepest = "[" * (MAX_NESTING - 1) + "]" * (MAX_NESTING - 1)
    assert "a" in READER.json(post(f'{{"a": {deepest}, "b": {deepest}}}'))
    assert "nested deeper than 8" in refused(f'{{"a": [{deepest}]}}')
    typed = '[{"\\' * 20
    assert READER.json(post(json.dumps({"a": typed}))) == {"a": typed}


@pytest.mark.parametrize(
    "body",
    [
        "[" * LARGEST,
        '{"a":' * (LARGEST // 5),
        '"' + '\\"' * (LARGEST // 2 - 1),
        '{"a": "' + "[" * (LARGEST - 9) + '"}',
        '{"a": ' + "9" * (LARGEST - 8) + "}",
        '{"a": 1e' + "9" * (LARGEST - 10) + "}",
        "{" + ",".join(f'"{n}":{{}}' for n in range(6000)) + "}",
        '{"a": [' + "1," * (LARGEST // 2 - 6) + "1]}",
        "\\" * LARGEST,
        '"\\' * (LARGEST // 2),
    ],
    ids=range(10),
)
def test_the_worst_body_that_the_edge_lets_in_costs_little(body: str) -> None:
    assert len(body) <= LARGEST
    began = time.process_time()
    with contextlib.suppress(BadRequest):
        READER.json(post(body))
    assert time.process_time() - began < 2.0, "CPU seconds: it takes hundredths, or it is quadratic"


# --- queries ---


def get(query: bytes | str) -> Request:
    encoded = query.encode() if isinstance(query, str) else query
    return Request("GET", "/ussd/any", encoded, {"content-type": "text/plain"}, b"a=of+the+body")


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8).filter(lambda text: "\0" not in text),
        st.text(max_size=8).filter(lambda text: "\0" not in text),
    )
)
def test_a_query_is_read_as_written(fields: dict[str, str]) -> None:
    assert READER.query(get(urlencode(fields))) == fields
    assert READER.query(get(urlencode(fields, quote_via=quote))) == fields


def test_a_query_need_not_be_escaped_much() -> None:
    assert READER.query(get("CODE=*468&INPUT=7*a*b**&n=+254 7&&t=ŋ&")) == {
        "CODE": "*468",
        "INPUT": "7*a*b**",
        "n": " 254 7",
        "t": "ŋ",
    }
    assert READER.query(get("")) == {}


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("a=1&a=4321", "field a is given twice"),
        ("a=1&%61=4321", "field a is given twice"),
        ("a=1&4321", "the query has a piece without '='; a '&' within a value must be escaped"),
        ("a=4321%2", "the query has a broken percent-escape"),
        ("a=4321%zz", "the query has a broken percent-escape"),
        ("a=4321%ff", "the query is not UTF-8"),
        (b"a=4321\xff", "the query is not UTF-8"),
        ("a=4321%00", "the query has a NUL character"),
        ("&".join(f"f{n}=4321" for n in range(MAX_FIELDS + 1)), "the query has more than 64 fields"),
    ],
)
def test_what_is_no_plain_query_is_refused(query: bytes | str, problem: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        READER.query(get(query))
    assert str(refusal.value) == f"ussd/any: {problem}. Check the gateway's callback settings."


# --- fields ---


@pytest.mark.parametrize("value", [1, 1.5, True, None, [], {}])
def test_a_field_of_another_kind_is_named_with_its_kind(value: object) -> None:
    with pytest.raises(
        BadRequest, match=r"field PIN must be a text, not (a number|true or false|null|a list|an object)"
    ):
        READER.required({"PIN": value}, "PIN")


@pytest.mark.parametrize("value", [1, 0, "true", "", None, [True]])
def test_only_true_and_false_are_flags(value: object) -> None:
    with pytest.raises(BadRequest, match="field new must be true or false, not "):
        READER.flag({"new": value}, "new")
    assert READER.flag({"new": False}, "new") is False


@pytest.mark.parametrize(
    ("value", "meant"), [(0, 0), ("0", 0), ("007", 7), (999_999_999, 999_999_999), ("999999", 999_999)]
)
def test_a_whole_number_may_come_in_digits(value: object, meant: int) -> None:
    assert READER.whole({"n": value}, "n") == meant


@pytest.mark.parametrize(
    "value", [-1, 1_000_000_000, "1000000000", 4321.0, True, None, "", " 1", "1\n", "+1", "²", "4321 "]
)
def test_what_is_no_whole_number_is_refused(value: object) -> None:
    with pytest.raises(
        BadRequest, match="field n must be a whole number below 1,000,000,000, or its digits"
    ) as told:
        READER.whole({"n": value}, "n")
    assert "4321" not in str(told.value)


@pytest.mark.parametrize("said", ["MTN", "06", "Hubtel-Android", "9MOBILE", "Airtel Tigo", "62001"])
def test_an_operator_is_kept_as_it_is_named(said: str) -> None:
    assert READER.operator({"network": said}, "network") == said
    assert READER.operator({"network": 3}, "network") == "3"


@pytest.mark.parametrize("said", ["", " MTN", "M\nTN", "x" * 33, "<b>", True, None, 1.5, -3, ["MTN"], {}])
def test_what_does_not_look_like_an_operator_is_none(said: object) -> None:
    assert READER.operator({"network": said}, "network") == READER.operator({}, "network") == ""


def test_a_field_of_several_spellings_is_one() -> None:
    fields = {"a": "1", "b": "1", "c": "4321"}
    assert READER.spelling(fields, "x", "b") == "b"
    assert READER.spelling(fields, "a", "b") == "a"
    assert READER.spelling(fields, "x", "y") == "x", "which an error then names"
    with pytest.raises(BadRequest, match="fields a and c are one field, and say different things"):
        READER.spelling(fields, "a", "c")
