"""What a phone can dial: the endpoints of the settings, or one for each gateway."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from msgspec import structs

from kikao.channels.channel import BadRequest
from kikao.channels.ussd.gateway import UssdGateway
from kikao.channels.ussd.registry import SLUGS, client, gateway, kind
from kikao.config import Hidden, Settings, SimulatedEndpoint, UssdSettings
from kikao.console.simulator.views import Budget, EndpointView

CODE: Final = "*284#"
"""What is dialled where no setting says what."""

HOST: Final = "localhost"

COLOURS: Final = ("#0b6e4f", "#1f5fa8", "#8a3b12", "#6b2fa0", "#9c1c4b", "#4a5a12", "#0f6674", "#5c4a3a")
"""Of endpoints without a colour, in turn. White text on each has a contrast of more than 4.5 to 1."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint with all that was left out filled in, and its gateway."""

    id: str
    of: SimulatedEndpoint
    gateway: UssdGateway
    token: str = field(repr=False)
    """Of the path; never shown."""
    peer: str
    """An address that the gateway's requests may come from."""
    settings: UssdSettings

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values of the gateway's own settings, any of which may be a key. Never shown."""
        plain = {option.name: Hidden(option.default.encode()) for option in self.gateway.options}
        given = self.settings.options.items()
        kept = (value for name, value in given if name not in plain or not value.matches(plain[name]))
        return tuple(value.reveal().decode() for value in kept)

    @property
    def posted_to(self) -> str:
        """The path with its token."""
        return f"{self.of.path}/{self.token}" if self.token else self.of.path

    @property
    def shown_path(self) -> str:
        """The path without its token."""
        return f"{self.of.path}/…" if self.token else self.of.path

    @property
    def view(self) -> EndpointView:
        """What the page is told of it."""
        gateway = self.gateway
        return structs.replace(
            view_of(self.id, self.of),
            path=self.shown_path,
            code=self.of.code,
            budget=Budget(gateway.budget.septets, gateway.budget.units),
            tells_end=bool({"end", "abort"} & gateway.happenings),
            long_dial=self._takes_long_dials(),
        )

    def _takes_long_dials(self) -> bool:
        """Whether what is dialled behind the code comes through, as this gateway is set up: tried, not assumed."""
        phone = client(self.of.gateway, "+256772000001", self.of.code, self.settings)
        try:
            dialled = self.gateway.parse(phone.dial("tried", "1").request(self.of.path))
        except BadRequest:
            return False
        ahead = dialled.dialled or dialled.text
        return ahead.reveal()[dialled.code_length :].removeprefix("*") == "1"


def endpoints(settings: Settings) -> dict[str, Endpoint]:
    """By id, in the order of the settings: those that a phone can speak to."""
    found: dict[str, Endpoint] = {}
    for place, given in enumerate(settings.endpoints or _one_each(settings)):
        if given.channel != "ussd" or given.gateway not in SLUGS:
            continue
        own = settings.ussd.get(given.gateway, UssdSettings())
        of = structs.replace(
            given,
            icon=given.icon or given.name[:1].upper(),
            colour=given.colour or COLOURS[place % len(COLOURS)],
            path=given.path or f"/ussd/{given.gateway}",
            code=given.code or next(iter(own.codes), CODE),
            host=given.host or HOST,
        )
        id_ = unlike(given.name, found)
        token = own.token.reveal().decode() if own.token is not None else ""
        peer = (
            str(next(iter(own.allow[0].hosts()), own.allow[0].network_address)) if own.allow else "127.0.0.1"
        )
        found[id_] = Endpoint(id_, of, gateway(given.gateway, own), token, peer, own)
    return found


def _one_each(settings: Settings) -> list[SimulatedEndpoint]:
    """One for each gateway, those of the settings first; without those that lack a setting that they need."""
    found = []
    for slug in sorted(SLUGS, key=lambda slug: slug not in settings.ussd):
        it, own = kind(slug), settings.ussd.get(slug, UssdSettings())
        able = all(option.name in own.options for option in it.options if option.required)
        if able:
            found.append(SimulatedEndpoint(it.contract.provider, slug, it.contract.places))
    return found


def view_of(id_: str, of: SimulatedEndpoint) -> EndpointView:
    """What the page is told of an endpoint on which nothing is dialled."""
    return EndpointView(
        id=id_,
        name=of.name,
        description=of.description,
        icon=of.icon,
        colour=of.colour,
        channel=of.channel,
        gateway=of.gateway,
        path=of.path,
        code="",
        host=of.host,
        budget=Budget(0, 0),
        tells_end=False,
        long_dial=False,
    )


def dressed(given: SimulatedEndpoint, looks: SimulatedEndpoint) -> SimulatedEndpoint:
    """An endpoint of the settings that looks like `looks` where they do not say how."""
    return structs.replace(
        given,
        description=given.description or looks.description,
        icon=given.icon or looks.icon,
        colour=given.colour or looks.colour,
    )


def unlike(name: str, taken: Collection[str]) -> str:
    """An id for the name of an endpoint, unlike those that are taken."""
    plain = re.sub("[^a-z0-9]+", "-", name.lower()).strip("-") or "endpoint"
    return next(
        id_ for n in range(1, len(taken) + 2) if (id_ := plain if n == 1 else f"{plain}-{n}") not in taken
    )
