"""A commit that nobody confirms in time: told as uncertain, found out later, and what its reply said is not lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from kikao.conversation import Chat, Flows, Text
from kikao.events import TurnCommitted, TurnRejected
from kikao.i18n.messages import t
from kikao.sessions import confirming
from kikao.sessions.store import Conflict, SessionStore, StoreUnavailable, Write
from kikao.sessions.stores import MemoryStore, SQLiteStore
from kikao.testing import Clock, Mortal
from kikao.testing.timers import let_pass
from kikao.turn import BUDGET
from tests.engines.valkey import Valkey, unhurried
from tests.talk import Process, Talk, whats
from tests.waiting import until

UNAVAILABLE = "Service unavailable. Try again later."
UNCERTAIN = "We are checking your request. Do not repeat it. Dial again to see the result."


class Slow(Mortal):
    """A store that does not answer the next commit (or intent), and may take it later."""

    def __init__(self, store: SessionStore) -> None:
        super().__init__(store)
        self.stalls = ""
        self.takes_it = False
        """Whether it takes what it does not answer."""
        self.write: Write | None = None
        """What it was given and has not taken yet."""

    async def commit(self, write: Write) -> None:
        await self._stalled("commit", write)
        await super().commit(write)

    async def intent(self, write: Write) -> None:
        await self._stalled("intent", write)
        await super().intent(write)

    async def _stalled(self, call: str, write: Write) -> None:
        if self.stalls == call:
            self.stalls, self.write = "", write
            if self.takes_it:
                await self.take_it()
            asyncio.get_running_loop().call_soon(let_pass, BUDGET)
            await asyncio.Event().wait()

    async def take_it(self) -> None:
        """What was given comes in."""
        assert self.write is not None
        await self.store.commit(self.write)


@pytest.fixture(params=["memory", "sqlite", "valkey"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SessionStore]:
    store: SessionStore
    if request.param == "valkey":
        from kikao.sessions.stores.redis import RedisStore

        server: Valkey = request.getfixturevalue("valkey")
        server.ask("FLUSHALL")
        store = RedisStore(unhurried(server.url))
    else:
        store = MemoryStore() if request.param == "memory" else SQLiteStore(tmp_path / "sessions.db")
    yield store
    await store.close()


@pytest.fixture
def paid() -> list[str]:
    """Keys that were paid under."""
    return []


@pytest.fixture
async def talk(store: SessionStore, paid: list[str], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Talk]:
    monkeypatch.setattr(confirming, "PAUSE", 0.01)
    flows = Flows()

    async def pay(key: str) -> int:
        paid.append(key)
        return 1

    @flows.flow("main")
    async def main(chat: Chat) -> None:
        word = await chat.ask("word", Text(), t("Which word?"))
        if word == "pay":
            await chat.step("pay", pay, retry="key")
        await chat.end(t("Thanks for {word}.", word=word))

    process = Process(flows, "main", store, Clock(), budget=BUDGET)
    process.store = process.sessions.store = Slow(store)
    await process.open()
    yield Talk(process)
    await process.late.close(30.0)


def slow(talk: Talk) -> Slow:
    assert isinstance(talk.process.store, Slow)
    return talk.process.store


async def notices(talk: Talk) -> bool:
    """Whether something waits to be told."""
    return any(session.conversation.notices for session in await talk.process.stored())


@pytest.mark.parametrize(("word", "at_once"), [("tea", False), ("tea", True), ("pay", True)])
async def test_what_a_late_commit_said_is_told_by_the_next_dial(
    talk: Talk, paid: list[str], word: str, at_once: bool
) -> None:
    """Whether it comes late, or only its answer does not come."""
    await talk.dial()
    slow(talk).stalls, slow(talk).takes_it = "commit", at_once
    assert await talk.say(word) == UNCERTAIN, "nobody knows whether it is stored"
    answered = talk.typed
    if not at_once:
        await slow(talk).take_it()
    await until(lambda: notices(talk), "something to tell")
    assert whats(talk.process.events) == ["asked", "unavailable", "ended"], "told once it is known"

    assert await talk.send(answered) == f"Thanks for {word}.", "a copy gets the reply"
    assert await talk.dial() == f"Thanks for {word}.\nWhich word?"
    assert await talk.dial() == "Which word?", "told once"
    assert len(paid) == (1 if word == "pay" else 0)


async def test_an_effect_whose_turn_was_not_stored_is_told_by_the_next_dial(
    talk: Talk, paid: list[str]
) -> None:
    await talk.dial()
    slow(talk).stalls = "commit"
    assert await talk.say("pay") == UNCERTAIN
    await talk.process.late.close(30.0)
    with pytest.raises(Conflict):
        await slow(talk).take_it()
    assert await talk.dial() == "Thanks for pay."
    assert await talk.dial() == "Which word?"
    assert len(paid) == 1


async def test_one_that_never_comes_changes_nothing(talk: Talk) -> None:
    await talk.dial()
    slow(talk).stalls = "commit"
    assert await talk.say("tea") == UNCERTAIN
    assert await talk.send() == "Thanks for tea.", "sent again it is done again"
    with pytest.raises(Conflict):
        await slow(talk).take_it()
    await talk.process.late.close(30.0)
    assert not await notices(talk)
    assert (
        sum(isinstance(event, TurnCommitted) and event.what == "ended" for event in talk.process.events) == 1
    )


async def test_an_unanswered_commit_before_the_store_goes_away_is_found_when_it_is_back(talk: Talk) -> None:
    await talk.dial()
    store = slow(talk)
    store.unanswered = ("commit", store.calls["commit"] + 1, True)
    commit = store.commit

    async def and_away(write: Write) -> None:
        try:
            await commit(write)
        finally:
            store.unavailable = True

    store.commit = and_away  # type: ignore[method-assign]
    assert await talk.say("tea") == UNCERTAIN
    store.unavailable = False
    store.commit = commit  # type: ignore[method-assign]
    await until(lambda: notices(talk), "something to tell")
    assert await talk.dial() == "Thanks for tea.\nWhich word?"


async def test_without_message_ids_the_version_and_the_fence_tell(talk: Talk) -> None:
    talk.accumulates, talk.gateway.dedupe = False, "none"
    await talk.dial()
    slow(talk).stalls = "commit"
    assert await talk.say("tea") == UNCERTAIN
    await slow(talk).take_it()
    await until(lambda: notices(talk), "something to tell")
    assert await talk.dial() == "Thanks for tea.\nWhich word?"


async def test_an_intent_that_nobody_confirmed_is_uncertain_too(talk: Talk, paid: list[str]) -> None:
    await talk.dial()
    store = slow(talk)
    store.stalls = "intent"
    assert await talk.say("pay") == UNCERTAIN, "recovery may perform it"
    assert store.write is not None
    await store.store.intent(store.write)
    talk.process.clock.advance(60.0)
    await talk.process.recovery.once()
    assert len(paid) == 1
    assert (await talk.dial()).startswith("Thanks for pay.")


async def test_a_question_is_asked_again_and_leaves_no_notice(talk: Talk) -> None:
    store = slow(talk)
    store.stalls = "commit"
    assert await talk.dial() == UNCERTAIN
    await store.take_it()
    await until(_told(talk), "it to be told")
    await talk.process.late.close(30.0)
    assert not await notices(talk)
    assert await talk.dial() == "Which word?"


async def test_what_is_not_known_in_time_is_let_go(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confirming, "PATIENCE", 0.02)
    monkeypatch.setattr(confirming, "MOST", 1)
    await talk.dial()
    slow(talk).stalls = "commit"
    assert await talk.say("tea") == UNCERTAIN
    looking = talk.process.late._confirming
    assert len(looking) == 1
    slow(talk).stalls = "commit"
    assert await talk.send() == UNCERTAIN
    assert len(looking) <= 1, "no more than so many at the same time"
    await until(_none(looking), "nothing more to be looked for")
    assert not await notices(talk)


async def test_at_the_end_of_the_process_it_is_looked_for_once_more(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirming, "PAUSE", 100.0)
    monkeypatch.setattr(confirming, "LONGEST", 100.0)
    await talk.dial()
    slow(talk).stalls = "commit"
    assert await talk.say("tea") == UNCERTAIN
    await asyncio.sleep(0)  # it is looked for, in vain
    await slow(talk).take_it()
    await talk.process.late.close(30.0)
    assert await notices(talk)


async def test_a_store_that_is_certainly_away_consumed_nothing(talk: Talk) -> None:
    await talk.dial()
    store = slow(talk)
    store.unavailable = True
    assert await talk.say("tea") == UNAVAILABLE
    store.unavailable = False
    assert len(talk.process.late._confirming) == 0
    assert await talk.send() == "Thanks for tea."


async def test_a_commit_that_was_refused_for_certain_is_no_doubt(talk: Talk) -> None:
    await talk.dial()
    store = slow(talk)
    commit = store.commit

    async def refused(write: Write) -> None:
        raise StoreUnavailable

    store.commit = refused  # type: ignore[method-assign]
    assert await talk.say("tea") == UNAVAILABLE
    store.commit = commit  # type: ignore[method-assign]
    assert any(isinstance(event, TurnRejected) for event in talk.process.events)
    assert len(talk.process.late._confirming) == 0


def _told(talk: Talk) -> Callable[[], Awaitable[bool]]:
    async def told() -> bool:
        return any(isinstance(event, TurnCommitted) for event in talk.process.events)

    return told


def _none(looking: confirming.Confirming) -> Callable[[], Awaitable[bool]]:
    async def none() -> bool:
        return len(looking) == 0

    return none
