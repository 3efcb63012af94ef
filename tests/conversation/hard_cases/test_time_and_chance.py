"""6. The same on every replay."""

from __future__ import annotations

import datetime as dt
from typing import Any

from kikao.conversation import Chat, Text
from tests.conversation.hard_cases.talks import flow
from tests.talk import Talk, start


class TestTimeAndChance:
    """6. The same on every replay."""

    async def test_now_is_when_the_run_came_by(self) -> None:
        async def f(chat: Chat) -> None:
            first = await chat.now()
            await chat.ask("a", Text(), "A")
            second = await chat.now()
            await chat.ask("b", Text(), f"{(second - first).seconds}")
            assert first.tzinfo is dt.UTC

        talk = await start(flow(f), "f")
        await talk.dial()
        talk.process.clock.advance(30)
        await talk.say("x")
        talk.process.clock.advance(60)
        await talk.restart()
        await talk.dial()
        assert (await talk.say("1")).startswith("30")

    async def test_random_numbers_are_replayed_and_differ_between_members_and_names(self) -> None:
        async def f(chat: Chat) -> None:
            numbers = [chat.random(name).randrange(10**9) for name in ("a", "a", "b")]
            await chat.ask("a", Text(), "-".join(map(str, numbers)))
            await chat.end("-".join(map(str, numbers)))

        talk = await start(flow(f), "f")
        first = (await talk.dial()).partition("\n")[0]
        await talk.restart()
        assert await talk.say("x") == first
        other = Talk(talk.process, "+256772000002")
        second = (await other.dial()).partition("\n")[0]
        assert len({*first.split("-"), *second.split("-")}) == 6

    async def test_what_a_flow_does_to_a_looked_up_list_does_not_change_what_was_seen(self) -> None:
        async def f(chat: Chat) -> None:
            queue = await chat.read("queue", lambda: [1, 2, 3])
            while queue:
                item = queue.pop(0)
                await chat.ask("ok", Text(), f"Item {item} of {len(queue) + item}")
            await chat.end("All")

        talk = await start(flow(f), "f")
        assert (await talk.dial()).startswith("Item 1 of 3")
        assert (await talk.say("y")).startswith("Item 2 of 3")
        assert (await talk.say("y")).startswith("Item 3 of 3")
        assert await talk.say("y") == "All"

    async def test_a_looked_up_value_is_the_same_live_and_on_replay(self) -> None:
        seen: list[Any] = []

        async def f(chat: Chat) -> None:
            seen.append(await chat.read("pair", lambda: (1, (2, 3))))
            await chat.ask("q", Text(), "Q")

        talk = await start(flow(f), "f")
        await talk.dial()
        await talk.say("x")
        assert seen[0] == seen[1]
        assert type(seen[0]) is type(seen[1])
