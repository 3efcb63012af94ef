from unittest import IsolatedAsyncioTestCase

from airtime import flows
from provider import Provider

from kikao import App
from kikao.testing import Stage

SENT = "+256772000002 got UGX 4,000. Ref A1."


class Airtime(IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.provider = Provider(stock=10_000)
        app = App(flows, entry="airtime", services={Provider: self.provider})
        self.stage = await self.enterAsyncContext(Stage(app))
        self.phone = self.stage.phone("+256772000001")

    async def test_airtime_is_bought_once(self) -> None:
        assert await self.phone.dial() == "For which number?"
        assert await self.phone.reply("0772000002") == "How much?\n0 Back\n00 Home"
        assert "UGX 4,000 of airtime for +256772000002?" in await self.phone.reply("4000")
        assert await self.phone.reply("1") == SENT
        assert await self.phone.again() == SENT
        assert self.provider.stock == 6_000

    async def test_a_refusal_leads_back_to_the_amount(self) -> None:
        await self.phone.dial()
        screen = await self.phone.reply("0772000002", "20000", "1")
        assert screen.startswith("We have too little airtime left. Try a smaller amount.\nHow much?")
        assert await self.phone.reply("4000", "1") == SENT

    async def test_a_slow_provider_is_told_of_at_the_next_dial(self) -> None:
        slow = self.stage.service(Provider).slow("top_up")
        await self.phone.dial()
        screen = await self.phone.reply("0772000002", "4000", "1")
        assert screen == "Request received. Do not repeat it. Dial again to see the result."
        slow.release()
        await self.stage.settle()
        assert await self.phone.dial() == SENT

    async def test_an_answer_that_is_lost_is_asked_for(self) -> None:
        await self.phone.dial()
        await self.phone.reply("0772000002", "4000")
        self.stage.service(Provider).breaks("top_up")
        screen = await self.phone.reply("1")
        assert screen == "We are checking your request. Do not repeat it. Dial again to see the result."
        assert await self.phone.dial() == SENT
        assert self.provider.stock == 6_000

    async def test_it_is_bought_once_though_the_process_dies(self) -> None:
        await self.phone.dial()
        await self.phone.reply("0772000002", "4000")
        self.stage.crash_at("commit")  # the provider has sent the airtime; that is not written down
        await self.phone.reply("1")
        await self.stage.restart()
        assert await self.phone.dial() == SENT
        assert self.provider.stock == 6_000
