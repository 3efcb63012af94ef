"""Flows as data, so that a test can edit them; and what a replay foretells of conversations on a stage."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, NamedTuple

from kikao import App, Chat, Choice, Done, Flows, Number, Pin, Secret, Text, t
from kikao.checking.replaying import Outcome, Replayer
from kikao.checking.replaying_cases import Case, stored
from kikao.sessions.sealing import KeyRing
from kikao.testing import Stage


class Say(NamedTuple):
    """One statement of a flow."""

    do: str
    """`text`, `number`, `choice`, `confirm`, `read`, `step`, `secret`, `end`, `goto`, `raise`."""
    name: str = ""
    options: tuple[str, ...] = ()
    args: Any = None


class Till:
    """Does everything, and counts it."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def look(self, name: str) -> str:
        """A look-up."""
        self.asked.append(name)
        return f"{name} found"

    async def pay(self, key: str) -> Done[int]:
        """An effect."""
        self.asked.append("pay")
        return Done(1)


class Program:
    """An app whose flow `main` is a list of statements. `passed` are the questions that the last turn passed."""

    def __init__(
        self, *statements: Say, extra: tuple[Say, ...] = (), release: int = 0, name: str = "main"
    ) -> None:
        self.till = Till()
        self.passed: dict[str, Any] = {}
        flows = Flows(release=release)

        @flows.flow(name)
        async def main(chat: Chat) -> None:
            self.passed = {}
            await self._run(chat, statements)

        if name != "start":

            @flows.flow("other")
            async def other(chat: Chat) -> None:
                await self._run(chat, extra or (Say("text", "elsewhere"),))

        self.app = App(flows, entry=name, services={Till: self.till}, members=False)

    async def _run(self, chat: Chat, statements: tuple[Say, ...]) -> None:
        till = chat.service(Till)
        for say in statements:
            await self._do(chat, till, say)

    async def _do(self, chat: Chat, till: Till, say: Say) -> None:
        prompt = t(f"What {say.name}")
        match say.do:
            case "text":
                self.passed[say.name] = await chat.ask(say.name, Text(), prompt)
            case "number":
                self.passed[say.name] = await chat.ask(say.name, Number(min=1), prompt)
            case "choice":
                self.passed[say.name] = await chat.ask(say.name, Choice(list(say.options)), prompt)
            case "confirm":
                self.passed[say.name] = await chat.confirm(say.name, prompt, ends=False)
            case "read":
                await chat.read(say.name, lambda: till.look(say.name))
            case "step":
                await chat.step(say.name, till.pay, retry="key", args=say.args)
            case "secret":

                async def use(pin: Secret, key: str) -> Done[int]:
                    return await till.pay(key)

                self.passed[say.name] = await chat.secret(say.name, Pin(4), t(f"PIN {say.name}"), use=use)
            case "end":
                await chat.end(t("Bye"))
            case "goto":
                await chat.goto("other")
            case "raise":
                raise KeyError("0772000001")
            case _:
                raise AssertionError(say)


async def foretold(stage: Stage, app: App, path: Path) -> list[Outcome]:
    """What a replay of the stage's store says of `app`."""
    ring, now = KeyRing(stage.settings.secret_keys), stage.clock.now
    replayer = Replayer(app, now=dt.datetime.fromtimestamp(now, dt.UTC))
    found: list[Outcome] = []
    for each in stored(path, ring, app.policies, now=now):
        if isinstance(each, Case):
            found += await replayer.outcomes(each.conversation, each.member)
    return found
