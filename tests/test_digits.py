"""A number is found wherever it stands by itself, and nowhere where digits are there by chance."""

from __future__ import annotations

import pytest

from tests.digits import stands_in


@pytest.mark.parametrize(
    "text",
    [
        "4821",
        "1*4821",
        "text=1%2A4821",
        "text=1%2a4821%23",
        r'{"body":"PIN\n4821"}',
        r'{"body":"\u00bb4821\u00ab"}',
        r"b'\x004821'",
        "<p>4821</p>",
        "4821.",
    ],
)
def test_it_is_found(text: str) -> None:
    assert stands_in("4821", text)


@pytest.mark.parametrize(
    "text", ["a4821b", "14821", "48210", "0.4821", "4821.5", "f3-4821-aa", "wamid.4821", ""]
)
def test_it_is_not_found_in_ids_and_times(text: str) -> None:
    assert not stands_in("4821", text)
