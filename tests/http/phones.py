"""What a new member of the wallet does with their phone."""

from __future__ import annotations

from kikao.testing import Phone


async def register(phone: Phone, name: str = "Amina", pin: str = "2580", *, currency: str = "1") -> str:
    """From the first dial to the menu of an account, in English, in UGX or the currency with another key."""
    await phone.dial()
    return await phone.reply("1", name, currency, pin, pin)
