"""What a provider gives for a connection to its SMSC, whatever goes over it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, cast

import msgspec

from kikao.channels.smpp.alphabets import Alphabet
from kikao.config import Hidden


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One account at one SMSC: how to get there. Times are seconds."""

    host: str
    port: int
    system_id: str
    password: Hidden
    system_type: str
    address_range: str
    tls: bool
    binds: int
    """How many processes may be bound at a time."""
    window: int
    """Messages that may be on their way at a time, without an answer of the SMSC."""
    enquire: float
    """After so much silence the SMSC is asked whether it is there."""
    patience: float
    """So long it may take to answer."""
    at_work: int
    """Requests of it that are processed at a time."""
    service_type: str
    alphabet: Alphabet

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Self:
        """From settings that have been checked."""
        return cls(**cls.fields(given))

    @classmethod
    def fields(cls, given: Mapping[str, str]) -> dict[str, Any]:
        """What `of` makes it with."""
        return {
            "host": given["host"],
            "port": int(given["port"]),
            "system_id": given["system_id"],
            "password": Hidden(given["password"].encode()),
            "system_type": given["system_type"],
            "address_range": given["address_range"],
            "tls": given["tls"] == "on",
            "binds": int(given["binds"]),
            "window": int(given["window"]),
            "enquire": float(given["enquire_link"]),
            "patience": float(given["response"]),
            "at_work": int(given["at_once"]),
            "service_type": given["service_type"],
            "alphabet": cast(Alphabet, given["alphabet"]),
        }
