"""Operators ask how the key of a session came about, or which somebody would get."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from kikao.control import CommandRefused
from kikao.sessions.operating import Operator
from kikao.sessions.policy import Address, SessionPolicy
from kikao.sessions.views import Explaining, Listing, Named
from tests.sessions.operating.shop import ASHA, Office


async def test_how_a_stored_key_came_about(office: Office) -> None:
    talk = office.phone()
    await talk.dial()
    (line,) = await office.lines()

    explanation = await office.explain(ASHA)

    assert explanation.rules == (
        ("boundary flow", "apart for each flow: shop"),
        ("boundary channel", "apart for each channel: ussd"),
        ("boundary gateway", "apart for each gateway: plain"),
        ("boundary url", "shared"),
        ("identifier", "of the channel: msisdn:+25677****01 + code:*284#"),
        ("key", "flow:shop | channel:ussd | gateway:ussd/plain | msisdn:+25677****01 | code:*284#"),
    )
    assert (explanation.key, explanation.id, explanation.changed) == (line.key, line.id, False)
    assert explanation.policy is not None
    assert explanation.policy.idle_until == line.seen_at + 300
    clear = await office.explain(ASHA, clear=True)
    assert clear.parts[3] == f"msisdn:{ASHA}"
    assert clear.rules[-1][1].endswith(f"msisdn:{ASHA} | code:*284#")


async def test_a_policy_that_changed_since(office: Office) -> None:
    await office.phone().dial()
    (line,) = await office.lines()
    sessions = office.process.sessions
    sessions.policies = type(sessions.policies)(SessionPolicy.durable())

    explanation = await office.explain(line.key)

    assert explanation.changed
    assert explanation.parts[-1] == "code:*284#", "as it is stored"
    assert explanation.rules[-1][1].endswith("msisdn:+25677****01"), "as it would be today"
    assert explanation.key == line.key


async def test_a_key_that_somebody_would_get(office: Office) -> None:
    await office.phone().dial()
    (line,) = await office.lines()
    met = Address("ussd", "plain", ASHA, "*284#", ASHA)

    there = await office.explain(address=met)
    assert (there.key, there.id) == (line.key, line.id)
    assert there.parts[3] == f"msisdn:{ASHA}", "what an operator typed"
    nobody = await office.explain(address=replace(met, service_code="*999#"))
    assert (nobody.id, nobody.policy is not None) == ("", True)
    assert nobody.key not in ("", line.key)
    assert (await office.explain(parts=there.parts)).id == line.id
    nameless = await office.explain(address=Address("telegram", "bot-api", ""))
    assert (nameless.key, nameless.problem) == ("", "telegram/bot-api: the inbound names no sender")
    with pytest.raises(CommandRefused, match="name a stored session, or an address"):
        await office.explain()


async def test_without_the_app_nothing_is_said_of_policies(office: Office) -> None:
    await office.phone().dial()
    operator = Operator(office.process.sessions, office.process.publish, flow=None)
    (line,) = [line async for line in operator.lines(Listing())]
    (detail,) = [detail async for detail in operator.show(Named(ASHA))]
    (explanation,) = [found async for found in operator.explain(Explaining(ASHA))]

    assert (line.expires_at, line.expired, detail.rules) == (None, False, None)
    assert (explanation.rules, explanation.policy, explanation.changed) == ((), None, False)
    assert explanation.key == line.key
    with pytest.raises(CommandRefused, match="the app's policies are not known here"):
        await anext(operator.explain(Explaining(address=Address("ussd", "plain", ASHA))))
    office.process.clock.advance(300)
    (line,) = [line async for line in operator.lines(Listing(expired=True))]
    assert line.expired
