"""What a server keeps of the member who sends a request: for questions that a screen does not answer."""

from __future__ import annotations

from kikao.channels.channel import Request
from kikao.channels.ussd.clients import Exchange
from kikao.channels.ussd.registry import gateway as ussd_gateway
from kikao.config import UssdSettings
from kikao.server import Server
from kikao.sessions.keeper import LEASE
from kikao.sessions.policy import session_key
from kikao.sessions.session import Session
from kikao.sessions.store import Busy, Claim, SessionStore

LONGEST_CHAIN = 5
"""Links between addresses that are followed, as in a turn."""


async def session_behind(
    server: Server, slug: str, exchange: Exchange, *, store: SessionStore | None = None
) -> Session | None:
    """The session that a request to a USSD gateway would meet; None where there is none. Nothing is changed.

    `store` is looked into in place of the server's own. Raises `BadRequest` for what is no request of that gateway.
    """
    gateway = ussd_gateway(slug, server.settings.ussd.get(slug, UssdSettings()))
    request = Request("POST", exchange.path, b"", dict(exchange.headers), exchange.body)
    sessions = server.sessions
    parts = server.turns.address(gateway.parse(request)).parts
    for _ in range(LONGEST_CHAIN):
        session = await _session(server, store or sessions.store, session_key(sessions.ring, parts))
        if session is None or not session.anchor:
            return session
        parts = session.anchor
    return None


def asks_secret(session: Session | None) -> bool:
    """Whether the next answer is a secret, or may be part of one."""
    return session is not None and any(run.secret for run in session.conversation.runs())


async def _session(server: Server, store: SessionStore, key: bytes) -> Session | None:
    found = await store.claim(key, None, now=server.sessions.clock(), lease=LEASE, wait=0.0)
    if isinstance(found, Claim):
        await store.release(found)
    assert isinstance(found, Claim | Busy)  # nothing was asked about an inbound
    return None if found.record is None else server.sessions.session_of(found.record)
