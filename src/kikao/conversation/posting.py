"""Messages a flow posts to another system: what it says of one, and what the turn around it sends when it is stored."""

from __future__ import annotations

import re
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


class Post(Signal):
    """Yielded by a flow: send this once the turn is stored."""

    __slots__ = ("body", "key", "place", "to")

    def __init__(self, key: str, to: str, body: bytes, place: str) -> None:
        self.key = key
        self.to = to
        self.body = body
        self.place = place


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


def enter(run: Run, conversation: Conversation, post: Post, secrets: Sequence[Secret]) -> Posted:
    """Enter a message into the journal, and leave it to whoever stores the turn.

    `secrets` are those that were entered in this turn. Raises `Misuse`, which repeats nothing of the message.
    """
    if len(conversation.posts) >= MAX_POSTED:
        raise Misuse(f"{post.place}: more than {MAX_POSTED} messages in one turn.")
    said = msgspec.json.decode(post.body)
    if any(holds(said, secret.reveal()) for secret in secrets):
        raise Misuse(
            f"{post.place}: the message to {post.to!r} holds a secret that was entered in this turn."
        )
    message = Posted(derive(run.seed, f"post/{run.epoch}/{post.key}")[:16], WEBHOOK + post.to, post.body)
    run.observe(Entry(post.key, "post", "", post.to))
    conversation.posts = [*conversation.posts, message]
    return message


def told(message: Posted, post: Post, flow: str, destinations: Collection[str] | None) -> list[Fact]:
    """What is told of a message that was entered; `destinations` are the names that something leaves to (None: any)."""
    about: dict[str, Any] = {"flow": flow, "at": post.key, "to": message.to, "message": message.id.hex()}
    if destinations is None or post.to in destinations:
        return [(MessageQueued, about)]
    return [(MessageQueued, about), (MessageStranded, about)]
