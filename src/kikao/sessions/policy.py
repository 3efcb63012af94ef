"""Which dealings of whom are one session, and for how long: rules as data.

The session key is a pure function of an inbound's address and the policy, never of a look-up that may change: a
redelivery finds the same session, whatever happened in between. Its parts carry their names, so that a number can
never be taken for a code, nor one channel's user id for another's.
"""

from __future__ import annotations

import hashlib
import inspect
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Literal, get_args

import msgspec
from msgspec import structs

from kikao.conversation.journal import Conversation
from kikao.sessions.limits import Limits
from kikao.sessions.sealing import KeyRing

Boundary = Literal["flow", "channel", "gateway", "url"]
BOUNDARIES: Final[tuple[Boundary, ...]] = get_args(Boundary)

Groups = Literal["member", "shared", "off"]
"""Whose a conversation in a group is: of each member one of their own, of all one together; or there are none."""

Named = Literal["", "address", "member", "msisdn", "user_id", "request_id"]


class MissingIdentifier(Exception):
    """The inbound does not carry what its policy identifies members by. Never answered with a shared session."""

    SAFE = True
    """The text names a field, never a value."""


class Address(msgspec.Struct, frozen=True, array_like=True):
    """Where a member was met: sealed beside the session key, which only hashes it."""

    channel: str
    gateway: str
    identity: str
    """The member's name on the channel: an MSISDN in E.164, a user id, a provider's token where it hides numbers."""
    service_code: str = ""
    msisdn: str = ""
    """E.164, where the channel knows it."""
    url: str = ""
    """Host and path that the request came to, without a path token; only kept where a policy asks for it."""
    request_id: str = ""
    """The provider's id of the dialogue; only kept where a policy identifies by it."""
    parts: tuple[str, ...] = ()
    """What the session key was made of, for `explain` and for a new look-up key. Empty before that is known."""
    group: str = ""
    """The group it was said in, by the channel's id; empty between the member and the app alone."""


class Explicit(msgspec.Struct, frozen=True):
    """A session id that the app gives: all who come under this policy share the session."""

    id: str

    def __post_init__(self) -> None:
        if _names_nobody(self.id):
            raise ValueError("an explicit session id must not be empty")


Identifier = Named | Explicit | Callable[[Address], str]


class SessionPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Rules for the sessions of a channel or an app. Times are seconds.

    `boundaries` say what separates sessions: any of flow (the entry flow), channel, gateway and url; none of them
    makes one session a member. `identifier` says who is one member:

    - `""`: what the channel has, see `DEFAULTS` (for USSD the number and the service code);
    - `"address"`: the number, or the user id where the channel has no numbers: durable;
    - `"member"`: the same, and addresses that were linked to one member share the session;
    - `"msisdn"`, `"user_id"`: that field, an error where the channel does not have it (ussd and sms have no user ids);
    - `"request_id"`: the provider's id of the dialogue, so that a session ends with it: ephemeral;
    - `Explicit("kiosk-7")`: this very session;
    - a function of the `Address` that returns an id: the same for the same address, today and tomorrow.

    Raises `ValueError` for boundaries that do not exist or that contradict the identifier, for an identifier that is
    none, and for times that are not positive.
    """

    boundaries: frozenset[Boundary] = frozenset({"flow", "channel", "gateway"})
    identifier: Identifier = ""
    idle: float = 300.0
    """Without a turn for so long, a session is expired: inaccessible at once, removed by the next sweep."""
    absolute: float | None = None
    """So long after it began a session is expired, however busy; None is without limit."""
    reconnection: float = 0.0
    """A new dialogue within so long of the last turn goes on without being offered to."""
    resume: float = 300.0
    """A new dialogue within so long of the last turn is offered "1 Continue 2 Start again"."""
    opens: Literal["dial", "message"] = "dial"
    """What opens a session. With `dial`, a reply without a live session is told that it has expired."""
    outcome: float = 7 * 86400.0
    """So long an outcome that was not told yet is kept for the next dial."""
    limits: Limits = Limits()
    groups: Groups = "member"
    """Whose a conversation in a group is. It is always apart from what its members hold with the app alone."""

    def __post_init__(self) -> None:
        structs.force_setattr(self, "boundaries", frozenset(self.boundaries))
        strange = self.boundaries - frozenset(BOUNDARIES)
        if strange:
            raise ValueError(
                f"no such boundary: {', '.join(sorted(strange))}. There are: {', '.join(BOUNDARIES)}"
            )
        _check_identifier(self.identifier)
        if not isinstance(self.limits, Limits):
            raise ValueError(
                f"limits must be Limits, such as Limits(address=Rate(60)), not a {type(self.limits).__name__}"
            )
        if self.groups not in get_args(Groups):
            raise ValueError(f"groups must be one of {', '.join(get_args(Groups))}, not {self.groups!r}")
        if self.identifier == "member" and not self.boundaries <= {"flow"}:
            raise ValueError(
                "identifier 'member' is one session wherever the member comes from: its only boundary may be flow"
            )
        positive = (self.idle, self.outcome, math.inf if self.absolute is None else self.absolute)
        if not all(time > 0 for time in positive):  # nor is NaN
            raise ValueError("idle, absolute and outcome must be more than 0 seconds")
        if not (self.reconnection >= 0 and self.resume >= 0):
            raise ValueError("reconnection and resume must not be negative")

    # Shorthands. Each takes further fields by name: `SessionPolicy.durable(idle=86400)`.

    @classmethod
    def durable(cls, **fields: object) -> SessionPolicy:
        """One session for a member's number or user id, whatever the provider's dialogue or service code."""
        return cls(**{"identifier": "address", **fields})  # type: ignore[arg-type]

    @classmethod
    def ephemeral(cls, **fields: object) -> SessionPolicy:
        """One session for each dialogue of the provider: a redial starts afresh."""
        return cls(**{"identifier": "request_id", "resume": 0.0, **fields})  # type: ignore[arg-type]

    @classmethod
    def across_gateways(cls, **fields: object) -> SessionPolicy:
        """One session for a member on a channel, whichever provider brings them."""
        return cls(**{"boundaries": frozenset({"flow", "channel"}), "identifier": "address", **fields})  # type: ignore[arg-type]

    @classmethod
    def across_channels(cls, **fields: object) -> SessionPolicy:
        """One session for a member on all channels, and for all addresses linked to them."""
        return cls(**{"boundaries": frozenset({"flow"}), "identifier": "member", **fields})  # type: ignore[arg-type]

    @classmethod
    def per_url(cls, **fields: object) -> SessionPolicy:
        """As by default, and apart for each URL that the provider calls: for several tenants on one server."""
        return cls(**{"boundaries": frozenset(BOUNDARIES), **fields})  # type: ignore[arg-type]

    @classmethod
    def shared(cls, **fields: object) -> SessionPolicy:
        """One session for a member across everything, also across flows."""
        return cls(**{"boundaries": frozenset(), "identifier": "address", **fields})  # type: ignore[arg-type]

    # What the rules mean for a session.

    @property
    def wants_url(self) -> bool:
        """Whether keys may depend on the URL that an inbound came to."""
        return "url" in self.boundaries or callable(self.identifier)

    def wants_code(self, channel: str) -> bool:
        """Whether keys depend on the service code that was dialled."""
        return channel == "ussd" and self.identifier == ""

    @property
    def wants_request(self) -> bool:
        """Whether keys may depend on the provider's id of the dialogue."""
        return self.identifier == "request_id" or callable(self.identifier)

    @property
    def names_address(self) -> bool:
        """Whether a key names one address, so that a session is never of two members."""
        return self.identifier in ("", "address", "member", "msisdn", "request_id")

    def names_one(self, address: Address) -> bool:
        """Whether the session that an address leads to is never of two members."""
        return self.names_address and not (address.group and self.groups == "shared")

    def takes_up(self, silence: float) -> Literal["offer", "on", "anew"]:
        """What a new dialogue does about a conversation that stopped `silence` seconds ago."""
        silence = max(silence, 0.0)  # clocks step back, and those of two machines differ
        if silence < self.reconnection:
            return "on"
        return "offer" if 0 < self.resume >= silence else "anew"

    def lifetime(self, conversation: Conversation, age: float = 0.0) -> float:
        """Seconds from now until the stored session expires, which began `age` seconds ago."""
        if conversation.waiting:
            return self.outcome
        if conversation.over and conversation.farewell is None:
            return 0.0
        return self.idle if self.absolute is None else min(self.idle, max(self.absolute - age, 0.0))

    def expired(self, created_at: float, seen_at: float, now: float) -> bool:
        """Whether a session of these times must not be gone on with."""
        return now - seen_at >= self.idle or (self.absolute is not None and now - created_at >= self.absolute)


def _check_identifier(identifier: object) -> None:
    if isinstance(identifier, Explicit) or identifier in get_args(Named):
        return
    if inspect.iscoroutinefunction(identifier):
        raise ValueError(
            "an identifier must be a plain function: a key is a function of the address, not of a look-up"
        )
    if isinstance(identifier, str) or not callable(identifier):
        raise ValueError(
            f"no such identifier: {identifier!r}. There are: {', '.join(map(repr, get_args(Named)))}, "
            "Explicit(id) and a function of the Address"
        )


DAY: Final = 86400.0

DEFAULTS: Final[Mapping[str, SessionPolicy]] = {
    "ussd": SessionPolicy(),
    "sms": SessionPolicy(idle=DAY, opens="message"),
    "whatsapp": SessionPolicy(idle=7 * DAY, resume=0.0, opens="message"),
    "telegram": SessionPolicy(idle=7 * DAY, resume=0.0, opens="message"),
    "socket": SessionPolicy(idle=1800.0, reconnection=30.0, resume=1800.0, opens="message"),
}
"""The policy of each channel, unless the app has its own."""


_LINED: Final = frozenset({"sms", "whatsapp", "telegram"})
"""Channels whose members write to a number or a bot, and come by no url of their own."""


class Policies:
    """The policies of an app: its own for a channel, or its own for all, or the defaults."""

    def __init__(self, given: SessionPolicy | Mapping[str, SessionPolicy] | None = None) -> None:
        """Raises `ValueError` for a channel that does not exist, or that lacks what its policy identifies by."""
        own = {} if given is None else given if isinstance(given, Mapping) else _for_all(given)
        strange = own.keys() - DEFAULTS.keys()
        if strange:
            raise ValueError(
                f"no such channel: {', '.join(sorted(strange))}. There are: {', '.join(DEFAULTS)}"
            )
        if isinstance(given, Mapping):
            for channel in _NUMBERED & own.keys():
                if own[channel].identifier == "user_id":
                    raise ValueError(f"{channel} has no user ids: identify by 'address' or 'msisdn'")
            for channel in _LINED & own.keys():
                if "url" in own[channel].boundaries:
                    raise ValueError(
                        f"{channel} has no urls that tell sessions apart: its boundary is 'gateway', which is the line"
                    )
        self._by_channel = {**DEFAULTS, **own}

    def __getitem__(self, channel: str) -> SessionPolicy:
        return self._by_channel[channel]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_channel)


def _for_all(given: SessionPolicy) -> dict[str, SessionPolicy]:
    """One policy for every channel: nobody dials but on ussd, so elsewhere a message opens a session.

    In chats the line stands for the url.
    """
    spoken = structs.replace(given, opens="message")
    own = dict.fromkeys(DEFAULTS, spoken) | {"ussd": given}
    if "url" in given.boundaries:
        lined = structs.replace(spoken, boundaries=given.boundaries - {"url"} | {"gateway"})
        own |= dict.fromkeys(_LINED, lined)
    return own


def address_kind(address: Address) -> tuple[str, str]:
    """What names a person behind an address, and its kind: an MSISDN is one, whatever channel it was met on.

    A token that a provider gives in place of a number means something to that provider alone, and a user id to its
    channel alone. Raises `MissingIdentifier`.
    """
    if not _names_nobody(address.msisdn):
        return "msisdn", address.msisdn
    if _names_nobody(address.identity):
        raise _missing(address, "sender")
    if address.channel in _NUMBERED:
        return "token", f"{address.channel}/{address.gateway}/{address.identity}"
    return "user" if address.channel == "socket" else address.channel, address.identity


def address_of(parts: tuple[str, ...], met: Address) -> Address:
    """The address that the last part of a key names; a number, as if `met` had come from it."""
    kind, _, identity = parts[-1].partition(":")
    if kind == "msisdn":
        return Address(met.channel, met.gateway, identity, msisdn=identity, parts=parts)
    if kind != "token":
        return Address("socket" if kind == "user" else kind, "", identity, parts=parts)
    channel, _, place = identity.partition("/")
    gateway, _, token = place.partition("/")
    if channel not in _NUMBERED:  # written by hand: nobody was met there
        return Address(met.channel, "", identity, parts=parts)
    return Address(channel, gateway, token, parts=parts)


def key_parts(address: Address, policy: SessionPolicy, *, flow: str) -> tuple[str, ...]:
    """What the session key is made of, each part as `name:value`. Raises `MissingIdentifier`."""
    bounds = policy.boundaries
    parts = []
    if "flow" in bounds:
        parts.append("flow:" + flow)
    if "channel" in bounds:
        parts.append("channel:" + address.channel)
    if "gateway" in bounds:
        parts.append(f"gateway:{address.channel}/{address.gateway}")
    if "url" in bounds:
        if _names_nobody(address.url):
            raise _missing(address, "url")
        parts.append("url:" + url_part(address.url))
    if address.group:
        parts.append(_grouped(address, policy))
        if policy.groups == "shared":
            return tuple(parts)
    return (*parts, *_identified(address, policy.identifier))


def _grouped(address: Address, policy: SessionPolicy) -> str:
    if policy.groups == "off" or _names_nobody(address.group):
        raise MissingIdentifier(f"{address.channel}/{address.gateway}: the policy has no sessions in groups")
    return f"group:{address.channel}/{address.group}"


def _identified(address: Address, identifier: Identifier) -> tuple[str, ...]:
    if identifier == "":
        kind, value = address_kind(address)
        if address.channel == "ussd":
            return f"{kind}:{value}", "code:" + address.service_code
        return (f"{kind}:{value}",)
    if identifier in ("address", "member"):
        kind, value = address_kind(address)
        return (f"{kind}:{value}",)
    if identifier == "msisdn":
        return ("msisdn:" + _demand(address, "msisdn", address.msisdn),)
    if identifier == "user_id":
        # What a provider gives in place of a number is no user id: another provider may give it to somebody else.
        user = _demand(address, "user id", "" if address.channel in _NUMBERED else address.identity)
        # A user id belongs to its channel; without the name, one channel's ids would meet another's.
        return (f"user_id:{address.channel}/{user}",)
    if identifier == "request_id":
        request = _demand(address, "request id", address.request_id)
        kind, value = address_kind(address)
        # With the sender: a provider's ids are not ours to trust, and may come again.
        return f"{kind}:{value}", f"request:{address.channel}/{address.gateway}/{request}"
    if isinstance(identifier, Explicit):
        return ("explicit:" + identifier.id,)
    assert callable(identifier)
    return ("given:" + _given(address, identifier),)


def _given(address: Address, identify: Callable[[Address], object]) -> str:
    try:
        given = identify(address)
    except Exception as error:
        raise _missing(
            address, f"identifier (the policy's function raised {type(error).__name__})"
        ) from error
    if not isinstance(given, str) or _names_nobody(given):
        shown = "an empty text" if isinstance(given, str) else type(given).__name__
        raise _missing(address, f"identifier (the policy's function returned {shown})")
    return given


def session_key(ring: KeyRing, parts: tuple[str, ...]) -> bytes:
    """The key of a session: a keyed hash of its parts, 32 bytes."""
    return ring.lookup("session", *parts)


def url_part(url: str) -> str:
    """Host and path as a part of a key: at most 50 of `A-Z a-z 0-9 . _ -`.

    Other characters become `_`; what is longer is cut to 41, `_` and 8 hex digits of its SHA-256.
    """
    part = _NOT_PLAIN.sub("_", url)
    return part if len(part) <= 50 else f"{part[:41]}_{hashlib.sha256(_octets(url)).hexdigest()[:8]}"


def explain(
    address: Address, policy: SessionPolicy, *, flow: str, shown: Callable[[str], str] = str
) -> list[tuple[str, str]]:
    """How a key comes about: each rule and what it gave, in order; `shown` is how a part may be shown.

    Raises `MissingIdentifier`.
    """
    kinds = {"flow": flow, "channel": address.channel, "gateway": address.gateway, "url": address.url}
    lines = []
    for boundary in BOUNDARIES:
        if boundary in policy.boundaries:
            kind = url_part(kinds[boundary]) if boundary == "url" else kinds[boundary]
            lines.append((f"boundary {boundary}", f"apart for each {boundary}: {kind}"))
        else:
            lines.append((f"boundary {boundary}", "shared"))
    if address.group:
        whose = "shared by its members" if policy.groups == "shared" else "of each member one"
        lines.append(("group", f"{whose}: {shown(_grouped(address, policy))}"))
        if policy.groups == "shared":
            lines.append(("key", " | ".join(map(shown, key_parts(address, policy, flow=flow)))))
            return lines
    named = identifier_name(policy.identifier)
    lines.append(
        ("identifier", f"{named}: {' + '.join(map(shown, _identified(address, policy.identifier)))}")
    )
    lines.append(("key", " | ".join(map(shown, key_parts(address, policy, flow=flow)))))
    return lines


def identifier_name(identifier: Identifier) -> str:
    """An identifier as documents and commands name it."""
    if isinstance(identifier, str):
        return identifier or "of the channel"
    return (
        "explicit" if isinstance(identifier, Explicit) else f"function {getattr(identifier, '__name__', '?')}"
    )


def _missing(address: Address, what: str) -> MissingIdentifier:
    return MissingIdentifier(f"{address.channel}/{address.gateway}: the inbound names no {what}")


def _demand(address: Address, what: str, value: str) -> str:
    if _names_nobody(value):
        raise _missing(address, what)
    return value


def _octets(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


_NUMBERED: Final = frozenset({"ussd", "sms"})
"""Channels on which a member is a number, or what a provider gives in its place."""

_NOT_PLAIN = re.compile("[^A-Za-z0-9._-]")

_unseen_or_broken = re.compile(
    r"[\s\x00-\x1f\x7f-\xa0\xad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]*|.*[\ud800-\udfff].*", re.DOTALL
).fullmatch


def _names_nobody(text: str) -> bool:
    """Whether nothing of a text can be seen, or it is broken (half a surrogate pair)."""
    if text.isascii() and text.isprintable():  # what a number is; only spaces could be unseen
        return not text.strip()
    return _unseen_or_broken(text) is not None
