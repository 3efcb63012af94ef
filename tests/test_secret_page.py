"""A secret is entered on a page of its own: by one link, once, seen by nobody who only looks, kept by no chat."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlencode

import pytest

from kikao import Chat, Flows, Money, Pin, Secret
from kikao.arrivals import Arrivals
from kikao.channels.chat.secret_links import GOOD_FOR, PATH, SecretLinks
from kikao.channels.edge import Denied
from kikao.conversation.errors import ErrorCode
from kikao.conversation.outcomes import Done, Refused
from kikao.i18n import Catalogs, t
from kikao.secret_page import SecretPage
from tests.channels.chat.talk import Talk, start

HOST: Final = "https://wallet.example"
PIN: Final = "4711"
NUMBER: Final = "+256772000002"

flows = Flows()


@flows.flow("send", title=t("Send money"))
async def send(chat: Chat) -> None:
    amount = await chat.ask("amount", Money("UGX"), t("Amount"))
    await chat.confirm("ok", t("Send {amount} to {to}?", amount=amount, to=NUMBER))

    async def use(pin: Secret, key: str) -> Any:
        return Done("R1") if pin.reveal() == PIN else Refused(ErrorCode.WRONG_SECRET)

    receipt = await chat.secret("pin", Pin(), t("Enter your PIN"), use=use)
    await chat.end(t("Sent. Ref {ref}.", ref=receipt))


class Desk:
    """A member in a chat, and the browser on their phone."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        turns = talk.process.turns
        links = SecretLinks(lambda: turns.sessions.ring, HOST, turns.sessions.clock)
        turns.links = links
        self.arrivals = Arrivals(turns, {talk.gateway.line: talk.gateway}, talk.process.publish)
        self.page = SecretPage(links, turns.sessions, self.arrivals, Catalogs().translate, "en")

    @property
    def link(self) -> str:
        link = self.talk.got[-1].message.link
        assert link is not None
        return link.url

    async def asks_for_the_pin(self) -> None:
        await self.talk.writes("hi")
        await self.talk.writes("5000")
        await self.talk.taps("Confirm")

    async def opens(self, url: str, method: str = "GET", **fields: str) -> tuple[int, str]:
        body = urlencode(fields).encode()

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        scope = {
            "method": method,
            "path": url.removeprefix(HOST),
            "query_string": b"",
            "headers": [(b"content-length", b"%d" % len(body))],
            "client": ("203.0.113.7", 1),
        }
        response = await self.page(scope, receive)
        return response.status, response.body.decode()

    async def enters(self, url: str, secret: str) -> tuple[int, str]:
        return await self.opens(url, "POST", step="use", secret=secret)


@pytest.fixture
async def desk() -> Desk:
    desk = Desk(await start(flows, "send"))
    await desk.asks_for_the_pin()
    return desk


async def test_a_secret_is_asked_for_with_a_link_and_entered_there(desk: Desk) -> None:
    assert desk.talk.got[-1].message.text.startswith("Enter your PIN")
    assert desk.link.startswith(f"{HOST}{PATH}")
    status, page = await desk.opens(desk.link, "POST", step="open")
    assert status == 200
    assert "Send UGX 5,000 to +256772000002?" in page
    assert 'type="password"' in page
    status, page = await desk.enters(desk.link, PIN)
    assert (status, "Go back to your chat" in page) == (200, True)
    (done,) = await desk.talk.arrived()
    assert done.text == "Sent. Ref R1."


async def test_a_program_that_looks_at_the_link_sees_nothing_and_uses_nothing_up(desk: Desk) -> None:
    for method in ("GET", "HEAD", "GET"):
        status, page = await desk.opens(desk.link, method)
        assert status == 200
        assert "5,000" not in page
        assert NUMBER not in page
        assert "PIN" not in page
    await desk.enters(desk.link, PIN)
    assert [message.text for message in await desk.talk.arrived()] == ["Sent. Ref R1."]


async def test_every_page_says_whose_it_is(desk: Desk) -> None:
    pages = [
        await desk.opens(desk.link),
        await desk.opens(desk.link, "POST", step="open"),
        await desk.opens(f"{PATH}{'A' * 64}"),
    ]
    assert [status for status, _ in pages] == [200, 200, 410]
    for _, page in pages:
        assert "<title>wallet.example · Only you can see this page</title>" in page
        assert '<p class="whose">wallet.example</p>' in page


async def test_whose_it_is_is_text_whatever_stands_there(desk: Desk) -> None:
    sessions = desk.talk.process.turns.sessions
    odd = SecretLinks(lambda: sessions.ring, "https://tea&<b>milk:8443/acme", sessions.clock)
    desk.page = SecretPage(odd, sessions, desk.arrivals, Catalogs().translate, "en")
    _, page = await desk.opens(desk.link)
    assert '<p class="whose">tea&amp;&lt;b&gt;milk</p>' in page
    assert "<b>" not in page


async def test_a_link_is_good_once(desk: Desk) -> None:
    link = desk.link
    await desk.enters(link, PIN)
    await desk.talk.arrived()
    for step in ("open", "use"):
        status, page = await desk.opens(link, "POST", step=step, secret="0000")
        assert (status, "no longer good" in page) == (410, True)
    assert await desk.talk.arrived() == []


async def test_a_wrong_pin_is_told_in_the_chat_with_another_link_and_the_old_one_is_used(desk: Desk) -> None:
    first = desk.link
    await desk.enters(first, "1111")
    (again,) = await desk.talk.arrived()
    assert again.text.startswith("Wrong PIN")
    assert desk.link != first
    await desk.enters(first, PIN)
    assert await desk.talk.arrived() == []  # a copy of what was answered
    status, page = await desk.opens(desk.link, "POST", step="open")
    assert (status, "Wrong PIN" in page) == (200, True)
    await desk.enters(desk.link, PIN)
    assert [message.text for message in await desk.talk.arrived()] == ["Sent. Ref R1."]


async def test_a_link_is_over_after_its_time_and_when_the_member_went_elsewhere(desk: Desk) -> None:
    link = desk.link
    await desk.talk.taps("Back")
    assert (await desk.enters(link, PIN))[0] == 410
    await desk.talk.writes("6000")
    await desk.talk.taps("Confirm")
    desk.talk.process.clock.advance(GOOD_FOR + 1)
    assert (await desk.enters(desk.link, PIN))[0] == 410


async def test_what_is_typed_into_the_chat_is_no_secret_and_the_way_back_still_is(desk: Desk) -> None:
    (again,) = await desk.talk.writes(PIN)
    assert again.text.startswith("Do not type it here, where it is kept. Use the button.\nEnter your PIN")
    assert not await desk.talk.process.holds(PIN)
    (back,) = await desk.talk.writes("back")
    assert back.text.startswith("Send UGX 5,000") or back.text.startswith("Amount")


async def test_where_no_link_leads_to_a_page_nothing_secret_is_asked_for_nor_taken(desk: Desk) -> None:
    desk.talk.process.turns.links = None
    for said in (PIN, "8265"):
        (refused,) = await desk.talk.writes(said)
        assert refused.text.startswith(
            "The next step needs something secret, which is not typed into a chat."
        )
        assert refused.link is None
        assert not await desk.talk.process.holds(said)
    (back,) = await desk.talk.writes("back")
    assert back.text.startswith("Send UGX 5,000") or back.text.startswith("Amount")


async def test_nothing_that_is_stored_or_published_holds_what_was_entered(desk: Desk) -> None:
    await desk.enters(desk.link, "8265")
    await desk.enters(desk.link, PIN)
    for secret in ("8265", PIN):
        assert not await desk.talk.process.holds(secret)


@pytest.mark.parametrize("token", ["x" * 40, "AQ" * 60])
async def test_a_made_up_link_says_that_it_is_over(desk: Desk, token: str) -> None:
    status, page = await desk.opens(f"{HOST}{PATH}{token}")
    assert (status, "no longer good" in page) == (410, True)


@pytest.mark.parametrize("token", ["a/b", "x" * 3000, "x" * 15])
async def test_what_cannot_be_a_link_is_nowhere(desk: Desk, token: str) -> None:
    with pytest.raises(Denied) as denied:
        await desk.opens(f"{HOST}{PATH}{token}")
    assert denied.value.status == 404


async def test_another_members_link_does_not_open_with_what_was_changed_in_it(desk: Desk) -> None:
    token = re.sub(r"^.*/", "", desk.link)
    changed = token[:-4] + ("AAAA" if not token.endswith("AAAA") else "BBBB")
    assert (await desk.enters(f"{HOST}{PATH}{changed}", PIN))[0] == 410
    assert await desk.talk.arrived() == []


async def test_while_the_store_is_away_the_page_says_so_and_the_secret_can_be_sent_again(desk: Desk) -> None:
    desk.talk.process.store.unavailable = True
    status, page = await desk.enters(desk.link, PIN)
    assert (status, "Try again" in page) == (503, True)
    assert PIN not in page
    desk.talk.process.store.unavailable = False
    assert (await desk.enters(desk.link, PIN))[0] == 200


async def test_a_page_that_is_still_open_pays_no_other_amount(desk: Desk) -> None:
    before = desk.link
    assert "UGX 5,000" in (await desk.opens(before, "POST", step="open"))[1]
    await desk.talk.commands("back")
    await desk.talk.commands("back")
    await desk.talk.writes("90000")
    (asked,) = await desk.talk.taps("Confirm")
    assert asked.text.startswith("Enter your PIN")
    assert (await desk.enters(before, PIN))[0] == 410
    assert await desk.talk.arrived() == []
    assert "UGX 90,000" in (await desk.opens(desk.link, "POST", step="open"))[1]
    assert (await desk.enters(desk.link, PIN))[0] == 200
    assert [said.text for said in await desk.talk.arrived()] == ["Sent. Ref R1."]
