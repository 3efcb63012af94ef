"""What goes to PostgreSQL and comes back: parameters, rows, and the rest of a write as JSON.

What most turns do not have (intents, messages) travels as one text, null where there is none. Octets in it are hex;
times are texts, since JSON knows no infinity.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from kikao.sessions.outgoing import Outgoing, State, Status
from kikao.sessions.store import IntentRow, Record, Replacement, Write
from kikao.sessions.stores.claims import FOREIGN_INTENT, FOREIGN_MESSAGE

STATES: tuple[State, ...] = ("waiting", "sent", "dead")
"""As they are numbered in a row."""

_encode = msgspec.json.Encoder().encode
_decode_intents = msgspec.json.Decoder(list[tuple[str, int, str, str, int]]).decode


def written(write: Write, final: bool) -> tuple[Any, ...]:
    """A write as the function takes it. Raises `ValueError` for what belongs to another session."""
    seen = write.dedupe
    return (
        write.key,
        write.fence,
        write.version,
        write.expires_at,
        write.state,
        write.address,
        *((None, None, None) if seen is None else (seen.key, seen.reply, seen.expires_at)),
        final,
        _more(write) if write.open or write.close or write.outbox else None,
    )


def _more(write: Write) -> str:
    more: dict[str, Any] = {}
    if write.open or write.close:
        if any(row.session != write.key for row in write.open):
            raise ValueError(FOREIGN_INTENT)
        more["open"] = [
            (row.id.hex(), row.fence, repr(row.lease_until), repr(row.due_at), row.tries)
            for row in write.open
        ]
        more["close"] = [id_.hex() for id_ in write.close]
    if write.outbox:
        if any(message.session != write.key for message in write.outbox):
            raise ValueError(FOREIGN_MESSAGE)
        more["outbox"] = _by_lane(write.outbox)
    return _encode(more).decode()


def posted(messages: Iterable[Outgoing]) -> str:
    """Messages as the function takes them that stores them."""
    return _encode(_by_lane(messages)).decode()


def lane(message: Outgoing) -> bytes:
    """In the order in which transactions lock lanes, so that no two wait for each other."""
    return message.session + message.to.encode()


def _by_lane(messages: Iterable[Outgoing]) -> list[tuple[Any, ...]]:
    return [_posted(message) for message in sorted(messages, key=lane)]


def _posted(m: Outgoing) -> tuple[Any, ...]:
    return (
        m.id.hex(),
        m.session.hex(),
        m.to,
        m.payload.hex(),
        repr(m.due_at),
        repr(m.expires_at),
        m.urgency,
        repr(m.posted_at),
        m.tries,
        m.fence,
        repr(m.lease_until),
        int(m.status),
        m.reason,
    )


def renamed(replacement: Replacement) -> str:
    """What else changes when a session is put under other keys."""
    more = {
        "replies": [(name.hex(), reply.hex()) for name, reply in replacement.replies],
        "intents": [(id_.hex(), now.hex()) for id_, now in replacement.intents],
    }
    return _encode(more).decode()


def record(key: bytes, row: Sequence[Any]) -> Record | None:
    """The session of a claim's row, from its second column on."""
    version = row[1]
    return None if version is None else Record(key, version, row[2], row[3], row[4], row[5])


def intents(key: bytes, text: str | None) -> tuple[IntentRow, ...]:
    """The open intents of a session, as the last column of a claim's row has them."""
    if text is None:
        return ()
    return tuple(
        IntentRow(bytes.fromhex(id_), key, fence, float(lease_until), float(due_at), tries)
        for id_, fence, lease_until, due_at, tries in _decode_intents(text)
    )


def message(row: Sequence[Any]) -> Outgoing:
    """A message, in the order of its fields; more columns may follow."""
    *plain, state, status, reason = row[:14]
    return Outgoing(*plain, STATES[state], Status(status), reason)  # type: ignore[call-arg]
