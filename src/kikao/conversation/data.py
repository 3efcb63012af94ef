"""The session's data: what an app keeps for a member from one flow to the next, while the session lives.

What a flow reads here it has observed, so that goes through the journal like any look-up, and a replay sees what the
first run saw. What it writes is part of the turn: a turn that fails writes nothing. Going back does not undo a write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from kikao.conversation.errors import Misuse
from kikao.conversation.journal import Conversation, decode_value, encode_value

if TYPE_CHECKING:
    from kikao.conversation.primitives import Primitives

MAX_DATA: Final = 16 * 1024
"""Octets of a session's data, encoded, with its names."""

_ENCODER = msgspec.msgpack.Encoder()


class DataFull(Misuse):
    """The session's data would pass its cap; nothing was written."""


class SessionData:
    """`chat.session`: `get`, `set`, `delete`, `clear`, `exists`, `destroy`. Values are plain or msgspec Structs."""

    __slots__ = ("_conversation", "chat")

    def __init__(self, chat: Primitives, conversation: Conversation) -> None:
        self.chat = chat
        self._conversation = conversation

    async def get(self, name: str, default: Any = None) -> Any:
        """The value under a name, of the type it was set with; `default` when there is none.

        A value whose type is gone or has changed is as good as none.
        """

        def look() -> Any:
            found = self._conversation.data.get(name)
            if found is None:
                return default
            try:
                return decode_value(*found)
            except (LookupError, msgspec.ValidationError):
                return default

        return await self.chat.read(f"session.get {name}", look)

    async def exists(self, name: str) -> bool:
        """Whether there is a value under a name."""
        found: bool = await self.chat.read(f"session.exists {name}", lambda: name in self._conversation.data)
        return found

    async def set(self, name: str, value: Any) -> None:
        """Keep a value under a name. Raises `DataFull` past 16 KB in all, `Misuse` for what cannot be kept."""

        def write() -> None:
            data = {**self._conversation.data, name: encode_value(value, f"session data {name!r}")}
            size = len(_ENCODER.encode(data))
            if size > MAX_DATA:
                raise DataFull(
                    f"session data {name!r}: {size} octets in all, the cap is {MAX_DATA}. Keep large things in a "
                    "service."
                )
            self._conversation.data = data

        await self.chat.read(f"session.set {name}", write)

    async def delete(self, name: str) -> None:
        """Forget a value; harmless when there is none."""

        def write() -> None:
            self._conversation.data = {
                key: kept for key, kept in self._conversation.data.items() if key != name
            }

        await self.chat.read(f"session.delete {name}", write)

    async def clear(self) -> None:
        """Forget all values."""

        def write() -> None:
            self._conversation.data = {}

        await self.chat.read("session.clear", write)

    async def destroy(self) -> None:
        """End the session with this turn, its data and its conversation: what comes next starts a new one.

        Open effects and outcomes that the member has not been told are kept until they are.
        """

        def write() -> None:
            self._conversation.data = {}
            self._conversation.over = True

        await self.chat.read("session.destroy", write)
