"""What is a sentence, and what a value."""

import pytest

from kikao.checking.reading.wording import is_phrase, is_sentence


@pytest.mark.parametrize(
    "text", ["Amount", "Hi \0", "How much?", "ENTER YOUR AMOUNT", "Ref \0", "Ŋŋenda", "ሰላም ነው"]
)
def test_sentences(text: str) -> None:
    assert is_sentence(text)


@pytest.mark.parametrize(
    "text",
    ["", "\0", "UGX \0", "5 kg", "\0 x \0", "1. \0", "me@shop.example", "www.shop.example/a", "MTN UGX"],
)
def test_values(text: str) -> None:
    assert not is_sentence(text)


@pytest.mark.parametrize("text", ["Go on", "Send Money", "Yes", "\0 cups", "1. Buy", "My Account"])
def test_phrases(text: str) -> None:
    assert is_phrase(text)


@pytest.mark.parametrize(
    "text", ["", "Asha", "Fort Portal", "Port of Spain", "Airtel Money", "2 kg", "English", "\0", "Town \0"]
)
def test_names(text: str) -> None:
    assert not is_phrase(text)
