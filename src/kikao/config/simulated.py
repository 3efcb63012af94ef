"""The endpoints that the simulator's phones can dial: `[[simulator.endpoints]]` in `kikao.toml`."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from kikao.config.settings import Access, SimulatedEndpoint
from kikao.config.values import Found, Wrong, quoted, service_codes, typed

MOST: Final = 50
"""Endpoints that fit on the page."""

CHANNELS: Final = ("ussd", "whatsapp", "telegram", "socket")

CHATS: Final = {"whatsapp": "cloud-api", "telegram": "bot-api", "socket": "phoenix"}
"""Channels whose gateway is known without a word: the simulator plays the provider."""

FIELDS: Final = {
    "name": "Wallet Uganda",
    "description": "The wallet, as dialled in Uganda",
    "icon": "W",
    "colour": "#0a7d4b",
    "channel": "ussd",
    "gateway": "africastalking",
    "path": "/ussd/africastalking",
    "code": "*284#",
    "host": "uganda.example.com",
}
"""What a table may hold, each with an example."""

Told = Callable[[str], None]
"""Told what is wrong, as a sentence."""


def access(value: str) -> Access:
    """Who may open the simulator. Raises `Wrong`."""
    if value == "loopback":
        return "loopback"
    if value == "everyone":
        return "everyone"
    if value == "off":
        return "off"
    raise Wrong(f"must be loopback, everyone or off, not {quoted(value)}")


def endpoints(
    tables: object, where: str, gateways: Collection[str] | None, tell: Told
) -> tuple[SimulatedEndpoint, ...]:
    """Every endpoint that is as it should be; what is wrong with the others is told, all of it."""
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        tell(f"{where}: must be tables. Write [[simulator.endpoints]] above each.")
        return ()
    if len(tables) > MOST:
        tell(f"{where}: has {len(tables)} endpoints, the page has room for {MOST}.")
    found = [_endpoint(table, f"{where} {n}", gateways, tell) for n, table in enumerate(tables[:MOST], 1)]
    names = [each.name for each in found if each is not None]
    for name in sorted({name for name in names if names.count(name) > 1}):
        tell(f"{where}: {name!r} is the name of several. Give each its own.")
    return tuple(each for each in found if each is not None)


def _endpoint(
    table: Mapping[str, Any], where: str, gateways: Collection[str] | None, tell: Told
) -> SimulatedEndpoint | None:
    wrong = False
    texts: dict[str, str] = {}
    for key, value in table.items():
        if key not in FIELDS:
            tell(f"{where}: no such field {key[:40]!r}. There are: {', '.join(FIELDS)}.")
            wrong = True
            continue
        try:
            chat = CHATS.get(str(table.get("channel")))
            known = gateways if chat is None else [chat]
            texts |= {key: _field(key, typed(Found(key, value, where, True), str).strip(), known)}
        except Wrong as problem:
            tell(f'{where}, {key}: {problem}. Set for example: {key} = "{FIELDS[key]}"')
            wrong = True
    channel = texts.get("channel", "ussd")
    for key in ("name", "gateway") if channel not in CHATS else ("name",):
        if key not in table:
            tell(f'{where}: has no {key}. Set for example: {key} = "{FIELDS[key]}"')
            wrong = True
    if wrong:
        return None
    if channel in CHATS:
        return _chat(texts, channel, where, tell)
    expected = f"/ussd/{texts['gateway']}"
    if texts.get("path", expected) != expected:
        tell(f"{where}, path: must be {expected}; a path token is added by itself.")
        return None
    return SimulatedEndpoint(**{"path": expected, **texts})


def _chat(texts: dict[str, str], channel: str, where: str, tell: Told) -> SimulatedEndpoint | None:
    for key in ("path", "code"):
        if key in texts:
            tell(f"{where}, {key}: a chat has none. Remove it.")
            return None
    return SimulatedEndpoint(**{"gateway": CHATS[channel], **texts})


def _field(key: str, value: str, gateways: Collection[str] | None) -> str:
    if key == "gateway" and gateways is not None and value not in gateways:
        raise Wrong(f"there is no gateway {quoted(value)}; there are {', '.join(gateways)}")
    if key == "channel" and value not in CHANNELS:
        raise Wrong(f"must be {' or '.join(CHANNELS)}, not {quoted(value)}")
    if key == "colour" and not _COLOUR(value):
        raise Wrong("must be # and six hexadecimal digits")
    if key == "code":
        service_codes([value])
    if key == "host" and not _HOST(value):
        raise Wrong("must be a host's name, with or without a port")
    if key in _LONGEST and (len(value) > _LONGEST[key] or not value.isprintable()):
        raise Wrong(f"must have at most {_LONGEST[key]} printable characters on one line")
    return value


_LONGEST: Final = {"name": 40, "description": 200, "icon": 8}
_COLOUR = re.compile("#[0-9a-fA-F]{6}").fullmatch
_HOST = re.compile(
    r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*(:[0-9]{1,5})?"
).fullmatch
