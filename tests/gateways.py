"""The gateways that tests of anything but a gateway go over: one for each way in which providers tell what happens.

All gateways there are have their own tests in `tests/channels/ussd`, where a conversation is held over each.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from kikao.channels.channel import Dedupe
from kikao.channels.inbound import Inbound
from kikao.channels.ussd.gateway import Family
from kikao.channels.ussd.registry import client
from tests.channels.ussd.told import CODE, NUMBER, made, settings_of

EACH_WAY: Final = (
    "africastalking",  # all that was typed since the dial
    "hubtel",  # single answers, each with an id by which a copy is known
    "nalo",  # single answers, and a copy is known for a moment
    "dmark",  # an answer under another id may be a dial
    "infobip",  # a dial may come again at any time, and its id tells
    "oltranz",  # nothing but the id tells a dial
    "imimobile",  # no id at all
    "ideamart",  # screens go out as calls
    "smpp",  # screens go out on a connection
)


class Way(NamedTuple):
    """All that kikao tells requests of a gateway apart by."""

    family: Family
    dedupe: Dedupe
    connects: bool
    dial: tuple[str, bool, bool, bool]
    """What happens at a dial; and whether it may be told by its id alone, names its dialogue, and has an id."""
    answer: tuple[str, bool, bool, bool]


def way(slug: str) -> Way:
    """How a gateway tells what happens, by what it reads of its provider's requests."""
    found, phone = made(slug), client(slug, NUMBER, CODE, settings_of(slug))
    dial, answer = (
        found.parse(exchange.request(f"/ussd/{slug}")) for exchange in (phone.dial("d1"), phone.answer("7"))
    )
    return Way(found.family, found.dedupe, found.connects, _told(dial), _told(answer))


def _told(inbound: Inbound) -> tuple[str, bool, bool, bool]:
    by_id = inbound.dialled is not None
    return inbound.happening, by_id, bool(inbound.dialogue), inbound.message_id is not None
