"""What is asked for where sockets are opened, and is no socket."""

from __future__ import annotations

from kikao import App, Chat, Flows, t
from kikao.events import RequestRefused
from kikao.live import Live
from kikao.testing import Stage
from tests.http.asgi import call

flows = Flows()


@flows.flow("menu")
async def menu(chat: Chat) -> None:
    await chat.end(t("Hello"))


async def test_an_operator_sees_that_a_socket_came_as_a_plain_request() -> None:
    app, heard = App(flows, entry="menu", live=Live()), list[RequestRefused]()
    app.on(RequestRefused, heard.append)
    async with Stage(app) as stage:
        assert (await call(stage.server, "/socket/websocket")).status == 400
    (event,) = heard
    assert (event.channel, event.gateway, event.status) == ("socket", "phoenix", 400)
    assert "Upgrade" in event.reason
