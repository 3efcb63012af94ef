"""Which conversations of a store are replayed, and what is said of the others."""

from __future__ import annotations

from typing import Any

import pytest

from kikao import App, Chat, Flows, Text
from kikao.checking.replaying_cases import Case, Found, Idle, Sealed, served
from kikao.sessions.sealing import STATE, KeyRing
from kikao.sessions.session import Session, encode
from kikao.sessions.store import Claim, IntentRow, StoreRefused, StoreUnavailable, Write
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing import Stage

OTHERS = KeyRing({"other": b"x" * 32})


def an_app() -> App:
    flows = Flows()

    @flows.flow("hello")
    async def hello(chat: Chat) -> None:
        name = await chat.ask("name", Text(), "Name?")
        await chat.end(name)

    return App(flows, entry="hello", members=False)


async def found(
    stage: Stage, *, ring: KeyRing | None = None, limit: int | None = None, later: float = 0.0
) -> list[Found]:
    ours = KeyRing(stage.settings.secret_keys)
    return await served(
        stage.store, ring or ours, stage.app.policies, now=stage.clock.now + later, limit=limit
    )


async def test_what_a_server_holds_that_members_are_in_the_middle_of() -> None:
    async with Stage(an_app()) as stage:
        asha, ben = stage.phone("+256772000001"), stage.phone("+256772000002")
        await asha.dial()
        await ben.dial()
        await ben.reply("Ben")
        kinds = {type(each): each for each in await found(stage)}
    assert kinds.keys() == {Case, Idle}
    case = kinds[Case]
    assert isinstance(case, Case)
    assert case.member.msisdn == "+256772000001"
    assert case.conversation.run is not None
    assert case.conversation.run.at == "name#1"
    assert "256772" not in case.name


async def test_no_more_than_were_asked_for() -> None:
    async with Stage(an_app()) as stage:
        for n in range(3):
            await stage.phone(f"+25677200000{n}").dial()
        assert [len(await found(stage, limit=limit)) for limit in (0, 2, None)] == [0, 2, 3]


async def test_who_let_their_time_pass_is_in_the_middle_of_nothing() -> None:
    async with Stage(an_app()) as stage:
        await stage.phone().dial()
        assert [type(each) for each in await found(stage, later=86400.0)] == [Idle]


async def test_what_is_sealed_with_another_key_says_so() -> None:
    async with Stage(an_app()) as stage:
        await stage.phone().dial()
        (sealed,) = await found(stage, ring=OTHERS)
    assert isinstance(sealed, Sealed)
    assert "key" in sealed.problem


async def with_state(state: bytes) -> list[Found]:
    """What is found where a session has this state."""
    async with Stage(an_app()) as stage:
        await stage.phone().dial()
        ring = KeyRing(stage.settings.secret_keys)
        (record,) = [record async for record in stage.store.scan()]
        claim = await stage.store.claim(record.key, None, now=stage.clock.now, lease=9.0, wait=0)
        assert isinstance(claim, Claim)
        sealed = ring.seal(state, record.key, STATE, record.version + 1)
        until = stage.clock.now + 99.0
        await stage.store.commit(
            Write(record.key, claim.fence, record.version, until, sealed, record.address)
        )
        return await found(stage)


async def test_what_is_in_no_form_that_is_known_says_so() -> None:
    (sealed,) = await with_state(b"\xc1")
    assert isinstance(sealed, Sealed)
    assert sealed.problem == "it is not in the form of this kikao"


async def test_an_address_that_was_linked_has_no_conversation_of_its_own() -> None:
    anchored = Session("s1", 0.0, 0.0, anchor=("main", "ussd", "elsewhere"))
    assert [type(each) for each in await with_state(encode(anchored))] == [Idle]


@pytest.mark.parametrize("error", [StoreRefused("no"), StoreUnavailable("away")])
async def test_a_store_that_does_not_answer_is_closed(error: Exception) -> None:
    class Away(MemoryStore):
        closed = False

        async def due(self, **asked: Any) -> list[IntentRow]:
            raise error

        async def close(self) -> None:
            self.closed = True

    store = Away()
    with pytest.raises(type(error)):
        await served(store, OTHERS, an_app().policies, now=0.0, limit=None)
    assert store.closed
