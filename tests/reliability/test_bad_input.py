"""Bad input: a slice, and proof that each law can fail."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from kikao import Text
from kikao.conversation.answers import Answer
from tests.reliability import bad_requests, bad_settings, spoiling


async def test_bad_requests_harm_nobody(tmp_path: Path) -> None:
    figures, violations = await bad_requests.run(tmp_path, 1_000, seed=1)

    assert violations == []
    assert int(figures["requests to gateways"]) >= 1_000
    assert int(figures["taken"]) > 200
    assert int(figures["refused"]) > 200


def test_bad_settings_are_refused_without_showing_secrets(tmp_path: Path) -> None:
    figures, violations = bad_settings.run(tmp_path, 500, seed=1)

    assert violations == []
    assert int(figures["settings taken"]) > 50
    assert int(figures["settings refused"]) > 50
    assert int(figures["stores made of them"]) > 50


def test_what_is_spoiled_is_the_same_for_a_seed() -> None:
    def spoiled() -> list[bytes]:
        chance = random.Random(7)
        return [spoiling.octets(chance, b"text=1&phoneNumber=2") for _ in range(50)]

    assert spoiled() == spoiled()
    assert len({*spoiled()}) > 40


async def test_a_turn_that_breaks_and_what_is_told_of_it_are_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bad_requests.serving(tmp_path, 1, bad_requests.ticking(1.0)) as (requests, _):
        await requests.ask(requests.right("africastalking", "+256772000001", "", begins=True))
        assert requests.violations == []

        def breaks(self: Answer[str], *_: object) -> str:
            raise ZeroDivisionError

        monkeypatch.setattr(Text, "parse", breaks)
        await requests.ask(requests.right("africastalking", "+256772000001", "Asha", begins=False))
        assert any("ZeroDivisionError" in line for line in requests.violations)


def test_a_secret_in_a_message_is_seen(tmp_path: Path) -> None:
    settled = bad_settings.Settled(tmp_path, seed=1)

    settled._shown(f"redis://:{bad_settings.SECRET}@localhost", "planted")

    assert settled.figures["secrets shown"] == 1
    assert "planted" in settled.violations[0]
