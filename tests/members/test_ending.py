"""When a member is erased, the sessions of all their addresses end, and nobody else's."""

from __future__ import annotations

import pytest

from kikao.members import MemberAddress
from kikao.members.ending import EffectOpen, end_sessions
from kikao.sessions.anchors import Anchors
from kikao.sessions.keeper import Held, Sessions
from kikao.sessions.policy import Address, SessionPolicy, key_parts, session_key
from kikao.sessions.store import Claim, IntentRow, Write
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing import Clock
from tests.key_rings import ring
from tests.members.directories import ASHA, BINTA, CHIDI

CHAT = MemberAddress("telegram", "77001")
ASHAS = (MemberAddress("msisdn", ASHA), CHAT)


async def opened(policy: SessionPolicy | None = None) -> Sessions:
    sessions = Sessions(MemoryStore(), ring(), policy or SessionPolicy(), clock=Clock())
    await sessions.open()
    return sessions


async def met(sessions: Sessions, address: Address) -> bytes:
    """A session at an address; its key."""
    parts = key_parts(address, sessions.policies[address.channel], flow="menu")
    key = session_key(sessions.ring, parts)
    held = await sessions.claim(key, (), address, wait=0)
    assert isinstance(held, Held)
    await held.commit()
    return key


async def keys(sessions: Sessions) -> set[bytes]:
    return {record.key async for record in sessions.store.scan()}


def ussd(number: str, gateway: str = "africastalking", code: str = "*284#") -> Address:
    return Address("ussd", gateway, number, code, number)


async def test_sessions_end_at_every_gateway_code_and_channel_and_only_there() -> None:
    sessions = await opened()
    await met(sessions, ussd(ASHA))
    await met(sessions, ussd(ASHA, gateway="nalo"))
    await met(sessions, ussd(ASHA, code="*300#"))
    await met(sessions, Address("telegram", "bot-api", CHAT.identity))
    others = {
        await met(sessions, ussd(BINTA)),
        await met(sessions, Address("telegram", "bot-api", "770011")),
        await met(sessions, Address("whatsapp", "cloud-api", CHAT.identity)),
        await met(
            sessions, Address("ussd", "nalo", ASHA, "*284#")
        ),  # a provider's token that looks like a number
    }
    await end_sessions(sessions, ASHAS)
    assert await keys(sessions) == others
    await end_sessions(sessions, ASHAS)
    assert await keys(sessions) == others


async def test_anchors_from_and_to_the_addresses_go_too() -> None:
    sessions = await opened(SessionPolicy.across_channels())
    anchors = Anchors(sessions, flow="menu")
    assert await anchors.link(("msisdn", BINTA), ("msisdn", ASHA), "m"), "which never came into force"
    assert await anchors.link((CHAT.kind, CHAT.identity), ("msisdn", ASHA), "m")
    assert await anchors.link(("msisdn", CHIDI), ("user", "somebody"), "n")
    before = await keys(sessions)
    await end_sessions(sessions, ASHAS)
    assert len(before) == 3
    assert len(await keys(sessions)) == 1, "what leads from Chidi to somebody stays"


async def test_a_request_that_is_not_settled_puts_it_off() -> None:
    sessions = await opened()
    key = await met(sessions, ussd(ASHA))
    await met(sessions, Address("telegram", "bot-api", CHAT.identity))
    claim = await sessions.store.claim(key, None, now=0.0, lease=1.0, wait=0.0)
    assert isinstance(claim, Claim)
    assert claim.record is not None
    record, intent = claim.record, IntentRow(b"i" * 32, key, claim.fence, 0.0, 0.0)
    write = Write(key, claim.fence, record.version, 1e12, record.state, record.address, open=(intent,))
    await sessions.store.intent(write)

    with pytest.raises(EffectOpen) as caught:
        await end_sessions(sessions, ASHAS)

    assert await keys(sessions) == {key}
    assert ASHA[4:] not in str(caught.value)
