"""Paytota over a server that looks at signatures: a whole conversation, keys that change, and what strangers change."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs

from kikao import App, Chat, Flows, Pin, Secret, Text
from kikao.channels.line import through
from kikao.channels.ussd.clients.paytota import PaytotaClient
from kikao.channels.ussd.gateways.paytota import EXAMPLE, Paytota
from kikao.channels.ussd.registry import OPTIONS
from kikao.config import Hidden, SettingsError, load
from kikao.testing import Phone, Stage

NUMBER = "+256772000001"
PIN = "4321"
used: list[str] = []
flows = Flows()


@flows.flow("pay")
async def pay(chat: Chat) -> None:
    """A name and a PIN."""
    name = await chat.ask("name", Text(), "Your name?")
    await chat.secret("pin", Pin(), "Your PIN?", use=_use)
    await chat.end(f"Thank you, {name}.")


async def _use(pin: Secret, key: str) -> None:
    used.append(key)


def provider() -> tuple[PaytotaClient, str]:
    """One that signs, and its public key."""
    client = PaytotaClient(NUMBER, "*284#")
    return client, client.signs()


def staged(folder: Path, key: str) -> Stage:
    return Stage(
        App(flows, entry="pay", members=False),
        load({"KIKAO_USSD_PAYTOTA_PUBLIC_KEY": key}, folder, gateways=OPTIONS),
    )


def phone_of(stage: Stage, client: PaytotaClient) -> Phone:
    phone = stage.phone(NUMBER, gateway="paytota")
    phone.client = client
    return phone


async def test_a_conversation_that_is_signed(tmp_path: Path) -> None:
    used.clear()
    client, key = provider()
    async with staged(tmp_path, key) as stage:
        phone = phone_of(stage, client)
        assert await phone.dial("Asha") == "Your PIN?\n0 Back\n00 Home"
        late = phone.later(PIN)
        await phone.hang_up()
        assert (await phone.dial()).startswith("Continue where you stopped?")
        assert (await late.arrives()).startswith("Continue where you stopped?")
        assert not used
        await phone.reply("2", "Asha")
        assert await phone.reply(PIN) == "Thank you, Asha."
        assert await phone.again() == "Thank you, Asha."
        assert len(used) == 1
        assert not await stage.holds(PIN)


async def test_a_pin_that_somebody_changed_on_the_way_is_not_used(tmp_path: Path) -> None:
    used.clear()
    client, key = provider()
    async with staged(tmp_path, key) as stage:
        phone = phone_of(stage, client)
        await phone.dial("Asha")
        asked = structs.replace(client.answer(PIN), path="/ussd/paytota")
        changed = structs.replace(asked, body=asked.body.replace(PIN.encode(), b"9999"))
        line = through(stage.server)
        assert (await line(changed.posted("127.0.0.1"))).status == 403
        assert not used
        assert (await line(asked.posted("127.0.0.1"))).status == 200
        assert len(used) == 1


async def test_while_the_key_changes_both_are_believed_and_then_only_the_new_one(tmp_path: Path) -> None:
    (old, old_key), (new, new_key) = provider(), provider()
    async with staged(tmp_path, f"{old_key},{new_key}") as stage:
        assert await phone_of(stage, old).dial() == "Your name?"
        assert await phone_of(stage, new).dial("Asha") == "Your PIN?\n0 Back\n00 Home"
    (later := tmp_path / "later").mkdir()
    async with staged(later, new_key) as stage:
        with pytest.raises(AssertionError, match="paytota: HTTP 403 forbidden"):
            await phone_of(stage, old).dial()
        assert await phone_of(stage, new).dial() == "Your name?"


def test_a_key_that_is_none_is_told_when_a_server_starts(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        load({"KIKAO_USSD_PAYTOTA_PUBLIC_KEY": "not-a-key-4321"}, tmp_path, gateways=OPTIONS)
    (told,) = refused.value.problems
    assert told.startswith("KIKAO_USSD_PAYTOTA_PUBLIC_KEY (environment): must be a public key, PEM or DER")
    assert told.endswith(f"Set for example: KIKAO_USSD_PAYTOTA_PUBLIC_KEY={EXAMPLE}")
    assert "4321" not in told
    with pytest.raises(ValueError, match="must be a public key"):
        Paytota(options={"public_key": Hidden(b"not-a-key-4321")})


def test_a_key_in_the_file_of_settings(tmp_path: Path) -> None:
    _, key = provider()
    lines = "\n".join(key[place : place + 64] for place in range(0, len(key), 64))
    pem = f"-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----"
    (tmp_path / "kikao.toml").write_text(f'[ussd.paytota]\npublic_key = """{pem}"""\n', encoding="utf-8")
    found = load({}, tmp_path, gateways=OPTIONS).ussd["paytota"].options["public_key"]
    assert found.reveal().decode() == pem
    assert key[:40] not in repr(found)
