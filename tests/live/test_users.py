"""Who a socket's user is."""

from __future__ import annotations

from typing import Any

import pytest

from kikao import App, Chat, Flows, t
from kikao.live import Channel, Live
from kikao.testing import Stage
from tests.live.inside import InsideSocket


def an_app(live: Live) -> App:
    flows = Flows()

    @flows.flow("menu")
    async def menu(chat: Chat) -> None:
        await chat.end(t("Hello"))

    @live.channel("me")
    async def me(channel: Channel, params: dict[str, Any]) -> dict[str, Any]:
        return {"member": channel.user.member, "locale": channel.user.locale}

    return App(flows, entry="menu", live=live)


def socket(stage: Stage, user: str) -> InsideSocket:
    hub = stage.server.hub
    assert hub is not None
    return InsideSocket(stage.server, "/socket/websocket", hub.tokens.sign(user, 300))


async def test_who_is_not_in_the_directory_is_refused() -> None:
    async with Stage(an_app(Live())) as stage:
        assert await socket(stage, "asha").open() == 403
        members = stage.server.members
        assert members is not None
        known = await members.meet("user", "asha")
        await members.remember(known.id, locale="sw")
        asha = socket(stage, "asha")
        assert await asha.open() == 101
        assert (await asha.ask("me", "phx_join"))["response"] == {"member": known.id, "locale": "sw"}
        await asha.leave()


async def test_an_app_may_enrol_whoever_shows_a_token() -> None:
    async with Stage(an_app(Live(enrols=True))) as stage:
        asha = socket(stage, "asha")
        assert await asha.open() == 101
        members = stage.server.members
        assert members is not None
        assert (await asha.ask("me", "phx_join"))["response"]["member"] == await members.find("user", "asha")
        await asha.leave()


def test_users_of_ones_own_are_not_enrolled() -> None:
    async def users(user_id: str, claims: Any) -> None: ...

    with pytest.raises(ValueError, match="enrols"):
        Live(users=users, enrols=True)
