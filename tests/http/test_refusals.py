"""Refused requests: what is wrong is told for a while, then only that there were too many; and nobody else pays."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path

import pytest

from kikao import App, Chat, Flows, Text, t
from kikao.channels.refusals import REFUSED, too_many
from kikao.channels.ussd.clients.africastalking import AfricasTalkingClient
from kikao.channels.ussd.clients.client import FORM
from kikao.config import load
from kikao.events import Event, LogLines, RequestRefused
from kikao.events.repeats import SAME
from kikao.server import Server
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing import Clock
from tests.http.asgi import Answer, Headers, call

TOKEN = "x9Hq2vTt-7LmB_4w"
GATEWAY = "/ussd/africastalking"
STRANGER, PROVIDER = "192.0.2.66", "203.0.113.9"


class Town:
    """A server, its clock, and what it tells."""

    def __init__(self) -> None:
        self.server: Server
        self.clock = Clock()
        self.events: list[Event] = []
        self.log = StringIO()

    async def dial(
        self, path: str = f"{GATEWAY}/{TOKEN}", client: str | None = PROVIDER, headers: Headers = ()
    ) -> Answer:
        """A request that the gateway's contract allows."""
        exchange = AfricasTalkingClient("+256772000001", "*284#").dial("S1")
        every = (*exchange.headers, *headers)
        return await call(self.server, path, exchange.body, every, method="POST", client=client)

    async def wear_out(self, client: str | None = STRANGER, headers: Headers = ()) -> list[int]:
        """Guess path tokens until the address has had too many refusals; the statuses."""
        found: list[int] = []
        while 429 not in found:
            found.append((await self.dial(f"{GATEWAY}/guess-{len(found):010}", client, headers)).status)
        return found

    @property
    def refused(self) -> list[RequestRefused]:
        return [event for event in self.events if isinstance(event, RequestRefused)]


@asynccontextmanager
async def town(folder: Path, **settings: str) -> AsyncIterator[Town]:
    flows = Flows()

    @flows.flow("hello")
    async def hello(chat: Chat) -> None:
        await chat.ask("name", Text(), t("What is your name?"))

    found = Town()
    environ = {"KIKAO_USSD_AFRICASTALKING_TOKEN": TOKEN, **settings}
    app = App(flows, entry="hello", members=False, subscribers=[found.events.append, LogLines(found.log)])
    async with app.serving(
        load(environ, folder, makes_keys=True), store=MemoryStore(), clock=found.clock, background=False
    ) as found.server:
        yield found


async def test_a_misspelt_gateway_is_told_without_its_path(tmp_path: Path) -> None:
    async with town(tmp_path) as found:
        for path in ("/ussd/africas-talking/secret-1", "/ussd/", "/USSD/nalo", "/elsewhere/secret-2"):
            assert (await found.dial(path)).status == 404
        assert [(event.gateway, event.reason) for event in found.refused] == [("", "no such gateway")] * 3
        assert "secret" not in found.log.getvalue()


async def test_who_guesses_too_often_is_sent_away_for_a_moment(tmp_path: Path) -> None:
    async with town(tmp_path) as here:
        statuses = await here.wear_out()
        assert statuses == [404] * REFUSED.burst + [429]

        answer = await here.dial(f"{GATEWAY}/guess", STRANGER)

        assert answer.body == b"too many requests\n"
        assert (answer.headers["retry-after"], answer.headers["connection"]) == ("1", "close")
        here.clock.advance(1.0)
        assert (await here.dial(f"{GATEWAY}/guess", STRANGER)).status == 404
        assert (await here.dial(f"{GATEWAY}/guess", STRANGER)).status == 429


async def test_who_has_the_token_is_let_in_whatever_came_from_the_same_address(tmp_path: Path) -> None:
    async with town(tmp_path) as here:
        await here.wear_out(PROVIDER)
        assert (await here.dial()).body == b"CON What is your name?"


async def test_nobody_else_pays_for_a_stranger(tmp_path: Path) -> None:
    async with town(tmp_path) as here:
        await here.wear_out()
        assert (await here.dial(f"{GATEWAY}/guess", "192.0.2.67")).status == 404


async def test_malformed_requests_count_and_well_formed_ones_do_not(tmp_path: Path) -> None:
    async with town(tmp_path) as here:
        for _ in range(2 * REFUSED.burst):
            assert (await here.dial()).status == 200
        path = f"{GATEWAY}/{TOKEN}"
        statuses = [
            (await call(here.server, path, b"text=1", FORM, method="POST", client=PROVIDER)).status
            for _ in range(REFUSED.burst + 1)
        ]
        assert statuses == [400] * REFUSED.burst + [429]
        assert {event.status for event in here.refused} == {400, 429}
        assert (await here.dial()).status == 200


async def test_an_allow_list_answers_429_too(tmp_path: Path) -> None:
    async with town(tmp_path, KIKAO_USSD_AFRICASTALKING_ALLOW="203.0.113.0/24") as here:
        path = f"{GATEWAY}/{TOKEN}"
        statuses = [(await here.dial(path, STRANGER)).status for _ in range(REFUSED.burst + 1)]
        assert statuses == [403] * REFUSED.burst + [429]
        assert (await here.dial()).status == 200


async def test_paths_that_do_not_exist_look_like_those_that_are_closed(tmp_path: Path) -> None:
    keys = "k1:QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY="
    async with town(tmp_path, KIKAO_ENV="production", KIKAO_SECRET_KEYS=keys) as here:
        seen = {
            path: [
                await call(here.server, path, method="POST", client=f"192.0.2.{at}")
                for _ in range(REFUSED.burst + 1)
            ]
            for at, path in enumerate(
                ("/ussd/nalo", "/ussd/nobody", "/wp-login.php", "/metrics", "/ussd/nalo/x")
            )
        }
        first, *others = seen.values()
        assert [answer.status for answer in first] == [404] * REFUSED.burst + [429]
        assert all(other == first for other in others)


# --- who a client is ---


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        (None, "", True),
    ],
)
async def test_a_client_is_an_address_or_a_site(
    tmp_path: Path, first: str | None, second: str | None, same: bool
) -> None:
    async with town(tmp_path) as here:
        await here.wear_out(first)
        assert (await here.dial(f"{GATEWAY}/guess", second)).status == (429 if same else 404)


@pytest.mark.parametrize(
    ("trusted", "status"), [("10.0.0.0/8", 404), ("172.16.0.0/12", 429)], ids=["trusted", "not trusted"]
)
async def test_trusted_proxies_say_who_the_client_is(tmp_path: Path, trusted: str, status: int) -> None:
    async with town(tmp_path, KIKAO_TRUSTED_PROXIES=trusted) as here:
        await here.wear_out("10.0.0.1", [("x-forwarded-for", STRANGER)])
        answer = await here.dial(f"{GATEWAY}/guess", "10.0.0.1", [("x-forwarded-for", PROVIDER)])
        assert answer.status == status


async def test_a_client_cannot_shed_its_name_by_claiming_others(tmp_path: Path) -> None:
    async with town(tmp_path, KIKAO_TRUSTED_PROXIES="10.0.0.0/8") as here:
        statuses: Sequence[int] = [
            (
                await here.dial(
                    f"{GATEWAY}/guess", "10.0.0.1", [("x-forwarded-for", f"198.51.100.{n}, {STRANGER}")]
                )
            ).status
            for n in range(REFUSED.burst + 1)
        ]
        assert statuses[-1] == 429


# --- what is told of it ---


async def test_every_refusal_is_an_event_and_few_are_log_lines(tmp_path: Path) -> None:
    async with town(tmp_path) as here:
        await here.wear_out()
        assert [event.status for event in here.refused] == [404] * REFUSED.burst + [429]
        assert {event.reason for event in here.refused} == {"path token wrong or missing"}
        lines = [json.loads(line) for line in here.log.getvalue().splitlines()]
        assert [line["status"] for line in lines] == [404] * SAME + [429]
        assert here.server.monitor.counters.refused == {
            ("ussd", "africastalking", "404"): REFUSED.burst,
            ("ussd", "africastalking", "429"): 1,
        }


@pytest.mark.parametrize(("wait", "told"), [(0.001, "1"), (1.0, "1"), (1.001, "2"), (59.5, "60")])
def test_retry_after_is_whole_seconds_rounded_up(wait: float, told: str) -> None:
    assert dict(too_many(wait).headers)["retry-after"] == told
