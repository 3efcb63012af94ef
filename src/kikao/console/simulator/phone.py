"""A simulated phone: what its gateway sends for it, and the same with every secret left out, for the page.

A gateway that resends everything typed since the dial repeats a PIN in every later request. So there are two clients:
one makes what is sent, and its twin, told `MASK` where a secret was typed, makes what is shown.
"""

from __future__ import annotations

import asyncio
import secrets
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from msgspec.structs import replace

from kikao.channels.calling import Call
from kikao.channels.channel import BadRequest, Response
from kikao.channels.inbound import Inbound
from kikao.channels.line import Posted
from kikao.channels.ussd.clients.client import Client, Exchange
from kikao.channels.ussd.registry import client
from kikao.console.simulator.endpoints import Endpoint
from kikao.console.simulator.handset import Handset
from kikao.console.simulator.masking import masked
from kikao.console.simulator.problems import Problem
from kikao.console.simulator.views import MASK, RequestView

PLAIN: Final = frozenset({"content-type", "accept"})
"""Headers of a call that are shown as they are: any other may be a key."""

REMEMBERED: Final = 600.0
"""Seconds that a request can be delivered again. It may hold a secret, so it is kept no longer."""


class SimulatedPhone(Handset[Endpoint]):
    """One that dials. Its requests are made and delivered in order, under `lock`.

    Raises `Problem` for a number that the gateway would not send.
    """

    def __init__(self, endpoint: Endpoint, number: str) -> None:
        super().__init__(endpoint, number)
        self.alive = False
        self.page, self.pages = 1, 1
        """Which page of what is said the screen is, from 1, of how many."""
        self._client: Client | None = None
        """None where there is no dialogue: what was typed in it is forgotten."""
        self._twin = self._made()
        self._left = False
        """Whether the member hung up, or the line dropped: a late copy does not bring the dialogue back."""
        self._last: Posted | None = None
        self._dialogue = _dialogue()
        self._shown = self._twin.dial(self._dialogue)
        self._forgetting: asyncio.TimerHandle | None = None
        self.inbound = self._parsed(self._shown)
        """The last message as the gateway understood it, with every secret left out."""

    @property
    def request(self) -> RequestView:
        """The last request, as it may be shown."""
        return self._view(self._shown)

    @property
    def dialogue(self) -> str:
        """The provider's id of the present dialogue, as it writes it."""
        return self._twin.dialogue

    @property
    def waits(self) -> bool:
        """Whether a reply only acknowledges, and the screen comes by a call of its own."""
        return self._twin.waits

    # --- what is sent ---

    def dial(self, ahead: str) -> Posted:
        """A new dialogue, with what is dialled behind the code; nothing of that is shown before `took`."""
        self._client, self._twin, self._left = self._made(), self._made(), False
        self._dialogue = _dialogue()
        self._shown = self._twin.dial(self._dialogue, MASK if ahead else "")
        self.inbound = self._parsed(self._shown)
        return self._keep(self._client.dial(self._dialogue, ahead))

    def took(self, ahead: str, taken: int) -> None:
        """So many answers of the long dial were taken, none by a question for a secret: those may be shown.

        What was dropped behind them may well have been a PIN.
        """
        parts = ahead.split("*") if ahead else []
        self._shown = self._twin.dial(
            self._dialogue, "*".join([*parts[:taken], *(MASK for _ in parts[taken:])])
        )

    def answer(self, text: str, *, secret: bool) -> Posted:
        """What was typed on the present screen; a secret is not shown. Raises `Problem` without a dialogue."""
        if self._client is None or not self.alive:
            raise Problem(409, "the dialogue is over: dial first")
        self._shown = self._twin.answer(MASK if secret else text)
        return self._keep(self._client.answer(text))

    @property
    def last(self) -> Posted | None:
        """The last request, byte for byte; None where there is none, or it was forgotten."""
        return self._last

    def hang_up(self) -> tuple[Posted, RequestView] | None:
        """End the dialogue: what the gateway tells of it, and that as it may be shown; None where it tells nothing."""
        told = self._client.hang_up() if self._client is not None and self.alive else None
        shown = self._twin.hang_up() if told is not None else None
        self.drop()
        return None if told is None or shown is None else (self._posted(told), self._view(shown))

    def drop(self) -> None:
        """The dialogue ends, and nobody tells the server."""
        self._left, self.alive, self.secret = True, False, False
        self._client = None

    # --- what comes back ---

    def show(self, response: Response) -> None:
        """Show a reply. One that the gateway cannot pass on ends the dialogue, unless the request is sent again."""
        if response.status >= HTTPStatus.MULTIPLE_CHOICES:
            self.screen, self.alive = "", False
            return
        try:
            self.screen, alive = self._twin.read(response)
        except (ValueError, LookupError, TypeError):  # not what the gateway takes for a reply
            self.screen, alive = "", False
        self.alive = alive and not self._left
        if not alive:
            self._client = None

    def called(self, call: Call) -> RequestView:
        """Show a screen that came by a call; the call, as it may be shown."""
        self.show(Response(200, call.headers, call.body))
        url = urlsplit(call.url.reveal().decode())
        path = self._without_secrets(f"{url.scheme}://{url.netloc}{url.path}")
        headers = {name: value if name in PLAIN else "…" for name, value in call.headers}
        return RequestView(
            call.method, path, headers, self._without_secrets(call.body.decode(errors="replace"))
        )

    def forget(self) -> None:
        """Nothing that was typed is kept any more."""
        self._client = self._last = None
        if self._forgetting is not None:
            self._forgetting.cancel()

    def _keep(self, exchange: Exchange) -> Posted:
        self._last = self._posted(exchange)
        if self._forgetting is not None:
            self._forgetting.cancel()
        self._forgetting = asyncio.get_running_loop().call_later(REMEMBERED, self._forget_last)
        return self._last

    def _forget_last(self) -> None:
        self._last = None

    def _made(self) -> Client:
        return client(self.endpoint.of.gateway, self.number, self.endpoint.of.code, self.endpoint.settings)

    def _posted(self, exchange: Exchange) -> Posted:
        endpoint = self.endpoint
        return replace(exchange, path=endpoint.posted_to, headers=self._headers(exchange)).posted(
            endpoint.peer
        )

    def _headers(self, exchange: Exchange) -> tuple[tuple[str, str], ...]:
        return (("host", self.endpoint.of.host), *exchange.headers)

    def _view(self, exchange: Exchange) -> RequestView:
        shown = replace(exchange, path=self.endpoint.shown_path)
        headers = {name: self._without_secrets(value) for name, value in self._headers(exchange)}
        body = self._without_secrets(exchange.body.decode(errors="replace"))
        return RequestView(exchange.method, self._without_secrets(shown.target), headers, body)

    def _without_secrets(self, sent: str) -> str:
        """What goes over the wire, without what was typed in secret, and without the gateway's keys."""
        return masked(sent, self.endpoint.secrets)

    def _parsed(self, exchange: Exchange) -> Inbound:
        endpoint = self.endpoint
        try:
            shown = replace(exchange, headers=self._headers(exchange))
            return endpoint.gateway.parse(shown.request(endpoint.of.path))
        except BadRequest as problem:
            raise Problem(400, str(problem)) from None


def _dialogue() -> str:
    return f"sim-{secrets.token_hex(8)}"
