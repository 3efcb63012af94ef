"""The USSD gateways there are, by slug: the name in `/ussd/{gateway}` and in `KIKAO_USSD_{GATEWAY}_TOKEN`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from kikao.channels.channel import Gateway
from kikao.channels.ussd.africastalking import AfricasTalking
from kikao.conversation.navigation import Navigation

_KINDS: Final[dict[str, Callable[[Navigation | None], Gateway]]] = {
    AfricasTalking.slug: AfricasTalking,
}

SLUGS: Final = tuple(_KINDS)


def gateways(navigation: Navigation | None = None) -> dict[str, Gateway]:
    """One gateway of each kind, by slug, with an app's navigation keys."""
    return {slug: kind(navigation) for slug, kind in _KINDS.items()}


def gateway(slug: str, navigation: Navigation | None = None) -> Gateway:
    """The gateway of a slug. Raises `LookupError` that lists every one there is."""
    kind = _KINDS.get(slug)
    if kind is None:
        raise LookupError(f"ussd: there is no gateway {slug!r}. There are: {', '.join(SLUGS)}.")
    return kind(navigation)
