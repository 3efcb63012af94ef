"""What a server keeps of the member who sends a request: for questions that a screen does not answer."""

from __future__ import annotations

from kikao.channels.ussd.clients.client import Exchange
from kikao.channels.ussd.registry import gateway as ussd_gateway
from kikao.config import UssdSettings
from kikao.server import Server
from kikao.sessions.finding import Finder
from kikao.sessions.policy import session_key
from kikao.sessions.session import Session
from kikao.sessions.store import SessionStore


async def session_behind(
    server: Server, slug: str, exchange: Exchange, *, store: SessionStore | None = None
) -> Session | None:
    """The session that a request to a USSD gateway would meet; None where there is none. Nothing is changed.

    `store` is looked into in place of the server's own. Raises `BadRequest` for what is no request of that gateway.
    """
    gateway = ussd_gateway(slug, server.settings.ussd.get(slug, UssdSettings()))
    finder = Finder(server.sessions, store)
    parts = server.turns.address(gateway.parse(exchange.request())).parts
    path = await finder.path(session_key(server.sessions.ring, parts))
    seen = await finder.look(path[-1])
    return None if seen is None else seen.session


def asks_secret(session: Session | None) -> bool:
    """Whether the next answer is a secret, or may be part of one."""
    return session is not None and any(run.secret for run in session.conversation.runs())
