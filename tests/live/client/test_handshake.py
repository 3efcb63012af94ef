"""The request that opens a socket, and every way to be refused. The numbers are those of the reference page."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest
from msgspec import structs
from websockets.exceptions import InvalidStatus

from kikao.live import Live, User
from tests.live.client.house import GENEROUS, Doings, House, housed, live_of
from tests.live.frames import AUTH, refused, shaken, wired

pytestmark = pytest.mark.asyncio(loop_scope="module")


# --- 1, 31: the path ---


async def test_1_31_an_app_may_have_its_own_path(tmp_path_factory: pytest.TempPathFactory) -> None:
    doings = Doings()
    live = live_of(doings, path="/ws/admin")
    async with housed(tmp_path_factory.mktemp("nested"), live=live, doings=doings) as nested:
        async with wired(nested.port, nested.token("asha"), path="/ws/admin/websocket") as wire:
            await wire.join("room:1")
        assert (await refused(nested.port, nested.token("asha"))).status == 403


@pytest.mark.parametrize(
    "path", ["/", "/socket", "/socket/", "/socket/websocket/", "/socket/websocketx", "/console"]
)
async def test_1_nothing_else_opens_sockets(house: House, path: str) -> None:
    assert (await refused(house.port, house.token("asha"), path=path)).status == 403


# --- tokens ---


async def test_a_token_is_a_parameter(house: House) -> None:
    async with wired(house.port, house.token("asha")) as wire:
        assert wire.protocol is None
        assert (await wire.join("where"))[1]["user"] == "asha"


async def test_a_token_is_a_subprotocol_for_which_phoenix_is_answered(house: House) -> None:
    async with wired(house.port, auth_token=house.token("ben")) as wire:
        assert wire.protocol == "phoenix"
        assert (await wire.join("where"))[1]["user"] == "ben"


async def test_phoenix_alone_is_a_subprotocol_too(house: House) -> None:
    async with wired(house.port, house.token("asha"), protocols=["phoenix"]) as wire:
        assert wire.protocol == "phoenix"


async def test_of_two_tokens_the_hidden_one_counts(house: House) -> None:
    async with wired(house.port, house.token("asha"), auth_token=house.token("ben")) as wire:
        assert (await wire.join("where"))[1]["user"] == "ben"


async def test_two_hidden_tokens_are_none(house: House) -> None:
    asha, ben = (
        AUTH + base64.b64encode(house.token(each).encode()).decode().rstrip("=") for each in ("asha", "ben")
    )
    assert (await refused(house.port, protocols=["phoenix", asha, ben])).status == 403
    async with wired(house.port, house.token("uma"), protocols=["phoenix", asha, ben]) as wire:
        assert (await wire.join("where"))[1]["user"] == "uma"


BAD: dict[str, Callable[[str], str | None]] = {
    "none": lambda _: None,
    "empty": lambda _: "",
    "no token": lambda _: "no token",
    "cut": lambda token: token[:-4],
    "another signature": lambda token: token.rpartition(".")[0] + ".AAAA",
    "no signature": lambda token: token.rpartition(".")[0] + ".",
    "twice": lambda token: token + token,
    "NUL": lambda token: token + "\0",
    "no ASCII": lambda token: token + "é",
    "7 KB": lambda _: "x." * 3500,
}


@pytest.mark.parametrize("bad", BAD)
async def test_20_who_has_no_good_token_is_refused(house: House, bad: str) -> None:
    refusal = await refused(house.port, BAD[bad](house.token("asha")))

    assert (refusal.status, refusal.body) == (403, b"")


@pytest.mark.parametrize("bad", ["", "no token", "\x00\x7f"])
async def test_20_who_has_no_good_hidden_token_is_refused(house: House, bad: str) -> None:
    assert (await refused(house.port, auth_token=bad)).status == 403


@pytest.mark.parametrize("text", ["%%%", "=", "A", "-_-_", "é", ""])
async def test_20_a_hidden_token_that_is_no_base64_is_none(house: House, text: str) -> None:
    head = f"phoenix, {AUTH}{text}"
    headers = {"sec-websocket-protocol": head}
    status = await shaken(house.port, "/socket/websocket?vsn=2.0.0", headers=headers)
    assert status in (400, 403)


async def test_20_a_token_is_told_to_nobody(house: House, caplog: pytest.LogCaptureFixture) -> None:
    token = house.token("asha")
    async with wired(house.port, token, params={"other": "kept"}) as wire:
        said = (await wire.join("where"))[1]["connection"]
        assert said["params"] == {"other": "kept"}
        assert token not in str(said)
    await refused(house.port, token + "x")
    assert token[-20:] not in str(house.told) + caplog.text


async def test_20_whom_the_directory_does_not_know_is_refused(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    async def only_asha(user_id: str, claims: object) -> User | None:
        if user_id == "trouble":
            raise OSError("the directory is away")
        return User(user_id) if user_id == "asha" else None

    live = Live(users=only_asha, limits=GENEROUS)
    async with housed(tmp_path_factory.mktemp("known"), live=live) as place:
        async with wired(place.port, place.token("asha")) as wire:
            assert await wire.heartbeat() == []
        assert (await refused(place.port, place.token("ben"))).status == 403
        assert (await refused(place.port, place.token("trouble"))).status == 503


# --- 5-12: what channels know of it ---


async def test_5_12_channels_know_the_request(house: House) -> None:
    headers = {
        "X-Forwarded-For": "9.9.9.9",
        "x-app": "1",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "tracestate": "a=1",
        "User-Agent": "kaios/2",
        "Cookie": "session=secret",
        "Authorization": "Bearer secret",
    }
    async with wired(house.port, house.token("asha"), params={"a[b]": "c", "d": ""}, headers=headers) as wire:
        said = (await wire.join("where"))[1]["connection"]

    assert said["headers"]["x-app"] == "1"
    assert said["headers"]["user-agent"] == "kaios/2"
    assert {"traceparent", "tracestate", "x-forwarded-for"} <= said["headers"].keys()
    assert said["path"] == "/socket/websocket"
    assert said["params"] == {"a[b]": "c", "d": ""}
    assert said["peer"][0] == "127.0.0.1"
    assert not said["secure"]
    assert "secret" not in str(said)


# --- 13-15: nothing of it is logged that should not be ---


async def test_13_15_params_are_not_logged(house: House, caplog: pytest.LogCaptureFixture) -> None:
    before = len(house.told)
    async with wired(house.port, house.token("asha"), params={"password": "hunter2"}) as wire:
        ref, _ = await wire.join("room:logs", {"device": "hunter2"})
        await wire.push(ref, "room:logs", "echo", {"password": "hunter2"})

    assert "hunter2" not in str(house.told[before:]) + caplog.text


# --- 19: origins ---


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, None),
        ("http://localhost:3000", None),
        ("http://127.0.0.1:5173", None),
        ("https://evil.example", 403),
        ("http://localhost.evil.example", 403),
        ("http://evil.example#localhost", 403),
        ("http://localhost@evil.example", 403),
        ("null", 403),
        ("file://", 403),
        ("http://[", 403),
        ("x", 403),
    ],
)
async def test_19_in_development_pages_of_this_machine_may_come(
    house: House, origin: str | None, status: int | None
) -> None:
    if status is None:
        async with wired(house.port, house.token("asha"), origin=origin) as wire:
            assert await wire.heartbeat() == []
    else:
        refusal = await refused(house.port, house.token("asha"), origin=origin)
        assert (refusal.status, refusal.body) == (status, b"")


async def test_19_an_allow_list_is_kept_to(tmp_path_factory: pytest.TempPathFactory) -> None:
    env = {"KIKAO_LIVE_ORIGINS": "https://app.example,//*.example.org,//dev.example:8080"}
    async with housed(tmp_path_factory.mktemp("origins"), env=env) as place:
        for origin in (
            "https://app.example",
            "http://a.b.example.org:99",
            "https://example.org",
            "http://dev.example:8080",
            "https://APP.example",
            "https://app.example:443",
        ):
            async with wired(place.port, place.token("asha"), origin=origin) as wire:
                assert await wire.heartbeat() == []
        for origin in (
            "http://app.example",
            "https://app.example:8443",
            "https://notexample.org",
            "http://dev.example",
            "http://localhost",
        ):
            assert (await refused(place.port, place.token("asha"), origin=origin)).status == 403


async def test_19_the_origin_is_looked_at_before_the_token(house: House) -> None:
    before = len(house.told)
    await refused(house.port, "no token", origin="https://evil.example")
    assert "token" not in str(house.told[before:])


# --- 21: limits ---


async def test_21_too_many_sockets_of_one_user_get_429(tmp_path_factory: pytest.TempPathFactory) -> None:
    limits = structs.replace(GENEROUS, sockets=2)
    async with housed(tmp_path_factory.mktemp("many"), limits) as place:
        async with wired(place.port, place.token("asha")), wired(place.port, place.token("asha")):
            assert (await refused(place.port, place.token("asha"))).status == 429
            async with wired(place.port, place.token("ben")) as ben:
                assert await ben.heartbeat() == []
        async with wired(place.port, place.token("asha")) as again:
            assert await again.heartbeat() == []


async def test_21_many_at_the_same_time_are_not_more(tmp_path_factory: pytest.TempPathFactory) -> None:
    limits = structs.replace(GENEROUS, sockets=3)
    async with housed(tmp_path_factory.mktemp("race"), limits) as place, AsyncExitStack() as stack:
        token = place.token("asha")
        came = await asyncio.gather(
            *(stack.enter_async_context(wired(place.port, token)) for _ in range(20)), return_exceptions=True
        )
        await asyncio.gather(
            *(each.heartbeat() for each in came if not isinstance(each, BaseException)),
            return_exceptions=True,
        )

        assert sum(1 for each in came if not isinstance(each, BaseException)) == 3
        assert len(place.hub.sessions["asha"].sockets) == 3


async def test_21_too_many_a_second_get_503(tmp_path_factory: pytest.TempPathFactory) -> None:
    limits = structs.replace(GENEROUS, connects=2.0, waits=0.1)
    async with housed(tmp_path_factory.mktemp("storm"), limits) as place:
        token, waits = place.token("asha"), list[str]()

        async def come() -> int:
            try:
                async with wired(place.port, token):
                    return 101
            except InvalidStatus as refusal:
                waits.append(refusal.response.headers["Retry-After"])
                return refusal.response.status_code

        statuses = await asyncio.gather(*(come() for _ in range(20)))
        assert set(statuses) == {101, 503}
        assert statuses.count(101) >= 2
        assert set(waits) == {"1"}


# --- 24: versions ---


@pytest.mark.parametrize(
    "vsn",
    [
        None,
        "",
        "1.0.0",
        "2.1.0",
        "3.0.0",
        "2",
        "2.0",
        "x",
        "2.0.0.0",
        "02.0.0",
        "2.0.x",
        "9" * 100,
        "2.0.0\n",
        "٢.0.0",
    ],
)
async def test_24_other_versions_are_refused_and_it_is_told(house: House, vsn: str | None) -> None:
    before = len(house.told)
    assert (await refused(house.port, house.token("asha"), vsn=vsn)).status == 403
    assert "vsn" in str(house.told[before:])


async def test_24_2_0_x_is_spoken(house: House) -> None:
    async with wired(house.port, house.token("asha"), vsn="2.0.7") as wire:
        assert await wire.heartbeat() == []


# --- 29: what is no upgrade ---

HERE = "/socket/websocket?vsn=2.0.0"


@pytest.mark.parametrize(
    "changes",
    [
        {"sec-websocket-key": None},
        {"sec-websocket-key": "short"},
        {"sec-websocket-version": "8"},
        {"sec-websocket-version": None},
        {"upgrade": "h2c"},
        {"connection": "close"},
        {"upgrade": None, "connection": None},
    ],
)
async def test_29_what_is_no_upgrade_is_refused(house: House, changes: dict[str, str | None]) -> None:
    assert await shaken(house.port, HERE, headers=changes) in (400, 426)


@pytest.mark.parametrize("method", ["POST", "PUT", "HEAD", "OPTIONS", "BREW"])
async def test_29_another_method_is_refused(house: House, method: str) -> None:
    assert await shaken(house.port, HERE, method=method) in (400, 405)


async def test_29_a_right_one_by_hand_is_let_in(house: House) -> None:
    assert await shaken(house.port, f"{HERE}&token={house.token('asha')}") == 101


@pytest.mark.parametrize(
    "query", ["vsn=2.0.0&" + "x=1&" * 5000, "%00", "vsn=%ff%fe&token=%ff", "&&==&=", "vsn=2.0.0&token=%"]
)
async def test_29_no_query_breaks_it(house: House, query: str) -> None:
    assert await shaken(house.port, f"/socket/websocket?{query}") in (400, 403, 414)


# --- 30: subprotocols ---


@pytest.mark.parametrize("offered", [["graphql-ws"], ["graphql-ws", "v10.stomp"], ["Phoenix"]])
async def test_30_other_subprotocols_are_refused(house: House, offered: list[str]) -> None:
    assert (await refused(house.port, house.token("asha"), protocols=offered)).status == 403


async def test_30_phoenix_among_others_is_chosen(house: House) -> None:
    async with wired(house.port, house.token("asha"), protocols=["graphql-ws", "phoenix"]) as wire:
        assert wire.protocol == "phoenix"
