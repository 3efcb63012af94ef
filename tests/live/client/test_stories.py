"""The official client, in node and in Chromium: what a member's devices live through."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio

from kikao.channels.socket.tokens import Tokens
from tests.live.client.cable import cable
from tests.live.client.devices import Device, device
from tests.live.client.hosts import Host, Hosts
from tests.live.client.house import Doings, House, housed

pytestmark = pytest.mark.asyncio(loop_scope="module")

in_both: Final = pytest.mark.parametrize("host", ["node", "chromium"], indirect=True)
in_node: Final = pytest.mark.parametrize("host", ["node"], indirect=True)

NAMES = itertools.count(1)


@pytest_asyncio.fixture(loop_scope="module")
async def host(request: pytest.FixtureRequest, hosts: Hosts) -> AsyncIterator[Host]:
    found = await hosts.get(request.param)
    yield found
    await found.forget()


def named(kind: str = "room") -> str:
    """A topic that no other test knows."""
    return f"{kind}:{next(NAMES)}"


async def of(host: Host, house: House, user: str, name: str = "", **options: Any) -> Device:
    """A device of a user, connected."""
    made = await device(
        host, name or user, options.pop("port", house.port), token=house.token(user), **options
    )
    return await made.connect()


async def passes(house: House, seconds: float, *devices: Device) -> None:
    """So much time, in which these do nothing, but send their heartbeats."""
    while seconds > 0:
        house.later(min(seconds, 30.0))
        for each in devices:
            await each.ping()
        seconds -= 30.0


# --- talking ---


@in_both
async def test_a_token_in_the_address(host: Host, house: House) -> None:
    asha = await of(host, house, "asha")
    assert (await asha.join("where"))["user"] == "asha"


@in_both
async def test_a_token_beside_the_address(host: Host, house: House) -> None:
    made = await device(host, "asha", house.port, auth_token=house.token("asha"), params={"lang": "sw"})
    said = await (await made.connect()).join("where")

    assert said["user"] == "asha"
    assert said["connection"]["params"] == {"lang": "sw"}


@in_both
async def test_join_push_reply_and_leave(host: Host, house: House) -> None:
    asha = await of(host, house, "asha")
    where = named()
    assert await asha.join(where) == {}

    assert await asha.push(where, "echo", {"n": [1, None, "é😀"]}) == ok({"n": [1, None, "é😀"]})
    assert await asha.push(where, "echo") == ok({})
    assert await asha.push(where, "refuse") == error({"reason": "no", "more": 1})
    assert await asha.push(where, "custom") == {"status": "custom", "response": {"my": "status"}}
    assert await asha.push(where, "no such") == error({"reason": "unknown event"})
    assert await asha.push(where, "silent", timeout=30) == {"status": "timeout", "response": {}}

    await asha.leave(where)
    await asha.sees("channel closed", topic=where)
    await house.left(where, "left")


@in_both
async def test_octets_there_and_back(host: Host, house: House) -> None:
    asha, ben = await of(host, house, "asha"), await of(host, house, "ben")
    await asha.join(where := named())
    await ben.join(where)
    data = bytes(range(256))

    assert await asha.push(where, "bins", data) == ok(data)

    assert (await asha.sees("event", topic=where, event="pushed"))["payload"] == data
    assert (await ben.sees("event", topic=where, event="told"))["payload"] == data
    assert await asha.push(where, "any", data) == ok({"got": 256})


@in_node
async def test_broadcasts_reach_everybody_in_the_room(host: Host, house: House) -> None:
    asha, ben, uma = [await of(host, house, name) for name in ("asha", "ben", "uma")]
    await asha.join(where := named())
    await ben.join(where)
    await uma.join(named())

    await asha.push(where, "shout", {"n": 1})
    await asha.push(where, "others", {"n": 2})

    assert (await asha.sees("event", event="shout"))["payload"] == {"n": 1}
    assert (await ben.sees("event", event="others"))["payload"] == {"n": 2}
    assert len(await ben.saw("event", event="shout")) == 1
    await asha.ping()
    await uma.ping()
    assert await asha.saw("event", event="others") == []
    assert await uma.saw("event", topic=where) == []


@in_node
async def test_what_is_pushed_before_the_join_is_answered_waits_for_it(host: Host, house: House) -> None:
    asha = await of(host, house, "asha")
    await asha.try_to_join(where := named())

    assert await asha.push(where, "echo", {"n": 1}) == ok({"n": 1})


@in_node
async def test_nobody_has_this_topic(host: Host, house: House) -> None:
    asha = await of(host, house, "asha")

    await asha.try_to_join("nobody:here", leaves=True)

    assert (await asha.sees("refused"))["response"] == {"reason": "unmatched topic"}
    await asha.sees("channel closed")


@in_node
async def test_a_refused_join_is_tried_again_until_the_app_leaves(host: Host, house: House) -> None:
    asha = await of(host, house, "asha", rejoinAfterMs=10)
    await asha.try_to_join(where := named(), {"deny": True})

    for _ in range(3):
        refused = await asha.sees("refused", topic=where)
        assert refused["response"] == {"reason": "denied", "why": {"deep": [1, None]}}
    await asha.leave(where)
    await asha.sees("channel closed")


# --- crashes, stops, joining twice ---


@in_both
async def test_a_crash_is_an_error_of_the_channel_which_joins_again_after_a_second(
    host: Host, house: House
) -> None:
    asha = await of(host, house, "asha")
    await asha.join(where := named())
    await asha.join(other := named())
    before = time.monotonic()

    await asha.push(where, "crash", timeout=1)

    assert (await asha.sees("channel error"))["reason"] == {"reason": "channel_crash"}
    assert await asha.push(other, "echo", {"n": 1}) == ok({"n": 1})
    await asha.sees("joined", topic=where)
    assert time.monotonic() - before >= 0.9
    assert await asha.push(where, "echo", {"n": 2}) == ok({"n": 2})
    assert len(await asha.saw("joined", topic=other)) == 1
    assert await asha.saw("close") == []


@in_both
async def test_a_channel_that_the_server_stopped_does_not_join_again(host: Host, house: House) -> None:
    async with cable(house.port) as line:
        asha = await of(host, house, "asha", port=line.port)
        await asha.join(stopped := named())
        await asha.join(other := named())
        await asha.push(stopped, "stop", timeout=1)
        await asha.sees("channel closed", topic=stopped)

        line.cut()

        await asha.sees("joined", topic=other)
        assert await asha.state(stopped) == "closed"
        assert len(await asha.saw("joined", topic=stopped)) == 1


@in_both
async def test_the_same_topic_twice_is_the_second_one(host: Host, house: House) -> None:
    asha = await of(host, house, "asha")
    await asha.join(where := named())
    await asha.join(where)
    await asha.sees("channel closed", topic=where)

    assert await asha.push(where, "push", {"n": 1}) == ok({})
    assert len(await asha.saw("event", event="pushed")) == 1
    await asha.push(where, "shout", {"n": 2})
    await asha.ping()
    assert len(await asha.saw("event", event="shout")) == 1


@in_node
async def test_a_join_that_was_given_up_is_joined_in_the_end(host: Host, house: House) -> None:
    asha = await of(host, house, "asha", rejoinAfterMs=20)
    await asha.try_to_join(where := named("gated"), timeout=50)
    await asha.sees("join timeout", topic=where)

    house.doings.gates[where[6:]].set()

    assert (await asha.sees("joined", topic=where))["response"] == {"was": "slow"}
    assert await asha.state(where) == "joined"
    assert await asha.push(where, "anything") == error({"reason": "unknown event"})


# --- presence ---


def devices_of(listing: Mapping[str, list[dict[str, Any]]], user: str) -> list[str]:
    return sorted(meta["device"] for meta in listing.get(user, []))


@in_both
async def test_one_user_on_two_devices_and_an_observer(host: Host, house: House) -> None:
    watcher = await of(host, house, "watcher")
    await watcher.join(where := named())
    assert (await watcher.sees("sync"))["list"] == []

    phone = await of(host, house, "asha", "phone")
    await phone.join(where, {"device": "phone"})
    came = await watcher.sees("came", key="asha")
    assert (came["anew"], [meta["device"] for meta in came["metas"]]) == (True, ["phone"])

    laptop = await of(host, house, "asha", "laptop")
    await laptop.join(where, {"device": "laptop"})
    came = await watcher.sees("came", key="asha")
    assert (came["anew"], [meta["device"] for meta in came["metas"]]) == (False, ["laptop"])
    assert devices_of(await watcher.present(where), "asha") == ["laptop", "phone"]
    await laptop.sees("sync")
    await laptop.ping()
    assert devices_of(await laptop.present(where), "asha") == ["laptop", "phone"]

    await phone.disconnect()
    gone = await watcher.sees("gone", key="asha")
    assert (gone["left"], [meta["device"] for meta in gone["metas"]]) == (1, ["phone"])
    await laptop.leave(where)
    assert (await watcher.sees("gone", key="asha"))["left"] == 0
    assert await watcher.present(where) == {}


@in_both
async def test_who_says_something_else_of_themselves_does_not_flicker(host: Host, house: House) -> None:
    watcher = await of(host, house, "watcher")
    await watcher.join(where := named())
    asha = await of(host, house, "asha")
    await asha.join(where, {"device": "web"})
    first = (await watcher.sees("came", key="asha"))["metas"][0]

    for status in ("away", "back"):
        await asha.push(where, "meta", {"status": status})
        second = (await watcher.sees("came", key="asha"))["metas"][0]
        assert (second["status"], second["phx_ref_prev"]) == (status, first["phx_ref"])
        gone = await watcher.sees("gone", key="asha")
        assert (gone["left"], gone["metas"][0]["phx_ref"]) == (1, first["phx_ref"])
        first = second
    assert [sync["list"] for sync in await watcher.saw("sync") if sync["list"]][-1][0][1] == [first]
    lists = [dict(sync["list"]) for sync in await watcher.saw("sync")]
    assert all("asha" in each for each in lists[1:])


# --- drop and resume ---


@in_both
async def test_who_is_dropped_three_times_misses_nothing_and_is_not_seen_to_go(
    host: Host, house: House
) -> None:
    where = named("kept")
    watcher = await of(host, house, "watcher")
    await watcher.join(where)
    async with cable(house.port) as line:
        asha = await of(host, house, "asha", port=line.port)
        joined = await asha.join(where, {"device": "phone"}, resumes=True)
        assert (joined["seq"], joined["recovered"], joined["messages"]) == (0, False, [])
        await watcher.sees("came", key="asha")
        seq = 0
        for _ in range(3):
            await watcher.push(where, "say", {"n": (seq := seq + 1)})
            await asha.sees("event", event="said", payload={"n": seq, "seq": seq})
            line.plugged = False
            line.cut()
            await asha.sees("close")
            for _ in range(3):
                await watcher.push(where, "say", {"n": (seq := seq + 1)})
            line.plugged = True

            again = (await asha.sees("joined", topic=where))["response"]
            assert (again["recovered"], again["seq"], again["epoch"]) == (True, seq, joined["epoch"])
            assert [each["payload"] for each in again["messages"]] == [
                {"n": n, "seq": n} for n in range(seq - 2, seq + 1)
            ]
        got = [
            note["payload"]["n"]
            for note in await asha.saw()
            if note["what"] in ("missed", "event") and note["event"] == "said"
        ]
        assert got == list(range(1, seq + 1))
        await watcher.ping()
        assert await watcher.saw("gone") == []
        refs = {meta["phx_ref"] for note in await watcher.saw("came", key="asha") for meta in note["metas"]}
        assert len(refs) == 1


@in_node
async def test_who_missed_too_much_gets_nothing_of_it_and_is_told(host: Host, house: House) -> None:
    where = named("kept")
    watcher = await of(host, house, "watcher")
    await watcher.join(where)
    async with cable(house.port) as line:
        asha = await of(host, house, "asha", port=line.port)
        await asha.join(where, resumes=True)
        line.plugged = False
        line.cut()
        await asha.sees("close")
        for n in range(7):  # five are kept
            await watcher.push(where, "say", {"n": n})
        line.plugged = True

        again = (await asha.sees("joined", topic=where))["response"]
        assert (again["recovered"], again["messages"], again["seq"]) == (False, [], 7)
        assert again["reason"] == "too far behind"
        await watcher.push(where, "say", {"n": 8})
        await asha.sees("event", event="said", payload={"n": 8, "seq": 8})


@in_node
async def test_a_connection_that_is_only_half_there_is_replaced(host: Host, house: House) -> None:
    watcher = await of(host, house, "watcher")
    await watcher.join(where := named())
    async with cable(house.port) as line:
        tab = {"token": house.token("asha"), "device": "tab-1"}
        asha = await device(host, "asha", line.port, params=tab, heartbeatIntervalMs=1000)
        await (await asha.connect()).join(where, {"device": "phone"})
        await watcher.sees("came", key="asha")

        line.hang()

        await asha.sees("open")
        await asha.sees("joined", topic=where)
        assert await asha.push(where, "echo", {"n": 1}) == ok({"n": 1})
        await house.left(where, "replaced")
        await watcher.ping()
        assert devices_of(await watcher.present(where), "asha") == ["phone"]
        assert await watcher.saw("gone") == []
        assert len(await watcher.saw("came", key="asha")) == 1


# --- ends ---


@in_both
async def test_who_does_nothing_is_told_so_and_the_app_ends_it(host: Host, tmp_path: Path) -> None:
    async with housed(tmp_path) as idle:
        asha = await of(host, idle, "asha")
        await asha.join(where := named(), ends=True)
        await passes(idle, 1770, asha)  # heartbeats are no activity
        assert await asha.saw("event", event="session_ended") == []

        idle.later(30)

        ended = await asha.sees("event", topic=where, event="session_ended")
        assert ended["payload"] == {"reason": "idle"}
        await asha.sees("close")
        assert not await asha.connected()
        await idle.left(where, "idle")
        await host.forget()


@in_both
async def test_logging_out_ends_all_devices_and_none_of_their_tokens_opens_anything(
    host: Host, house: House
) -> None:
    user = f"out-{next(NAMES)}"
    token = house.token(user)
    phone = await (await device(host, "phone", house.port, token=token)).connect()
    laptop = await (await device(host, "laptop", house.port, token=token)).connect()
    forgetful = await (await device(host, "forgetful", house.port, token=token)).connect()
    await phone.join(where := named(), ends=True)
    await laptop.join(where, ends=True)
    await forgetful.join(where)

    await phone.push(where, "log_out", timeout=1)

    for each in (phone, laptop):
        ended = await each.sees("event", topic=where, event="session_ended")
        assert ended["payload"] == {"reason": "logged_out"}
        await each.sees("close")
        assert not await each.connected()
    # Whoever does not call `disconnect` comes back, and is refused.
    assert (await forgetful.sees("close"))["code"] == 1001
    assert (await forgetful.sees("close"))["code"] == 1006
    signed_later = Tokens.of(house.server.settings, clock=lambda: time.time() + 2)
    assert signed_later is not None
    await forgetful.credentials(params={"token": signed_later.sign(user)})
    await forgetful.sees("joined", topic=where)
    assert len(await phone.saw("open")) == len(await laptop.saw("open")) == 1


@in_both
async def test_a_token_that_expires_is_replaced_or_the_session_is_over(host: Host, tmp_path: Path) -> None:
    async with housed(tmp_path) as place:
        careful = await (await device(host, "careful", place.port, token=place.token("asha", 300))).connect()
        careless = await (await device(host, "careless", place.port, token=place.token("ben", 300))).connect()
        await careful.join(where := named())
        await careless.join(where, ends=True)

        await passes(place, 250, careful, careless)
        warned = await careful.sees("event", topic=where, event="token_expiring")
        assert 40 <= warned["payload"]["expires_in"] <= 60
        assert await careful.push(where, "token", {"token": "none"}) == error({"reason": "invalid token"})
        assert await careful.push(where, "token", {"token": place.token("ben")}) == error(
            {"reason": "invalid token"}
        )
        reply = await careful.push(where, "token", {"token": place.token("asha")})
        assert (reply["status"], 3500 < reply["response"]["expires_in"] <= 3600) == ("ok", True)

        await passes(place, 60, careful, careless)
        assert await careless.saw("event", event="session_ended") == []
        place.later(25)
        ended = await careless.sees("event", topic=where, event="session_ended")
        assert ended["payload"] == {"reason": "token_expired"}
        assert await careful.push(where, "echo", {"n": 1}) == ok({"n": 1})
        await host.forget()


@in_node
async def test_who_is_refused_is_let_in_with_another_token(host: Host, house: House) -> None:
    asha = await device(host, "asha", house.port, auth_token="none")
    await asha.try_to_connect()
    assert (await asha.sees("close"))["code"] == 1006

    await asha.credentials(auth_token=house.token("asha"))

    await asha.sees("open")


@in_both
async def test_a_server_that_stops_sends_its_clients_to_the_next_one(host: Host, tmp_path: Path) -> None:
    doings = Doings()
    where, kept = named(), named("kept")
    async with cable(0) as line:
        async with housed(tmp_path, doings=doings) as before:
            line.to = before.port
            asha = await of(host, before, "asha", port=line.port)
            await asha.join(where, {"device": "web"})
            await asha.join(kept, resumes=True)
            await asha.push(kept, "say", {"n": 1})
            await asha.sees("event", event="said", payload={"n": 1, "seq": 1})
            line.plugged = False
        assert (await asha.sees("close"))["code"] == 1012
        assert (where, "drained") in doings.left
        assert await asha.saw("event", event="session_ended") == []

        async with housed(tmp_path) as after:
            await after.hub.broadcast(kept, "said", {"n": 2})
            line.to, line.plugged = after.port, True
            await asha.sees("joined", topic=where)
            again = (await asha.sees("joined", topic=kept))["response"]
            assert (again["recovered"], again["seq"]) == (True, 2)  # what is kept is in the store
            assert [each["payload"] for each in again["messages"]] == [{"n": 2, "seq": 2}]
            assert await asha.push(where, "echo", {"n": 1}) == ok({"n": 1})
            await host.forget()


@in_node
async def test_where_streams_were_lost_the_client_is_told_to_begin_anew(host: Host, tmp_path: Path) -> None:
    kept, env = named("kept"), {"KIKAO_STORE": "memory"}
    async with cable(0) as line:
        async with housed(tmp_path, env=env) as before:
            line.to = before.port
            asha = await of(host, before, "asha", port=line.port)
            await asha.join(kept, resumes=True)
            line.plugged = False
        async with housed(tmp_path, env=env) as after:
            line.to, line.plugged = after.port, True
            again = (await asha.sees("joined", topic=kept))["response"]
            assert (again["recovered"], again["messages"]) == (False, [])
            assert again["reason"] == "unknown epoch"
            await host.forget()


def ok(response: object) -> dict[str, object]:
    return {"status": "ok", "response": response}


def error(response: object) -> dict[str, object]:
    return {"status": "error", "response": response}
