"""Several tenants on one server: each its own app, policy, language, gateways, keys and data, below a path of its own.

    tenants = Tenants({"acme": acme_app, "ujamaa": ujamaa_app})

`kikao run module:tenants` serves `/acme/ussd/africastalking/<token>`, and so on. A tenant is an app at work like any
other (`App.serving`), so that none can see, slow down by its locks, or lose anything of another; they share a process
and its port.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
from collections.abc import AsyncIterator, Mapping
from http import HTTPStatus
from typing import Final

from kikao.app import App, lifespan
from kikao.channels.channel import Response
from kikao.channels.edge import respond
from kikao.channels.ussd.registry import OPTIONS
from kikao.config import MEMORY, Settings, SettingsError, load, tenant_name_wrong, tenants_named
from kikao.config.tenants import CHOSEN
from kikao.events import Event
from kikao.opening import refusals
from kikao.server import Server
from kikao.web import HEALTH, TEXT, Receive, Scope, Send


class Tenants:
    """Apps by the names of their tenants: 1 to 20 of a-z and 0-9, a letter first. Raises `ValueError` for others."""

    def __init__(self, apps: Mapping[str, App]) -> None:
        if not apps:
            raise ValueError("tenants: there is none")
        for name in apps:
            if wrong := tenant_name_wrong(name):
                raise ValueError(f"tenants: {wrong}")
        self.apps: Final = dict(apps)
        self._server: TenantsServer | None = None

    def settings(self, *, makes_keys: bool = False, workers: int = 1) -> dict[str, Settings]:
        """Those of each tenant, without a simulator. Raises `SettingsError` with everything that is wrong with any."""
        found: dict[str, Settings] = {}
        problems: list[str] = []
        for name in self.apps:
            try:
                own = load(gateways=OPTIONS, makes_keys=makes_keys, workers=workers, tenant=name)
            except SettingsError as error:
                problems += [f"{name}: {problem}" for problem in error.problems]
            else:
                found[name] = own.without_simulator()
        if strange := sorted(set(tenants_named()) - self.apps.keys()):
            problems.append(
                f"{CHOSEN}_…, [tenants]: there is no tenant {', '.join(each[:40] for each in strange)}. "
                f"There are: {', '.join(self.apps)}."
            )
        problems += _shared(found)
        problems += self._of_several_releases(found)
        if problems:
            raise SettingsError(problems)
        return found

    def _of_several_releases(self, settings: Mapping[str, Settings]) -> list[str]:
        """An app has one code in a process: what one tenant's sessions say of it holds for the other's."""
        problems: list[str] = []
        seen: dict[int, str] = {}
        for name, own in settings.items():
            other = seen.setdefault(id(self.apps[name].engine.flows), name)
            if own.release != settings[other].release:
                problems.append(
                    f"{name}: KIKAO_RELEASE is not that of {other}, which has the same flows. Set it for all."
                )
        return problems

    def refuse_unfit(self, settings: Mapping[str, Settings]) -> None:
        """Raises `SettingsError` with all that keeps any of them from being served. It opens and makes nothing."""
        problems = []
        for name, app in self.apps.items():
            own = functools.partial(app.refuse_unfit, settings[name])
            problems += [f"{name}: {problem}" for problem in refusals(own)]
        if problems:
            raise SettingsError(problems)

    @contextlib.asynccontextmanager
    async def serving(
        self, settings: Mapping[str, Settings], *, worker: int = 0
    ) -> AsyncIterator[TenantsServer]:
        """All of them at work, by the settings of each. Raises what `App.serving` raises, with everything closed."""
        self.refuse_unfit(settings)
        async with contextlib.AsyncExitStack() as stack:
            servers = {
                name: await stack.enter_async_context(app.serving(settings[name], worker=worker))
                for name, app in self.apps.items()
            }
            yield TenantsServer(servers)

    def order(self) -> tuple[str, ...]:
        """What stands around a turn is each app's own: nothing is said of it."""
        return ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan(self._served, receive, send)
        elif self._server is None:
            raise RuntimeError("the server must support ASGI lifespan: the tenants were not started")
        else:
            await self._server(scope, receive, send)

    @contextlib.asynccontextmanager
    async def _served(self) -> AsyncIterator[TenantsServer]:
        async with self.serving(self.settings(makes_keys=True)) as server:
            self._server = server
            try:
                yield server
            finally:
                self._server = None


class TenantsServer:
    """Tenants at work behind one door: the first segment of a path says whose it is."""

    simulator = None
    """There are phones in a browser where one tenant is served alone (`KIKAO_TENANT`)."""

    def __init__(self, servers: Mapping[str, Server]) -> None:
        self.servers = dict(servers)

    @property
    def frame(self) -> int | None:
        """The largest frame that any of them takes; each looks at its own."""
        return max((each.frame for each in self.servers.values() if each.frame is not None), default=None)

    async def part(self) -> None:
        """They stop: close their sockets, some at a time."""
        await asyncio.gather(*(server.part() for server in self.servers.values()))

    def drain(self) -> None:
        """They will stop: say so to who asks whether they are ready, and serve on."""
        for server in self.servers.values():
            server.drain()

    def refuse(self) -> None:
        """They stop: what comes from now on is not begun."""
        for server in self.servers.values():
            server.refuse()

    def publish(self, event: Event) -> None:
        """What concerns no tenant in particular (an error that nobody caught) is told to each."""
        for server in self.servers.values():
            server.publish(event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if path in HEALTH and scope["type"] == "http":
            await respond(send, await self._health(path))
            return
        match = _TENANT(path)
        server = self.servers.get(match[1]) if match is not None else None
        if match is None or server is None:  # answered, and limited, as any path that leads nowhere
            await next(iter(self.servers.values()))({**scope, "path": "/"}, receive, send)
            return
        await server({**scope, "path": path[match.end(1) :]}, receive, send)

    async def _health(self, path: str) -> Response:
        """Ready is who answers every tenant's members. Anybody may ask: whose they are is told to nobody."""
        answers = [await server.web.health(ready=path == "/readyz") for server in self.servers.values()]
        well = sum(answer.status == HTTPStatus.OK for answer in answers)
        status = max(answer.status for answer in answers)
        return Response(status, TEXT, f"tenants: {well} of {len(answers)}\n".encode())


def _shared(settings: Mapping[str, Settings]) -> list[str]:
    """Where two tenants would have a store, records, a bus, a folder, a number or a bot in common."""
    problems = []
    seen: dict[object, tuple[str, str]] = {}
    for name, own in settings.items():
        places: dict[object, str] = {own.data: "data"}
        for what in ("store", "records", "bus"):
            if (where := getattr(own, what)) != MEMORY:
                places.setdefault(where, what)
        for number in own.whatsapp.values():
            places[("whatsapp", number.phone_number_id)] = "whatsapp_phone_number_id"
        for bot in own.telegram.values():
            places[("telegram", bot.token.reveal())] = "telegram_token"
        for where, what in places.items():
            other, its = seen.setdefault(where, (name, what))
            if other != name:
                taken = "that" if its == what else f"KIKAO_{its.upper()}"
                problems.append(
                    f"{name}: KIKAO_{what.upper()} is also {taken} of {other}. Give each tenant its own."
                )
    return problems


_TENANT = re.compile("/([a-z][a-z0-9]{0,19})(?=/)").match
