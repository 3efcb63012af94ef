"""What a check knows of kikao itself: every method of the chat, and the services that no app has to give."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from kikao import App, Attached, Chat, Files, Flows, Media, t
from kikao.channels.chat.messages import Messages
from kikao.checking.exploring import explore
from kikao.checking.own_services import own_services
from kikao.checking.reading.talking import TALK
from kikao.live import Hub, Live, anyone
from kikao.members.directory import Directory
from kikao.notices.inbox import Inbox, Notifications
from kikao.testing import Stage

flows = Flows()


@flows.flow("card", title=t("Card"))
async def card(chat: Chat) -> None:
    files = chat.service(Files)
    photo = await chat.ask("photo", Media(("image",)), t("Photo?"))
    size = await chat.read("size", lambda: _size(files, photo))
    await chat.show(Attached.image(photo))
    await chat.end(t("{size} octets.", size=size))


async def _size(files: Files, photo: object) -> int:
    return len(await files.open(photo))  # type: ignore[arg-type]


def test_every_method_of_the_chat_that_is_awaited_is_one_that_talks() -> None:
    awaited = {
        name for name in dir(Chat) if name[0] != "_" and inspect.iscoroutinefunction(getattr(Chat, name))
    }
    assert awaited == TALK


def test_a_flow_that_gets_and_shows_files_is_explored_without_a_service_of_its_own() -> None:
    assert explore(App(flows, entry="card")).findings == []


@pytest.mark.parametrize(
    ("given", "has"),
    [
        ({}, {Directory}),
        ({"members": False}, set()),
        ({"live": Live(users=anyone), "notifications": Notifications()}, {Directory, Hub, Inbox}),
    ],
)
async def test_they_are_those_that_a_server_has(given: dict[str, Any], has: set[type]) -> None:
    app = App(flows, entry="card", **given)
    known = set(own_services(app))
    assert {Files, Messages} <= known
    assert {Directory, Hub, Inbox} & known == has
    async with Stage(app) as stage:
        assert known == set(stage.server.services)
