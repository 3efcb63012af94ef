"""Messages a flow posts to another system: what it says of one, and what the turn around it sends when it is stored."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec

from kikao.conversation.errors import Misuse
from kikao.conversation.facts import Fact
from kikao.conversation.journal import Conversation, Entry, Posted, Run, derive
from kikao.conversation.redaction import holds
from kikao.conversation.secrets import Secret
from kikao.conversation.suspension import Signal
from kikao.events import MessageQueued, MessageStranded

MAX_MESSAGE: Final = 64 * 1024
"""Octets of one message, as JSON."""

MAX_POSTED: Final = 50
"""Messages of one turn."""

WEBHOOK: Final = "webhook/"
"""Before the name of a destination that flows post to."""

_NAME = re.compile("[a-z][a-z0-9_]{0,39}").fullmatch


class Leaving(Signal, ABC):
    """Yielded by a flow: this goes out with the turn, once. `key` is its own, `place` the line that says so."""

    __slots__ = ("key", "place")

    def __init__(self, key: str, place: str) -> None:
        self.key = key
        self.place = place

    @abstractmethod
    def enter(
        self,
        run: Run,
        conversation: Conversation,
        secrets: Sequence[Secret],
        destinations: Collection[str] | None,
    ) -> list[Fact]:
        """Enter it into the journal, and leave it in the conversation to whoever stores the turn; what is told of it.

        `secrets` are those that were entered in this turn, `destinations` the names that something leaves to (None:
        any). Raises `Misuse`, which repeats nothing of it.
        """


class Post(Leaving):
    """Yielded by a flow: send this once the turn is stored."""

    __slots__ = ("body", "to")

    def __init__(self, key: str, to: str, body: bytes, place: str) -> None:
        super().__init__(key, place)
        self.to = to
        self.body = body

    def enter(
        self,
        run: Run,
        conversation: Conversation,
        secrets: Sequence[Secret],
        destinations: Collection[str] | None,
    ) -> list[Fact]:
        """See `Leaving.enter`."""
        if len(conversation.posts) >= MAX_POSTED:
            raise Misuse(f"{self.place}: more than {MAX_POSTED} messages in one turn.")
        said = msgspec.json.decode(self.body)
        if any(holds(said, secret.reveal()) for secret in secrets):
            raise Misuse(
                f"{self.place}: the message to {self.to!r} holds a secret that was entered in this turn."
            )
        message = Posted(derive(run.seed, f"post/{run.epoch}/{self.key}")[:16], WEBHOOK + self.to, self.body)
        run.observe(Entry(self.key, "post", "", self.to))
        conversation.posts = [*conversation.posts, message]
        about: dict[str, Any] = {
            "flow": run.flow,
            "at": self.key,
            "to": message.to,
            "message": message.id.hex(),
        }
        if destinations is None or self.to in destinations:
            return [(MessageQueued, about)]
        return [(MessageQueued, about), (MessageStranded, about)]


def body_of(data: Any, to: str, place: str) -> bytes:
    """What a flow wants to post, as JSON. Raises `Misuse`, naming the line, for what cannot be posted."""
    if not _NAME(to):
        raise Misuse(
            f"{place}: {to!r} is no name of a destination. Use a-z, 0-9 and _, a letter first, as in [webhooks.crm]."
        )
    try:
        body = msgspec.json.encode(data)
        msgspec.json.decode(body)  # what was JSON already may be none
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.DecodeError) as error:
        raise Misuse(
            f"{place}: a {type(data).__name__} cannot be posted ({error}). Post plain values, or a msgspec.Struct."
        ) from None
    if len(body) > MAX_MESSAGE:
        raise Misuse(
            f"{place}: a message of {len(body)} octets, the cap is {MAX_MESSAGE}. Post where the rest can be fetched."
        )
    return body
