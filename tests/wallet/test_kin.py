"""The wallet on gateways that send everything typed since the dial: the same screens and books as on Africa's Talking,
whatever is lost, comes twice or comes late, and wherever the provider puts the end of the code."""

from __future__ import annotations

import random
from pathlib import Path

from kikao.channels.ussd.registry import SLUGS
from kikao.config import load
from kikao.testing import Clock, Stage
from kikao_apps.wallet import app
from kikao_apps.wallet.ledger import REF_ALPHABET, REF_LENGTH
from tests.http.phones import register
from tests.wallet.ledgers import ASHA, BINTA, services_of
from tests.wallet.staging import ledger_of
from tests.wallet.town import PIN

TO_BINTA = BINTA.replace("+256", "0")
PLACES = {
    "africastalking": "*284#",
    "safaricom": "*284*7#",
    "advanta": "*284*7*3#",
}


async def journey(gateway: str, code: str, folder: Path) -> list[str]:
    """All that two members see while one of them sends money twice, on lines that could not be worse."""
    clock, refs = Clock(), random.Random(1)
    folder = folder / gateway  # data of its own
    folder.mkdir()
    settings = load({f"KIKAO_USSD_{gateway.upper()}_CODE": code}, folder, gateways=SLUGS)
    services = services_of(clock, new_ref=lambda: "".join(refs.choices(REF_ALPHABET, k=REF_LENGTH)))
    seen: list[str] = []
    async with Stage(app, settings, services=services, clock=clock) as stage:
        asha, binta = (stage.phone(number, gateway=gateway, code=code) for number in (ASHA, BINTA))
        for phone, name in ((asha, "Asha"), (binta, "Binta")):
            seen.append(await register(phone, name, PIN))
            await phone.drop()
        # Every request arrives twice.
        seen += [await asha.dial(), await asha.again()]
        for answer in ("2", "1", "**", TO_BINTA, "5000"):
            seen += [await asha.reply(answer), await asha.again()]
        # The line breaks at the confirmation; the amount comes once more, later.
        amount = asha.earlier(0)
        await asha.drop()
        clock.advance(40)
        seen += [await asha.redial(), await amount.arrives(), await asha.reply("1")]
        # It breaks with the PIN on its way, which arrives in the middle of the next dialogue.
        seen += [await asha.reply("5000"), await asha.reply("1")]
        pin = asha.later(PIN)
        await asha.drop()
        clock.advance(5)
        seen += [await asha.dial(), await pin.arrives(), await asha.reply("1")]
        seen += [await asha.reply("5000"), await asha.reply("1"), await asha.reply(PIN)]
        seen += [await asha.again(), await asha.again(back=1)]
        # A long dial, as far as the confirmation, and a PIN that is wrong at first.
        seen.append(await asha.dial(f"1*{TO_BINTA}*700"))
        seen += [await asha.reply("1"), await asha.reply("1111"), await asha.reply(PIN), await asha.again()]
        seen += [await binta.dial(), await binta.reply("2"), await binta.reply("2"), await binta.reply(PIN)]
        books = await ledger_of(stage).audit()
        assert (books.right, books.payments) == (True, 2)
    return seen


async def test_the_wallet_is_the_same_on_all_of_them(tmp_path: Path) -> None:
    seen = {gateway: await journey(gateway, code, tmp_path) for gateway, code in PLACES.items()}
    for gateway in PLACES:
        assert seen[gateway] == seen["africastalking"], gateway
