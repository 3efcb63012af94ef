"""Members who sent one message and wait: nobody writes their sessions, and nothing of them may be lost."""

from __future__ import annotations

import asyncio

from kikao.sessions.keeper import Answered, Held, Sessions
from kikao.sessions.policy import Address, session_key

KEPT = 86400.0
"""Seconds that their messages may come again."""


def parts_of(number: int) -> tuple[str, ...]:
    """What the key of a bystander's session is made of."""
    return ("flow:wallet", f"msisdn:+25670{number:07}")


def reply_to(number: int) -> bytes:
    """What a bystander was answered."""
    return b"CON You are number %d" % number


def names_of(sessions: Sessions, number: int) -> tuple[bytes, ...]:
    """What a bystander's message is remembered by."""
    return sessions.names("message", "ussd", "africastalking", f"bystander {number}")


async def fill(sessions: Sessions, count: int) -> None:
    """Put so many into an open store."""

    async def one(number: int) -> None:
        parts = parts_of(number)
        address = Address("ussd", "africastalking", f"+25670{number:07}", parts=parts)
        held = await sessions.claim(session_key(sessions.ring, parts), (), address, wait=5.0)
        assert isinstance(held, Held)
        name = names_of(sessions, number)[0]
        await held.commit(sessions.remember(held.claim.key, name, reply_to(number), KEPT))

    await asyncio.gather(*map(one, range(count)))


async def missing(sessions: Sessions, count: int) -> list[str]:
    """Who is not there any more with what they were answered."""
    found = []
    for number in range(count):
        key = session_key(sessions.ring, parts_of(number))
        answer = await sessions.claim(key, names_of(sessions, number), wait=0.0)
        if isinstance(answer, Held):
            await answer.release()
        if not isinstance(answer, Answered) or answer.reply != reply_to(number):
            found.append(f"bystander {number}: {answer}")
        held = await sessions.claim(key, wait=0.0)
        if isinstance(held, Held):
            await held.release()
        else:
            found.append(f"bystander {number}: no session")
    return found
