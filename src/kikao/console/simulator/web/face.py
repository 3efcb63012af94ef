"""The web chat of an app, on the simulator's table: of an app that has no live channels, one of the simulator's own.

Phones of it are the widget, which has a token that nobody else gets, and opens the socket that browsers open.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Collection
from typing import Final

from msgspec import structs

from kikao.channels.inbound import Inbound
from kikao.channels.socket.gateway import CHANNEL, SLUG
from kikao.channels.socket.reasons import Reason
from kikao.channels.socket.said import Open, inbound
from kikao.channels.socket.tokens import is_user
from kikao.config import Settings, SimulatedEndpoint
from kikao.console.simulator.chats.views import ChatView, ProviderView
from kikao.console.simulator.endpoints import dressed, unlike, view_of
from kikao.console.simulator.handset import Handset
from kikao.console.simulator.problems import Problem
from kikao.console.simulator.views import EndpointView
from kikao.console.simulator.web.tokens import MintedTokens
from kikao.console.simulator.web.traffic import SocketTraffic, WatchedSockets
from kikao.live.endpoint import Endpoint
from kikao.live.hub import Hub
from kikao.live.live import Live
from kikao.live.users import anyone

LOOKS: Final = SimulatedEndpoint(
    name="Web chat",
    gateway=SLUG,
    description="The widget on a site, over a WebSocket",
    icon="message",
    colour="#6b2fa0",
    channel=CHANNEL,
)
"""How it looks where no setting says how."""


class WebFace:
    """What the phones that are web chats share."""

    def __init__(self, live: Live | None, clock: Callable[[], float]) -> None:
        self.live = live or Live(users=anyone)
        self.is_own = live is None
        """Whether it is the simulator's: then only its phones get in."""
        self.tokens = MintedTokens(clock)
        self.traffic = SocketTraffic(f"{self.live.path}/websocket")
        self.hub: Hub | None = None
        """What runs it, once there is a server."""

    @property
    def minted(self) -> MintedTokens | None:
        """The tokens that open it, where it is the simulator's."""
        return self.tokens if self.is_own else None

    @classmethod
    def of(
        cls, live: Live | None, channels: Collection[str], settings: Settings, clock: Callable[[], float]
    ) -> WebFace | None:
        """For an app with live channels, or one that is meant for sockets; of others as with chats, where links lead to
        this server, as with `kikao run`. None for any other, and where the library is not installed."""
        if live is not None:
            return cls(live, clock)
        if settings.endpoints:
            wanted = any(each.channel == CHANNEL for each in settings.endpoints)
        else:
            wanted = CHANNEL in channels or bool(settings.public_url)
        return cls(None, clock) if wanted and importlib.util.find_spec("websockets") is not None else None

    def watch(self, hub: Hub, sockets: Endpoint) -> WatchedSockets:
        """Let phones in at a hub, and write down what goes over their sockets."""
        if not self.is_own:
            self.tokens.real = hub.tokens
        hub.admission.tokens = self.tokens
        self.hub = hub
        return WatchedSockets(sockets, self.traffic, self.tokens)

    def endpoints(self, settings: Settings, taken: Collection[str]) -> dict[str, WebEndpoint]:
        """By id, none of which is `taken`: those of the settings, or one."""
        found: dict[str, WebEndpoint] = {}
        for given in settings.endpoints or (LOOKS,):
            if given.channel == CHANNEL:
                of = structs.replace(dressed(given, LOOKS), path=f"{self.live.path}/websocket")
                id_ = unlike(given.name, {*taken, *found})
                found[id_] = WebEndpoint(id_, of, self)
        return found


class WebEndpoint:
    """The web chat, as the page shows it."""

    def __init__(self, id_: str, of: SimulatedEndpoint, face: WebFace) -> None:
        self.id = id_
        self.of = of
        self.face = face

    @property
    def view(self) -> EndpointView:
        """What the page is told of it."""
        return view_of(self.id, self.of)


class WebPhone(Handset[WebEndpoint]):
    """A browser of a user with the widget in it. `number` is the user's id, as the app's tokens have it.

    What is secret is entered in a field of its own, of which nobody is told.
    """

    def __init__(self, endpoint: WebEndpoint, number: str) -> None:
        super().__init__(endpoint, number)
        self.is_down = False
        """Whether its line is."""
        self._tokens: list[str] = []
        endpoint.face.traffic.expect(number)

    @property
    def changes(self) -> int:
        """Grows with whatever goes over the wire."""
        return self.endpoint.face.traffic.last(self.number)

    @property
    def inbound(self) -> Inbound:
        """A message of theirs that says nothing: for whoever looks where they are."""
        return inbound(self.number, Open("look"))

    @property
    def chat(self) -> ChatView:
        """What the page has to know of the chat: the widget has the rest."""
        return ChatView(
            messages=(),
            keyboard=(),
            note="",
            notes=0,
            is_spinning=False,
            is_blocked=False,
            open_until=None,
            waiting=(),
            provider=ProviderView("well", is_holding=False, held=0, takes_batches=False),
            changes=self.changes,
        )

    def token(self) -> str:
        """One more token of the user."""
        tokens = self.endpoint.face.tokens
        self._tokens.append(tokens.mint(self.number))
        if self.is_down:
            tokens.hold(self._tokens[-1:])
        return self._tokens[-1]

    def drop(self) -> None:
        """The line breaks, and stays down until `connect`: the browser tries to come back, and nobody hears of it."""
        self.is_down = True
        hub, tokens = self.endpoint.face.hub, self.endpoint.face.tokens
        tokens.hold(self._tokens)
        own = set(map(id, tokens.claims(self._tokens)))
        session = None if hub is None else hub.sessions.get(self.number)
        for socket in [] if session is None else list(session.sockets):
            if id(socket.claims) in own:  # not those of the user's other devices
                socket.close(Reason.DRAINED)

    def connect(self) -> None:
        """The line is there again."""
        self.is_down = False
        self.endpoint.face.tokens.release(self._tokens)

    async def log_out(self) -> None:
        """Log out everywhere: who was in is told so, and stays out with the tokens they have. Raises `LiveAway`."""
        if self.endpoint.face.hub is not None:
            await self.endpoint.face.hub.log_out(self.number)

    def forget(self) -> None:
        """The phone leaves the table: its tokens open nothing, and what is open ends with the page."""
        self.endpoint.face.tokens.forget(self._tokens)
        self.endpoint.face.traffic.forget(self.number)


def user_of(number: str) -> str:
    """The id of a user, as it is typed. Raises `Problem`."""
    if not is_user(number):
        raise Problem(400, "a user's id has 1 to 128 characters, none of which is a control character")
    return number
