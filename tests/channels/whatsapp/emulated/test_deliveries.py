"""Webhooks and reports on their way, and the line itself: what comes again, in which order, how fast, what breaks."""

import asyncio
import hashlib
import hmac
import json
import random
from urllib.parse import parse_qs

import pytest

from kikao.channels.calling import Unanswered
from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import Exchange
from kikao.channels.whatsapp.emulated.rules import LATER
from kikao.testing import Clock, CloudApi
from tests.channels.whatsapp.emulated.business import TOKEN, Business, post, say, text

# --- deliveries ---


async def test_several_messages_of_several_members_in_one_request(api: CloudApi, business: Business) -> None:
    asha, binta = api.member("Asha"), api.member("Binta")
    other = api.number("104520000000008", "254700000908", "100000000000008")
    await asha.write("0")
    await post(api, text(asha.phone))
    business.bodies.clear()
    api.deliveries.held = True
    await asha.write("1")
    await binta.write("2")
    await asha.write("3")
    await binta.write("4", number=other)
    await asha.stop_marketing()
    assert business.bodies == []

    await api.deliveries.release(batch=True)

    assert len(business.bodies) == 1
    said = json.loads(business.bodies[0])
    assert [entry["id"] for entry in said["entry"]] == ["100000000000007", "100000000000008"]
    first = said["entry"][0]["changes"][0]["value"]
    assert [each["text"]["body"] for each in first["messages"]] == ["1", "2", "3"]
    assert [each["profile"]["name"] for each in first["contacts"]] == ["Asha", "Binta"]
    assert [each["status"] for each in first["statuses"]] == ["sent", "delivered"]
    assert said["entry"][0]["changes"][1]["field"] == "user_preferences"
    signature = hmac.new(b"secret-1", business.bodies[0], hashlib.sha256).hexdigest()
    assert business.headers[-1]["x-hub-signature-256"] == f"sha256={signature}"


async def test_what_is_not_taken_comes_again(api: CloudApi, business: Business, clock: Clock) -> None:
    business.statuses = [503, 0]
    await api.member("Asha").write("1")
    await api.member("Binta").write("2")
    assert len(business.bodies) == 1
    for seconds in (1, 0, 2, 1):
        clock.advance(seconds)
        await api.deliver()
    assert [each["text"]["body"] for each in business.messages] == ["1", "1", "2"]
    assert api.deliveries.waiting == []
    assert await api.deliveries.again(changed=True) == [200]
    assert business.bodies[-1] != business.bodies[-2]
    assert json.loads(business.bodies[-1]) == json.loads(business.bodies[-2])


async def test_the_webhook_is_verified(api: CloudApi, business: Business) -> None:
    assert (await api.verify(challenge="42")).body == b"42"
    await api.verify("wrong")
    asked = [parse_qs(query)["hub.verify_token"][0] for query in business.queries]
    assert asked == ["verify-1", "wrong"]
    with pytest.raises(LookupError, match="nobody to ask"):
        await CloudApi().verify()


async def test_what_no_member_causes(api: CloudApi, business: Business) -> None:
    await api.tell_raw("account_update", {"event": "ACCOUNT_DELETED"})
    assert business.values("account_update") == [{"event": "ACCOUNT_DELETED"}]


async def test_many_messages_are_cheap(clock: Clock) -> None:
    async def taken(exchange: Exchange) -> Response:
        return Response(200, (), b"")

    api = CloudApi(TOKEN, clock=clock, send=taken, reports=("sent",))
    members = [api.member(f"M{n}") for n in range(100)]
    for member in members:
        await member.write("hi")
    for n in range(1000):
        await post(api, text(members[n % 100].phone, str(n)))
    assert await api.deliver() == 1000
    assert len(api.ledger) == 1000
    assert api.duplicates() == []


async def test_a_run_with_everything_at_random(clock: Clock) -> None:
    bodies: list[bytes] = []
    under_way, most = 0, 0

    async def take(exchange: Exchange) -> Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        bodies.append(exchange.body)
        return Response(500 if len(bodies) % 20 == 0 else 200, (), b"")

    api = CloudApi(TOKEN, clock=clock, send=take, chance=random.Random(7))
    api.ordered = True
    api.deliveries.held = True
    members = [api.member(f"M{n}") for n in range(20)]
    for n in range(300):
        await members[n % 20].write(str(n))
    api.deliveries.disturb(again=0.2, changed=0.5, batched=0.3, late=0.1, spread=5.0)
    api.deliveries.at_once = 4
    api.deliveries.held = False
    while (due := api.deliveries.next_due) is not None:
        clock.now = max(clock.now, due)
        await api.deliver()

    told: dict[str, list[str]] = {}
    for body in bodies:
        for message in json.loads(body)["entry"][0]["changes"][0]["value"]["messages"]:
            heard = told.setdefault(message["from"], [])
            if message["text"]["body"] not in heard:
                heard.append(message["text"]["body"])
    assert sorted(map(len, told.values())) == [15] * 20
    assert all(heard == sorted(heard, key=int) for heard in told.values())
    assert most == 4
    assert len(bodies) < 300
    copies = sum(len(parcel.events) for parcel in api.deliveries.taken if parcel.copy)
    assert 30 < copies < 100


async def test_delivering_goes_on_in_real_time(api: CloudApi, business: Business) -> None:
    business.statuses = [503]
    await api.member("Asha").write("hi")
    rounds = 0

    async def pause(seconds: float) -> None:
        nonlocal rounds
        rounds += 1
        assert isinstance(api.clock, Clock)
        api.clock.advance(1)
        if rounds == 3:
            raise asyncio.CancelledError

    api.pause = pause
    with pytest.raises(asyncio.CancelledError):
        await api.run()
    assert [parcel.answers for parcel in api.deliveries.taken] == [[503, 200]]


# --- reports ---


async def test_reports_come_with_what_is_due(api: CloudApi, business: Business) -> None:
    asha = api.member("Asha")
    await asha.write("hi")
    sent = await say(api, text(asha.phone) | {"biz_opaque_callback_data": "ref-1"})
    name = sent["messages"][0]["id"]
    assert business.statuses_told == []

    await api.deliver()
    assert business.statuses_told == [(name, "sent"), (name, "delivered")]
    assert asha.chat.last.ticks == "delivered"
    await asha.read()
    await asha.read()
    assert business.statuses_told[2:] == [(name, "read")]
    told = business.values()[-1]["statuses"][0]
    assert (told["recipient_id"], told["biz_opaque_callback_data"]) == (asha.phone, "ref-1")
    assert api.ledger[0][:3] == (1_750_000_000.0, asha.phone, "text")
    assert (api.ledger[0].id, api.ledger[0].reference) == (name, "ref-1")


async def test_reports_in_bad_order_and_twice(api: CloudApi, business: Business) -> None:
    asha = api.member("Asha")
    await asha.write("hi")
    api.reports = ("read", "delivered", "failed")
    await post(api, text(asha.phone))
    await api.deliver()
    assert [status for _, status in business.statuses_told] == ["read", "delivered", "failed"]
    api.reports, api.mixed = ("sent", "delivered", "read"), 1.0
    business.bodies.clear()
    for _ in range(20):
        await post(api, text(asha.phone))
    await api.deliver()
    assert len(business.statuses_told) == 80
    orders = {tuple(s for n, s in business.statuses_told if n == each.id) for each in api.ledger[1:]}
    assert len(orders) > 5


async def test_what_fails_later(api: CloudApi, business: Business, clock: Clock) -> None:
    api.told_later |= LATER
    asha = api.member("Asha")
    sent = await say(api, text(asha.phone))
    await api.deliver()
    failed = business.values()[0]["statuses"][0]
    assert (failed["id"], failed["status"]) == (sent["messages"][0]["id"], "failed")
    assert failed["errors"][0]["code"] == 131047
    assert asha.chat.messages == []
    assert not api.ledger[0].seen


async def test_a_message_is_marked_as_read_with_a_sign_of_typing(api: CloudApi, business: Business) -> None:
    asha = api.member("Asha")
    await asha.write("hi")
    name = business.messages[0]["id"]
    said = {"status": "read", "message_id": name, "typing_indicator": {"type": "text"}}
    assert await say(api, said) == {"success": True}
    assert (asha.typing, asha.chat.messages[0].ticks) == (1, "read")
    assert (await say(api, said | {"message_id": "wamid.x"}))["code"] == 131009
    assert (await say(api, said | {"typing_indicator": {}}))["code"] == 131009
    await post(api, {"to": asha.phone, "type": "reaction", "reaction": {"message_id": name, "emoji": "x"}})
    assert api.by_method == {"read": 1, "reaction": 1}
    assert asha.chat.heard == []


# --- limits and moods ---


async def test_limits_of_a_number_and_a_pair(business: Business, clock: Clock) -> None:
    api = CloudApi(TOKEN, clock=clock, send=business, rates=CloudApi.RATES)
    members = [api.member(f"M{n}") for n in range(3)]
    for member in members:
        await member.write("hi")
    for n in range(80):
        assert "messages" in await say(api, text(members[n % 2].phone))
    answer = await post(api, text(members[2].phone))
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (429, 130429)
    clock.advance(1)
    for _ in range(5):
        assert "messages" in await say(api, text(members[0].phone))
    assert (await say(api, text(members[0].phone)))["code"] == 131056
    assert "messages" in await say(api, text(members[2].phone))
    clock.advance(270)
    assert "messages" in await say(api, text(members[0].phone))
    assert api.breaches == 2
    assert CloudApi.RATES.scaled(0.001).number == (1, 1.0)


async def test_moods(api: CloudApi, business: Business) -> None:
    asha = api.member("Asha")
    await asha.write("hi")
    api.fails()
    api.loses()
    api.does_not_answer()
    assert [(await post(api, text(asha.phone, "a"))).status for _ in range(2)] == [503, 200]
    with pytest.raises(Unanswered):
        await post(api, text(asha.phone, "b"))
    api.limits(7)
    answer = await post(api, text(asha.phone))
    assert (answer.status, answer.header("retry-after")) == (429, "7")
    assert asha.chat.texts == ["b"]
    await api.deliver()
    assert [status for name, status in business.statuses_told if name == api.ledger[0].id] == ["sent"]
    assert [status for name, status in business.statuses_told if name == api.ledger[1].id] == [
        "sent",
        "delivered",
    ]
