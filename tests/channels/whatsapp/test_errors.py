"""What the answers of the Cloud API say of a message: by the status, and by the code."""

from __future__ import annotations

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kikao.channels.calling import Answer
from kikao.channels.outbox.sender import Delivered, Outcome, Rejected, TryLater
from kikao.channels.whatsapp.emulated.rules import TITLES
from kikao.channels.whatsapp.errors import MEANINGS, Means, judge, meaning, strike
from tests.terminal import ROOT

NOW = 1_790_000_000.0


def answered(status: int, body: object = None, **headers: str) -> Outcome:
    octets = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = Answer(status, tuple((name.replace("_", "-"), value) for name, value in headers.items()), octets)
    return judge(answer, NOW).outcome


def error(code: int) -> dict[str, object]:
    return {"error": {"message": "Hello Asha, your PIN is 1234", "type": "OAuthException", "code": code}}


def test_what_was_taken_has_the_providers_name() -> None:
    assert answered(200, {"messages": [{"id": "wamid.1"}]}) == Delivered("wamid.1")
    held = {"messages": [{"id": "wamid.2", "message_status": "held_for_quality_assessment"}]}
    assert answered(200, held) == Delivered("wamid.2")


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, b"<html>", TryLater("HTTP 200 without a message id")),
        (200, {"messages": []}, TryLater("HTTP 200 without a message id")),
        (200, error(131047), Rejected("131047 window")),
        (500, b"oops", TryLater("HTTP 500")),
        (502, error(999), TryLater("HTTP 502")),
        (429, b"", TryLater("HTTP 429")),
        (401, b"", TryLater("HTTP 401", 60.0)),
        (401, error(190), TryLater("190 broken", 60.0)),
        (302, b"", Rejected("HTTP 302, not followed")),
        (400, b"{broken", Rejected("HTTP 400")),
        (400, error(999), Rejected("999 mistake")),
        (403, error(200), TryLater("200 broken", 60.0)),
        (403, error(299), TryLater("299 broken", 60.0)),
        (400, error(131009), Rejected("131009 mistake")),
        (404, error(132001), Rejected("132001 template")),
        (400, error(131056), TryLater("131056 pair", 6.0, alone=True)),
        (400, error(131048), TryLater("131048 slow", 3600.0)),
        (400, error(130429), TryLater("130429 busy", 5.0)),
        (500, error(131000), TryLater("131000 again")),
        (500, error(131016), TryLater("131016 again")),
        (400, error(131026), Rejected("131026 gone")),
    ],
)
def test_an_answer_is_judged_by_its_status_and_its_code(status: int, body: object, outcome: Outcome) -> None:
    assert answered(status, body) == outcome


def test_how_long_to_wait_is_taken_from_the_answer() -> None:
    assert answered(429, error(130429), retry_after="17") == TryLater("130429 busy", 17.0)
    assert answered(429, error(4), retry_after="Mon, 21 Sep 2026 14:13:30 GMT") == TryLater("4 busy", 10.0)
    assert answered(503, error(131016), retry_after="9") == TryLater("131016 again", 9.0)


def test_nothing_that_the_provider_wrote_is_repeated() -> None:
    for code in MEANINGS:
        assert "1234" not in str(answered(400, error(code)))


@pytest.mark.parametrize(
    ("codes", "told"),
    [
        ((131026,), ("gone", "131026")),
        ((131050,), ("refuses_marketing", "131050")),
        ((131049,), ("paused", "131049")),
        ((131000, 131050), ("refuses_marketing", "131050")),
        ((131047,), None),
        ((), None),
    ],
)
def test_what_a_report_that_it_failed_says_of_the_address(
    codes: tuple[int, ...], told: tuple[str, str] | None
) -> None:
    assert strike(codes) == told


def test_every_code_that_the_emulator_tells_is_known() -> None:
    assert set(TITLES) <= set(MEANINGS)
    assert meaning(123456).means == "mistake"


@given(st.integers(100, 599), st.binary(max_size=80))
def test_whatever_comes_back_it_has_an_outcome(status: int, body: bytes) -> None:
    assert isinstance(answered(status, body), Delivered | TryLater | Rejected)


def test_every_code_stands_in_the_reference() -> None:
    page = (ROOT / "docs/reference/whatsapp.md").read_text(encoding="utf-8")
    for code, found in MEANINGS.items():
        assert f"| {code} | `{found.means}` | {found.words} |\n" in page
    for means in get_args(Means):
        assert f"| `{means}` | " in page
