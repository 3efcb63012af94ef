"""STOP, START and HELP: kept, answered once in the language of the word, and never a flow's."""

from __future__ import annotations

from pathlib import Path

import pytest

from kikao.channels.sms.words import WORDS, Meant, Words, words_of
from kikao.i18n.gsm7 import septets
from kikao.testing import Clock
from tests.channels.sms.serving import ASHA, account, serving
from tests.channels.sms.test_africastalking import shop


async def test_a_stop_is_answered_once_and_begins_nothing(tmp_path: Path) -> None:
    clock = Clock()
    async with serving(shop(), tmp_path, clock=clock) as (server, api):
        for _ in range(3):
            assert (await api.texts(ASHA, "stop")).status == 200
        await server.push()
        assert api.inbox(ASHA) == ["You will get no more messages from us. Send START to get them again."]
        clock.advance(86_400)
        await api.texts(ASHA, "STOP")
        await server.push()
        assert len(api.inbox(ASHA)) == 2


async def test_a_stop_in_a_conversation_answers_no_question(tmp_path: Path) -> None:
    clock = Clock()
    async with serving(shop(), tmp_path, clock=clock) as (server, api):
        for text in ("Hi", "1", "STOP", "Asha"):
            clock.advance(1)
            await api.texts(ASHA, text)
            await server.push()
    assert api.inbox(ASHA)[-2:] == [
        "You will get no more messages from us. Send START to get them again.",
        "tea for Asha is coming.",
    ]


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("start", "You get messages from us again. Send STOP to stop them."),
        ("HELP", "Send STOP to get no more messages from us, START to get them again."),
    ],
)
async def test_each_word_has_its_answer(tmp_path: Path, word: str, answer: str) -> None:
    async with serving(shop(("ussd",)), tmp_path) as (server, api):
        await api.texts(ASHA, word)
        await server.push()
    assert api.inbox(ASHA) == [answer]


@pytest.mark.parametrize("locale", ["sw", "lg"])
async def test_a_word_is_answered_in_its_language(tmp_path: Path, locale: str) -> None:
    async with serving(shop(), tmp_path) as (server, api):
        await api.texts(ASHA, WORDS[locale]["stop"][0].lower())
        await server.push()
    (answer,) = api.inbox(ASHA)
    assert "You" not in answer
    assert WORDS[locale]["start"][0] in answer


async def test_words_of_the_settings_are_those_that_are_told(tmp_path: Path) -> None:
    async with serving(shop(), tmp_path, sms=account(start="GO ON,BACK")) as (server, api):
        await api.texts(ASHA, "STOP")
        await server.push()
    assert api.inbox(ASHA) == ["You will get no more messages from us. Send GO ON to get them again."]


def test_no_word_means_two_things_and_all_can_be_typed() -> None:
    every = [word for meanings in WORDS.values() for words in meanings.values() for word in words]
    assert len(set(every)) == len(every)
    assert all(septets(word) and word == word.upper() for word in every)
    for locale, meanings in WORDS.items():
        for what, words in meanings.items():
            for word in words:
                assert Words().meant(f" {word.title()}! ") == Meant(what, locale)
                assert Words().meant(f"{word} 1") is None


def test_words_are_listed_with_commas() -> None:
    assert words_of(" QUIT , ,LEAVE US") == ("QUIT", "LEAVE US")
