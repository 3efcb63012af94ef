"""What all phones on the table share, whatever is on them."""

from __future__ import annotations

import asyncio
import secrets
from typing import Generic, Protocol, TypeVar

from msgspec import UNSET, UnsetType

from kikao.config import SimulatedEndpoint
from kikao.console.simulator.views import PhoneView


class Behind(Protocol):
    """What a phone is on."""

    @property
    def id(self) -> str: ...
    @property
    def of(self) -> SimulatedEndpoint: ...


E = TypeVar("E", bound=Behind)


class Handset(Generic[E]):
    """A phone of one number, on one endpoint. What is done with it is done in order, under `lock`."""

    secret = False
    """Whether what it shows asks for a secret."""
    alive = True
    """Whether its dialogue goes on: a chat is never over."""
    screen = ""

    def __init__(self, endpoint: E, number: str) -> None:
        self.id = secrets.token_hex(8)
        self.endpoint = endpoint
        self.number = number
        self.lock = asyncio.Lock()
        self.met = False
        """Whether the directory may be asked who this is: looking alone makes nobody a member."""

    @property
    def view(self) -> PhoneView:
        """What the page is told of it."""
        return PhoneView(self.id, self.endpoint.id, self.number, self.alive, self.screen, self.changes)

    @property
    def changes(self) -> int | UnsetType:
        """Where things happen by themselves: grows with each."""
        return UNSET
