"""Several tenants on one server: what each has for itself, and that none reaches another."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from kikao import App, Chat, Flows, Text, t
from kikao.channels.channel import Response
from kikao.channels.line import Posted, through
from kikao.channels.whatsapp.emulator import CloudApi
from kikao.config import SettingsError
from kikao.live import Live, anyone
from kikao.sessions.policy import SessionPolicy
from kikao.tenants import Tenants
from kikao.testing import Phone, in_process
from kikao.testing.stored import stored
from tests.http.forked import run
from tests.http.forked import serving as serving_process
from tests.http.servers import environment
from tests.http.wire import over_wire
from tests.live.inside import InsideSocket

TOKENS = {"acme": "acme-token-0123456789", "ujamaa": "ujamaa-token-01234567"}


def an_app(greeting: str, **options: Any) -> App:
    flows = Flows()

    @flows.flow("hello")
    async def hello(chat: Chat) -> None:
        name = await chat.ask("name", Text(), greeting)
        await chat.end(t("Bye {name}.", name=name))

    return App(flows, entry="hello", locales={"en": "English", "sw": "Kiswahili"}, **options)


@pytest.fixture
def tenants(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Tenants:
    monkeypatch.chdir(tmp_path)
    for name, token in TOKENS.items():
        monkeypatch.setenv(f"KIKAO_TENANT_{name.upper()}_USSD_AFRICASTALKING_TOKEN", token)
    monkeypatch.setenv("KIKAO_TENANT_UJAMAA_LOCALE", "sw")
    return Tenants(
        {"acme": an_app("Acme. Name?"), "ujamaa": an_app("Ujamaa. Jina?", policy=SessionPolicy.ephemeral())}
    )


def path(name: str, token: str = "") -> str:
    return f"/{name}/ussd/africastalking/{token or TOKENS[name]}"


async def get(server: Any, path: str) -> Response:
    return await through(server)(Posted(path, (("host", "localhost"),), b"", "127.0.0.1", "GET"))


async def test_each_has_an_app_a_policy_and_a_language_below_its_path(tenants: Tenants) -> None:
    async with tenants.serving(tenants.settings(makes_keys=True)) as server:
        asha, also = (Phone(in_process(server), path=path(name)) for name in TOKENS)
        assert (await asha.dial(), await also.dial()) == ("Acme. Name?", "Ujamaa. Jina?")
        assert await asha.reply("Asha") == "Bye Asha."
        assert await also.reply("Asha") == "Bye Asha."
        acme, ujamaa = server.servers.values()
        assert acme.turns._locale == "en"
        assert ujamaa.turns._locale == "sw"


async def test_the_token_of_one_opens_nothing_of_another(tenants: Tenants) -> None:
    async with tenants.serving(tenants.settings(makes_keys=True)) as server:
        for wrong in (
            path("acme", TOKENS["ujamaa"]),
            path("ujamaa", TOKENS["acme"]),
            f"/ussd/africastalking/{TOKENS['acme']}",
            f"/nobody/ussd/africastalking/{TOKENS['acme']}",
            f"//acme/ussd/africastalking/{TOKENS['acme']}",
            f"/acme/acme/ussd/africastalking/{TOKENS['acme']}",
            "/acme",
            "/",
        ):
            with pytest.raises(AssertionError, match="HTTP 404"):
                await Phone(in_process(server), path=wrong).dial()


async def test_data_stays_apart(tenants: Tenants, tmp_path: Path) -> None:
    settings = tenants.settings(makes_keys=True)
    async with tenants.serving(settings) as server:
        await Phone(in_process(server), path=path("acme")).dial()
        sessions = {name: await stored(each.sessions) for name, each in server.servers.items()}
    assert [len(each) for each in sessions.values()] == [1, 0]
    assert (tmp_path / "kikao-data/tenants/acme/sessions.db").exists()


async def test_ready_is_who_answers_every_tenants_members(tenants: Tenants) -> None:
    async with tenants.serving(tenants.settings(makes_keys=True)) as server:
        assert (await get(server, "/healthz")).body == b"tenants: 2 of 2\n"
        ready = await get(server, "/readyz")
        assert ready.status == 200
        assert (await get(server, "/acme/readyz")).status == 200
        assert (await get(server, "/acme/metrics")).status == 200
        assert (await get(server, "/metrics")).status == 404
        server.servers["ujamaa"].drain()
        ready = await get(server, "/readyz")
        assert (ready.status, ready.body) == (503, b"tenants: 1 of 2\n"), "and not whose they are"
        assert (await get(server, "/acme/readyz")).status == 200
        server.drain()
        assert (await get(server, "/acme/readyz")).status == 503
        server.refuse()
        with pytest.raises(AssertionError, match="HTTP 503"):
            await Phone(in_process(server), path=path("acme")).dial()


def test_two_in_one_place_are_refused(
    tenants: Tenants, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in TOKENS:
        monkeypatch.setenv(f"KIKAO_TENANT_{name.upper()}_STORE", str(tmp_path / "one.db"))
    with pytest.raises(SettingsError, match="ujamaa: KIKAO_STORE is also that of acme"):
        tenants.settings(makes_keys=True)


def test_nor_may_they_have_records_or_a_bus_in_common(
    tenants: Tenants, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KIKAO_TENANT_ACME_STORE", str(tmp_path / "one.db"))
    monkeypatch.setenv("KIKAO_TENANT_UJAMAA_RECORDS", str(tmp_path / "one.db"))
    for name in TOKENS:
        monkeypatch.setenv(f"KIKAO_TENANT_{name.upper()}_BUS", "redis://:hunter2@bus/0")
    with pytest.raises(SettingsError) as refused:
        tenants.settings(makes_keys=True)
    told = refused.value.problems
    assert [each.partition(". ")[0] for each in told] == [
        "ujamaa: KIKAO_RECORDS is also KIKAO_STORE of acme",
        "ujamaa: KIKAO_BUS is also that of acme",
    ]
    assert "hunter2" not in str(refused.value)


def test_settings_of_a_tenant_that_is_not_there_are_misspelt(
    tenants: Tenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIKAO_TENANT_ACNE_STORE", "memory:")
    with pytest.raises(SettingsError, match=r"there is no tenant acne\. There are: acme, ujamaa\."):
        tenants.settings(makes_keys=True)


def test_those_that_share_flows_are_of_one_release(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    app = an_app("Name?")
    tenants = Tenants({"acme": app, "ujamaa": app, "duka": an_app("Duka. Name?")})
    monkeypatch.setenv("KIKAO_TENANT_DUKA_RELEASE", "3")
    assert tenants.settings(makes_keys=True)["duka"].release == 3
    monkeypatch.setenv("KIKAO_TENANT_ACME_RELEASE", "7")
    with pytest.raises(SettingsError, match="ujamaa: KIKAO_RELEASE is not that of acme"):
        tenants.settings(makes_keys=True)


def test_what_is_wrong_with_any_is_told_at_once(tenants: Tenants, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIKAO_TENANT_ACME_TURNS", "many")
    monkeypatch.setenv("KIKAO_TENANT_UJAMAA_DRAIN", "long")
    with pytest.raises(SettingsError) as refused:
        tenants.settings()
    assert [problem.partition(":")[0] for problem in refused.value.problems] == ["acme", "ujamaa"]


async def test_a_language_that_an_app_has_not(tenants: Tenants, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIKAO_TENANT_UJAMAA_LOCALE", "lg")
    with pytest.raises(SettingsError, match="KIKAO_LOCALE: the app has no lg"):
        async with tenants.serving(tenants.settings(makes_keys=True)):
            pass


def test_names_that_are_none() -> None:
    for apps in ({}, {"Acme": an_app("x")}, {"ussd": an_app("x")}):
        with pytest.raises(ValueError, match="tenants: "):
            Tenants(apps)


async def test_an_asgi_server_starts_and_ends_them(tenants: Tenants) -> None:
    wants: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    says: asyncio.Queue[Any] = asyncio.Queue()
    with pytest.raises(RuntimeError, match="were not started"):
        await tenants({"type": "http"}, wants.get, says.put)
    life = asyncio.create_task(tenants({"type": "lifespan"}, wants.get, says.put))
    await wants.put({"type": "lifespan.startup"})
    assert (await says.get())["type"] == "lifespan.startup.complete"
    assert await Phone(in_process(tenants), path=path("acme")).dial() == "Acme. Name?"
    assert (await get(tenants, "/acme/simulator")).status == 404, (
        "that of a tenant is where it is served alone"
    )
    await wants.put({"type": "lifespan.shutdown"})
    assert (await says.get())["type"] == "lifespan.shutdown.complete"
    await life


async def test_kikao_run_serves_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shops.py").write_text(
        "from kikao import App, Flows\nfrom kikao.tenants import Tenants\n\n"
        "flows = Flows()\n\n\n@flows.flow('hello')\nasync def hello(chat):\n    await chat.end('Karibu')\n\n\n"
        "tenants = Tenants({name: App(flows, entry='hello') for name in ('acme', 'ujamaa')})\n"
    )
    monkeypatch.chdir(tmp_path)
    with serving_process(tmp_path / "data", target="shops:tenants") as server:
        phone = Phone(over_wire(server.port, "/ujamaa/ussd/africastalking"))
        assert await phone.dial() == "Karibu"
        assert (tmp_path / "data/tenants/ujamaa/sessions.db").exists()
        assert '"tenant":"ujamaa","event":"turn.committed"' in server.log.read_text()
        env = environment(tmp_path / "data", KIKAO_TENANT="ujamaa")
        done = await asyncio.to_thread(run, ("chat", "shops:tenants"), folder=tmp_path, env=env)
        assert done.stderr.endswith("kikao chat --url http://127.0.0.1:8000/ujamaa\n"), done.stderr


def a_number(monkeypatch: pytest.MonkeyPatch, name: str, number: str) -> None:
    for key, value in CloudApi(phone_number_id=number).environment().items():
        monkeypatch.setenv(key.replace("KIKAO_", f"KIKAO_TENANT_{name.upper()}_"), value)


def test_nor_may_they_have_a_number_on_whatsapp_or_a_bot_in_common(
    tenants: Tenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in TOKENS:
        a_number(monkeypatch, name, "104520000000007")
        monkeypatch.setenv(
            f"KIKAO_TENANT_{name.upper()}_TELEGRAM_TOKEN", "123456789:AAH-token-of-both-of-them"
        )
    with pytest.raises(SettingsError) as refused:
        tenants.settings(makes_keys=True)
    assert [each.partition(". ")[0] for each in refused.value.problems] == [
        "ujamaa: KIKAO_WHATSAPP_PHONE_NUMBER_ID is also that of acme",
        "ujamaa: KIKAO_TELEGRAM_TOKEN is also that of acme",
    ]


async def test_a_tenants_number_on_whatsapp_is_below_its_path(
    tenants: Tenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_number(monkeypatch, "acme", "104520000000007")
    async with tenants.serving(tenants.settings(makes_keys=True)) as server:
        api = CloudApi(path="/acme/whatsapp", send=in_process(server))
        assert (await api.verify()).body == b"1158201444"
        await api.member("Asha").write("hello")
        acme = server.servers["acme"]
        (message,) = [each async for each in acme.sessions.store.messages()]
        assert message.to == "whatsapp/cloud-api"
        elsewhere = CloudApi(path="/ujamaa/whatsapp", send=in_process(server))
        assert (await elsewhere.verify()).status == 404


async def test_a_tenants_live_sessions_are_below_its_path_and_its_tokens_open_no_others(
    tenants: Tenants,
) -> None:
    for app in tenants.apps.values():
        app.live = Live(users=anyone)
    async with tenants.serving(tenants.settings(makes_keys=True)) as server:
        acme = server.servers["acme"].hub
        assert acme is not None
        token = acme.tokens.sign("ada", 300)
        own = InsideSocket(server, "/acme/socket/websocket", token)
        assert await own.open() == 101
        assert list(acme.sessions) == ["ada"]
        assert (await own.ask("nowhere", "phx_join"))["response"] == {"reason": "unmatched topic"}
        assert await InsideSocket(server, "/ujamaa/socket/websocket", token).open() == 403
        assert await InsideSocket(server, "/nobody/socket/websocket", token).open() == 403
        await server.part()
        assert await own.frame() is None
        assert own.closed is not None
        assert own.closed["code"] == 1012
        await own.over()
