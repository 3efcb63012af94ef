"""A session on its way to another key, with all that belongs to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from kikao.sessions.store import Replacement
from kikao.sessions.stores.redis import rows


class Parcel:
    """What `lua/fetch.lua` found of a session."""

    def __init__(self, fetched: Sequence[Any]) -> None:
        self._record: bytes | None = fetched[0]
        self._seen = _grouped(fetched[1], 2)
        self._intents = _grouped(fetched[2], 2)
        self._messages = _grouped(fetched[3], 3)

    def is_of(self, replacement: Replacement) -> bool:
        """Whether the session is still the one that was read."""
        if self._record is None:
            return False
        record = rows.record(replacement.key, self._record)
        return (record.version, record.fence) == (replacement.version, replacement.fence)

    def nameless(self, replacement: Replacement) -> bool:
        """Whether an open intent has no new id."""
        return bool({id_ for id_, _ in self._intents} - dict(replacement.intents).keys())

    def addressed(self, replacement: Replacement) -> list[bytes | int]:
        """All of it under its new key, as `lua/put.lua` takes it."""
        assert self._record is not None
        to, ids, replies = replacement.to, dict(replacement.intents), dict(replacement.replies)
        record = rows.record(to, self._record)
        words: list[bytes | int] = [
            to,
            rows.double(record.fence),
            rows.packed(
                record.version, record.fence, record.expires_at, replacement.address, replacement.state
            ),
            rows.score(record.expires_at),
            len(self._seen),
        ]
        for name, value in self._seen:
            dedupe = rows.dedupe(name, value)
            if dedupe.reply is not None and name in replies:
                value = rows.answered(value, replies[name])
            words += name, value, rows.score(dedupe.expires_at)
        words.append(len(self._intents))
        for id_, value in self._intents:
            words += ids[id_], value, rows.score(rows.intent_row(to, id_, value).due_at)
        words.append(len(self._messages))
        for id_, value, payload in self._messages:
            words += id_, rows.moved(value, to), payload
        return words

    def references(self) -> Iterator[tuple[bytes, bytes, float]]:
        """By what providers call its messages: the reference, the message's id, and until when it is kept."""
        for id_, value, payload in self._messages:
            if reference := rows.reference(value):
                yield reference, id_, rows.outgoing(id_, value, payload).expires_at


def _grouped(flat: Sequence[bytes], size: int) -> list[tuple[bytes, ...]]:
    return list(zip(*(iter(flat),) * size, strict=True))
