import asyncio
from pathlib import Path

from airtime import flows
from provider import Provider

from kikao import App
from kikao.app import Server
from kikao.channels.ussd.clients import AfricasTalkingClient, Exchange
from kikao.config import load
from kikao.testing import in_process


class Phone:
    """A member's phone, as Africa's Talking would relay it."""

    def __init__(self, server: Server, number: str = "+256772000001") -> None:
        self.client = AfricasTalkingClient(number, "*284#")
        self.post = in_process(server)
        self.dials = 0

    async def dial(self, *answers: str) -> str:
        self.dials += 1
        screen = await self.send(self.client.dial(f"dialogue-{self.dials}"))
        for answer in answers:
            screen = await self.send(self.client.answer(answer))
        return screen

    async def send(self, exchange: Exchange) -> str:
        status, body = await self.post(Exchange("/ussd/africastalking", exchange.headers, exchange.body))
        assert status == 200, body
        return body.decode()


def test_airtime_is_bought_once(tmp_path: Path) -> None:
    async def story() -> None:
        provider = Provider(stock=10_000)
        app = App(flows, entry="airtime", services={Provider: provider})
        settings = load({}, tmp_path)
        async with app.serving(settings) as server:
            screen = await Phone(server).dial("0772000002", "4000", "1")
            assert screen == "END +256772000002 got UGX 4,000. Ref A1."
        assert provider.stock == 6_000

    asyncio.run(story())


def test_an_answer_that_is_lost_is_asked_for(tmp_path: Path) -> None:
    async def story() -> None:
        provider = Provider(stock=10_000)
        app = App(flows, entry="airtime", services={Provider: provider})
        settings = load({}, tmp_path)
        async with app.serving(settings) as server:
            provider.loses_answers = True
            screen = await Phone(server).dial("0772000002", "4000", "1")
            assert (
                screen == "END We are checking your request. Do not repeat it. Dial again to see the result."
            )
        provider.loses_answers = False
        async with app.serving(settings) as server:  # a restart: another process, the same data
            phone = Phone(server)
            phone.dials = 1
            assert await phone.dial() == "END +256772000002 got UGX 4,000. Ref A1."
        assert provider.stock == 6_000

    asyncio.run(story())


def test_a_refusal_leads_back_to_the_amount(tmp_path: Path) -> None:
    async def story() -> None:
        app = App(flows, entry="airtime", services={Provider: Provider(stock=1_000)})
        async with app.serving(load({}, tmp_path)) as server:
            screen = await Phone(server).dial("0772000002", "4000", "1")
            assert "too little airtime" in screen
            assert "How much?" in screen

    asyncio.run(story())
