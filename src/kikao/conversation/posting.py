"""Messages a flow posts to another system: what it says of one, and what the turn around it sends when it is stored."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from kikao.conversation.errors import Misuse
from kikao.conversation.journal import Posted, Run, derive
from kikao.conversation.redaction import redacted
from kikao.conversation.secrets import Secret
from kikao.conversation.suspension import Signal

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
    except (TypeError, ValueError, OverflowError) as error:
        raise Misuse(
            f"{place}: a {type(data).__name__} cannot be posted ({error}). Post plain values, or a msgspec.Struct."
        ) from None
    if len(body) > MAX_MESSAGE:
        raise Misuse(
            f"{place}: a message of {len(body)} octets, the cap is {MAX_MESSAGE}. Post where the rest can be fetched."
        )
    return body


def posted(run: Run, post: Post, secrets: list[Secret]) -> Posted:
    """The message. Raises `Misuse` when a secret of this turn stands in it, which the text does not repeat."""
    said = msgspec.json.decode(post.body)
    if any(redacted(said, secret.reveal()) != said for secret in secrets):
        raise Misuse(
            f"{post.place}: the message to {post.to!r} holds a secret that was entered in this turn."
        )
    return Posted(derive(run.seed, f"post/{run.epoch}/{post.key}")[:16], WEBHOOK + post.to, post.body)
