"""Topic patterns and the functions behind them: who answers which topic, and what an event's payload must be."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from typing import Any, Final, TypeVar, Union

import msgspec

from kikao.channels.socket.protocol import NAME
from kikao.live.presence.fetching import Fetch

Function = Callable[..., Awaitable[Any]]
"""Of an app: its first parameter is a `Channel`, and the second is annotated with what it takes."""

Allow = Callable[..., bool | Awaitable[bool]]
"""Whether a `Channel` may be joined."""

F = TypeVar("F", bound=Function)
CHAT: Final = "chat"
"""The topic of the web chat: each user has their own."""

USER: Final = "user_id"
"""The variable that lets in nobody but the user of this id."""

OWN: Final = "\x1f"
"""Between a topic that each user has for themselves and the user's id, in the name by which processes and the store
know it: no client can say such a name."""

RESERVED: Final = ("phx_", "chan_reply_", "presence_")
"""How no event of an app begins."""


KNOWN: Final = 1024
"""Topics of which it is remembered whose they are."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is broadcast to a topic is kept for who was away: the newest `messages` of the last `seconds`."""

    messages: int = 300
    seconds: float = 3600.0

    def __post_init__(self) -> None:
        if not (1 <= self.messages <= 10_000 and self.seconds > 0):
            raise ValueError("Kept: messages must be 1 to 10,000, and seconds more than 0")


class InvalidPayload(Exception):
    """A payload that is not what the function says it takes. The text names what is wrong, and no value."""


class Taking:
    """A function, and how its payload is read: by the annotation of its second parameter."""

    __slots__ = ("_binary", "_decoder", "call")

    def __init__(self, function: Function) -> None:
        """Raises `TypeError` for what cannot be called with a channel and a payload."""
        self.call = function
        if not inspect.iscoroutinefunction(function):
            raise TypeError(f"{_name(function)} must be an async function")
        parameters = list(inspect.signature(function).parameters.values())
        if len(parameters) != 2:
            raise TypeError(f"{_name(function)} must take a channel and a payload, and nothing else")
        hints = typing.get_type_hints(function)
        wanted = hints.get(parameters[1].name, Any)
        kinds = (
            typing.get_args(wanted) if typing.get_origin(wanted) in (Union, types.UnionType) else (wanted,)
        )
        self._binary = Any in kinds or bytes in kinds
        others = tuple(kind for kind in kinds if kind is not bytes)
        self._decoder: msgspec.json.Decoder[Any] | None = None
        if others:
            kind = dict[str, Any] if others == (Any,) or others == (dict,) else Union[others]  # noqa: UP007 - of a tuple
            self._decoder = msgspec.json.Decoder(kind)

    def read(self, payload: msgspec.Raw | bytes) -> Any:
        """What the function gets. Raises `InvalidPayload`."""
        if isinstance(payload, bytes):
            if not self._binary:
                raise InvalidPayload("binary is not taken here")
            return payload
        if self._decoder is None:
            raise InvalidPayload("only binary is taken here")
        try:
            return self._decoder.decode(payload)
        except msgspec.ValidationError as error:
            raise InvalidPayload(_safe(str(error))) from None
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            raise InvalidPayload("not JSON that can be read") from None


class Route:
    """The functions of the topics that a pattern names.

        room = live.channel("room:{name}")

        @room.join
        async def join(channel: Channel, params: Enter) -> dict | None: ...

        @room.on("echo")
        async def echo(channel: Channel, payload: dict) -> dict: ...

        @room.leave
        async def left(channel: Channel, reason: str) -> None: ...

    The same as a decorator of the join: `@live.channel("room:{name}")`; the name is the route then.
    """

    def __init__(
        self,
        pattern: str,
        *,
        allow: Allow | None = None,
        keeps: Kept | None = None,
        presence: bool = False,
        fetch: Fetch | None = None,
        own: bool = False,
    ) -> None:
        """With `own` each user has such a topic alone, without presence. Raises `ValueError` for no pattern."""
        self.pattern = pattern
        self.allow = allow
        self.keeps = keeps
        self.presence = presence or fetch is not None
        self.fetch = fetch
        self.own = own
        self.variables = _variables(pattern)
        self.match = _compiled(pattern)
        self.match_user = _compiled(pattern, user=".+") if USER in self.variables else None
        """Where `match` finds nothing: an id of a user that has a `:` in it."""
        self.joins: Taking | None = None
        self.events: dict[str, Taking] = {}
        self.leaves: Callable[..., Awaitable[None]] | None = None

    def __call__(self, function: Function) -> Route:
        """As a decorator of the join."""
        self.join(function)
        return self

    def join(self, function: F) -> F:
        """Called when a client joins, with what it sends along: what it returns is the reply. Raises `TypeError`."""
        if self.joins is not None:
            raise TypeError(f"{self.pattern}: there is a join already")
        self.joins = Taking(function)
        return function

    def on(self, event: str) -> Callable[[F], F]:
        """Called with each event of this name. Raises `ValueError` for a name that is reserved, or taken."""
        if not event or len(event.encode()) > NAME or event.startswith(RESERVED) or event == "token":
            raise ValueError(f"{self.pattern}: {event[:40]!r} is no name of an event of an app")
        if event in self.events:
            raise ValueError(f"{self.pattern}: {event} is taken")

        def add(function: F) -> F:
            self.events[event] = Taking(function)
            return function

        return add

    def leave(self, function: F) -> F:
        """Called when a channel is over, with why: "left", "closed", "crashed", "stopped", or the label of the reason
        for which its socket ended. Nothing that it does reaches the client any more."""
        self.leaves = function
        return function

    def name(self, topic: str, user: str) -> str:
        """What a topic is called between processes and in the store, as one of its users has it."""
        return f"{topic}{OWN}{user}" if self.own else topic

    def topic(self, **values: str) -> str:
        """The topic with these values. Raises `KeyError`."""
        return self.pattern.format(**values)


class Routes:
    """All of an app, in their order: the first pattern that matches is meant."""

    def __init__(self) -> None:
        self._all: list[Route] = []
        self._exact: dict[str, Route] = {}
        self.find = lru_cache(KNOWN)(self._find)
        """Whose a topic is, and the values of its variables; None where it is nobody's."""

    def add(self, route: Route) -> Route:
        """Raises `ValueError` for a pattern that there is."""
        if any(route.pattern == other.pattern for other in self._all):
            raise ValueError(f"live: there is a channel {route.pattern!r} already")
        self._all.append(route)
        self.find.cache_clear()
        if not route.variables:
            self._exact[route.pattern] = route
        return route

    def beside(self, route: Route) -> Routes:
        """These, and one more. Raises `ValueError` for a pattern that there is."""
        found = Routes()
        for each in (*self._all, route):
            found.add(each)
        return found

    def _find(self, topic: str) -> tuple[Route, Mapping[str, str]] | None:
        if OWN in topic:
            return None
        if (exact := self._exact.get(topic)) is not None:
            return exact, _NONE
        for route in self._all:
            if (match := route.match(topic)) is not None:
                return route, types.MappingProxyType(match.groupdict())
        for route in self._all:  # ids of users may have a `:`
            if route.match_user is not None and (match := route.match_user(topic)) is not None:
                return route, types.MappingProxyType(match.groupdict())
        return None

    def __iter__(self) -> typing.Iterator[Route]:
        return iter(self._all)


_NONE: Final[Mapping[str, str]] = types.MappingProxyType({})


def shown(name: str) -> str:
    """A topic as its clients know it."""
    return name.partition(OWN)[0]


def _variables(pattern: str) -> tuple[str, ...]:
    rest = _VARIABLE.sub("", pattern)
    if not pattern or len(pattern) > NAME or "{" in rest or "}" in rest:
        raise ValueError(f"live: {pattern[:60]!r} is no pattern of a topic: write room:{{name}}")
    names = tuple(_VARIABLE.findall(pattern))
    if len(set(names)) != len(names):
        raise ValueError(f"live: {pattern}: each variable once")
    if pattern.partition(":")[0] == "phoenix":
        raise ValueError("live: the topic phoenix is the protocol's own")
    return names


def _compiled(pattern: str, user: str = "[^:]+") -> Callable[[str], re.Match[str] | None]:
    pieces = _VARIABLE.split(pattern)
    text = "".join(
        re.escape(piece) if n % 2 == 0 else f"(?P<{piece}>{user if piece == USER else '[^:]+'})"
        for n, piece in enumerate(pieces)
    )
    return re.compile(text, re.DOTALL).fullmatch


def _safe(told: str) -> str:
    """What msgspec says is wrong, which names fields and types; never a value."""
    return _VALUE.sub("", told)[:200]


def _name(function: Any) -> str:
    return str(getattr(function, "__qualname__", type(function).__name__))


_VALUE = re.compile(r""" (['"]).*\1(?= - at `|$)""", re.DOTALL)
_VARIABLE = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
