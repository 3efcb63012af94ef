"""USSD gateways: a request read and a screen written, and long texts cut into pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from msgspec.structs import replace

from benchmarks.subjects import Prepare, Work
from kikao.channels.ussd.clients.paytota import PaytotaClient
from kikao.channels.ussd.registry import client, example, gateway
from kikao.config import Hidden
from kikao.conversation.screens import Option, Screen

MENU: Final = Screen(
    ("Asha, your balance is UGX 12,500",),
    options=tuple(
        Option(str(key), label, label)
        for key, label in enumerate(("Send money", "Withdraw", "Buy airtime", "Pay a bill", "My account"), 1)
    ),
    navigation=(Option("0", "Back", "back"), Option("00", "Home", "home")),
)
"""What is shown: one page."""

LENGTH: Final = 1024
"""Characters that are cut."""

TEXTS: Final = {
    "gsm7": "You have sent UGX 12,500 to 0772 000 002. The fee was UGX 500, your balance is UGX 3,417. ",
    "ucs2": "Osindise UGX 12,500 eri 0772 000 002. Ensimbi z'okusindika zibadde UGX 500, era okuŋŋaanya kuwedde. ",
}


@asynccontextmanager
async def answered(slug: str) -> AsyncIterator[Prepare]:
    """An answer of a member, from the request to the inbound; then a menu, from the screen to the reply."""
    settings = example(slug)
    phone = client(slug, "+256772000001", "*284#", settings)
    if isinstance(phone, PaytotaClient):
        settings = replace(settings, options={"public_key": Hidden(phone.signs().encode())})
    found = gateway(slug, settings)
    phone.dial("d1")
    request = phone.answer("1").request(f"/ussd/{slug}")

    def prepare(units: int) -> Work:
        async def work() -> None:
            for _ in range(units):
                found.verify(request)
                inbound = found.parse(request)
                (page,) = found.pages(MENU, str)
                found.reply(inbound, page, ends=False)

        return work

    yield prepare


@asynccontextmanager
async def cut(alphabet: str) -> AsyncIterator[Prepare]:
    """A text of `LENGTH` characters, `gsm7` or `ucs2`, to pages."""
    text = TEXTS[alphabet]
    screen = Screen(((text * (LENGTH // len(text) + 1))[:LENGTH],), navigation=MENU.navigation)
    found = gateway("nalo")

    def prepare(units: int) -> Work:
        async def work() -> None:
            for _ in range(units):
                found.pages(screen, str)

        return work

    yield prepare
