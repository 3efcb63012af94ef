"""Addresses as operators may see them: enough to tell two apart, too little to call somebody."""

from __future__ import annotations

from typing import Final

HIDDEN: Final = "****"


def masked(kind: str, identity: str) -> str:
    """An address of `policy.address_kind`, masked: `+25677****01`, `telegram:****45`.

    Of a number at least four digits are left out, however short it is; of anything else three characters, or all.
    """
    if kind == "msisdn":
        return f"{identity[: max(0, min(6, len(identity) - 6))]}{HIDDEN}{identity[-2:]}"
    return f"{kind}:{HIDDEN}{identity[-2:] if len(identity) > 4 else ''}"


def masked_part(part: str) -> str:
    """A part of a session key (`policy.key_parts`), masked where it names somebody."""
    name, _, value = part.partition(":")
    if name == "msisdn":
        return f"{name}:{masked(name, value)}"
    if name in _PLAIN:
        return part
    if name in _PLACED:  # channel/gateway/… or channel/…
        *place, identity = value.split("/", _PLACED[name])
        return f"{name}:{'/'.join([*place, masked('', identity)[1:]])}"
    return masked(name, value)


_PLAIN: Final = frozenset({"flow", "channel", "gateway", "code", "url", "explicit"})
"""Parts that are the app's own names, or the provider's."""

_PLACED: Final = {"token": 2, "request": 2, "user_id": 1, "group": 1}
"""Parts that say where an id is known, with the number of names before it."""
